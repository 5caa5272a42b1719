"""Wrong uses of the commands: each ends with the right code and a sentence that says what to do, never with a stack of calls."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from insights_assets.cli import COMMANDS, main
from insights_assets.shop import default_shop_path
from insights_assets_tests.console.homes import DAMAGE, DANGER


def insights(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"INSIGHTS_HOME": None, **environment})


def says(result: Result) -> str:
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("answer nosuch", "no use case 'nosuch'; there are negative_reviews_on_top_sellers"),
        ("trace INS-nothing", "is called 'INS-nothing'; `insights show insights` lists what there is"),
        ("verdict INS-0 confirmed", "there is no insight INS-0; see `insights show insights`"),
        (f"verdict {DAMAGE} dismissed", "a dismissal needs a reason"),
        (f"verdict {DAMAGE} wrong", "use one of confirmed, dismissed, duplicate-of, snooze, unknown"),
        (f"verdict {DAMAGE} snooze", "needs the day on which it wakes: --until"),
        (f"verdict {DAMAGE} snooze --until 2026-11-23", "is over already: the shop's today is 2026-11-23"),
        (f"verdict {DAMAGE} snooze --until tomorrow", "does not match the format '%Y-%m-%d'"),
        (f"verdict {DAMAGE} duplicate-of", "a duplicate names the insight it repeats"),
        (f"verdict {DAMAGE} duplicate-of={DAMAGE}", "cannot be a duplicate of itself"),
        ("hold release H-zzz", "there is no hold H-zzz; see `insights hold list`"),
        ("hold extend H-zzz", "there is no hold H-zzz; see `insights hold list`"),
        ("hold place H-zzz", "there is no hold H-zzz; see `insights hold list`"),
        ("approve ACT-nothing", "ACT-nothing does not wait for an approval; waiting: "),
        ("export nosuch.table --out x.csv", "there is no table 'nosuch.table'; choose from sources, canonical"),
        ("export anomalies.insights --out x.txt", "end it in .parquet, .csv, .jsonl"),
        ("export canonical.feedback_text --tier raw --out x.csv", "needs --reason: who needs the customers' own words"),
        ("stream orders", "orders comes by the day and is taken in by runs; streams are there for clickstream, social"),
        ("stream", "the embedded engine has no streaming: name a Spark as INSIGHTS_SPARK_REMOTE"),
        ("stream nosuch", "nosuch is no source; sources are reviews"),
        ("show nothing", "'nothing' is not one of 'insights', 'tickets', 'themes'"),
        ("run --as-of 2020-01-01", "--as-of 2020-01-01 is earlier than the last run's 2026-11-23"),
        ("run --as-of 01.02.2026", "does not match the format '%Y-%m-%d'"),
    ],
)
def test_on_a_published_home(home: Path, words: str, told: str) -> None:
    result = insights(*words.split(), "--home", str(home))
    assert told in says(result)
    assert result.exit_code == 2


@pytest.mark.parametrize("name", ["answer", "show insights", "trace X", "verdict X confirmed", "approve X", "hold list", "outbox list", "audit verify", "export anomalies.insights --out x.csv"])
def test_where_there_is_no_home_each_command_says_how_to_make_one(name: str, tmp_path: Path) -> None:
    result = insights(*name.split(), "--home", str(tmp_path / "none"))
    assert f"is not a home yet; make one with `insights run --landing DIR --home {tmp_path / 'none'}`" in says(result)
    assert result.exit_code == 2 and not (tmp_path / "none").exists()


def test_a_run_over_nothing_says_where_files_belong(tmp_path: Path) -> None:
    result = insights("run", "--home", str(tmp_path / "home"))
    assert result.exit_code == 2 and not (tmp_path / "home").exists()
    assert "nothing to take in" in says(result) and "/landing/<source>/" in says(result) and "insights simulate" in says(result)
    missing = insights("run", "--landing", str(tmp_path / "nowhere"), "--home", str(tmp_path / "home"))
    assert missing.exit_code == 2 and "does not exist" in says(missing)


def test_a_further_day_needs_a_simulated_shop(tmp_path: Path) -> None:
    result = insights("simulate", "--next-day", "--home", str(tmp_path / "none"))
    assert result.exit_code == 2 and "a further day needs it" in says(result)
    assert insights("simulate").exit_code == 2


def test_a_shop_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    for file in default_shop_path().rglob("*.yaml"):
        target = shop / file.relative_to(default_shop_path())
        target.parent.mkdir(exist_ok=True)
        target.write_text(file.read_text(encoding="utf-8").replace("reporting_currency: USD", "reporting_currency: dollars"), encoding="utf-8")
    (tmp_path / "landing" / "reviews").mkdir(parents=True)
    result = insights("run", "--shop", str(shop), "--landing", str(tmp_path / "landing"), "--home", str(tmp_path / "home"))
    assert result.exit_code == 2
    assert "shop.yaml:3" in says(result) and "reporting_currency" in says(result) and "three capital letters" in says(result)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("INSIGHTS_PROFILE", "cloud", "INSIGHTS_PROFILE: Input should be 'embedded', 'spark' or 'databricks'"),
        ("INSIGHTS_HEAVY_STEPS", "job", "heavy_steps=job needs databricks_wheel"),
        ("INSIGHTS_CRASH_AT", "here", "INSIGHTS_CRASH_AT must read stage.table:before"),
        ("INSIGHTS_CPU_THREADS", "0", "INSIGHTS_CPU_THREADS: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_named_as_the_environment_has_it(variable: str, value: str, told: str, tmp_path: Path) -> None:
    result = insights("doctor", "--home", str(tmp_path), **{variable: value})
    assert result.exit_code == 2 and told in says(result) and "Value error" not in result.output


@pytest.mark.slow
def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "landing" / "reviews").mkdir(parents=True)
    with (home / "lock").open("a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        result = insights("run", "--home", str(home), INSIGHTS_LOCK_WAIT_SECONDS="0.5")
    assert result.exit_code == 1
    assert "is being written by process 4711; try again when it has ended" in says(result)


@pytest.mark.slow
def test_a_duplicate_and_a_snooze_as_the_help_writes_them(home: Path) -> None:
    said = insights("verdict", DAMAGE, "duplicate-of", "--reason", DANGER, "--home", str(home))
    assert said.exit_code == 0 and f"{DAMAGE} repeats {DANGER}" in said.output
    said = insights("verdict", DAMAGE, "snooze", "--until", "2026-12-01", "--home", str(home))
    assert said.exit_code == 0 and "sleeps until 2026-12-01" in said.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = insights(name, "--help")
    assert result.exit_code == 0 and len(result.output.splitlines()) > 5
    assert "(R" not in result.output


def test_right_after_a_demo_the_demos_home_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "/home is not a home yet" in insights("hold", "list").output.replace("\n", "")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".demo").touch()
    assert "/demo is not a home yet" in insights("hold", "list").output.replace("\n", "")
    (tmp_path / "home").mkdir()
    assert "/home is not a home yet" in insights("hold", "list").output.replace("\n", "")


def test_a_run_on_a_catalog_without_the_workspaces_engine_says_what_to_set(tmp_path: Path) -> None:
    result = insights("run", "--home", str(tmp_path / "home"), INSIGHTS_DATABRICKS_CATALOG="insights_dev")
    assert result.exit_code == 2 and "the tables are in the catalog insights_dev, which only the workspace's Spark opens: set INSIGHTS_SPARK_REMOTE" in says(result)
    assert not (tmp_path / "home").exists()
