"""The published home of the console's tests, which the commands of these tests work on."""

from insights_assets_tests.console.conftest import home, quiet_home

__all__ = ["home", "quiet_home"]
