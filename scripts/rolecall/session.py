"""One session: who was in it, how they came there, and what they did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rolecall.errors import UsageError
from rolecall.output import (
    Column,
    Result,
    console_for,
    counted,
    instant,
    plain_rows,
    write_lines,
)

if TYPE_CHECKING:
    from rich.tree import Tree

Ask = Callable[[str, dict[str, Any]], Result]
"""Puts a question of ``analyses/`` by name, with its parameters as texts."""

Row = Mapping[str, Any]

ACTIONS_ONE_BY_ONE = 40
"""How many actions a terminal shows one by one; more are counted by kind."""

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
    """Return session id and switch id of what ``given`` is an id, or the only beginning of one, of.

    Raises UsageError where nothing or more than one has such an id.
    """
    if not given.strip() or "*" in given:
        raise UsageError(f"{given!r} is no id: `rolecall history --format json` shows them.")
    rows = _rows(ask("find_session", {"id": f"{given}*"}))
    exact = [row for row in rows if row["known_id"].lower() == given.lower()]
    found = exact or rows
    if not found:
        raise UsageError(f"No session and no switch has an id that begins with {given!r}.")
    # A switch and its session are one; without session a switch stands for itself.
    count = len({row["session_id"] or row["role_switch_id"] for row in found})
    if count > 1:
        raise UsageError(
            f"{given!r} begins the ids of {count} sessions and switches: give more of it."
        )
    switch_ids = {row["role_switch_id"] for row in found}
    return found[0]["session_id"], switch_ids.pop() if len(switch_ids) == 1 else None


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


def write_json(session: Session, stream: IO[str], zone: ZoneInfo) -> None:
    """Write one object: ``session``, its ``chain`` and its ``actions``."""
    whole = {
        "session": _plain(session.details, zone),
        "chain": [_plain(row, zone) for row in session.chain],
        "actions": plain_rows(session.actions, zone),
    }
    json.dump(whole, stream, ensure_ascii=False, indent=1)
    stream.write("\n")


def write_text(session: Session, stream: IO[str], zone: ZoneInfo) -> None:
    """Write what a person wants to read: the facts, the chain as a tree, the actions in order."""
    from rich.text import Text

    console = console_for(stream)
    facts = _facts(session.details, zone)
    write_lines(None, facts, [max(len(title) for title, _ in facts), 16], console)
    if session.details["session_id"] is None:
        console.print("\nNo session came of it, as far as the logs show.", highlight=False)
        return
    if len(session.chain) > 1 or session.details["chain_depth"]:
        console.print()
        console.print(Text("chain", style="bold"))
        console.print(_tree(session, zone))
    console.print()
    if session.actions.rows:
        columns = (_group_columns if session.are_actions_grouped else _action_columns)(zone)
        named = _rows(session.actions)
        write_lines(
            [column.title for column in columns],
            [[column.shows(row) for column in columns] for row in named],
            [column.least for column in columns],
            console,
        )
    else:
        console.print("Nothing was done in it, as far as the logs show.", highlight=False)
    if not session.details["has_data_events"]:
        console.print(MANAGEMENT_ONLY, highlight=False)


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
        facts.append(["renewed", counted(details["renewal_count"], "time")])
    return facts


def _counts(details: Row) -> str:
    return (
        f"{details['action_count']:,}, {counted(details['write_count'], 'write')} among them,"
        f" {details['denied_count']:,} denied,"
        f" from {counted(details['source_ip_count'], 'address', 'addresses')}"
    )


def _tree(session: Session, zone: ZoneInfo) -> Tree:
    """Return the chain as a tree, from whoever is behind it to all that came of it."""
    from rich.text import Text
    from rich.tree import Tree

    details = session.details
    children: dict[str | None, list[Row]] = {}
    known = {row["session_id"] for row in session.chain}
    for row in session.chain:
        parent = row["parent_session_id"]
        children.setdefault(parent if parent in known else None, []).append(row)
    tree = Tree(Text(details["actor_name"] or "nobody can be named"))
    shown: set[str] = set()

    def grow(branch: Tree, rows: Sequence[Row]) -> None:
        for row in rows:
            if row["session_id"] in shown:
                continue
            shown.add(row["session_id"])
            mark = " <- here" if row["session_id"] == details["session_id"] else ""
            hidden = row["parent_session_id"] if row["parent_session_id"] not in known else None
            through = f", through {hidden}" if hidden else ""
            began = instant(row["started_at"], zone).strftime("%Y-%m-%d %H:%M")
            label = Text(
                f"{row['role_name']} in {row['role_account_id']} as {row['role_session_name']},"
                f" {began}{through}{mark}",
                overflow="ellipsis",
            )
            grow(branch.add(label), children.get(row["session_id"], []))

    grow(tree, children.get(None, []))
    # What a loop leaves without a beginning is shown all the same.
    grow(tree, [row for row in session.chain if row["session_id"] not in shown])
    return tree


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
    return instant(moment, zone).strftime("%Y-%m-%d %H:%M:%S")


def _rows(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _plain(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    (plain,) = plain_rows(Result(list(row), [], [tuple(row.values())]), zone)
    return plain
