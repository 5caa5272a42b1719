"""Which installation this is: an id that the operational database keeps, with words by which people find the machine.

Belongs here: making and reading the id. Does not belong here: what it is compared with (`lake/holding.py`). Homes on several machines that share one
operational database are one installation; a home that is copied with its database is the same one still, so only one of the copies may run.
"""

from __future__ import annotations

import socket
import uuid
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from insights_assets.lake.holding import Installation

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings

_FACT = "installation_id"


def installation_of(operations: Operations, settings: Settings) -> Installation:
    """This installation; its id is made once, by whoever asks first."""
    found = operations.facts.get(_FACT)
    if found is None:
        operations.facts.put(_FACT, uuid.uuid4().hex[:12])
        found = operations.facts.get(_FACT)
    where = f"{socket.gethostname()}:{settings.home.resolve()}"
    return Installation(str(found), where, make_url(settings.operations_target).render_as_string(hide_password=True))
