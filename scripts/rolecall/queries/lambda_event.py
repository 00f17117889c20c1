"""What an event of the Lambda function requests.

Whoever may invoke the function writes the event, so that it is believed no more than a log: every
member has a type and a size, and what it leaves out comes from the function's environment.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rolecall.errors import RolecallError, UsageError
from rolecall.names import valid_folder, valid_name, valid_table
from rolecall.parameters import LONGEST_LITERAL, check_days, day, dollars, now, shown
from rolecall.queries.notes import CONSOLE_SWITCH, HISTORY

_ENVIRONMENT = {
    "command": "ROLECALL_COMMAND",
    "name": "ROLECALL_QUERY",
    "database": "ROLECALL_SCHEMA",
    "table": "ROLECALL_TABLE",
    "workgroup": "ROLECALL_WORKGROUP",
    "results": "ROLECALL_RESULTS",
    "days": "ROLECALL_DAYS",
    "from": "ROLECALL_FROM",
    "to": "ROLECALL_TO",
    "account": "ROLECALL_ACCOUNT",
    "source_account": "ROLECALL_SOURCE_ACCOUNT",
    "user": "ROLECALL_USER",
    "role": "ROLECALL_ROLE",
    "how": "ROLECALL_HOW",
    "outcome": "ROLECALL_OUTCOME",
    "mfa": "ROLECALL_MFA",
    "max_rows": "ROLECALL_MAX_ROWS",
    "price_per_tb": "ROLECALL_PRICE_PER_TB",
}
# An event may choose these among what the environment allows.
_CONFINED = ("database", "table", "workgroup", "results")
_ALLOWED = "ROLECALL_ALLOWED"
_MOST_PARTS = 100
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DEFAULTS = {
    "database": "rolecall",
    "table": "default.cloudtrail_logs",
    "workgroup": "primary",
    "price_per_tb": "5",
}
_FILTERS = ("account", "source_account", "user", "role", "how", "outcome", "mfa")
_DAYS = {"from": "from_day", "to": "to_day"}
_MOST_DAYS = 36_500
# The keys of an event that set each parameter.
_SOURCES = {key: (key,) for key in _FILTERS} | {
    "from_day": ("from", "days"),
    "to_day": ("to", "days"),
    "how": ("how", "switches"),
    "workloads": ("workloads",),
    "active_at": ("active", "at"),
}


def read_event(event: Any) -> dict[str, Any]:
    """Return what is requested: by the event, else by the environment, else by default.

    Each member is of its type, see ``_MEMBERS``. Raises UsageError.
    """
    if not isinstance(event, Mapping):
        raise UsageError('The event is not an object such as {"command": "history"}.')
    unknown = sorted(event.keys() - _MEMBERS.keys())
    if unknown:
        known = ", ".join(_MEMBERS)
        raise UsageError(
            f"The event has {shown(unknown[0])}, which means nothing here: it may have {known}."
        )
    own: dict[str, Any] = dict(_DEFAULTS)
    for key, variable in _ENVIRONMENT.items():
        if os.environ.get(variable):
            own[key] = os.environ[variable]
    own = _convert(own)
    members = _convert({key: value for key, value in event.items() if value is not None})
    _check_confined(members, own)
    request = own | members
    if "days" in members:
        # Days of the event push out the environment's, and the other way round.
        for key in ("from", "to"):
            if key not in members:
                request.pop(key, None)
    elif "from" in members or "to" in members:
        request.pop("days", None)
    if "switches" in members and "how" not in members:
        request.pop("how", None)
    return request


def _convert(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members of an event or of the environment as values of their types."""
    return {key: _MEMBERS[key](key, value) for key, value in members.items()}


def _check_confined(members: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise UsageError for an event with a value that the environment does not allow."""
    more = _more_allowed()
    for key in _CONFINED:
        if key not in members:
            continue
        allowed = [own[key]] if key in own else []
        allowed += more.get(key, [])
        if members[key] not in allowed:
            raise UsageError(
                f"The event's {key} {shown(members[key])} is not one that this function may use"
                f" ({', '.join(allowed) or 'none'}): its environment can allow more"
                f" ({_ALLOWED})."
            )


def _more_allowed() -> dict[str, list[str]]:
    """Return what the environment allows an event to name, beside the environment's own.

    Raises RolecallError if that is not an object of lists.
    """
    text = os.environ.get(_ALLOWED)
    if not text:
        return {}
    try:
        lists = json.loads(text)
        if not isinstance(lists, dict) or not all(map(_is_list, lists.values())):
            raise UsageError("It is not an object of lists.")
        if unknown := sorted(lists.keys() - set(_CONFINED)):
            raise UsageError(f"It has {shown(unknown[0])}, and may have {', '.join(_CONFINED)}.")
        return {key: [_MEMBERS[key](key, each) for each in lists[key]] for key in lists}
    except (ValueError, RecursionError, UsageError) as error:
        raise RolecallError(
            f"{_ALLOWED} in the function's environment is wrong: it is like"
            f' {{"table": ["audit.cloudtrail_logs"]}}. {error}'
        ) from None


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def query_name(request: Mapping[str, Any], known: Iterable[str]) -> str:
    """Return the name of the query that is requested, one of ``known``. Raises UsageError."""
    command = request.get("command")
    if command == "history":
        return HISTORY
    if command != "query":
        raise UsageError(f"The event's command is {shown(command)}, not history or query.")
    if "name" not in request:
        raise UsageError(f'The event names no query: "name" is one of {", ".join(known)}.')
    return str(request["name"])


def parameter_texts(
    request: Mapping[str, Any], event: Mapping[str, Any], parameters: Collection[str]
) -> dict[str, str]:
    """Return the texts of the ``parameters`` that a query has. Raises UsageError.

    A filter of the environment that the query does not have is passed over; one of the event is
    an error, since the answer would be to another question.
    """
    of_event = {
        key
        for key, sources in _SOURCES.items()
        if any(event.get(source) is not None for source in sources)
    }
    filters = {key: request[key] for key in _FILTERS if key in request} | _days(request)
    filters |= _flag_texts(request)
    given = {key: filters[key] for key in filters if key in parameters or key in of_event}
    params = request.get("params", {})
    if twice := sorted(given.keys() & of_event & params.keys()):
        raise UsageError(f"{twice[0]} is given twice: in the event and in its params.")
    given |= params
    check_days(given.get("from_day"), given.get("to_day"))
    return given


def _flag_texts(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that the event switches on, as the flags of the command line do."""
    given: dict[str, str] = {}
    if request.get("switches", False):
        if "how" in request:
            raise UsageError(f"Both how and switches are given: switches is {CONSOLE_SWITCH!r}.")
        given["how"] = CONSOLE_SWITCH
    if "workloads" in request:
        given["workloads"] = "true" if request["workloads"] else "false"
    if request.get("active", False):
        given["active_at"] = request["at"] if "at" in request else now()
    elif "at" in request:
        raise UsageError('at goes with "active": true.')
    return given


def _days(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the first and the last day; ``days`` counts back from the last one, or from today."""
    days = {_DAYS[key]: day(request[key]) for key in _DAYS if key in request}
    if "days" in request:
        if "from_day" in days:
            raise UsageError("Both from and days are given: leave one out.")
        count = request["days"]
        if not 1 <= count <= _MOST_DAYS:
            raise UsageError(f"days is {shown(count)}, not a number from 1 to {_MOST_DAYS:,}.")
        last = days.setdefault("to_day", datetime.now(UTC).date())
        if last.toordinal() < count:
            raise UsageError(f"There are no {count:,} days before {last}.")
        days["from_day"] = last - timedelta(days=count - 1)
    return {key: value.isoformat() for key, value in days.items()}


def _text(key: str, value: Any) -> str:
    # A number may be an account id that has lost its leading zeros.
    if not isinstance(value, str):
        raise UsageError(f'{key} is {shown(value)}, not a text: write "{key}": "...".')
    if len(value) > LONGEST_LITERAL:
        raise UsageError(
            f"{key} has {len(value):,} characters, and Athena takes {LONGEST_LITERAL:,}."
        )
    return value


def _texts(key: str, value: Any) -> str:
    """Return a text, or a list of texts, as a parameter with several parts has it."""
    if not isinstance(value, list):
        return _text(key, value)
    if len(value) > _MOST_PARTS:
        raise UsageError(f"{key} has {len(value):,} parts, more than {_MOST_PARTS}.")
    return ",".join(_text(key, part) for part in value)


def _params(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise UsageError('The event\'s params is not an object such as {"from_day": "2026-04-01"}.')
    if len(value) > _MOST_PARTS:
        raise UsageError(f"{key} has {len(value):,} members, more than {_MOST_PARTS}.")
    if longest := next((name for name in value if len(name) > LONGEST_LITERAL), None):
        raise UsageError(f"There is no parameter {shown(longest)} in this query.")
    return {
        name: str(each).lower() if isinstance(each, bool) else _text(name, each)
        for name, each in value.items()
    }


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{key} is {shown(value)}, neither true nor false.")
    return value


def _whole_number(key: str, value: Any) -> int:
    # The environment has texts; true is not a number, though Python takes it for 1.
    is_text = isinstance(value, str) and _INTEGER.fullmatch(value) is not None
    if not is_text and (isinstance(value, bool) or not isinstance(value, int)):
        raise UsageError(f"{key} is {shown(value)}, not a whole number.")
    number = int(value)
    if number < 0:
        raise UsageError(f"{key} is {shown(value)}, which is below 0.")
    return number


def _price(key: str, value: Any) -> float:
    try:
        return dollars(value)
    except UsageError as error:
        raise UsageError(f"{key} is wrong: {error}") from None


# What an event may have, and how each becomes what it stands for.
_MEMBERS: Mapping[str, Callable[[str, Any], Any]] = {
    "command": _text,
    "name": _text,
    "database": lambda key, value: valid_name("database", _text(key, value)),
    "table": lambda key, value: ".".join(valid_table(_text(key, value))),
    "workgroup": lambda key, value: valid_name("workgroup", _text(key, value)),
    "results": lambda key, value: valid_folder(_text(key, value)),
    "days": _whole_number,
    "from": _text,
    "to": _text,
    "account": _text,
    "source_account": _text,
    "user": _text,
    "role": _text,
    "how": _texts,
    "outcome": _text,
    "mfa": _text,
    "max_rows": _whole_number,
    "price_per_tb": _price,
    "params": _params,
    "switches": _flag,
    "workloads": _flag,
    "active": _flag,
    "at": _text,
    "stale": _flag,
}
