"""``rolecall verify``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rolecall.commands.options import output_options, target_options
from rolecall.errors import UsageError
from rolecall.output.formats import write
from rolecall.parameters import day
from rolecall.settings import load_settings
from rolecall.text import note, say, work_shown
from rolecall.verification.empty_days import enter_empty_days
from rolecall.verification.public_keys import key_source
from rolecall.verification.text import check_report, entered_text, report_lines
from rolecall.verification.trail import verify as run_verify
from rolecall.verification.trail_location import trail_days, trail_files


@click.command()
@target_options
@click.option("--from", "from_day", metavar="DAY", help="The first day of delivery, in UTC.")
@click.option("--to", "to_day", metavar="DAY", help="The last day of delivery; all of it.")
@click.option(
    "--keys",
    multiple=True,
    metavar="FILE",
    help="CloudTrail's public keys: PEM, or what `aws cloudtrail list-public-keys` prints; `aws`"
    " asks AWS [aws for logs in S3]. May be given several times.",
)
@click.option(
    "--strict", is_flag=True, default=None, help="Exit with 3 if anything is left unproved."
)
@output_options
def verify(
    from_day: str | None,
    to_day: str | None,
    keys: tuple[str, ...],
    format_: str,
    output: Path | None,
    **flags: Any,
) -> None:
    """Check by CloudTrail's digest files that no log file was changed, removed or forged.

    Digest files (CloudTrail-Digest/) lie beside the logs of a trail that has log file validation.
    --logs may be s3://BUCKET/PREFIX; there the last 7 days are looked at unless --from says more.
    Exits with 1 if anything is wrong, or a log file is of a time that no digest file covers. Days
    that are proved to have no log file count as covered from then on.
    """
    first = None if from_day is None else day(from_day)
    last = None if to_day is None else day(to_day)
    if first is not None and last is not None and first > last:
        raise UsageError(f"--from {from_day} is after --to {to_day}.")
    settings = load_settings(**flags)
    files = trail_files(settings)
    source = key_source(keys or files.default_keys)
    with _regions_shown() as on_region:
        report = run_verify(files, trail_days(files, first, last), source, on_region)
    is_read_here = format_ == "table" and output is None
    if report.findings or not is_read_here:
        write(report.result(), format_, output, settings.zone)
    summary = report_lines(report, files.name)
    if is_read_here:
        say(*([""] if report.findings else []), *summary)
    else:
        note(*summary)
    if entered := enter_empty_days(report, settings):
        note(entered_text(entered))
    check_report(report, is_strict=settings.strict)


@contextmanager
def _regions_shown() -> Iterator[Callable[[str | None, str | None], None]]:
    """Show on a terminal which account and region is at work."""
    with work_shown("Verifying") as say_where:

        def show(account: str | None, region: str | None) -> None:
            say_where(f"Verifying {account or 'other files'} {region or ''}")

        yield show
