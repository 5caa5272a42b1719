"""`insights …`: the command line. Commands are loaded when they are called, so that `--help` costs nothing."""

from __future__ import annotations

import importlib
import warnings

import click

from insights_assets.collecting import collect_seldom

#: command -> (module below insights_assets.commands, attribute, one line of help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "simulate": ("simulate", "simulate", "Write a sample shop's files with planted incidents, or one more day of them."),
    "run": ("run", "run", "Take in landing files and bring every table, insight and action up to date."),
    "stream": ("stream", "stream", "Take files of streaming sources into raw as they come (Spark or Databricks)."),
    "answer": ("answer", "answer", "Answer the use case's question: ranked causes, money, evidence, tickets."),
    "show": ("show", "show", "Show insights, tickets, themes, approvals, verdicts, loop time or health."),
    "trace": ("trace", "trace", "From a ticket, insight or feedback id to its source records."),
    "verdict": ("verdict", "verdict", "Say whether an insight was right."),
    "approve": ("approve", "approve", "Decide on an action that waits for a person, or ask again."),
    "hold": ("hold", "hold", "List, place, release or extend promotion holds."),
    "outbox": ("outbox", "outbox", "What has not arrived yet: list it, try it again, let it go."),
    "export": ("export", "export", "Write a table to a parquet, csv or jsonl file."),
    "dev": ("dev", "dev", "Open Dagster's UI, its daemon and the console on this machine."),
    "listen": ("listen", "listen", "Carry out what people press in Slack; no inbound address is needed."),
    "demo": ("demo", "demo", "The whole loop on a sample shop, from files to a ticket."),
    "cost": ("cost", "cost", "What a year costs, on one machine and on Databricks."),
    "doctor": ("doctor", "doctor", "Check settings, shop, home and engine without side effects."),
    "review": ("review", "review", "The label review queue to a spreadsheet and back."),
    "prompts": ("prompts", "prompts", "Prompts and label sets: list, diff, lint, evaluate, preview, promote, roll back."),
    "model": ("model", "model", "The classifiers of a home: list, promote by hand, roll back."),
    "retention": ("retention", "retention", "Show what has outlived its retention; remove it with --apply."),
    "databricks": ("unity_catalog", "databricks", "Unity Catalog of a workspace: print or apply its tables, masks and grants."),
    "audit": ("audit", "audit", "Verify the audit log's chain."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"insights_assets.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, _, sentence) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="insights-assets", prog_name="insights")
def main() -> None:
    """Customer feedback in, finished action out, with evidence."""
    # Libraries warn about each other's versions; nothing of that helps the person who typed a command.
    warnings.filterwarnings("ignore")
    collect_seldom()


if __name__ == "__main__":
    main()
