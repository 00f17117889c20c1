"""``rolecall history``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rolecall.commands.answer_notes import note_scan
from rolecall.commands.options import (
    deadline_option,
    output_options,
    stale_option,
    target_options,
)
from rolecall.errors import UsageError
from rolecall.output.formats import write
from rolecall.output.history import columns
from rolecall.parameters import day, now
from rolecall.queries.notes import CONSOLE_SWITCH, HISTORY, notes_below_history
from rolecall.queries.request import Inquiry
from rolecall.settings import load_settings
from rolecall.text import note, say

_MFA = ("yes", "no", "not asserted", "unknown")
_OUTCOMES = ("success", "failure", "unknown")
_HOW = (
    *("console switch", "assume role", "assume root", "roles anywhere", "pod identity"),
    *("identity center", "saml", "web identity", "service", "observed"),
)


@click.command()
@target_options
@deadline_option
@click.option("--from", "from_day", metavar="DAY", help="The first day, such as 2026-03-01.")
@click.option("--to", "to_day", metavar="DAY", help="The last day; all of it is included.")
@click.option("--account", metavar="ID", help="The role's account or the source account.")
@click.option("--source-account", metavar="ID", help="The account in the ARN of who entered.")
@click.option(
    "--user",
    help="Who entered: a name or an ARN, session name or source identity; * stands for any text.",
)
@click.option("--role", help="The role: a name or an ARN; * stands for any text.")
@click.option(
    "--how", multiple=True, type=click.Choice(_HOW), help="The way in; may be given several times."
)
@click.option("--switches", is_flag=True, help="Only switches of role in the console.")
@click.option("--workloads", is_flag=True, help="What workloads entered too, not people alone.")
@click.option("--outcome", type=click.Choice(_OUTCOMES))
@click.option("--mfa", type=click.Choice(_MFA))
@click.option("--active", is_flag=True, help="Only who is in the role now.")
@click.option("--at", metavar="TIME", help="With --active: who was in it then, not now.")
@stale_option
@output_options
def history(
    format_: str,
    output: Path | None,
    from_day: str | None,
    to_day: str | None,
    account: str | None,
    source_account: str | None,
    user: str | None,
    role: str | None,
    how: tuple[str, ...],
    switches: bool,
    workloads: bool,
    outcome: str | None,
    mfa: str | None,
    active: bool,
    at: str | None,
    stale: bool,
    **flags: Any,
) -> None:
    """Show who entered which role, in whatever way, oldest entry first.

    Refused attempts are among them. What workloads entered is counted only, unless it is asked for.
    """
    if from_day and to_day and day(from_day) > day(to_day):
        raise UsageError(f"--from {from_day} is after --to {to_day}.")
    if at and not active:
        raise UsageError("--at goes with --active.")
    if switches and how:
        raise UsageError("--switches is --how 'console switch': leave one of them out.")
    settings = load_settings(**flags)
    given = {
        "from_day": from_day,
        "to_day": to_day,
        "account": account,
        "source_account": source_account,
        "user": user,
        "role": role,
        "how": ",".join([CONSOLE_SWITCH] if switches else how) or None,
        "outcome": outcome,
        "mfa": mfa,
        "active_at": (at or now()) if active else None,
        "workloads": "true" if workloads else None,
    }
    inquiry = Inquiry(settings)
    result, notes = inquiry.answer_with_notes(HISTORY, given, is_stale_fine=stale)
    note(*notes)
    below = notes_below_history(given, result, inquiry.ask)
    is_read_here = format_ == "table" and output is None
    if not is_read_here:
        note(*below)
    note_scan(*inquiry.answers)
    if not result.rows and is_read_here:
        say("No entry matches.")
    else:
        write(result, format_, output, settings.zone, columns(settings.zone))
    if is_read_here and below:
        say(*([""] if result.rows else []), *below)
