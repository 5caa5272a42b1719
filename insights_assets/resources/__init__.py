"""Thin resources by role, and what an asset body is handed (`Step`). Dagster meets plain code here and nowhere else outside the stages."""
