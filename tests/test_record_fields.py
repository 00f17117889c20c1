"""Both targets know the same fields of a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import duckdb

from rolecall.record_fields import RECORD_FIELDS, athena_columns, duckdb_shape


def _names(shape: Any) -> Iterator[str]:
    """Yield the names of all fields of a shape, in their order."""
    if isinstance(shape, list):
        yield from _names(shape[0])
    elif not isinstance(shape, str):
        for name, inner in shape.items():
            yield name
            yield from _names(inner)


def test_the_table_on_athena_has_the_fields_that_duckdb_reads() -> None:
    expected = list(_names(duckdb_shape()))
    assert re.findall(r"(\w+):? (?:STRING|STRUCT|ARRAY|MAP)\b", athena_columns()) == expected
    assert {"keyExchange", "invokedByDelegate", "webIdFederationData"} <= set(expected)


def test_no_name_of_a_column_differs_from_another_in_its_letters_alone() -> None:
    assert len({name.lower() for name in RECORD_FIELDS}) == len(RECORD_FIELDS)


def test_texts_by_keys_that_anybody_chooses_are_read_as_they_are() -> None:
    record = (
        '{"userIdentity": {"sessionContext": {"webIdFederationData": {"attributes": {"a": 1}}}}}'
    )
    shape = str(duckdb_shape()).replace("'", '"')
    ((read,),) = duckdb.execute("select json_transform(?, ?)", [record, shape]).fetchall()
    assert read["userIdentity"]["sessionContext"]["webIdFederationData"] == {
        "federatedProvider": None,
        "attributes": '{"a":1}',
    }
