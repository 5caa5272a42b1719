"""Jobs of the stage, beside what launches them: retention, which stays out of the whole loop."""

from insights_assets.jobs import Job

RETENTION = "retention"
JOBS = (Job(RETENTION, ("governance.retention_runs",), "What has outlived its retention: shown, and removed only where the run's config says apply.", apart=True),)
