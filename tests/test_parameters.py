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
    account_id,
    bound_values,
    check_days,
    day_end,
    day_start,
    dollars,
    execution_parameters,
    like_pattern,
    literal,
    named_parameters,
    shown,
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
def test_what_is_not_a_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a day"):
        day_start(text, UTC)


def test_a_pattern_knows_the_star_alone() -> None:
    assert like_pattern("Al*ce_50%\\") == "al%ce\\_50\\%\\\\"


@pytest.mark.parametrize(
    "text",
    [
        "044455556666",
        "0444-5555-6666",
        "0444 5555 6666",
        " 0444-5555-6666\n",
        "0444 - 5555 - 6666",
        "0444\N{NO-BREAK SPACE}5555\N{NO-BREAK SPACE}6666",
    ],
)
def test_an_account_id_is_taken_as_the_console_shows_it(text: str) -> None:
    assert account_id(text) == "044455556666"
    assert bound_values({"a": Parameter("a", "account")}, {"a": text}) == {"a": "044455556666"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "44455556666", "0444455556666", "0444-5555-666", "0444-5555-6666-7777"),
        *("0444.5555.6666", "0444_5555_6666", "04-4455556666", "-044455556666", "044455556666-"),
        *("*", "0444*", "alice", "04445555666x", "'044455556666'"),
        "arn:aws:iam::044455556666:root",
        "\N{FULLWIDTH DIGIT ZERO}44455556666",
        "\N{ARABIC-INDIC DIGIT ZERO}44455556666",
    ],
)
def test_what_has_not_the_twelve_digits_of_an_account_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not an account id: it has 12 digits"):
        account_id(text)


def test_a_list_has_a_comma_at_both_ends_of_each_part() -> None:
    parameters = {"how": Parameter("how", "list", choices=("saml", "web identity"))}
    for text in ("saml,web identity", " saml , web identity "):
        assert bound_values(parameters, {"how": text}) == {"how": ",saml,web identity,"}
    assert bound_values(parameters, {"how": "saml"}) == {"how": ",saml,"}


def test_a_parameter_may_stand_for_another_that_is_needed() -> None:
    parameters = {
        "a": Parameter("a", required_unless="b"),
        "b": Parameter("b", required_unless="a"),
    }
    assert bound_values(parameters, {"a": "1"}) == {"a": "1", "b": None}
    assert bound_values(parameters, {"b": "1"}) == {"a": None, "b": "1"}
    assert bound_values(parameters, {"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    with pytest.raises(UsageError, match=r"This query needs a value for a or b: --param a="):
        bound_values(parameters, {"a": None})


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
        (Parameter("a", "account"), {"a": "4444"}, "'4444' is not an account id"),
        (
            Parameter("a", choices=("x", "y")),
            {"a": "X"},
            "'X' is not a value of a: it is one of x, y",
        ),
        (Parameter("a", choices=("x",)), {"a": ""}, "'' is not a value of a"),
        (Parameter("a", "list", choices=("x", "y")), {"a": "x,z"}, "'z' is not a value of a"),
        (Parameter("a", "list", choices=("x",)), {"a": ""}, "'' is not a value of a"),
        (Parameter("a", "integer"), {"a": "9" * 19}, "is not a whole number"),
        (Parameter("a", "integer"), {"a": "\N{ARABIC-INDIC DIGIT THREE}"}, "not a whole number"),
        (Parameter("a", "pattern"), {"a": ""}, "An empty text matches nobody and nothing"),
        (Parameter("a", "pattern"), {"a": " \t"}, "An empty text matches nobody and nothing"),
        (Parameter("a"), {"a": "x\udcff"}, r"The value of a is not text: 'x\\udcff'"),
        (Parameter("a"), {"b": "1"}, "There is no parameter 'b' in this query: it has a"),
    ],
)
def test_wrong_values_are_refused(
    parameter: Parameter, given: dict[str, str | None], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        bound_values({"a": parameter}, given)


@pytest.mark.parametrize(
    "value",
    [
        *("nan", "inf", "-inf", float("nan"), float("inf"), -1, 10**400, True, None, [5], "x"),
        *("5_0", "\u0665", "", "1e999"),
    ],
)
def test_what_is_not_a_price_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match=r"is not a number from 0 to 1,000,000"):
        dollars(value)
    assert (dollars(" 5"), dollars(0), dollars(6.75), dollars("1e1")) == (5, 0, 6.75, 10)


def test_a_window_ends_after_it_begins() -> None:
    check_days("2026-04-30", "2026-04-30")
    check_days("2026-04-30", None)
    with pytest.raises(UsageError, match=r"The first day 2026-05-01 is after the last 2026-04-30"):
        check_days("2026-05-01", "2026-04-30")


def test_an_error_shows_of_a_long_value_the_beginning() -> None:
    assert shown("x\n") == "'x\\n'"
    assert len(shown("x" * 10**6)) < 200


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
        ("account", "varchar"),
        ("pattern", "varchar"),
        ("list", "varchar"),
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
