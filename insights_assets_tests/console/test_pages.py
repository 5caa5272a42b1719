"""Both pages through Streamlit's own test runner: what is on them, what a click records, and that text from data stays text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from insights_assets.resources.operations import Operations, open_operations
from insights_assets_tests.console.homes import AS_OF, CARRIER, DAMAGE, DANGER, HOSTILE, NOW, OLD, RUN_ID, WISH

pytestmark = pytest.mark.slow
APP = Path(__file__).resolve().parents[2] / "insights_assets" / "console" / "app.py"
#: Elements that show a string as it is. Everything else of Streamlit renders Markdown somewhere.
INERT = {"text", "code", "dataframe", "selectbox", "text_input", "altair_chart", "vega_lite_chart", "arrow_vega_lite_chart"}


def look(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def texts(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in app.text)


def nodes(block: Any) -> Iterator[Any]:
    """Every block and element of a page."""
    for child in getattr(block, "children", {}).values():
        yield child
        yield from nodes(child)


def operations_of(home: Path) -> Operations:
    return open_operations(home / "operations.db")


# -- Today -----------------------------------------------------------------------------------------------------------------


def test_today_shows_header_tiers_records_and_history(home: Path) -> None:
    app = look()
    assert not app.exception
    said = texts(app)
    assert "Hearth & Lane" in said
    assert "What is driving negative reviews on top-selling SKUs this month?" in said
    assert f"As of Mon 23 Nov 2026 · published Mon 23 Nov 2026, 21:00 from run {RUN_ID[:8]}" in said
    assert [header.value for header in app.subheader][:3] == ["Tier 1", "Tier 2", "Tier 3"]
    assert "41 customers in 7 days report breakage; 7 would be usual (5.9 x; chance alone does this once in 4,000 quiet weeks)." in said
    assert "Next: Stop batch LEJ-PB07 and inspect 20 units · Quality · due Tue 24 Nov, 12:00" in said
    assert "paid promotion of 1 product held until Mon 30 Nov; undo: insights hold release H-31" in said
    assert "review R-D3 · Fri 20 Nov, 10:30 · 1 of 5 stars" in said
    assert said.index("report a danger") < said.index("report breakage") < said.index("late or missing parcel")
    assert "surveys delivered 0 records" in said
    assert OLD not in said  # the resolved one stands in the table below
    assert any(OLD in str(frame.value.to_dict()) for frame in app.dataframe)


def test_a_quiet_day_says_what_would_have_been_seen_and_keeps_the_history(quiet_home: Path) -> None:
    app = look()
    assert not app.exception
    assert app.subheader[0].value == "Nothing needs anybody today"
    assert "An estimate" in "".join(caption.value for caption in app.caption)
    visible = app.dataframe[0].value
    assert list(visible["topic"]) == ["Late delivery", "Sizing is off", "Arrived damaged"]
    assert (visible["would have been seen from"] > visible["usual in 3 days"]).all()
    assert len(app.dataframe[-1].value) == 5


def test_no_home_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_HOME", str(tmp_path / "none"))
    app = look()
    assert not app.exception
    assert "This folder is not a home yet." in texts(app)
    assert app.code[0].value == f"insights run --landing DIR --home {tmp_path / 'none'}"


def test_a_table_whose_files_are_gone_says_so(home: Path) -> None:
    for file in (home / "lake" / "anomalies" / "insights").rglob("*.parquet"):
        file.unlink()
    app = look()
    assert not app.exception
    assert "A published table cannot be read." in texts(app)


# -- judging ---------------------------------------------------------------------------------------------------------------


def test_a_click_on_confirm_is_stored_and_shown_at_once(home: Path) -> None:
    app = look()
    app.text_input(key="person").set_value("ada").run()
    app.button(key=f"confirm-{DAMAGE}").click().run()
    assert not app.exception
    given = operations_of(home).verdicts.latest()
    assert list(given) == [DAMAGE]
    assert (given[DAMAGE].verdict, given[DAMAGE].given_by, given[DAMAGE].given_through) == ("confirmed", "ada", "console")
    assert f"Recorded as ada: {DAMAGE} is confirmed" in texts(app)
    assert "So far: confirmed by ada on " in texts(app)
    assert "Recorded as" not in texts(app.run())


def test_a_dismissal_needs_its_reason_and_then_moves_the_card_out_of_the_way(home: Path) -> None:
    app = look()
    app.button(key=f"dismiss-{CARRIER}").click().run()
    assert "a dismissal needs a reason" in texts(app)
    assert operations_of(home).verdicts.history() == []
    app.text_input(key=f"dismiss-reason-{CARRIER}").set_value(f"a strike {HOSTILE[1]}")
    app.button(key=f"dismiss-{CARRIER}").click().run()
    assert not app.exception
    given = operations_of(home).verdicts.latest()[CARRIER]
    assert (given.verdict, given.reason) == ("dismissed", f"a strike {HOSTILE[1]}")
    assert "Tier 2" not in [header.value for header in app.subheader]
    assert any("1 dismissed, duplicate or asleep" in block.label for block in app.expander)
    assert_inert(app)


def test_a_duplicate_names_the_other_and_a_snooze_its_day(home: Path) -> None:
    app = look()
    app.selectbox(key=f"duplicate-of-{WISH}").set_value(DAMAGE)
    app.button(key=f"duplicate-{WISH}").click().run()
    app.date_input(key=f"snooze-until-{CARRIER}").set_value(AS_OF + timedelta(days=3))
    app.button(key=f"snooze-{CARRIER}").click().run()
    assert not app.exception
    operations = operations_of(home)
    assert operations.verdicts.latest()[WISH].duplicate_of == DAMAGE
    assert operations.verdicts.snoozed(AS_OF)[CARRIER].until_day == AS_OF + timedelta(days=3)
    assert "asleep until Thu 26 Nov by" in texts(app)


def test_a_judgement_without_a_name_is_refused(home: Path) -> None:
    app = look()
    app.text_input(key="person").set_value(" ").run()
    app.button(key=f"confirm-{DAMAGE}").click().run()
    assert "write your name first" in texts(app)
    assert operations_of(home).verdicts.history() == []


def test_what_a_command_judged_is_shown_without_a_new_publication(home: Path) -> None:
    app = look()
    operations_of(home).verdicts.give(DAMAGE, "dismissed", by="eve", reason="by command")
    assert "dismissed by eve" in texts(app.run())


def test_an_open_page_says_when_a_newer_run_was_published(home: Path) -> None:
    def page(shown: int) -> None:
        from insights_assets.console import frame
        from insights_assets.resources.operations import open_operations
        from insights_assets.settings import Settings

        frame.watch(open_operations(Settings().operations_target), shown)

    assert "A newer run was published." not in texts(AppTest.from_function(page, args=(1,)).run())
    assert "A newer run was published." in texts(AppTest.from_function(page, args=(0,)).run())


def test_the_next_look_shows_the_newer_publication(home: Path) -> None:
    app = look()
    operations = operations_of(home)
    latest = operations.latest_publication()
    assert latest is not None
    operations.record_publication("11111111-2222-3333-4444-555555555555", AS_OF + timedelta(days=1), dict(latest.table_versions))
    assert "As of Tue 24 Nov 2026" in texts(app.run())


# -- Insight ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_root", [True, False])
def test_a_link_opens_its_insight_with_everything_behind_it(home: Path, from_root: bool) -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    if not from_root:
        app = app.run().switch_page("views/insight.py")
    app.query_params["insight"] = DAMAGE
    app.run()
    assert not app.exception
    assert [header.value for header in app.subheader] == [
        "Why it was flagged", "Cause and comparison", "Money", "What people name", "What happened when", "All records: 44", "Trace", "Proof",
    ]  # fmt: skip
    assert "Raised by the scan of rates" in texts(app) and "7.0 would be usual" in texts(app)
    frames = [frame.value for frame in app.dataframe]
    trace = next(frame for frame in frames if "raw file and line" in frame)
    assert trace["raw file and line"].str.startswith("reviews/reviews-2026-11.jsonl:").all()
    assert len(trace) == 8
    assert any("here: cause" in set(frame.get("what", [])) for frame in frames)
    assert any(len(frame) == 44 and "quote of the topic" in frame for frame in frames)
    links = " ".join(element.value for element in app.markdown)
    assert "[sources.reviews_raw](http://127.0.0.1:3000/assets/sources/reviews_raw)" in links
    assert "[anomalies.insights](http://127.0.0.1:3000/assets/anomalies/insights)" in links
    assert any(f"http://127.0.0.1:3000/runs/{RUN_ID}" in str(node.proto) for node in nodes(app.main) if node.type == "link_button")
    assert "Not there yet" in app.info[0].value


def test_a_resolved_insight_and_one_of_single_reports_open_too(home: Path) -> None:
    for insight_id in (OLD, DANGER, WISH):
        app = look(insight=insight_id)
        assert not app.exception
        assert app.subheader[-1].value == "Proof"
        assert app.query_params["insight"] in (insight_id, [insight_id])


def test_another_insight_can_be_picked_and_becomes_the_address(home: Path) -> None:
    app = look(insight=DAMAGE)
    app.selectbox[0].set_value(CARRIER).run()
    assert not app.exception
    assert "16 customers in 8 days" in texts(app)
    assert app.query_params["insight"] in (CARRIER, [CARRIER])
    assert "16 customers in 8 days" in texts(app.run())


def test_an_unknown_insight_says_so_and_shows_nothing_of_another(home: Path) -> None:
    app = look(insight="INS-ffffffff")
    assert app.header[0].value == "No such insight"
    assert "knows no insight 'INS-ffffffff'" in texts(app)
    assert "report breakage" not in texts(app)


def test_a_verdict_on_the_insights_own_page_is_stored_and_in_its_timeline(home: Path) -> None:
    app = look(insight=DAMAGE)
    app.text_input(key="person").set_value("ada").run()
    app.button(key=f"confirm-{DAMAGE}").click().run()
    assert operations_of(home).verdicts.latest()[DAMAGE].given_by == "ada"
    moments = [what for frame in app.dataframe if "when" in frame.value for what in frame.value["what"]]
    assert "confirmed by ada (console)" in moments
    assert NOW.year == 2026


# -- text from data ----------------------------------------------------------------------------------------------------------


def assert_inert(app: AppTest) -> None:
    """No text from data in any element that renders Markdown or HTML; labels of all widgets and blocks included."""
    seen = 0
    for node in nodes(app.main):
        marked = "HOSTILE" in str(node.proto)
        if getattr(node, "type", "") in INERT:
            seen += marked
            assert "HOSTILE" not in str(getattr(node, "label", "")), node
            assert "HOSTILE" not in str(getattr(node, "help", "")), node
        elif not getattr(node, "children", None):
            assert not marked, f"text from data in a {node.type}: {str(node.proto)[:200]}"
        else:
            assert not marked, f"text from data in the label of a {type(node).__name__}"
    assert seen > 5


def test_hostile_text_is_text_on_today(home: Path) -> None:
    app = look()
    for n in range(1, 7):
        assert f"HOSTILE{n}" in texts(app)
    assert_inert(app)


def test_hostile_text_is_text_on_insight(home: Path) -> None:
    assert_inert(look(insight=DAMAGE))


def test_hostile_names_and_reasons_of_people_stay_text(home: Path) -> None:
    app = look()
    app.text_input(key="person").set_value(f"ada {HOSTILE[2]}"[:60]).run()
    app.button(key=f"confirm-{DAMAGE}").click().run()
    assert "HOSTILE3" in texts(app)
    assert_inert(app)
