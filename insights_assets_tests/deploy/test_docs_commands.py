"""Pages that a platform engineer follows: every `insights` command is one, with its options, and every setting is one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from insights_assets.cli import main
from insights_assets.settings import SECRETS_FOLDER, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/databricks/start.md", "docs/production.md", "docs/cost.md")


def lines(page: str) -> list[str]:
    """What is typed: lines of console blocks that begin with a dollar."""
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def commands(page: str) -> list[str]:
    """The `insights …` of each line, without what the shell does with its output, and without what the page says of it."""
    return [found[1].split(" > ")[0].split("  #")[0].strip() for line in lines(page) if (found := re.search(r"(?:^|exec code )(insights .*)$", line))]


def check(words: list[str]) -> None:
    """Raise click's own error where a command or option is unknown. Nothing is called."""
    command: click.Command = main
    context = click.Context(main, info_name="insights")
    rest = words
    while isinstance(command, click.Group):
        if not rest:
            raise click.UsageError("a command is missing")
        name, rest = rest[0], rest[1:]
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"no such command: {name}")
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.make_parser(context).parse_args(list(rest))


ALL = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), ALL, ids=[f"{Path(page).stem}: {command[:60]}" for page, command in ALL])
def test_each_command_of_a_page_is_one_with_these_options(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    try:
        check(words)
    except click.UsageError as error:
        raise AssertionError(f"{page}: {command}: {error}") from None


def test_pages_have_commands_and_the_check_can_fail() -> None:
    assert len(commands("docs/databricks/start.md")) >= 14 and len(ALL) >= 16
    for words in (["runn"], ["run", "--hom", "x", "--nonsense"], ["databrick"], ["show", "--jsn"]):
        with pytest.raises(click.UsageError):
            check(words)


def test_each_setting_that_a_page_names_is_one() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for name in set(re.findall(r"\bINSIGHTS_[A-Z_]+[A-Z]\b", text)):
            field = name.removeprefix("INSIGHTS_").lower()
            assert field in Settings.model_fields or name == SECRETS_FOLDER or field in ("image", "name"), f"{page} names {name}, which is no setting"


def test_files_that_a_page_names_are_there() -> None:
    for page in PAGES:
        for name in re.findall(r"\b((?:docs|deploy)/[\w./-]+\.(?:md|yaml|sh|lock|example))\b", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{page} names {name}"
