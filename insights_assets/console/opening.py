"""Opening a home for the console: everything a page needs, or a sentence and a command for the person who sees none of it.

Belongs here: settings, shop, operational database and reader of one home, and what is said when one of them is missing. Does not
belong here: reading tables (`reading.py`) and drawing (`frame.py`).
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings
    from insights_assets.shop import Shop


@dataclass(frozen=True)
class Opened:
    """A home with something published in it."""

    settings: Settings
    shop: Shop
    operations: Operations
    reader: Reader


@dataclass(frozen=True)
class Closed:
    """Why there is nothing to show, and what to do about it."""

    sentence: str
    detail: str
    command: str


def read_settings(**given: Any) -> Settings | Closed:
    """The settings of the environment (INSIGHTS_HOME and the others), with what is given over them."""
    from pydantic import ValidationError

    from insights_assets.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        return Closed("A setting is wrong.", f"INSIGHTS_{name}: {first['msg']}", "insights doctor")


def open_console(settings: Settings, who: str) -> Opened | Closed:
    """The home of these settings, ready to be read by `who`; nothing is created."""
    from sqlalchemy.exc import SQLAlchemyError

    from insights_assets.governance.reader import NothingPublished, Reader
    from insights_assets.resources.operations import SchemaTooNew, open_operations
    from insights_assets.shop import ShopError, load_shop

    run = f"insights run --landing DIR --home {settings.home}"
    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return Closed("This folder is not a home yet.", f"{settings.home} holds no operational database: nothing was run in it.", run)
    try:
        operations = open_operations(settings.operations_target)
        operations.migrate()
    except (SchemaTooNew, SQLAlchemyError) as error:
        # The whole text of a database error may hold an address with a password; its kind is enough to act on.
        detail = str(error) if isinstance(error, SchemaTooNew) else type(error).__name__
        return Closed("The operational database cannot be opened.", detail, "insights doctor")
    try:
        shop = load_shop(settings.shop)
    except ShopError as error:
        return Closed("What the shop decided cannot be read.", str(error), "insights doctor")
    try:
        reader = Reader(settings, operations, who=who)
    except NothingPublished:
        return Closed("Nothing is published yet.", f"{settings.home} is a home, but no run of it has passed its checks and published.", run)
    return Opened(settings, shop, operations, reader)


def machine_user() -> str:
    """Who is logged in on this machine: the name a judgement is given under unless the person writes another."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
