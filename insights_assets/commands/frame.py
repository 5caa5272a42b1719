"""What every command shares: its options for home and settings, printing for people or programs, and honest exit codes.

Exit codes: 0 done (bad files included), 1 failed, 2 wrong use, 3 stopped by a gate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import orjson

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop

#: The file that marks a home as made by `insights demo`.
DEMO_MARK = ".demo"
_FOLDER = click.Path(path_type=Path, file_okay=False)
DONE, FAILED, WRONG_USE, STOPPED = 0, 1, 2, 3


def home_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--home` of a command that works on a home there is: right after `make demo`, the demo's is the one that is meant."""
    words = "The home to work on [default: $INSIGHTS_HOME, else ./home, else a demo's ./demo]."
    return click.option("--home", type=_FOLDER, default=None, callback=_home_there_is, help=words)(function)


def new_home_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--home` of a command that makes a home where there is none."""
    return click.option("--home", type=_FOLDER, default=None, help="The home to work on; made where there is none [default: $INSIGHTS_HOME or ./home].")(function)


def _home_there_is(_context: click.Context, _option: click.Parameter, given: Path | None) -> Path | None:
    demo = Path("demo")
    is_meant = given is None and "INSIGHTS_HOME" not in os.environ and not Path("home").exists() and (demo / DEMO_MARK).is_file()
    return demo if is_meant else given


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")(function)


def settings_for(**given: Any) -> Settings:
    """Settings of the environment with a command's options over them; wrong values end the command with code 2."""
    from pydantic import ValidationError

    from insights_assets.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        named = [f"INSIGHTS_{part}".upper() for part in first["loc"]]
        stop(f"{' '.join(named) or 'settings'}: {first['msg'].removeprefix('Value error, ')}", WRONG_USE)


def open_home(settings: Settings) -> tuple[Operations, Shop]:
    """The operational database and the shop of an existing home."""
    from insights_assets.resources.operations import open_operations
    from insights_assets.shop import ShopError, load_shop

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        stop(f"{settings.home} is not a home yet; make one with `insights run --landing DIR --home {settings.home}`", WRONG_USE)
    operations = open_operations(settings.operations_target)
    operations.migrate()
    try:
        return operations, load_shop(settings.shop)
    except ShopError as error:
        stop(str(error), WRONG_USE)


def open_reader(settings: Settings) -> tuple[Reader, Shop]:
    """The tier-enforcing reader of a home's last publication."""
    from insights_assets.governance.reader import NothingPublished, Reader

    operations, shop = open_home(settings)
    try:
        return Reader(settings, operations, who=person()), shop
    except NothingPublished as error:
        stop(str(error), FAILED)


def person() -> str:
    """The operating system's name of who runs the command."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def emit_json(value: Any) -> None:
    """One JSON document on standard output: ISO times, maps as objects."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS, default=str) + b"\n")
    sys.stdout.buffer.flush()


def stop(message: str, code: int) -> NoReturn:
    """End the command with a message a person can act on."""
    click.echo(f"insights: {message}", err=True)
    raise SystemExit(code)
