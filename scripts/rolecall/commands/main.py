"""The command line: ``rolecall``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

import rolecall
from rolecall.errors import BROKEN_PIPE, RolecallError, UsageError
from rolecall.output.formats import counted
from rolecall.text import guard, note, say, say_data, work_shown

if TYPE_CHECKING:
    from rolecall.athena.refresh import AthenaRefreshed
    from rolecall.output.formats import Result
    from rolecall.queries.answer import Answered
    from rolecall.refresh_summary import DoubtfulFile, Refreshed, TargetRefreshed, Unreadable
    from rolecall.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MFA = ("yes", "no", "not asserted", "unknown")
_OUTCOMES = ("success", "failure", "unknown")
_HOW = (
    *("console switch", "assume role", "assume root", "roles anywhere", "pod identity"),
    *("identity center", "saml", "web identity", "service", "observed"),
)
_FORMATS = ("table", "csv", "json", "parquet")
_NAMED_AT_MOST = 20
_FILES_NAMED_AT_MOST = 3


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return one decorator that adds several options, in the order given."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_target_options = _options(
    click.option("--target", type=click.Choice(["local", "athena"]), help="Where to run."),
    click.option(
        "--database",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The DuckDB file of the local target [rolecall.duckdb].",
    ),
    click.option(
        "--logs",
        type=click.Path(path_type=Path),
        help="The folder with the log files of the local target.",
    ),
    click.option(
        "--schema", metavar="NAME", help="The database of the tables on Athena [rolecall]."
    ),
    click.option(
        "--table",
        metavar="DATABASE.TABLE",
        help="The CloudTrail table on Athena [default.cloudtrail_logs].",
    ),
    click.option("--workgroup", metavar="NAME", help="The workgroup on Athena [primary]."),
    click.option("--results", metavar="S3_URL", help="Where results and tables go in S3."),
    click.option(
        "--max-scan",
        metavar="SIZE",
        help="Refuse what could scan more than this on Athena, such as 10GB: of a question all"
        " tables, of a refresh the logs alone.",
    ),
)
_deadline_option = click.option(
    "--deadline",
    "deadline_seconds",
    type=float,
    metavar="SECONDS",
    help="Give up a question to Athena after this time [1800].",
)
_stale_option = click.option(
    "--stale",
    is_flag=True,
    help="Say who is in a role though the newest log is older than a day.",
)
_output_options = _options(
    click.option(
        "--format", "format_", type=click.Choice(_FORMATS), default="table", show_default=True
    ),
    click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write to this file instead of standard output.",
    ),
    click.option("--timezone", help="The time zone of days and times [UTC]."),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(rolecall.__version__, prog_name="rolecall")
def cli() -> None:
    """Who switched into which AWS role, when, from where, and with MFA or not.

    The answers come from CloudTrail logs. `rolecall refresh` loads them, the other commands
    answer. Where to read, run and keep things can also be set in the environment (ROLECALL_LOGS,
    ROLECALL_DATABASE ...) or in rolecall.toml.
    """


@cli.command()
@_target_options
@click.option(
    "--add-logs", is_flag=True, default=None, help="Load a folder that the database does not know."
)
@click.option(
    "--from",
    "first_delivered_date",
    metavar="DAY",
    help="On Athena: load from this day of delivery on [90 days back, then what is new].",
)
@click.option(
    "--skip-unreadable",
    is_flag=True,
    default=None,
    help="On Athena: go on without the files that it cannot read.",
)
@click.option(
    "--strict", is_flag=True, default=None, help="Exit with 3 if a file or record was skipped."
)
@click.option(
    "--audit", is_flag=True, default=None, help="Test all that is stored, not only what is new."
)
def refresh(**flags: Any) -> None:
    """Load new log files, rebuild the answers and test them."""
    settings = _settings(**flags)
    if settings.target == "athena":
        _refresh_athena(settings)
        return
    from rolecall.commands.refresh import check_strict
    from rolecall.commands.refresh import refresh as run_refresh
    from rolecall.queries.request import Asked

    refreshed = run_refresh(settings)
    say(*_refresh_lines(refreshed, settings))
    _say_what_is_not_covered(Asked(settings).ask("coverage_gaps", {}))
    if settings.strict:
        check_strict(refreshed)


def _refresh_athena(settings: Settings) -> None:
    from rolecall.athena.refresh import refresh_athena
    from rolecall.commands.refresh import check_strict

    refreshed = refresh_athena(settings)
    say(*_athena_lines(refreshed, settings))
    _say_what_is_not_covered(refreshed.coverage_gaps)
    if settings.strict:
        check_strict(refreshed)


@cli.command()
@click.option("--trail", metavar="NAME", help="The trail, by name or ARN [the organization's].")
@click.option("--bucket", metavar="NAME", help="The bucket with the logs, instead of a trail.")
@click.option("--prefix", metavar="FOLDER", help="The folder of the bucket that has AWSLogs/.")
@click.option("--organization", metavar="ID", help="The organization, if a bucket has several.")
@click.option("--results", metavar="S3_URL", help="Where results and tables go in S3.")
@click.option(
    "--table", metavar="DATABASE.TABLE", help="The table to make [rolecall.cloudtrail_logs]."
)
@click.option("--workgroup", metavar="NAME", help="The workgroup to make [rolecall].")
@click.option("--cutoff", metavar="SIZE", default="1TB", help="What a query in it may scan [1TB].")
@click.option("--dry-run", is_flag=True, help="Show what would be made, and make nothing.")
def setup(
    trail: str | None,
    bucket: str | None,
    prefix: str | None,
    organization: str | None,
    cutoff: str,
    dry_run: bool,
    **flags: Any,
) -> None:
    """Make the CloudTrail table, its database and a workgroup on Athena.

    The trail is looked up, its accounts and regions are found in its bucket. What is not set is
    named rolecall. Run again, it adds accounts and regions that are new. A table that it did not
    make is never changed.
    """
    from rolecall.aws.clients import make_client
    from rolecall.setup.plan import Asked, carry_out, plan_setup
    from rolecall.setup.text import done_lines, plan_lines
    from rolecall.sizes import size_bytes

    settings = _settings(**flags)
    try:
        asked = Asked(trail, bucket, prefix, organization, size_bytes(cutoff))
    except ValueError as error:
        raise UsageError(f"--cutoff: {error}.") from None
    plan = plan_setup(settings, asked)
    region = make_client("athena", settings.region).meta.region_name
    say(*plan_lines(plan, settings, region))
    if not dry_run:
        carry_out(plan, settings)
    say(*done_lines(plan, dry_run))


@cli.command()
@_target_options
@click.option(
    "--before", metavar="DAY", required=True, help="The first day to keep, such as 2026-03-01."
)
def forget(before: str, **flags: Any) -> None:
    """Remove the events before a day, and what follows from them, for good.

    The day is remembered, so that no refresh brings the events back, from whatever log file.
    """
    from rolecall.local.refresh import forget_locally
    from rolecall.parameters import day

    first_day = day(before)
    settings = _settings(**flags)
    if settings.target != "local":
        raise RolecallError(f"The target {settings.target} cannot forget yet: use local.")
    forgotten = forget_locally(settings, first_day)
    say(f"Removed {counted(forgotten, 'event')} from before {first_day}.")


@cli.command()
@_target_options
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
@_output_options
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
    from rolecall.output.formats import write
    from rolecall.parameters import day
    from rolecall.verification.empty_days import enter_empty_days
    from rolecall.verification.public_keys import key_source
    from rolecall.verification.text import check_verified, entered_text, verified_lines
    from rolecall.verification.trail import verify as run_verify
    from rolecall.verification.trail_location import trail_files, trail_span

    first = None if from_day is None else day(from_day)
    last = None if to_day is None else day(to_day)
    if first is not None and last is not None and first > last:
        raise UsageError(f"--from {from_day} is after --to {to_day}.")
    settings = _settings(**flags)
    files = trail_files(settings)
    source = key_source(keys or files.default_keys)
    with _regions_shown() as on_region:
        verified = run_verify(files, trail_span(files, first, last), source, on_region)
    is_read_here = format_ == "table" and output is None
    if verified.found or not is_read_here:
        write(verified.result(), format_, output, settings.zone)
    summary = verified_lines(verified, files.name)
    if is_read_here:
        say(*([""] if verified.found else []), *summary)
    else:
        note(*summary)
    if entered := enter_empty_days(verified, settings):
        note(entered_text(entered))
    check_verified(verified, is_strict=settings.strict)


@cli.command()
@_target_options
@_deadline_option
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
@_stale_option
@_output_options
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
    from rolecall.output.formats import write
    from rolecall.parameters import day, now
    from rolecall.queries.history import columns, footnotes
    from rolecall.queries.notes import CONSOLE_SWITCH, HISTORY
    from rolecall.queries.request import Asked

    if from_day and to_day and day(from_day) > day(to_day):
        raise UsageError(f"--from {from_day} is after --to {to_day}.")
    if at and not active:
        raise UsageError("--at goes with --active.")
    if switches and how:
        raise UsageError("--switches is --how 'console switch': leave one of them out.")
    settings = _settings(**flags)
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
    asked = Asked(settings)
    result, notes = asked.answer_with_notes(HISTORY, given, is_stale_fine=stale)
    note(*notes)
    below = footnotes(given, result, asked.ask)
    is_read_here = format_ == "table" and output is None
    if not is_read_here:
        note(*below)
    _say_what_it_took(*asked.answers)
    if not result.rows and is_read_here:
        say("No entry matches.")
    else:
        write(result, format_, output, settings.zone, columns(settings.zone))
    if is_read_here and below:
        say(*([""] if result.rows else []), *below)


@cli.command()
@click.argument("id_", metavar="ID")
@_target_options
@_deadline_option
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
    from rolecall.queries.request import Asked
    from rolecall.queries.session import find, gather, json_lines, write_text

    settings = _settings(**flags)
    asked = Asked(settings)
    found = gather(*find(id_, asked.ask), asked.ask, every=format_ == "json")
    _say_what_it_took(asked.answers[-1], *asked.answers[:-1])
    if format_ == "json":
        say_data(json_lines(found, settings.zone))
    else:
        write_text(found, sys.stdout, settings.zone)


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of the query."
)
@click.option(
    "--allow-files",
    is_flag=True,
    help="Let a .sql file read files of this machine too, such as with read_csv.",
)
@_stale_option
@_target_options
@_deadline_option
@_output_options
def query(
    name: str | None,
    params: tuple[str, ...],
    allow_files: bool,
    stale: bool,
    format_: str,
    output: Path | None,
    **flags: Any,
) -> None:
    """Run a query of the project by name, or a .sql file; without NAME, list the queries.

    A query asks: SELECT, EXPLAIN, DESCRIBE and SHOW alone run. On the local target it reads the
    database and the logs, no other file and no network; on Athena what your rights allow.
    """
    from rolecall.output.formats import write
    from rolecall.queries.request import Asked

    if name is None:
        say(*_query_list())
        return
    settings = _settings(**flags)
    asked = Asked(settings, allow_files=allow_files)
    given = dict(_pair(param) for param in params)
    result, notes = asked.answer_with_notes(name, given, is_stale_fine=stale)
    if allow_files:
        note("The query could read every file that you may read: --allow-files.")
    note(*notes)
    _say_what_it_took(*asked.answers)
    write(result, format_, output, settings.zone)


@contextmanager
def _regions_shown() -> Iterator[Callable[[str | None, str | None], None]]:
    """Show on a terminal which account and region is at work."""
    with work_shown("Verifying") as say_where:

        def show(account: str | None, region: str | None) -> None:
            say_where(f"Verifying {account or 'other files'} {region or ''}")

        yield show


def _say_what_is_not_covered(gaps: Result) -> None:
    """Print, beside what was done, which days have no logs."""
    from rolecall.queries.coverage import coverage_note

    uncovered = coverage_note(gaps)
    if uncovered is not None:
        note(uncovered)


def _say_what_it_took(*answers: Answered) -> None:
    """Print, beside the result, what questions to Athena scanned and where the first result is."""
    from rolecall.sizes import price_text, size_text

    took = [answer.statistics for answer in answers if answer.statistics is not None]
    if took:
        note(
            f"Scanned {size_text(sum(each.scanned_bytes for each in took))} for"
            f" {price_text(sum(each.price for each in took))} in"
            f" {sum(each.total_ms for each in took) / 1000:.1f} s. The whole result as CSV:"
            f" {answers[0].output_location}"
        )


def _pair(param: str) -> tuple[str, str]:
    key, equals, value = param.partition("=")
    if not equals or not key:
        raise UsageError(f"--param {param!r} is not of the form KEY=VALUE.")
    return key, value


def _settings(**flags: Any) -> Settings:
    from rolecall.settings import load_settings

    return load_settings(**flags)


def _query_list() -> list[str]:
    from textwrap import wrap

    from rolecall.project.analyses import analyses

    lines: list[str] = []
    for analysis in analyses().values():
        lines += [""] if lines else []
        lines.append(analysis.name)
        lines += wrap(analysis.description, 78, initial_indent="  ", subsequent_indent="  ")
        for parameter in analysis.parameters.values():
            needed = " (needed)" if parameter.required else ""
            if parameter.required_unless:
                needed = f" (needed without {parameter.required_unless})"
            lines += wrap(
                f"--param {parameter.name}=  {parameter.description}{needed}",
                78,
                initial_indent="    ",
                subsequent_indent="        ",
            )
    return lines


def _refresh_lines(refreshed: Refreshed, settings: Settings) -> list[str]:
    from rolecall.local.log_files import kinds_text

    lines = []
    if refreshed.file_count:
        empty = f", {refreshed.empty_file_count:,} empty" if refreshed.empty_file_count else ""
        forgotten = refreshed.forgotten_record_count
        left_out = f", {counted(forgotten, 'forgotten record')} left out" if forgotten else ""
        lines.append(
            f"Loaded {counted(refreshed.file_count, 'log file')}{empty}:"
            f" {counted(refreshed.event_count, 'new event')}{left_out}."
        )
    else:
        lines.append("Nothing new to load.")
    lines += _unreadable_lines(refreshed.unreadable)
    lines += _doubtful_lines(refreshed.doubtful_files)
    if count := refreshed.passed_over.total():
        others = counted(
            count, "file that is no CloudTrail log", "files that are no CloudTrail logs"
        )
        lines.append(f"Passed over {others}: {kinds_text(refreshed.passed_over)}.")
    lines += _conflict_lines(refreshed)
    for root in refreshed.missing_log_roots:
        lines.append(f"The log folder {root} is gone: nothing was read from it.")
    if refreshed.test_count:
        lines.append(f"Passed {counted(refreshed.test_count, 'data test')}.")
    lines.append(
        f"{settings.database} has {counted(refreshed.total_event_count, 'event')} of"
        f" {counted(refreshed.total_file_count, 'log file')} and"
        f" {counted(refreshed.total_switch_count, 'role switch', 'role switches')}."
    )
    return lines


def _athena_lines(refreshed: AthenaRefreshed, settings: Settings) -> list[str]:
    from rolecall.athena.archived_logs import archived_text
    from rolecall.setup.plan import folders_text
    from rolecall.sizes import price_text, size_text

    lines = []
    if refreshed.new_folders:
        lines.append(f"Added to {settings.table}: {folders_text(refreshed.new_folders)}.")
    if refreshed.file_count:
        lines.append(
            f"Loaded {counted(refreshed.file_count, 'log file')}:"
            f" {counted(refreshed.event_count, 'new event')}."
        )
    else:
        lines.append("Nothing new to load.")
    lines += _unreadable_lines(refreshed.unreadable)
    if refreshed.archived.files:
        lines.append(archived_text(refreshed.archived))
    lines += _doubtful_lines(refreshed.doubtful_files)
    lines += _conflict_lines(refreshed)
    if refreshed.test_count:
        lines.append(f"Passed {counted(refreshed.test_count, 'data test')}.")
    if refreshed.compacted.tables:
        lines.append(f"Compacted {', '.join(refreshed.compacted.tables)}.")
    lines += refreshed.compacted.problems
    lines.append(
        f"{settings.schema_name} has {counted(refreshed.total_event_count, 'event')} of"
        f" {counted(refreshed.total_file_count, 'log file')} and"
        f" {counted(refreshed.total_switch_count, 'role switch', 'role switches')}."
    )
    spent, raw = refreshed.spent, size_text(refreshed.raw_bytes)
    if spent is not None:
        lines.append(
            f"Scanned {size_text(spent.scanned_bytes)}, {raw} of it in {settings.table}, with"
            f" {counted(spent.statement_count, 'statement')} for {price_text(spent.price)}."
        )
    else:
        lines.append(f"Scanned {raw} of {settings.table}; AWS does not say what the rest took.")
    if not refreshed.is_partitioned_by_day:
        lines.append(
            f"{settings.table} has no partitions by the day: each refresh scans all of it."
            " `rolecall setup` makes a table that has."
        )
    return lines


def _unreadable_lines(unreadable: Sequence[Unreadable]) -> list[str]:
    lines = [f"Skipped {each.log_file}: {each.problem}." for each in unreadable[:_NAMED_AT_MOST]]
    if len(unreadable) > _NAMED_AT_MOST:
        lines.append(f"... and {len(unreadable) - _NAMED_AT_MOST:,} more files.")
    return lines


def _doubtful_lines(files: Sequence[DoubtfulFile]) -> list[str]:
    lines = []
    for file in files[:_NAMED_AT_MOST]:
        untimed = file.rejected_count - file.too_large_count
        if untimed:
            lines.append(
                f"Rejected {counted(untimed, 'record')} without a valid time in {file.log_file}."
            )
        if file.too_large_count:
            too_large = counted(file.too_large_count, "record")
            lines.append(f"Rejected {too_large} above 1 MB in {file.log_file}.")
        if file.misplaced_count:
            lines.append(
                f"Found {counted(file.misplaced_count, 'record')} of another account or region"
                f" than its key names in {file.log_file}."
            )
        if file.ambiguous_count:
            lines.append(
                f"Found {counted(file.ambiguous_count, 'record')} that readers may read differently"
                f" in {file.log_file}: a key is there twice, or in other letters than CloudTrail's."
            )
        if file.is_replaced:
            lines.append(
                f"Read {file.log_file} again: there is another file of its name, size and time."
            )
    if len(files) > _NAMED_AT_MOST:
        rest = counted(len(files) - _NAMED_AT_MOST, "more file", "more files")
        lines.append(f"... and records of {rest}: see the counts in log_files.")
    return lines


def _conflict_lines(refreshed: TargetRefreshed) -> list[str]:
    """Return what to say of records that contradict or correct others."""
    lines = []
    if refreshed.conflict_count:
        one = refreshed.conflict_count == 1
        lines.append(
            f"{counted(refreshed.conflict_count, 'record')} {'conflicts' if one else 'conflict'}"
            f" with {'another' if one else 'others'} under {'its' if one else 'their'} event id, in"
            f" {_named(refreshed.conflicting_files)}: see `rolecall query event_conflicts`."
        )
    if refreshed.correction_count:
        one = refreshed.correction_count == 1
        lines.append(
            f"{counted(refreshed.correction_count, 'correction')}"
            f" {'replaces the event' if one else 'replace the events'} that"
            f" {'it corrects' if one else 'they correct'}, in"
            f" {_named(refreshed.correcting_files)}: see `rolecall query event_corrections`."
        )
    return lines


def _named(files: Sequence[tuple[str, int]]) -> str:
    """Return the first of some log files, and how many more there are."""
    named = ", ".join(log_file for log_file, _ in files[:_FILES_NAMED_AT_MOST])
    more = len(files) - _FILES_NAMED_AT_MOST
    return f"{named} and {more:,} more" if more > 0 else named


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> None:
    """Run the command line and exit with a code of ``rolecall.errors``."""
    signal.signal(signal.SIGTERM, _terminated)
    # Whatever is written is of the logs: what is made for it is its owner's alone.
    os.umask(0o077)
    guard()
    try:
        cli.main(prog_name="rolecall", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        _fail("Interrupted.", 128 + signal.SIGINT)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            note(*error.ctx.get_usage().split("\n"))
            note(f"Try '{error.ctx.command_path} --help' for help.", "")
        _fail(" ".join(error.format_message().split()), error.exit_code)
    except RolecallError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # Whoever read along has seen enough; the interpreter must not flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except KeyboardInterrupt:
        _fail("Interrupted.", 128 + signal.SIGINT)


def _fail(message: str, exit_code: int) -> NoReturn:
    note(f"Error: {message}")
    sys.exit(exit_code)
