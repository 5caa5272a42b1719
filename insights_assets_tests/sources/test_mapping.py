"""What sources.yaml says has its effect on every record, and what it must not say is refused with file, line and field."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.shop import ShopError, SourceMapping, default_shop_path, load_shop
from insights_assets.shop.model import Derived
from insights_assets.sources.catalogue import BY_NAME
from insights_assets.sources.mapping import REPEATED, block_of, derive, digest_of, expected_columns, mapper_of, plain_text, record_ref


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_shop_path(), tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))


def mapped(record: dict[str, Any], **said: Any) -> Any:
    return mapper_of(SourceMapping("reviews", **said))(record)


def test_columns_are_renamed_and_an_old_name_is_not_read_as_ours() -> None:
    assert mapped({"id": "9", "title": "text"}, columns={"id": "review_id", "title": "body"}) == {"review_id": "9", "body": "text"}


def test_constants_fill_what_is_empty_and_only_that() -> None:
    said = {"constants": {"channel": "marketplace", "locale": "pt"}}
    assert mapped({"channel": "app", "locale": ""}, **said) == {"channel": "app", "locale": "pt"}


def test_words_are_put_in_ours_numbers_too_and_a_star_takes_the_rest() -> None:
    said = {"columns": {"status": "channel"}, "values": {"channel": {"5": "app", "site": "storefront", "*": "other"}}}
    assert [mapped({"status": word}, **said)["channel"] for word in (5, 5.0, " site ", "fax", None)] == ["app", "app", "storefront", "other", None]
    assert mapped({"channel": "fax"}, values={"channel": {"site": "storefront"}})["channel"] == "fax"


@pytest.mark.parametrize(("how", "expected"), [
    (Derived("concat", ("a", "b"), "-"), "X1-2"), (Derived("first", ("nothing", "b")), "2"), (Derived("lower", ("a",)), "x1"), (Derived("upper", ("c",)), "DE_AT"),
    (Derived("before", ("c",), "_"), "de"), (Derived("after", ("c",), "_"), "at"), (Derived("after", ("a",), "_"), "X1"), (Derived("multiply", ("b",), 0.01), 0.02),
    (Derived("multiply", ("a",), 2.0), "X1"), (Derived("concat", ("nothing",), "-"), None),
])  # fmt: skip
def test_a_column_is_made_of_others_in_each_known_way(how: Derived, expected: Any) -> None:
    assert derive({"a": "X1", "b": 2, "c": "de_at", "nothing": " "}, how) == expected


def test_rows_of_one_id_are_counted_or_summed() -> None:
    record = {"order_id": "O1", "sku": "A", "quantity": 2, REPEATED: [{"order_id": "O1", "sku": "A", "quantity": 3}]}
    assert mapper_of(SourceMapping("orders", repeats={"quantity": "count"}))(record)["quantity"] == 2
    assert mapper_of(SourceMapping("orders", repeats={"quantity": "sum"}))(record)["quantity"] == 5
    assert mapper_of(SourceMapping("orders", repeats={"quantity": "sum"}))({"order_id": "O1", "sku": "A", "quantity": 3})["quantity"] == 3


def test_the_first_block_that_fits_reads_a_file_and_others_are_read_as_they_are() -> None:
    one, two = SourceMapping("reviews", files=("shop_*.csv",)), SourceMapping("reviews", folder="dump", files=("reviews*.csv",))
    assert block_of("shop_1.csv", "reviews", (one, two)) is one
    assert block_of("/dump/reviews.csv", "reviews", (one, two)) is two
    assert block_of("other.csv", "reviews", (one, two)) == SourceMapping("reviews")
    assert block_of("/dump/other.csv", "reviews", (one, two)) == SourceMapping("reviews")


def test_a_change_of_the_mapping_is_another_reading_and_its_place_is_not() -> None:
    said = SourceMapping("reviews", "a:1", columns={"id": "review_id"})
    assert digest_of(said) == digest_of(SourceMapping("reviews", "b:9", files=("x",), columns={"id": "review_id"})) != ""
    assert digest_of(said) != digest_of(SourceMapping("reviews", columns={"id": "review_id"}, time_zone="Europe/Berlin"))
    assert digest_of(SourceMapping("reviews", "a:1", files=("x",))) == ""


def test_columns_that_a_join_brings_are_not_expected_of_the_file(folder: Path) -> None:
    write(folder, 'joins: [{file: o.csv, on: {order: id}, columns: {who: person}}]\n    derived: {customer_id: {upper: person}}\n    columns: {stars: rating}')
    assert expected_columns(load_shop(folder).sources["reviews"][0]) == ("stars", "order")


@given(st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text(), st.booleans()))
def test_an_id_is_the_same_text_however_it_is_stored(value: Any) -> None:
    text = plain_text(value)
    assert text is None or text == text.strip() != ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        assert plain_text(float(value)) == plain_text(str(value)) == text


def test_a_record_of_several_keys_is_named_by_all() -> None:
    assert record_ref({"order_id": "O1", "sku": 7.0}, BY_NAME["orders"]) == "O1|7"
    assert record_ref({"order_id": "O1", "sku": " "}, BY_NAME["orders"]) is None


def write(folder: Path, block: str, source: str = "reviews") -> None:
    (folder / "sources.yaml").write_text(f"sources:\n  {source}:\n    {block}\n", encoding="utf-8")


@pytest.mark.parametrize(("block", "message"), [
    ("columns: {a: no_column}", r"sources.yaml:3: sources.reviews.columns.a: 'no_column' is not known"),
    ("columns: {a: body, b: body}", r"'body' is mapped from two columns"),
    ("constants: {chanel: app}", r"sources.reviews.constants.chanel: is not a column of reviews"),
    ("constants: {channel: [a]}", r"is not a single value"),
    ("values: {colour: {a: b}}", r"is not a column of reviews"),
    ("values: {channel: app}", r"write `key: value` lines here"),
    ("times: {rating: iso}", r"is not a time of reviews"),
    ("times: {created_at: yesterday}", r"is not a form of time"),
    ("repeats: {body: count}", r"is not a number of reviews"),
    ("repeats: {rating: average}", r"'average' is not known"),
    ("derived: {body: {guess: a}}", r"is not one of the known ways.*concat, first"),
    ("derived: {body: {concat: [a, b]}}", r"derived.body.with: is missing"),
    ("derived: {body: {upper: [a, b]}}", r"names 2 columns; name 1 to 1"),
    ("derived: {body: {upper: a}}\n    columns: {x: body}", r"is also mapped in columns"),
    ("joins: [{file: o.csv, on: id, columns: {x: nowhere}}]", r"'nowhere' is no column of reviews and nothing uses it"),
    ("joins: [{file: ../o.csv, on: id, columns: {x: body}}]", r"leads out of the landing folder"),
    ("joins: [{file: o.csv, columns: {x: body}}]", r"joins\[0\].on: is missing"),
    ("folder: dump", r"name the files in it"),
    ("folder: /etc\n    files: [passwd]", r"leads out of the landing folder"),
    ("delimiter: ';;'", r"is not one character"),
    ("encoding: rot13", r"is not an encoding of text"),
    ("time_zone: Mars/Olympus", r"is not a time zone"),
    ("colums: {a: body}", r"unknown key; did you mean 'columns'"),
])  # fmt: skip
def test_what_cannot_have_an_effect_is_refused_with_its_place(folder: Path, block: str, message: str) -> None:
    write(folder, block)
    with pytest.raises(ShopError, match=message) as refused:
        load_shop(folder)
    assert refused.value.file.endswith("sources.yaml") and refused.value.line >= 3


def test_a_block_behind_one_that_takes_every_file_is_refused(folder: Path) -> None:
    (folder / "sources.yaml").write_text("sources:\n  reviews:\n    - {constants: {channel: app}}\n    - {files: ['a*']}\n", encoding="utf-8")
    with pytest.raises(ShopError, match="takes every file, so the blocks after it read nothing"):
        load_shop(folder)


def test_the_sample_text_in_the_shipped_file_is_a_mapping_that_loads(folder: Path) -> None:
    """The commented example is what people copy."""
    lines = (folder / "sources.yaml").read_text(encoding="utf-8").splitlines()
    example = [line[2:] for line in lines if line.startswith("#   ")]
    (folder / "sources.yaml").write_text("sources:\n" + "\n".join(example) + "\n", encoding="utf-8")
    block = load_shop(folder).sources["reviews"][0]
    assert block.joins and block.values and block.derived and block.times and block.constants
