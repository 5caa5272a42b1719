-- Runs once, when the volume is new: the operational database is POSTGRES_DB; Dagster's state has one of its own, so that each is restored alone.
CREATE DATABASE dagster OWNER insights;
