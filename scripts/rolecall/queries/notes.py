"""What is said beside an answer, so that nobody takes it for more than it is.

Which of the days asked for have no logs, of which time the newest log is, and who is there where
nobody has the name that was asked for. The command line and the Lambda function say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from rolecall.errors import StaleLogsError
from rolecall.output.formats import local_time
from rolecall.parameters import Parameter, point_in_time, utc_days
from rolecall.queries.coverage import BY_TABLE, coverage_note
from rolecall.result import Result
from rolecall.text import clean, first_of, plural

Ask = Callable[[str, Mapping[str, str | None]], Result]
"""Puts a question of ``analyses/`` by name, with its parameters as texts."""

HISTORY = "role_entry_history"
"""The question behind the history."""

CONSOLE_SWITCH = "console switch"
"""The way in that a history of switches alone is confined to."""

_ACCOUNTS = ("account", "source_account")
# A parameter of several questions that speaks of people by another name.
_KINDS = {"account": "account", "source_account": "source_account", "user": "user"} | {
    "person": "user",
    "role": "role",
}
LONGEST_SESSION = timedelta(hours=12)
"""How long a session without a known end lasts: the dbt variable ``longest_session_hours``."""

_LONGEST_SILENCE = timedelta(days=1)
_LONGEST_NAME = 64


SERVICES_LEFT_OUT = (
    "Sessions of AWS services are left out unless dbt's variable include_service_sessions is true."
)
MANAGEMENT_ONLY = "No data events are logged there: 0 actions covers management events only."


@dataclass(frozen=True, slots=True)
class Question:
    """A question of ``analyses/``; ``given`` has texts of its parameters, days are of ``zone``."""

    name: str
    parameters: Mapping[str, Parameter]
    given: Mapping[str, str | None]
    zone: tzinfo

    @property
    def has_days(self) -> bool:
        """Whether it is about days, or about a moment, of which there may be no logs."""
        is_about_days = bool({"from_day", "to_day"} & self.parameters.keys())
        return self.name != "coverage_gaps" and (is_about_days or self.moment is not None)

    @property
    def moment(self) -> datetime | None:
        """The moment that it is about, in UTC without a zone; None for most."""
        text = self.given.get("active_at")
        return None if text is None else point_in_time(text, self.zone)

    @property
    def accounts(self) -> dict[str, str | None]:
        """The accounts that it is confined to, as parameters of ``coverage_gaps``."""
        return {name: self.given.get(name) for name in _ACCOUNTS}

    def day_of(self, time: datetime) -> str:
        """Return the day of a time in UTC."""
        return local_time(time, self.zone).date().isoformat()


def newest_log(question: Question, ask: Ask) -> datetime | None:
    """Return when the newest event in the logs happened (UTC), None if there is none.

    It is that of the accounts that the question is confined to; where none of these has logs, it
    is that of all.
    """
    newest = _rows(ask("newest_logs", question.accounts))
    if not newest and any(question.accounts.values()):
        newest = _rows(ask("newest_logs", {}))
    return max((row["newest_event_at"] for row in newest), default=None)


def check_is_recent(question: Question, newest: datetime | None, way: str = "--stale") -> None:
    """Raise StaleLogsError if the logs end more than a day before the moment of a question.

    ``way`` is how to have the answer all the same.
    """
    at = question.moment
    if at is None or (newest is not None and at - newest <= _LONGEST_SILENCE):
        return
    if newest is None:
        raise StaleLogsError("There are no logs: who is in a role cannot be told from them.")
    raise StaleLogsError(
        f"The newest log is of {_time(newest, question.zone)}, more than a day before"
        f" {_time(at, question.zone)}: who is in a role then is not known. `rolecall refresh` loads"
        f" what came since; with {way} the answer is that of the logs that are there."
    )


def newest_note(question: Question, newest: datetime | None) -> str:
    """Return a sentence on of which time the newest log is."""
    if newest is None:
        return "There are no logs."
    return f"The newest log is of {_time(newest, question.zone)}."


def note_on_coverage(
    question: Question, ask: Ask, newest: datetime | None = None, source: str = BY_TABLE
) -> str | None:
    """Return a sentence on which of a question's days have no logs, None if all have.

    The days of a moment begin with the longest session; what comes after ``newest`` is told by
    ``newest_note``. ``source`` says where the gaps are told.
    """
    given = coverage_parameters(question, newest)
    first, last = utc_days(given["from_day"], given["to_day"], question.zone)
    gaps = ask("coverage_gaps", given)
    accounts = [account for account in question.accounts.values() if account is not None]
    return coverage_note(gaps, first, last, source, accounts)


def coverage_parameters(
    question: Question, newest: datetime | None = None
) -> dict[str, str | None]:
    """Return the days and accounts of a question, as parameters of ``coverage_gaps``."""
    from_day, to_day = question.given.get("from_day"), question.given.get("to_day")
    at = question.moment
    if at is not None:
        last = at if newest is None else min(at, newest)
        from_day = from_day or question.day_of(min(at - LONGEST_SESSION, last))
        to_day = to_day or question.day_of(last)
    return {"from_day": from_day, "to_day": to_day, **question.accounts}


def note_on_workloads(
    given: Mapping[str, str | None], ask: Ask, way: str = "--workloads"
) -> str | None:
    """Return a sentence on how many entries of workloads a history leaves out, None if none.

    ``given`` has the parameters of ``role_entry_history``; ``way`` is how to have them shown.
    """
    if given.get("workloads") == "true":
        return None
    counts = _rows(ask("role_entry_counts", {**given, "workloads": "true"}))
    aside = sum(
        row["entry_count"]
        for row in counts
        # As macros/questions/is_asked_for_entry.sql has it.
        if row["actor_type"] == "workload" and row["how"] != "roles anywhere"
    )
    if not aside:
        return None
    are = "is" if aside == 1 else "are"
    return f"{plural(aside, 'entry', 'entries')} of workloads {are} left out: {way} shows them."


def notes_below_history(given: Mapping[str, str | None], result: Result, ask: Ask) -> list[str]:
    """Return what has to be said below a history: what it leaves out, and what 0 actions means."""
    count, data = (result.columns.index(name) for name in ("action_count", "has_data_events"))
    has_idle = any(row[count] == 0 and not row[data] for row in result.rows)
    notes = [MANAGEMENT_ONLY] if has_idle else []
    if "service" in (given.get("how") or "").split(",") and not result.rows:
        notes.append(SERVICES_LEFT_OUT)
    aside = note_on_workloads(given, ask)
    return notes if aside is None else [*notes, aside]


def notes_on_names(question: Question, ask: Ask, *, are_of_days: bool = False) -> list[str]:
    """Return a sentence for each name and account of a question that the logs do not have.

    Each says which they have; ``are_of_days`` says that ``ask`` looks at the question's days alone.
    """
    name_of = {
        _KINDS[key]: text
        for key, text in question.given.items()
        if key in _KINDS and text is not None
    }
    if not name_of:
        return []
    names: dict[str, list[Mapping[str, Any]]] = {}
    for row in _rows(ask("names_in_logs", name_of)):
        names.setdefault(row["kind"], []).append(row)
    return [
        _names_text(kind, name_of[kind], names[kind], are_of_days)
        for kind in name_of
        if kind in names
    ]


def note_on_no_match(question: Question) -> str | None:
    """Return a sentence on the ids and patterns of an empty answer, None if it was asked for none.

    Accounts, people and roles have notes of their own.
    """
    ids = [
        f"{name} {_short(text)}"
        for name, text in question.given.items()
        if text is not None
        and name not in _KINDS
        and (name.endswith("_id") or question.parameters[name].kind == "pattern")
    ]
    return f"Nothing has {' and '.join(ids)}." if ids else None


def _names_text(kind: str, name: str, rows: Sequence[Mapping[str, Any]], are_of_days: bool) -> str:
    names = [_short(row["known_name"]) for row in rows]
    known = first_of(names, len(names), total=rows[0]["name_count"])
    name = _short(name)
    of_days, on_days = (" of these days", " on these days") if are_of_days else ("", "")
    return {
        "account": f"The logs{of_days} have no account {name}: they have {known}.",
        "source_account": f"Nobody came from account {name}{on_days}: they came from {known}.",
        "user": f"Nobody is named {name}: there are {known}.",
        "role": f"No role is named {name}: there are {known}.",
    }[kind]


def _short(name: str) -> str:
    """Return a name out of the logs as text for a terminal, cut where it is long."""
    name = clean(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _time(time: datetime, zone: tzinfo) -> str:
    return local_time(time, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _rows(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
