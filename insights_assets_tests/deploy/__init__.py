"""What stands in deploy/: read as files, and started as processes."""
