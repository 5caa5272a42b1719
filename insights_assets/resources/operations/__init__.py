"""The operational database: what people and senders change row by row, in SQLite (WAL) or PostgreSQL through
SQLAlchemy.

Belongs here: publications, verdicts, snoozes, approvals, corrections, outbox, holds, activations, ticks, audit log and
the home's small facts. Does not belong here: anything of the lake, any decision about an issue, any sending. Loops
between stages close through these tables, never through an asset dependency.
"""

from insights_assets.resources.operations.database import Operations, SchemaTooNew, open_operations
from insights_assets.resources.operations.models import SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION", "Operations", "SchemaTooNew", "open_operations"]
