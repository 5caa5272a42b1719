"""Sending what the outbox holds: each effect once in effect, in the order of urgency, without hammering who is down.

Belongs here: the drain (`sender.py`), look-ups after a lost reply (`reconcile.py`), pace, budget and circuit breaker of a destination
(`lanes.py`), how patient all that is (`patience.py`), and the row a message becomes (`wanted.py`). Does not belong here: any
destination, any text, any decision.
"""

from insights_assets.actions.outbox.patience import Patience
from insights_assets.actions.outbox.sender import CRASH_POINTS, DrainReport, drain
from insights_assets.actions.outbox.wanted import Outgoing, want

__all__ = ["CRASH_POINTS", "DrainReport", "Outgoing", "Patience", "drain", "want"]
