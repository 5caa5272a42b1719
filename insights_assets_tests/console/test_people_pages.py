"""*Approvals*, *Tickets* and *Loop time* through Streamlit's own test runner: what is on them, what a click does, text from data as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from insights_assets.actions.escaping import inert
from insights_assets.resources.operations import Operations, open_operations
from insights_assets_tests.console.homes import CARRIER, DAMAGE, DANGER, HOSTILE_NAME, OLD
from insights_assets_tests.console.people_homes import HELD
from insights_assets_tests.console.test_pages import APP, INERT, nodes, texts

pytestmark = pytest.mark.slow
MACRO, ESCALATION, ARTICLE = f"ACT-{CARRIER[4:8]}-macro", f"ACT-{DANGER[4:8]}-escalation", "ACT-00aa-article"


def look(page: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120).run()
    found = app.switch_page(f"views/{page}.py").run()
    assert not found.exception
    return found


def operations_of(home: Path) -> Operations:
    return open_operations(home / "operations.db")


def held(home: Path) -> list[str]:
    return (home / "desk" / "holds.csv").read_text().splitlines()[1:]


# -- Approvals -------------------------------------------------------------------------------------------------------------


def test_approvals_say_who_decides_until_when_what_a_yes_does_and_how_to_undo_it(people_home: Path) -> None:
    app = look("approvals")
    said = texts(app)
    assert "3 wait for a decision; the first runs out " in said
    assert "You decide for every team: owners.yaml names nobody real yet." in said
    assert "Quality, Product management or Marketing decides · asked " in said
    assert f"Takes 2 products ({inert(HOSTILE_NAME, 60)} LMP-1, LMP-2) out of paid promotion at once, which bring 2.1 % of revenue: desk/holds.csv names them until Mon 30 Nov." in said
    assert f"insights hold release {HELD}. It ends by itself on Mon 30 Nov, and when the issue does." in said
    assert "The next run marks the draft as approved on the desk, so that Support may answer with it. Nothing is sent to customers." in said
    assert "How to change the bulb" in said and "help article for Support · asked " in said, "what ran out is named"
    assert said.index("Safety report") < said.index("Late delivery"), "Tier 1 first"
    decided = app.dataframe[-1].value
    assert list(decided["by"]) == ["mia"] and list(decided["through"]) == ["slack"]


def test_a_click_places_a_hold_in_the_file_at_once_and_another_takes_it_out(people_home: Path) -> None:
    app = look("approvals")
    before = held(people_home)
    app.text_input(key=f"reason-{HELD}").set_value("glass everywhere")
    app.button(key=f"yes-{HELD}").click().run()
    assert not app.exception
    assert [line.split(",")[0] for line in held(people_home) if HELD in line] == ["LMP-1", "LMP-2"]
    assert f"{HELD} holds 2 products until Mon 30 Nov" in texts(app)
    assert any("LMP-2" in block.value for block in app.code), "the page shows the file as it is"
    app.button(key=f"release-{HELD}").click().run()
    assert held(people_home) == before
    assert [row.action for row in operations_of(people_home).audit.rows()] == ["hold_release", "hold_place"]


def test_a_later_end_needs_a_second_name(people_home: Path) -> None:
    app = look("approvals")
    app.text_input(key="person").set_value("ada").run()
    app.button(key=f"yes-{HELD}").click().run()
    app.text_input(key="person").set_value("tom").run()
    app.button(key=f"extend-{HELD}").click().run()
    assert "tom asks to hold until Mon 7 Dec: a second person confirms it." in texts(app)
    app.button(key=f"confirm-extension-{HELD}").click().run()
    assert "needs a second person" in texts(app)
    app.text_input(key="person").set_value("eve").run()
    app.button(key=f"confirm-extension-{HELD}").click().run()
    assert "is extended until Mon 7 Dec: asked by tom, confirmed by eve" in texts(app)


def test_decisions_are_kept_with_reason_person_and_console(people_home: Path) -> None:
    app = look("approvals")
    app.text_input(key="person").set_value("ada").run()
    app.text_input(key=f"reason-{MACRO}").set_value("promises too much")
    app.button(key=f"no-{MACRO}").click().run()
    row = operations_of(people_home).approvals.get(MACRO)
    assert row is not None
    assert (row.state, row.decided_by, row.reason, row.decided_through) == ("rejected", "ada", "promises too much", "console")
    app.button(key=f"again-{ARTICLE}").click().run()
    assert operations_of(people_home).approvals.get(ARTICLE).state == "waiting"  # type: ignore[union-attr]
    assert "Ran out unanswered" not in [header.value for header in app.subheader]


def test_a_shop_with_real_people_says_whom_it_does_not_know(people_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from insights_assets.shop.load import default_shop_path

    shutil.copytree(default_shop_path(), tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    owners = tmp_path / "shop" / "owners.yaml"
    owners.write_text(owners.read_text().replace("support.lead@shop.example", "ada"))
    monkeypatch.setenv("INSIGHTS_SHOP", str(tmp_path / "shop"))
    app = look("approvals")
    app.text_input(key="person").set_value("tom").run()
    assert "no team of owners.yaml names tom" in texts(app)
    app.button(key=f"yes-{MACRO}").click().run()
    assert operations_of(people_home).approvals.get(MACRO).state == "waiting"  # type: ignore[union-attr]
    app.text_input(key="person").set_value("ada").run()
    assert "Support: you decide on help articles, reply macros." in texts(app)
    app.button(key=f"yes-{ESCALATION}").click().run()
    assert "Support does not approve a escalation: Quality or Finance decides on it" in texts(app)
    app.button(key=f"yes-{MACRO}").click().run()
    assert operations_of(people_home).approvals.get(MACRO).state == "approved"  # type: ignore[union-attr]


def test_why_how_sure_and_what_a_yes_does_stand_on_one_screen(people_home: Path) -> None:
    app = look("approvals")
    named, said = [element.value for element in app.caption], texts(app)
    for name in ("Why", "How sure", "If you approve", "To undo it"):
        assert name in named
    assert "41 customers in 7 days report breakage; 7 would be usual" in said and "USD a day at risk" in said
    assert "about 90 % that it is a real issue of this topic" in said
    assert "LMP-1" in said


# -- Tickets ---------------------------------------------------------------------------------------------------------------


def test_tickets_say_where_each_action_is_and_what_stands_in_its_way(people_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSIGHTS_JIRA_URL", "https://hearth.atlassian.net")
    app = look("tickets")
    said = texts(app)
    assert "12 actions of 5 issues; 1 could not be delivered; 1 may have arrived; 1 waits to be sent; 4 wait for approval; 1 ran out unanswered" in said
    assert "in Jira (QA) as QA-12, " in said
    assert "taken up " in said and "work began " in said
    assert "Supply chain looks after it: insights outbox retry" in said
    assert "it is looked up before any second try" in said
    links = [node.proto.url for node in nodes(app.main) if getattr(node, "type", "") == "link_button"]
    assert links == ["https://hearth.atlassian.net/browse/QA-12"], "an address of another host is no link"


@pytest.mark.parametrize(
    ("key", "value", "left"),
    [("tickets-team", "Supply chain", {CARRIER}), ("tickets-tier", 1, {DAMAGE, DANGER}), ("tickets-state", "could not be delivered", {CARRIER}), ("tickets-search", "qa-12 LAMPS", {DAMAGE})],
)
def test_filters_and_search_leave_what_fits(people_home: Path, key: str, value: Any, left: set[str]) -> None:
    app = look("tickets")
    (app.text_input(key=key) if key == "tickets-search" else app.selectbox(key=key)).set_value(value).run()
    shown = {insight_id for insight_id in (DAMAGE, CARRIER, DANGER, OLD) if any(button.key == f"confirm-{insight_id}" for button in app.button)}
    assert shown == left
    app.text_input(key="tickets-search").set_value("nothing like this").run()
    assert "No action fits these filters." in "\n".join(element.value for element in app.markdown)


def test_a_verdict_moves_the_precision(people_home: Path) -> None:
    app = look("tickets")
    assert "Nobody has judged one yet" in texts(app)
    app.button(key=f"confirm-{DAMAGE}").click().run()
    assert "1 of 1 judged were right (100 %, 95 % interval 21 to 100 %)" in texts(app)
    app.text_input(key=f"dismiss-reason-{CARRIER}").set_value("a strike")
    app.button(key=f"dismiss-{CARRIER}").click().run()
    assert "1 of 2 judged were right (50 %" in texts(app)
    teams = app.dataframe[0].value
    assert dict(zip(teams["team"], teams["judged"], strict=True))["Quality"] == 1
    assert operations_of(people_home).verdicts.latest()[DAMAGE].given_through == "console"


# -- Loop time -------------------------------------------------------------------------------------------------------------


def test_the_promise_the_hours_and_what_ate_them(people_home: Path) -> None:
    app = look("loop")
    said = texts(app)
    assert "3 of the last 24 late" in said
    assert "90 h where 72 h are promised: detection took 89 h of them" in said
    assert said.count("approval took 52 h of them") == 2
    assert "most hours of the late ones went into detection" in said
    teams, tiers = app.dataframe[0].value, app.dataframe[1].value
    assert dict(zip(teams["team"], teams["late"], strict=True)) == {"Quality": 1, "Supply chain": 1, "Support": 1}
    assert list(tiers["tier"]) == ["Tier 1", "Tier 2"]
    assert len(app.dataframe[-1].value) == 24


@pytest.mark.parametrize(("page", "words"), [("approvals", "Nothing waits for a decision."), ("loop", "No action has arrived yet"), ("tickets", "3 actions of 1 issue")])
def test_a_home_where_nobody_is_needed_says_so(home: Path, page: str, words: str) -> None:
    app = look(page)
    assert words in texts(app) + "\n".join(element.value for element in app.markdown)


@pytest.mark.parametrize("page", ["approvals", "tickets", "loop"])
def test_text_from_data_reaches_elements_that_render_nothing(people_home: Path, page: str) -> None:
    app = look(page)
    for node in nodes(app.main):
        proto = str(getattr(node, "proto", ""))
        if "HOSTILE" in proto and getattr(node, "type", "") not in INERT and not getattr(node, "children", None):
            raise AssertionError(f"{node.type}: {proto[:200]}")
