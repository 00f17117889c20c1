"""Named parameters: found in SQL, turned into values."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from rolecall.errors import UsageError
from rolecall.parameters import (
    KINDS,
    SQL_TYPES,
    Parameter,
    Value,
    bound_values,
    day_end,
    day_start,
    execution_parameters,
    like_pattern,
    literal,
    named_parameters,
    with_markers,
)

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("where a = :one and b < :two or :one is null", ["one", "two"]),
        ("where a=:one", ["one"]),
        ("in (:one,:two)", ["one", "two"]),
        ("select ':quoted', \":name\", 'it''s :not' -- :comment\n/* :block\n */ , :one", ["one"]),
        ("select a::date, cast(:one as date)::text", ["one"]),
        ("select list[1:n], {'a':b}, f(x):y", []),
        ("select '12:30:00', :t1", ["t1"]),
    ],
)
def test_parameters_are_found_where_they_stand_alone(sql: str, names: list[str]) -> None:
    assert named_parameters(sql) == names


def test_markers_take_the_place_of_parameters_alone() -> None:
    sql = "select ':a', a::text where x = :a and y = :b -- :a"
    assert with_markers(sql, lambda name: "?") == "select ':a', a::text where x = ? and y = ? -- :a"


def test_a_day_is_whole_in_its_time_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert day_start("2026-03-29", UTC) == datetime(2026, 3, 29)
    assert day_end("2026-03-29", UTC) == datetime(2026, 3, 30)
    assert day_start("2026-03-29", berlin) == datetime(2026, 3, 28, 23)
    # The day on which the clocks go forward has 23 hours.
    assert day_end("2026-03-29", berlin) == datetime(2026, 3, 29, 22)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "2026-3-1", "today", "", "20260301"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a day"):
        day_start(text, UTC)


def test_a_pattern_knows_the_star_alone() -> None:
    assert like_pattern("Al*ce_50%\\") == "al%ce\\_50\\%\\\\"


def test_values_have_the_kind_that_the_parameter_declares() -> None:
    parameters = {
        kind: Parameter(kind, kind)
        for kind in ("text", "pattern", "day start", "integer", "boolean", "day end")
    }
    given = {
        "text": "O'Brien",
        "pattern": "A*",
        "day start": "2026-03-01",
        "integer": "7",
        "boolean": "TRUE",
    }
    assert bound_values(parameters, given) == {
        "text": "O'Brien",
        "pattern": "a%",
        "day start": datetime(2026, 3, 1),
        "integer": 7,
        "boolean": True,
        "day end": None,
    }


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        (Parameter("a", "integer"), {"a": "x"}, "'x' is not a whole number"),
        (Parameter("a", "boolean"), {"a": "yes"}, "'yes' is neither true nor false"),
        (Parameter("a", required=True), {}, r"needs a value for a: --param a="),
        (Parameter("a"), {"b": "1"}, "There is no parameter 'b' in this query: it has a"),
    ],
)
def test_wrong_values_are_refused(
    parameter: Parameter, given: dict[str, str | None], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        bound_values({"a": parameter}, given)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-7, "-7"),
        (1.5, "double '1.5'"),
        ("", "''"),
        ("O'Brien", "'O''Brien'"),
        ("a\\'; -- \N{PILE OF POO}\n", "'a\\''; -- \N{PILE OF POO}\n'"),
        (date(2026, 4, 30), "date '2026-04-30'"),
        (datetime(2026, 4, 30), "timestamp '2026-04-30 00:00:00'"),
        (datetime(2026, 4, 30, 1, 2, 3, 4000), "timestamp '2026-04-30 01:02:03.004000'"),
        (
            datetime(2026, 4, 30, tzinfo=ZoneInfo("Europe/Berlin")),
            "timestamp '2026-04-29 22:00:00'",
        ),
    ],
)
def test_a_value_is_a_literal_of_trino(value: Value, text: str) -> None:
    assert literal(value) == text


def test_every_place_of_a_parameter_has_its_value_in_order() -> None:
    sql = "select ':a?', x[1:2] from \"t?\" where b = :b and a in (:a, :b) -- :c ?"
    assert execution_parameters(sql, {"a": "x", "b": 1, "c": "unused"}) == (
        "select ':a?', x[1:2] from \"t?\" where b = ? and a in (?, ?) -- :c ?",
        ["1", "'x'", "1"],
    )


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("text", "varchar"),
        ("pattern", "varchar"),
        ("day start", "timestamp"),
        ("day end", "timestamp"),
        ("integer", "bigint"),
        ("boolean", "boolean"),
    ],
)
def test_null_gets_the_type_of_its_kind(kind: str, type_: str) -> None:
    parameters = {"a": Parameter("a", kind)}
    assert execution_parameters("select :a", {"a": None}, parameters) == (
        f"select cast(? as {type_})",
        ["null"],
    )
    assert execution_parameters("select :a", {"a": 1}, parameters) == ("select ?", ["1"])


def test_every_kind_has_a_type_in_sql() -> None:
    assert SQL_TYPES.keys() == KINDS.keys()


@pytest.mark.parametrize(
    ("sql", "values", "message"),
    [
        ("select :a", {}, "needs a value for a"),
        ("select :a, ?", {"a": 1}, r"has a \? without a name"),
        ("select :a", {"a": "x" * 1_023}, "The value of a is too long: Athena takes 1,024"),
    ],
)
def test_what_athena_cannot_be_given_is_refused(
    sql: str, values: dict[str, Value], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        execution_parameters(sql, values)
    execution_parameters("select :a", {"a": "x" * 1_022})
