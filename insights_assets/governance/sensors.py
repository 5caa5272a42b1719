"""Jobs of the stage, beside what launches them: retention and maintenance, which stay out of the whole loop."""

from insights_assets.jobs import Job

RETENTION, MAINTENANCE = "retention", "maintenance"
JOBS = (
    Job(RETENTION, ("governance.retention_runs",), "What has outlived its retention: shown, and removed only where the run's config says apply.", apart=True),
    Job(MAINTENANCE, ("governance.maintenance_runs",), "Merge small files and delete those that no published version needs; no row changes.", apart=True),
)
