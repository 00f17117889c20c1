"""How a terminal shows the history of entries into roles."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from rolecall.output.formats import Column, local_time

_NOTHING = "-"
# From this width of the terminal on the outcome has a column of its own.
_OUTCOME_WIDTH = 90


def columns(zone: ZoneInfo) -> list[Column]:
    """Return the columns of the history; ``from_width`` says which of them wait for room.

    Where there is none for the outcome, a refused entry, in which nothing was done, says so in the
    place of the number of actions.
    """

    def entered_at(row: dict[str, Any]) -> str:
        return local_time(row["entered_at"], zone).strftime("%Y-%m-%d %H:%M")

    return [
        Column("entered at", entered_at, least=16),
        Column("who", _who, least=8),
        _column("from account", "source_account_id", least=12, from_width=140),
        _column("how", "how", least=11),
        Column("role", lambda row: row["role_name"] or _NOTHING, least=8),
        _column("role account", "role_account_id", least=12),
        _column("mfa", "mfa", least=12),
        _column("mfa evidence", "mfa_evidence", least=12, from_width=180),
        _column("outcome", "outcome", least=7, from_width=_OUTCOME_WIDTH),
        Column("actions", _actions_or_outcome, least=7, below_width=_OUTCOME_WIDTH),
        _count("actions", "action_count", from_width=_OUTCOME_WIDTH),
        _count("writes", "write_count", from_width=100),
        _count("denied", "denied_count", from_width=130),
        _column("address", "source_ip_address", least=15, from_width=120),
        _column("region", "aws_region", least=9, from_width=160),
        _column("seen in", "seen_in", least=14, from_width=150),
    ]


def _who(row: dict[str, Any]) -> str:
    """Return who is behind an entry, never a guess without saying so."""
    if row["actor_name"] is None:
        logged_as = f" (logged as {row['source_name']})" if row["source_name"] else ""
        return f"unknown{logged_as}"
    return (
        f"{row['actor_name']} (guess)" if row["actor_confidence"] == "guess" else row["actor_name"]
    )


def _actions_or_outcome(row: dict[str, Any]) -> str:
    count = row["action_count"]
    return f"{count:,}" if count is not None else str(row["outcome"])


def _column(title: str, name: str, least: int, from_width: int = 0) -> Column:
    return Column(title, lambda row: row[name] or _NOTHING, from_width, least)


def _count(title: str, name: str, from_width: int = 0) -> Column:
    def shows(row: dict[str, Any]) -> str:
        return _NOTHING if row[name] is None else f"{row[name]:,}"

    return Column(title, shows, from_width, len(title))
