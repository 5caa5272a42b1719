"""Customer feedback in, finished action out: a Dagster asset graph. Start reading at `flow.py`."""

__version__ = "0.1.0"
