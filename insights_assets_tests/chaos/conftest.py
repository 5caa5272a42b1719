"""The databases that the tests of this room run on."""

from insights_assets_tests.resources.databases import postgres_server, target

__all__ = ["postgres_server", "target"]
