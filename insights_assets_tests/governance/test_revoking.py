"""What is taken back of the product's groups: reviewed as a golden file, read by sqlglot, held against the matrix for anything that may be held."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.governance.unity.revoking import Held, to_revoke
from insights_assets.governance.unity.roles import ROLES, grants, group_of
from insights_assets.governance.unity.statements import Plan, as_text
from insights_assets.tables import catalog_tables, table
from insights_assets_tests.contract.catalog_rights import Rights, parts

GOLDEN = Path(__file__).parent / "golden" / "revokes.sql"
PLAN = Plan("insights_prod", "prod")
WANTED = [Held(group_of("prod", one.role), frozenset(one.privileges), one.kind, one.parts) for one in grants(catalog_tables())]
#: What an earlier matrix gave, what somebody gave on top, and what is none of the product's.
HELD = [
    Held("insights-prod-analyst", frozenset({"USE CATALOG", "BROWSE"}), "CATALOG"),
    Held("insights-prod-leader", frozenset({"USE SCHEMA", "SELECT"}), "SCHEMA", ("internals",)),
    Held("insights-prod-console", frozenset({"SELECT"}), "TABLE", ("canonical", "feedback_text")),
    Held("insights-prod-ops", frozenset({"SELECT"}), "VIEW", ("people_labels", "a_view`of_before")),
    Held("insights-prod-data-engineer", frozenset({"READ VOLUME", "WRITE VOLUME", "ALL PRIVILEGES"}), "VOLUME", ("files", "wheels")),
    Held("insights-prod-pipeline", frozenset({"USE SCHEMA", "SELECT", "MODIFY"}), "SCHEMA", ("labels",)),
    Held("insights-dev-analyst", frozenset({"SELECT"}), "SCHEMA", ("labels",)),
    Held("insights-prod-interns", frozenset({"SELECT"}), "SCHEMA", ("labels",)),
    Held("ann@shop.example", frozenset({"SELECT"}), "SCHEMA", ("labels",)),
]


def golden() -> str:
    return as_text(to_revoke(PLAN, catalog_tables(), HELD))


def test_what_is_taken_back_is_the_reviewed_text() -> None:
    """Written anew by `python -m insights_assets_tests.governance.test_revoking`."""
    assert GOLDEN.read_text(encoding="utf-8") == golden()


def test_what_the_matrix_gives_is_never_taken_back() -> None:
    assert to_revoke(PLAN, catalog_tables(), WANTED) == []


def test_people_groups_of_others_and_other_installations_are_left_alone() -> None:
    said = golden()
    assert not any(name in said for name in ("interns", "insights-dev", "ann@", "pipeline"))


def test_every_statement_is_databricks_sql(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "sqlglot")
    for one in to_revoke(PLAN, catalog_tables(), HELD):
        assert len(sqlglot.parse(one.sql, dialect="databricks")) == 1
        assert re.fullmatch(r"REVOKE [A-Z, ]+ ON (CATALOG|SCHEMA|TABLE|VIEW|VOLUME) (`[^`]+(``[^`]*)*`\.?)+ FROM `insights-prod-[a-z-]+`", one.sql), one.sql


_RIGHTS = st.frozensets(st.sampled_from(["SELECT", "MODIFY", "USE SCHEMA", "USE CATALOG", "BROWSE", "MANAGE", "READ VOLUME", "WRITE VOLUME", "EXECUTE", "ALL PRIVILEGES"]), min_size=1)
_OBJECTS = st.sampled_from([(one.kind, one.parts) for one in WANTED] + [("TABLE", ("labels", "gone")), ("VIEW", ("internals", "gone"))])
_GROUPS = st.sampled_from([*(group_of("prod", role.name) for role in ROLES), "insights-prod-interns", "ann@shop.example"])


@given(st.lists(st.builds(lambda group, rights, on: Held(group, rights, *on), _GROUPS, _RIGHTS, _OBJECTS), max_size=25))
def test_afterwards_our_groups_hold_the_matrix_and_all_others_what_they_held(beyond: list[Held]) -> None:
    rights = Rights()
    for one in (*WANTED, *beyond):
        kind = "table" if one.kind == "VIEW" else one.kind.lower()
        rights.setdefault((kind, "insights_prod", *one.parts), {}).setdefault(one.group, set()).update(right.replace(" ", "_") for right in one.privileges)
    before = {(name, group): set(held) for name, groups in rights.items() for group, held in groups.items()}
    merged = [Held(group, frozenset(right.replace("_", " ") for right in held), name[0].upper(), name[2:]) for (name, group), held in before.items()]
    for statement in to_revoke(PLAN, catalog_tables(), merged):
        assert rights.take(statement.sql)
    wanted = {(one.group, one.parts, right.replace(" ", "_")) for one in WANTED for right in one.privileges}
    ours = {group_of("prod", role.name) for role in ROLES}
    left = {(group, name[2:], right) for name, groups in rights.items() for group, held in groups.items() for right in held}
    assert {one for one in left if one[0] in ours} == wanted
    assert all(rights[name][group] == held for (name, group), held in before.items() if group not in ours)


def test_a_name_with_a_backtick_stays_one_name() -> None:
    (one,) = to_revoke(PLAN, [table("canonical.feedback")], [Held("insights-prod-ops", frozenset({"SELECT"}), "TABLE", ("a`b", "c"))])
    assert parts(one.sql.split(" ON TABLE ")[1].split(" FROM ")[0]) == ("insights_prod", "a`b", "c")


if __name__ == "__main__":
    GOLDEN.write_text(golden(), encoding="utf-8")
