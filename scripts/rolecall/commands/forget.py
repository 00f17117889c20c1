"""``rolecall forget``."""

from __future__ import annotations

from typing import Any

import click

from rolecall.commands.options import target_options
from rolecall.errors import RolecallError
from rolecall.local.forget import forget_locally
from rolecall.parameters import day
from rolecall.settings import load_settings
from rolecall.text import plural, say


@click.command()
@target_options
@click.option(
    "--before", metavar="DAY", required=True, help="The first day to keep, such as 2026-03-01."
)
def forget(before: str, **flags: Any) -> None:
    """Remove the events before a day, and what follows from them, for good.

    The day is remembered, so that no refresh brings the events back, from whatever log file.
    """
    first_day = day(before)
    settings = load_settings(**flags)
    if settings.target != "local":
        raise RolecallError(f"The target {settings.target} cannot forget yet: use local.")
    forgotten = forget_locally(settings, first_day)
    say(f"Removed {plural(forgotten, 'event')} from before {first_day}.")
