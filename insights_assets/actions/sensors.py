"""Sensors of the stage: what waits in the outbox is sent between runs too.

Belongs here: the list. Does not belong here: what each does. No `from __future__ import annotations`: Dagster reads annotations.
"""

from insights_assets.actions.outbox.sensors import outbox_sensor

SENSORS = [outbox_sensor]
