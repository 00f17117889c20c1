"""Named parameters of a query: found in its SQL, turned into values, bound, never pasted.

A query names its parameters with a colon (``:from_day``). What kind of value each takes stands
beside the query, in ``analyses/_analyses.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rolecall.errors import UsageError

Value = str | int | float | bool | datetime | date | None

LONGEST_LITERAL = 1024
"""The longest value in Athena's ExecutionParameters, in characters ("StartQueryExecution")."""

MOST_DOLLARS = 1_000_000
"""The highest price of a terabyte that is believed."""

_LONGEST_SHOWN = 100

# Four digits three times, as the console parts them, and as everything else writes them.
_ACCOUNT = re.compile(r"\s*([0-9]{4})[-\s]*([0-9]{4})[-\s]*([0-9]{4})\s*")
_AMOUNT = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")

# Quoted text, quoted names, comments and casts are passed over; a colon right behind a name, a
# closing bracket or a quote belongs to a slice or a struct.
_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | --[^\n]*
    | /\*.*?\*/
    | ::
    | (?<![\w:'"\])}]) : (?P<name>[A-Za-z_]\w*)
    | (?P<mark>\?)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query; ``kind`` is a key of ``KINDS``.

    ``required_unless`` names another parameter that can stand for it, '' for none. ``choices`` are
    all values that it can have, () for any.
    """

    name: str
    kind: str = "text"
    description: str = ""
    required: bool = False
    required_unless: str = ""
    choices: Sequence[str] = ()


def named_parameters(sql: str) -> list[str]:
    """Return the names of the parameters in ``sql``, each once, in order of appearance."""
    return list(dict.fromkeys(match["name"] for match in _TOKEN.finditer(sql) if match["name"]))


def with_markers(sql: str, marker: Callable[[str], str]) -> str:
    """Return ``sql`` with every parameter replaced by ``marker(name)``."""
    return _TOKEN.sub(lambda match: marker(match["name"]) if match["name"] else match[0], sql)


def execution_parameters(
    sql: str, values: Mapping[str, Value], parameters: Mapping[str, Parameter] | None = None
) -> tuple[str, list[str]]:
    """Return ``sql`` with a ``?`` for each parameter, and Athena's ExecutionParameters for them.

    Athena counts the marks: a parameter that is used twice has its value twice. A value is a
    literal of Trino, quotes included. NULL is cast to the type of its kind in ``parameters``, by
    the query: Trino cannot always tell the type of a bare one. Raises UsageError for a name
    without value, a value that Athena does not take and a ``?`` of the query's own.
    """
    literals: list[str] = []

    def marker(name: str) -> str:
        if name not in values:
            raise UsageError(f"This query needs a value for {name}: --param {name}=...")
        value = values[name]
        text = literal(value)
        if len(text) > LONGEST_LITERAL:
            raise UsageError(
                f"The value of {name} is too long: Athena takes {LONGEST_LITERAL:,} characters."
            )
        literals.append(text)
        declared = (parameters or {}).get(name)
        if value is None and declared is not None and declared.kind in SQL_TYPES:
            return f"cast(? as {SQL_TYPES[declared.kind]})"
        return "?"

    if any(match["mark"] for match in _TOKEN.finditer(sql)):
        raise UsageError("A query names its parameters (:from_day): it has a ? without a name.")
    return with_markers(sql, marker), literals


def literal(value: Value) -> str:
    """Return a value as a literal of Trino; a timestamp is in UTC, without a zone."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"double '{value}'"
    if isinstance(value, datetime):
        moment = _utc(value) if value.tzinfo else value
        return f"timestamp '{moment.isoformat(' ')}'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"


def bound_values(
    parameters: Mapping[str, Parameter],
    given: Mapping[str, str | None],
    zone: tzinfo = UTC,
) -> dict[str, Value]:
    """Return a value for each of ``parameters`` from the texts in ``given``.

    Days are days in ``zone``; timestamps come back in UTC, without a zone. A parameter that is
    not given is None. Raises UsageError for a name that is unknown, a value of the wrong kind or
    a required parameter without value.
    """
    unknown = sorted(given.keys() - parameters.keys())
    if unknown:
        known = ", ".join(parameters) or "none"
        raise UsageError(f"There is no parameter {unknown[0]!r} in this query: it has {known}.")
    values: dict[str, Value] = {}
    for name, parameter in parameters.items():
        text = given.get(name)
        if text is None:
            _check_can_be_left_out(parameter, given)
        values[name] = None if text is None else _value(parameter, text, zone)
    return values


def check_days(first: str | None, last: str | None) -> None:
    """Raise UsageError for days of which the last comes before the first: they have nothing."""
    if first and last and day(first) > day(last):
        raise UsageError(f"The first day {first} is after the last {last}.")


def shown(value: object) -> str:
    """Return a value as an error shows it: on one line, and not all of a long one."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def amount(value: object, least: int, most: int) -> float:
    """Return the number that a setting has or states in a text, ``least`` to ``most``.

    Raises UsageError, also for ``nan`` and ``inf``, which Python takes for numbers.
    """
    # True and false are not amounts, nor is all text that Python takes for a number, as `5_0`.
    is_odd = isinstance(value, bool) or (isinstance(value, str) and not _AMOUNT.fullmatch(value))
    try:
        number = float("nan" if is_odd else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not least <= number <= most:
        raise UsageError(f"{shown(value)} is not a number from {least:,} to {most:,}.")
    return number


def dollars(value: object) -> float:
    """Return the price of a terabyte in US dollars that a setting states. Raises UsageError."""
    return amount(value, 0, MOST_DOLLARS)


def _check_can_be_left_out(parameter: Parameter, given: Mapping[str, str | None]) -> None:
    name, other = parameter.name, parameter.required_unless
    if parameter.required:
        raise UsageError(f"This query needs a value for {name}: --param {name}=...")
    if other and given.get(other) is None:
        raise UsageError(f"This query needs a value for {name} or {other}: --param {name}=...")


def account_id(text: str) -> str:
    """Return the 12 digits of an account id, also as the console shows it (``4444-5555-6666``).

    Raises UsageError.
    """
    match = _ACCOUNT.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is not an account id: it has 12 digits, with hyphens between them or"
            " without, such as 4444-5555-6666."
        )
    return "".join(match.groups())


def day(text: str) -> date:
    """Return the day that ``text`` names (``2026-04-30``). Raises UsageError."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise UsageError(f"{text!r} is not a day: write it like 2026-04-30.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day of the calendar.") from None


def day_start(text: str, zone: tzinfo) -> datetime:
    """Return the first instant of a day in ``zone``, in UTC without a zone."""
    return _utc(datetime.combine(day(text), time.min, zone))


def day_end(text: str, zone: tzinfo) -> datetime:
    """Return the first instant after a day in ``zone``, in UTC without a zone."""
    try:
        return _utc(datetime.combine(day(text) + timedelta(days=1), time.min, zone))
    except OverflowError:
        raise UsageError(f"{text!r} is too late a day.") from None


def utc_days(first: str | None, last: str | None, zone: tzinfo) -> tuple[date | None, date | None]:
    """Return the first and the last UTC day that a window of days in ``zone`` overlaps.

    An end that is None stays None. Raises UsageError.
    """
    return (
        day_start(first, zone).date() if first else None,
        (day_end(last, zone) - datetime.resolution).date() if last else None,
    )


def point_in_time(text: str, zone: tzinfo) -> datetime:
    """Return a moment (``2026-04-30T12:00:00Z``, or local to ``zone``) in UTC without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a moment: write it like 2026-04-30T12:00:00Z.") from None
    return _utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def now() -> str:
    """Return this moment as a text that ``instant`` reads."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def like_pattern(text: str) -> str:
    r"""Return ``text`` as a lower-case LIKE pattern: ``*`` is any text; escaped with ``\``."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text.lower())
    return escaped.replace("*", "%")


def _value(parameter: Parameter, text: str, zone: tzinfo) -> Value:
    kind = KINDS.get(parameter.kind)
    if kind is None:
        raise UsageError(f"The parameter {parameter.name} has an unknown kind {parameter.kind!r}.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"The value of {parameter.name} is not text: {shown(text)}.") from None
    if parameter.choices:
        for part in _parts(text) if parameter.kind == "list" else [text]:
            if part not in parameter.choices:
                raise UsageError(
                    f"{part!r} is not a value of {parameter.name}: it is one of"
                    f" {', '.join(parameter.choices)}."
                )
    return kind(text, zone)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _pattern(text: str, zone: tzinfo) -> str:
    if not text.strip():
        raise UsageError("An empty text matches nobody and nothing: leave it out, or write *.")
    return like_pattern(text)


def _integer(text: str, zone: tzinfo) -> int:
    # Neither engine has larger numbers for a count.
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise UsageError(f"{text!r} is not a whole number.")
    return int(text)


def _boolean(text: str, zone: tzinfo) -> bool:
    if text.lower() not in ("true", "false"):
        raise UsageError(f"{text!r} is neither true nor false.")
    return text.lower() == "true"


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise UsageError(f"{moment.date()} is out of range.") from None


KINDS: Mapping[str, Callable[[str, tzinfo], Value]] = {
    "text": lambda text, zone: text,
    "account": lambda text, zone: account_id(text),
    "pattern": _pattern,
    # A part is looked for together with the commas beside it.
    "list": lambda text, zone: f",{','.join(_parts(text))},",
    "day start": day_start,
    "day end": day_end,
    "instant": point_in_time,
    "integer": _integer,
    "boolean": _boolean,
}
"""What a parameter's text can stand for, and how it becomes a value."""

SQL_TYPES: Mapping[str, str] = {
    "text": "varchar",
    "account": "varchar",
    "pattern": "varchar",
    "list": "varchar",
    "day start": "timestamp",
    "day end": "timestamp",
    "instant": "timestamp",
    "integer": "bigint",
    "boolean": "boolean",
}
"""The type in SQL of each of ``KINDS``."""
