"""The matrix of three roles against every column, and readers that enforce just that matrix (R112, R117, R118)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from insights_assets.governance.access import access_rows
from insights_assets.governance.reader import Reader, ReasonRequired
from insights_assets.lake.tiers import TIERS
from insights_assets.resources.operations import open_operations
from insights_assets.settings import Settings
from insights_assets.tables import all_tables, table

MATRIX = {(row["role"], row["table_name"], row["column_name"]): row["may_read"] for row in access_rows(all_tables())}


def test_every_column_of_every_table_stands_against_all_three_roles() -> None:
    assert len(MATRIX) == 3 * sum(len(spec.columns) for spec in all_tables())
    assert all(MATRIX["raw", str(spec), column.name] for spec in all_tables() for column in spec.columns)


@pytest.mark.parametrize("spec", all_tables(), ids=str)
def test_what_a_higher_role_may_not_read_no_lower_one_may(spec: Any) -> None:
    for column in spec.columns:
        allowed = [MATRIX[role, str(spec), column.name] for role in TIERS]
        assert allowed == sorted(allowed), f"{spec}.{column.name}"


@pytest.mark.parametrize(("name", "columns"), [
    ("sources.reviews_raw", {"payload"}), ("canonical.feedback_text", {"text"}), ("canonical.quarantine", {"payload"}),
    ("sources.reviews", {"body", "title", "customer_name", "customer_email"}), ("sources.chats", {"turns", "customer_name"}), ("sources.social", {"text", "author_handle"}),
    ("sources.orders", {"customer_name", "customer_email"}),
])  # fmt: skip
def test_customers_own_words_and_names_are_raw_alone(name: str, columns: set[str]) -> None:
    for column in columns:
        assert [MATRIX[role, name, column] for role in TIERS] == [False, False, True], f"{name}.{column}"


def test_no_text_of_customers_is_an_aggregate() -> None:
    for name, column in (("canonical.feedback", "text"), ("labels.feedback_labels", "topics"), ("actions.action_tickets", "body")):
        assert not MATRIX["aggregate", name, column]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, written_homes: dict[str, Path]) -> Reader:
    home = Path(shutil.copytree(written_homes["busy"], tmp_path_factory.mktemp("access") / "home"))
    return Reader(Settings(home=home), open_operations(home / "operations.db"), who="ana")


@pytest.mark.parametrize("name", ["sources.reviews_raw", "canonical.feedback", "anomalies.insights"])
def test_the_reader_hands_out_what_the_matrix_says(reader: Reader, name: str) -> None:
    spec = table(name)
    for role in TIERS:
        view = reader.view(spec, role, "a customer asked" if role == "raw" else None)
        assert {column.name for column in view.columns} == {column.name for column in spec.columns if MATRIX[role, name, column.name]}
        assert set(view.frame.columns) == {column.name for column in view.columns}


def test_a_raw_read_without_a_reason_is_refused_and_one_with_it_is_audited(reader: Reader) -> None:
    before = reader.operations.audit.count()
    for reason in (None, "", "  "):
        with pytest.raises(ReasonRequired):
            reader.view(table("sources.reviews_raw"), "raw", reason)
    assert reader.operations.audit.count() == before
    reader.view(table("sources.reviews_raw"), "raw", "legal asked")
    entry = reader.operations.audit.rows(limit=1)[0]
    assert (entry.actor, entry.action, entry.subject, entry.details["reason"]) == ("ana", "raw_read", "sources.reviews_raw", "legal asked")
