"""One session: who was in it, how they came there, and what they did."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from rolecall.errors import UsageError
from rolecall.output.formats import (
    Column,
    local_time,
    plain_rows,
    to_json,
    write_columns,
    write_lines,
)
from rolecall.result import Result
from rolecall.text import Screen, cells, clean, fitted, plural

Ask = Callable[[str, dict[str, Any]], Result]
"""Puts a question of ``analyses/`` by name, with its parameters as texts."""

Row = Mapping[str, Any]

ACTIONS_ONE_BY_ONE = 40
"""How many actions a terminal shows one by one; more are counted by kind."""

_LEAST_LABEL = 20

MANAGEMENT_ONLY = "No data events are logged there: actions are management events only."

WORDS_FOR_HOW = {
    "console switch": "switched role in the console",
    "assume role": "assumed the role by program",
    "assume root": "became root of a member account",
    "roles anywhere": "entered with a certificate through Roles Anywhere",
    "pod identity": "got by a pod through EKS Pod Identity",
    "identity center": "entered through Identity Center",
    "saml": "entered with a SAML assertion",
    "web identity": "entered with a web identity token",
    "service": "an AWS service",
    "observed": "not logged: seen acting only",
}
"""How a terminal calls each way into a role."""


@dataclass(frozen=True, slots=True)
class Session:
    """What is known of a session, or of a switch that no session came of."""

    details: Row
    chain: Sequence[Row]
    actions: Result
    """One row an action, or one row a kind of action where they were too many to show."""

    are_actions_grouped: bool


def find(given: str, ask: Ask) -> tuple[str | None, str | None]:
    """Return the session id and switch id that ``given`` identifies; a unique prefix is enough.

    Raises UsageError where nothing or more than one has such an id.
    """
    if not given.strip() or "*" in given:
        raise UsageError(f"{given!r} is not an id: `rolecall history --format json` shows them.")
    # Known by session or, of a switch without one, by switch; those it is in all letters first.
    exact: dict[str, set[str]] = {}
    begun: dict[str, set[str]] = {}
    sessions: dict[str, str | None] = {}
    for known_id, session_id, switch_id in ask("find_session", {"id": f"{given}*"}).rows:
        key = session_id or switch_id
        sessions[key] = session_id
        for found in [begun, *([exact] if known_id.lower() == given.lower() else [])]:
            found.setdefault(key, set()).add(switch_id)
    found = exact or begun
    if not found:
        raise UsageError(f"No session and no switch has an id that begins with {given!r}.")
    if None in found:
        raise UsageError(
            f"{given!r} is of an assumption that no session came of:"
            " `rolecall history --outcome failure --format json` shows it."
        )
    # A switch and its session are one; without session a switch stands for itself.
    if len(found) > 1:
        raise UsageError(
            f"{given!r} begins the ids of {len(found)} sessions and switches: give more of it."
        )
    ((key, switch_ids),) = found.items()
    return sessions[key], switch_ids.pop() if len(switch_ids) == 1 else None


def gather(session_id: str | None, switch_id: str | None, ask: Ask, *, every: bool) -> Session:
    """Return what is known; ``every`` action one by one, however many they are.

    Raises UsageError where the session is one of a service, which are left out.
    """
    given = {"session_id": session_id, "role_switch_id": switch_id}
    rows = _rows(ask("session_details", given))
    if not rows:
        raise UsageError(
            f"The session {session_id} is one of an AWS service: they are left out unless dbt's"
            " variable include_service_sessions is true."
        )
    details = rows[0]
    if session_id is None:
        return Session(details, [], Result([], [], []), are_actions_grouped=False)
    chain = _rows(ask("session_chain", {"session_id": session_id}))
    is_grouped = not every and details["action_count"] > ACTIONS_ONE_BY_ONE
    name = "session_action_groups" if is_grouped else "session_timeline"
    actions = ask(name, {"session_id": session_id})
    return Session(details, chain, actions, is_grouped)


def json_lines(session: Session, zone: ZoneInfo) -> Iterator[str]:
    """Yield one object, line by line: ``session``, its ``chain`` and its ``actions``."""
    known = {
        "session": _plain(session.details, zone),
        "chain": [_plain(row, zone) for row in session.chain],
    }
    *lines, last, _ = to_json(known, indent=1).split("\n")
    yield from [*lines, f"{last},"]
    left = len(session.actions.rows)
    yield ' "actions": [' if left else ' "actions": []'
    for action in plain_rows(session.actions, zone):
        left -= 1
        *lines, last = to_json(action, indent=1).split("\n")
        yield from (f"  {line}" for line in [*lines, f"{last}{',' if left else ''}"])
    if session.actions.rows:
        yield " ]"
    yield "}"


def write_text(session: Session, stream: IO[str], zone: ZoneInfo) -> None:
    """Write what a person wants to read: the facts, the chain as a tree, the actions in order."""
    screen = Screen(stream)
    facts = _facts(session.details, zone)
    write_lines(None, facts, [max(len(title) for title, _ in facts), 16], screen)
    if session.details["session_id"] is None:
        screen.line()
        screen.line("No session came of it, as far as the logs show.")
        return
    if len(session.chain) > 1 or session.details["chain_depth"]:
        screen.line()
        screen.line("chain", is_bold=True)
        for line in _tree(session, zone, screen):
            screen.line(line)
    screen.line()
    if session.actions.rows:
        columns = (_group_columns if session.are_actions_grouped else _action_columns)(zone)
        write_columns(session.actions, columns, screen)
    else:
        screen.line("Nothing was done in it, as far as the logs show.")
    if not session.details["has_data_events"]:
        screen.line(MANAGEMENT_ONLY)


def _facts(details: Row, zone: ZoneInfo) -> list[list[str]]:
    """Return titles and texts of what is known about a session."""
    facts = [["who", _who(details)]]
    if details["actor_arn"]:
        facts.append(["", details["actor_arn"]])
    facts.append(["role", details["role_arn"] or details["role_name"] or "-"])
    if details["role_session_name"]:
        facts.append(["session name", details["role_session_name"]])
    facts.append(["how", _how(details)])
    if details["source_arn"]:
        facts.append(["from", details["source_arn"]])
    facts += _times(details, zone)
    facts.append(["mfa", _by(details["mfa"], details["mfa_evidence"])])
    facts.append(["address", _by(details["source_ip_address"] or "-", details["address_evidence"])])
    if details["source_identity"]:
        facts.append(["source identity", details["source_identity"]])
    if details["action_count"] is not None:
        facts.append(["actions", _counts(details)])
    for title, name in (
        ("session", "session_id"),
        ("switch", "role_switch_id"),
        ("role record", "role_event_id"),
        ("source record", "source_event_id"),
        ("AssumeRole", "assume_role_event_id"),
    ):
        if details[name]:
            facts.append([title, details[name]])
    return facts


def _by(answer: str, evidence: str | None) -> str:
    """Return an answer with the evidence that it rests on, if there is any."""
    return f"{answer}, by {evidence}" if evidence else answer


def _who(details: Row) -> str:
    if details["actor_name"] is None:
        return "nobody can be named"
    return (
        f"{details['actor_name']}, {details['actor_type']}"
        f" ({details['actor_confidence']}: {details['actor_method']})"
    )


def _how(details: Row) -> str:
    if details["start_method"] is None:
        reason = f": {details['error_message']}" if details["error_message"] else ""
        return f"{WORDS_FOR_HOW['console switch']}, {details['outcome']}{reason}"
    seen = f", seen in {details['seen_in']}" if details["seen_in"] else ""
    return f"{WORDS_FOR_HOW[details['start_method']]}{seen}"


def _times(details: Row, zone: ZoneInfo) -> list[list[str]]:
    """Return titles and texts of when a session began and ended."""
    facts = [
        [title, _time(details[name], zone)]
        for title, name in (
            ("began", "started_at"),
            ("last action", "last_action_at"),
            ("left", "exited_at"),
            ("expires", "expires_at"),
        )
        if details[name]
    ]
    if details["renewal_count"]:
        facts.append(["renewed", plural(details["renewal_count"], "time")])
    return facts


def _counts(details: Row) -> str:
    return (
        f"{details['action_count']:,}, {plural(details['write_count'], 'write')} among them,"
        f" {details['denied_count']:,} denied,"
        f" from {plural(details['source_ip_count'], 'address', 'addresses')}"
    )


def _tree(session: Session, zone: ZoneInfo, screen: Screen) -> Iterator[str]:
    """Yield the chain as the lines of a tree, from whoever is behind it to all that came of it."""
    details = session.details
    branch, last_branch, trunk, blank = (
        ("├── ", "└── ", "│   ", "    ")
        if screen.has_box_characters
        else ("+-- ", "`-- ", "|   ", "    ")
    )
    roots, below = _branches(session.chain)
    known = {row["session_id"] for row in session.chain}
    yield clean(details["actor_name"] or "nobody can be named")
    # No calls one in the other: how long a chain is, the logs say.
    left = [("", row, row is roots[-1]) for row in reversed(roots)]
    while left:
        indent, row, is_last = left.pop()
        begin = indent + (last_branch if is_last else branch)
        label = clean(_label(row, details, known, zone))
        room = max(screen.width - len(begin), _LEAST_LABEL)
        yield begin + (label if cells(label) <= room else fitted(label, room))
        indent += blank if is_last else trunk
        rows = below[row["session_id"]]
        left += [(indent, child, child is rows[-1]) for child in reversed(rows)]


def _branches(chain: Sequence[Row]) -> tuple[list[Row], Mapping[str, Sequence[Row]]]:
    """Return the sessions of a chain that no other leads to, and by session what came of it.

    What a loop leaves without a beginning has one all the same.
    """
    known = {row["session_id"] for row in chain}
    children: dict[str | None, list[Row]] = {}
    for row in chain:
        parent = row["parent_session_id"]
        children.setdefault(parent if parent in known else None, []).append(row)
    roots: list[Row] = []
    below: dict[str, list[Row]] = {}
    for root in [*children.get(None, []), *chain]:
        if root["session_id"] in below:
            continue
        roots.append(root)
        below[root["session_id"]] = []
        left = [root]
        while left:
            row = left.pop()
            for child in children.get(row["session_id"], []):
                if child["session_id"] not in below:
                    below[child["session_id"]] = []
                    below[row["session_id"]].append(child)
                    left.append(child)
    return roots, below


def _label(row: Row, details: Row, known: Collection[str], zone: ZoneInfo) -> str:
    mark = " <- here" if row["session_id"] == details["session_id"] else ""
    hidden = row["parent_session_id"] if row["parent_session_id"] not in known else None
    through = f", through {hidden}" if hidden else ""
    began = local_time(row["started_at"], zone).strftime("%Y-%m-%d %H:%M")
    # A session of AssumeRoot has no name.
    named = f" as {row['role_session_name']}" if row["role_session_name"] else ""
    return f"{row['role_name']} in {row['role_account_id']}{named}, {began}{through}{mark}"


def _action_columns(zone: ZoneInfo) -> list[Column]:
    return [
        Column("time", lambda row: _time(row["event_at"], zone), least=19),
        Column("service", _service, least=8),
        Column("action", lambda row: row["event_name"] or "-", least=12),
        Column("", _mark, least=6),
        Column("region", lambda row: row["aws_region"] or "-", least=9),
        Column("address", lambda row: row["source_ip_address"] or "-", least=9),
    ]


def _group_columns(zone: ZoneInfo) -> list[Column]:
    return [
        Column("first", lambda row: _time(row["first_action_at"], zone), least=19),
        Column("last", lambda row: _time(row["last_action_at"], zone), least=19),
        Column("service", _service, least=8),
        Column("action", lambda row: row["event_name"] or "-", least=12),
        Column("times", lambda row: f"{row['action_count']:,}", least=5),
        Column("writes", lambda row: f"{row['write_count']:,}", least=6),
        Column("denied", lambda row: f"{row['denied_count']:,}", least=6),
        Column("region", lambda row: row["aws_region"] or "-", least=9),
        Column("address", lambda row: row["source_ip_address"] or "-", least=9),
    ]


def _service(row: Row) -> str:
    return str(row["event_source"] or "-").removesuffix(".amazonaws.com")


def _mark(row: Row) -> str:
    if row["is_denied"]:
        return "denied"
    if row["error_code"]:
        return "failed"
    return "write" if row["is_write"] else ""


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return local_time(moment, zone).strftime("%Y-%m-%d %H:%M:%S")


def _rows(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _plain(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    return next(plain_rows(Result(list(row), [], [tuple(row.values())]), zone))
