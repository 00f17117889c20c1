"""Both targets know the same fields of a record, and staging reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import duckdb

from rolecall.record_fields import RECORD_FIELDS, athena_columns, duckdb_shape
from support.command_line import PROJECT

# Nothing is asked of these.
_UNREAD = {
    "tlsdetails.keyexchange",
    "useridentity.sessioncontext.webidfederationdata.attributes",
}


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


def _paths(shape: dict[str, Any], parent: str = "") -> Iterator[str]:
    """Yield the paths of the fields of a shape that have none of their own, in lower case."""
    for name, inner in shape.items():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{parent}{name.lower()}.")
        elif isinstance(inner, str):
            yield f"{parent}{name.lower()}"


def test_staging_reads_each_field_of_a_record() -> None:
    """By the list of the macro `record_fields`, or by its own; `resources` by a macro of theirs."""
    fields = (PROJECT / "macros" / "load" / "record_fields.sql").read_text(encoding="utf-8")
    staging = "".join(
        path.read_text(encoding="utf-8") for path in (PROJECT / "models/staging").glob("*.sql")
    )
    read = set(re.findall(r"\(\s*'\w+',\s*'([a-z0-9.]+)',\s*'\w+',?\s*\)", fields))
    read |= set(re.findall(r"raw_field\(\s*fields,\s*'([^']+)'", staging))
    assert read == set(_paths(duckdb_shape())) - _UNREAD


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
