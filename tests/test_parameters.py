"""Named parameters: found in SQL, turned into values."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from rolecall.errors import UsageError
from rolecall.parameters import (
    Parameter,
    bound_values,
    day_end,
    day_start,
    like_pattern,
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
