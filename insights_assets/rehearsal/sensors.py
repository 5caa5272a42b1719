"""The jobs of the stage. Nothing launches a preview but a person: it is asked for by `insights prompts preview` or started in Dagster's UI."""

from insights_assets.jobs import Job
from insights_assets.rehearsal.wanted import JOB

JOBS = (
    Job(JOB, ("rehearsal.change_previews",), "What a prompt, label set, rules or classifier would change, worked out on copies. Changes nothing.", apart=True),
)
