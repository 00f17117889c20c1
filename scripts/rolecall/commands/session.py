"""``rolecall session``."""

from __future__ import annotations

import sys
from typing import Any

import click

from rolecall.commands.answer_notes import note_scan
from rolecall.commands.options import deadline_option, target_options
from rolecall.queries.request import Inquiry
from rolecall.queries.session import find, gather, json_lines, write_text
from rolecall.settings import load_settings
from rolecall.text import say_data


@click.command()
@click.argument("id_", metavar="ID")
@target_options
@deadline_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="JSON has every action, however many.",
)
@click.option("--timezone", help="The time zone of times [UTC].")
def session(id_: str, format_: str, **flags: Any) -> None:
    """Show one session: who, how, the chain of roles, MFA, and what was done.

    ID is that of a session, of a switch, of any record of the switch or of the assumption of the
    role, or as much of it as no other has.
    """
    settings = load_settings(**flags)
    inquiry = Inquiry(settings)
    found = gather(*find(id_, inquiry.ask), inquiry.ask, every=format_ == "json")
    note_scan(inquiry.answers[-1], *inquiry.answers[:-1])
    if format_ == "json":
        say_data(json_lines(found, settings.zone))
    else:
        write_text(found, sys.stdout, settings.zone)
