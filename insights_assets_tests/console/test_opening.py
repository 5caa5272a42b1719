"""No home, nothing published, a wrong setting: each says what is missing and which command helps, and creates nothing."""

from __future__ import annotations

from pathlib import Path

from insights_assets.console.opening import Closed, Opened, open_console, read_settings
from insights_assets.resources.operations import open_operations
from insights_assets.settings import Settings
from insights_assets_tests.console.homes import AS_OF


def test_a_folder_that_is_no_home_names_the_command_that_makes_one(tmp_path: Path) -> None:
    found = open_console(Settings(home=tmp_path / "none"), "me")
    assert isinstance(found, Closed)
    assert found.sentence == "This folder is not a home yet."
    assert found.command == f"insights run --landing DIR --home {tmp_path / 'none'}"
    assert not (tmp_path / "none").exists()


def test_a_home_without_a_publication_says_so(tmp_path: Path) -> None:
    open_operations(tmp_path / "operations.db").migrate()
    found = open_console(Settings(home=tmp_path), "me")
    assert isinstance(found, Closed)
    assert found.sentence == "Nothing is published yet."
    assert str(tmp_path) in found.command


def test_a_newer_database_is_refused_with_the_reason(tmp_path: Path) -> None:
    operations = open_operations(tmp_path / "operations.db")
    operations.migrate()
    operations.facts.put("schema_version", "999")
    found = open_console(Settings(home=tmp_path), "me")
    assert isinstance(found, Closed)
    assert "schema 999" in found.detail


def test_a_database_out_of_reach_does_not_show_its_address(tmp_path: Path) -> None:
    (tmp_path / "operations.db").write_text("this is no database, and long enough to be read as a broken one" * 40)
    found = open_console(Settings(home=tmp_path), "me")
    assert isinstance(found, Closed)
    assert (found.sentence, found.detail) == ("The operational database cannot be opened.", "DatabaseError")


def test_a_wrong_shop_file_is_named(tmp_path: Path) -> None:
    open_operations(tmp_path / "operations.db").migrate()
    found = open_console(Settings(home=tmp_path, shop=tmp_path / "noshop"), "me")
    assert isinstance(found, Closed)
    assert str(tmp_path / "noshop") in found.detail


def test_a_wrong_setting_is_named_with_its_variable() -> None:
    found = read_settings(cpu_threads=0)
    assert isinstance(found, Closed)
    assert found.detail.startswith("INSIGHTS_CPU_THREADS:")


def test_a_published_home_opens(opened: Opened) -> None:
    assert opened.reader.publication.as_of_day == AS_OF
    assert opened.shop.name == "Hearth & Lane"
