"""`insights doctor`: is everything there that a run needs? Looks only; nothing is written, sent or started that stays."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from insights_assets.commands.examinations import EXAMINATIONS
from insights_assets.commands.frame import DONE, FAILED, emit_json, home_option, json_option, settings_for

if TYPE_CHECKING:
    from insights_assets.settings import Settings

_NEEDED_BYTES = 2 * 1024**3


@click.command()
@home_option
@click.option("--shop", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of what the business decides.")
@click.option("--profile", type=click.Choice(["embedded", "spark", "databricks"]), help="Check for this profile; databricks asks the workspace too [default: $INSIGHTS_PROFILE].")
@json_option
def doctor(home: Path | None, shop: Path | None, profile: str | None, as_json: bool) -> None:
    """Check settings, shop, home and engine without side effects. Exit code 1 when something would stop a run."""
    settings = settings_for(home=home, shop=shop, profile=profile)
    findings = [(name, "ok" if ok else "fail", says) for name, ok, says in (_ask(name, check, settings) for name, check in CHECKS)]
    if settings.profile == "databricks":
        findings += _workspace(settings)
    if as_json:
        emit_json([{"check": name, "ok": level != "fail", "level": level, "says": says} for name, level, says in findings])
    else:
        for name, level, says in findings:
            click.echo(f"{'FAIL' if level == 'fail' else level:<4}  {name:<12} {says}")
    raise SystemExit(FAILED if any(level == "fail" for _, level, _ in findings) else DONE)


def _workspace(settings: Settings) -> list[tuple[str, str, str]]:
    """What the workspace says; a host or sign-in that the SDK cannot even begin with is a finding too."""
    from insights_assets.governance.unity.examining import examine
    from insights_assets.resources.jobs import open_workspace

    try:
        workspace = open_workspace(settings)
    except ValueError as error:
        return [("sign-in", "fail", f"{str(error).splitlines()[0]}: set INSIGHTS_DATABRICKS_HOST and INSIGHTS_DATABRICKS_TOKEN, or sign in with the Databricks SDK")]
    return [(finding.check, finding.level, finding.says) for finding in examine(workspace, settings)]


def _ask(name: str, check: Callable[[Settings], str], settings: Settings) -> tuple[str, bool, str]:
    try:
        return name, True, check(settings)
    except Exception as error:  # noqa: BLE001 - the doctor reports whatever is wrong instead of failing on it
        return name, False, str(error).splitlines()[0] if str(error) else type(error).__name__


def _python(_settings: Settings) -> str:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        raise RuntimeError(f"Python {version}; 3.11 to 3.14 are supported")
    return f"Python {version}"


def _shop(settings: Settings) -> str:
    from insights_assets.shop import load_shop

    shop = load_shop(settings.shop)
    enabled = [use_case.id for use_case in shop.use_cases if use_case.enabled]
    return f"{shop.name}: {len(shop.owners)} owners, use case {', '.join(enabled) or 'none enabled'}" + "".join(f"; {warning}" for warning in shop.warnings)


def _home(settings: Settings) -> str:
    parent = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    if not os.access(parent, os.W_OK):
        raise PermissionError(f"{parent} cannot be written")
    free = shutil.disk_usage(parent).free
    if free < _NEEDED_BYTES:
        raise OSError(f"{free / 1024**3:.1f} GB free below {parent}; 2 GB are needed")
    return f"{settings.home} ({'exists' if settings.home.exists() else 'will be made'}; {free / 1024**3:.0f} GB free; encryption at rest is the disk's own)"


def _landing(settings: Settings) -> str:
    from insights_assets.sources.catalogue import BY_NAME

    folder = settings.landing_path
    if not folder.is_dir():
        return f"{folder} does not exist yet; put files into {folder}/<source>/"
    present = [name for name in BY_NAME if (folder / name).is_dir()]
    return f"{folder}: {len(present)} of {len(BY_NAME)} sources ({', '.join(present) or 'none'})"


def _engine(settings: Settings) -> str:
    from insights_assets.engine.session import session

    if settings.missing_engine:
        raise LookupError(settings.missing_engine)
    if session(settings.spark_remote).range(3).count() != 3:
        raise RuntimeError("the engine cannot count to three")
    return f"{settings.profile}: {'embedded Sail' if settings.spark_remote is None else 'Spark Connect server'} answers"


def _destinations(settings: Settings) -> str:
    from insights_assets.actions.destinations.examine import examine
    from insights_assets.shop import load_shop

    return examine(settings, load_shop(settings.shop))


def _model(settings: Settings) -> str:
    """Asks for the list of models: that needs address and sign-in to be right, and costs nothing."""
    from insights_assets.labels.model.outcomes import fault_of
    from insights_assets.labels.model.prices import load_prices
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.language_model import connect

    connection = connect(settings)
    if connection is None:
        return "none: rules and the local classifier label everything"
    prices = load_prices(settings.model_prices)
    if settings.model == "ai_functions":
        from insights_assets.engine.session import session
        from insights_assets.labels.model.ai_functions import refuse_without_function

        refuse_without_function(session(settings.spark_remote))
        return f"the engine has ai_query; it was not asked whether {connection.deployment} answers, for asking costs. Budgets are kept by estimates"
    try:
        connection.sdk.with_options(timeout=10.0).models.list()
    except Exception as error:  # noqa: BLE001 - whatever the SDK or the sign-in raises is named by `fault_of`
        fault = fault_of(error, wall_clock())
        raise ConnectionError(f"{connection.deployment} at {connection.host}: {fault.outcome.value} ({fault.detail}); see docs/language-model.md") from None
    finally:
        connection.close()
    return (
        f"{connection.deployment} at {connection.host} answers; at most {settings.model_tokens_per_run:,} tokens and "
        f"{settings.model_cost_per_run:.2f} {prices.currency} a run (prices of {prices.as_of})"
    )


CHECKS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("python", _python), ("shop", _shop), ("home", _home), ("landing", _landing), ("engine", _engine), ("destinations", _destinations), ("model", _model),
    *EXAMINATIONS,
)
