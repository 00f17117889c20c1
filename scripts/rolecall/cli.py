"""The command line: ``rolecall``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

import rolecall
from rolecall.errors import BROKEN_PIPE, RolecallError, UsageError

if TYPE_CHECKING:
    from rolecall.output import Result
    from rolecall.refresh import Refreshed
    from rolecall.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MFA = ("yes", "no", "not asserted", "unknown")
_OUTCOMES = ("success", "failure", "unknown")
_FORMATS = ("table", "csv", "json", "parquet")
_NAMED_AT_MOST = 20


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
    answer. Every option can also be set as ROLECALL_<OPTION> in the environment or in
    rolecall.toml.
    """


@cli.command()
@_target_options
@click.option(
    "--add-logs", is_flag=True, default=None, help="Load a folder that the database does not know."
)
@click.option(
    "--strict", is_flag=True, default=None, help="Exit with 3 if a file or record was skipped."
)
def refresh(**flags: Any) -> None:
    """Load new log files, rebuild the answers and test them."""
    from rolecall.refresh import check_strict
    from rolecall.refresh import refresh as run_refresh

    settings = _settings(**flags)
    refreshed = run_refresh(settings)
    click.echo(_refresh_text(refreshed, settings))
    if settings.strict:
        check_strict(refreshed)


@cli.command()
@_target_options
@click.option("--from", "from_day", metavar="DAY", help="The first day, such as 2026-03-01.")
@click.option("--to", "to_day", metavar="DAY", help="The last day; all of it is included.")
@click.option("--account", help="Id of the role's account or of the source account.")
@click.option("--user", help="Who switched: a name or an ARN; * stands for any text.")
@click.option("--role", help="The role: a name or an ARN; * stands for any text.")
@click.option("--outcome", type=click.Choice(_OUTCOMES))
@click.option("--mfa", type=click.Choice(_MFA))
@click.option("--active", is_flag=True, help="Only who is in a role now.")
@click.option("--at", metavar="TIME", help="With --active: who was in it then, not now.")
@_output_options
def history(
    format_: str,
    output: Path | None,
    from_day: str | None,
    to_day: str | None,
    account: str | None,
    user: str | None,
    role: str | None,
    outcome: str | None,
    mfa: str | None,
    active: bool,
    at: str | None,
    **flags: Any,
) -> None:
    """Show who switched into which role, oldest switch first."""
    from rolecall.history import columns, note
    from rolecall.output import write
    from rolecall.parameters import day, now

    if from_day and to_day and day(from_day) > day(to_day):
        raise UsageError(f"--from {from_day} is after --to {to_day}.")
    if at and not active:
        raise UsageError("--at goes with --active.")
    settings = _settings(**flags)
    given = {
        "from_day": from_day,
        "to_day": to_day,
        "account": account,
        "user": user,
        "role": role,
        "outcome": outcome,
        "mfa": mfa,
        "active_at": (at or now()) if active else None,
    }
    result = _answer("role_switch_history", given, settings)
    if not result.rows and format_ == "table" and output is None:
        click.echo("No role switch matches.")
        return
    write(result, format_, output, settings.zone, columns(settings.zone))
    if format_ == "table" and output is None and note(result):
        click.echo(f"\n{note(result)}")


@cli.command()
@click.argument("id_", metavar="ID")
@_target_options
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
    from rolecall.session import find, gather, write_json, write_text

    settings = _settings(**flags)

    def ask(name: str, given: dict[str, Any]) -> Result:
        return _answer(name, given, settings)

    found = gather(*find(id_, ask), ask, every=format_ == "json")
    if format_ == "json":
        write_json(found, sys.stdout, settings.zone)
    else:
        write_text(found, sys.stdout, settings.zone)


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of the query."
)
@_target_options
@_output_options
def query(
    name: str | None,
    params: tuple[str, ...],
    format_: str,
    output: Path | None,
    **flags: Any,
) -> None:
    """Run a query of the project by name, or a .sql file; without NAME, list the queries."""
    from rolecall.output import write

    if name is None:
        click.echo(_query_list())
        return
    settings = _settings(**flags)
    given = dict(_pair(param) for param in params)
    result = _answer(name, given, settings)
    write(result, format_, output, settings.zone)


def _answer(name: str, given: dict[str, Any], settings: Settings) -> Result:
    """Return the rows of an analysis, or of the SQL file that ``name`` is the path of."""
    from rolecall.parameters import Parameter, bound_values, named_parameters
    from rolecall.project import analyses, compiled_analysis, compiled_text
    from rolecall.questions import answer_locally

    if settings.target != "local":
        raise RolecallError(f"The target {settings.target} cannot be asked yet: use local.")
    if name in analyses():
        parameters = analyses()[name].parameters
        values = bound_values(parameters, given, settings.zone)
        sql = compiled_analysis(name, settings)
    elif name.endswith(".sql"):
        text = _sql_file(name)
        parameters = {key: Parameter(key, required=True) for key in named_parameters(text)}
        values = bound_values(parameters, given, settings.zone)
        sql = compiled_text(text, settings)
    else:
        raise UsageError(
            f"There is no query {name!r}: `rolecall query` lists them, and a file ends in .sql."
        )
    return answer_locally(sql, values, settings)


def _sql_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"There is no file {name}.") from None
    except (OSError, UnicodeError) as error:
        raise UsageError(f"The file {name} cannot be read: {error}.") from None


def _pair(param: str) -> tuple[str, str]:
    key, equals, value = param.partition("=")
    if not equals or not key:
        raise UsageError(f"--param {param!r} is not of the form KEY=VALUE.")
    return key, value


def _settings(**flags: Any) -> Settings:
    from rolecall.settings import load_settings

    return load_settings(**flags)


def _query_list() -> str:
    from textwrap import fill

    from rolecall.project import analyses

    blocks = []
    for analysis in analyses().values():
        lines = [
            analysis.name,
            fill(analysis.description, 78, initial_indent="  ", subsequent_indent="  "),
        ]
        for parameter in analysis.parameters.values():
            needed = " (needed)" if parameter.required else ""
            lines.append(
                fill(
                    f"--param {parameter.name}=  {parameter.description}{needed}",
                    78,
                    initial_indent="    ",
                    subsequent_indent="        ",
                )
            )
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _refresh_text(refreshed: Refreshed, settings: Settings) -> str:
    from rolecall.output import counted

    lines = []
    if refreshed.file_count:
        empty = f", {refreshed.empty_file_count:,} empty" if refreshed.empty_file_count else ""
        lines.append(
            f"Loaded {counted(refreshed.file_count, 'log file')}{empty}:"
            f" {counted(refreshed.event_count, 'new event')}."
        )
    else:
        lines.append("Nothing new to load.")
    for unreadable in refreshed.unreadable[:_NAMED_AT_MOST]:
        lines.append(f"Skipped {unreadable.log_file}: {unreadable.problem}.")
    if len(refreshed.unreadable) > _NAMED_AT_MOST:
        lines.append(f"... and {len(refreshed.unreadable) - _NAMED_AT_MOST:,} more files.")
    for log_file, rejected in refreshed.rejected_files[:_NAMED_AT_MOST]:
        lines.append(f"Rejected {counted(rejected, 'record')} without a valid time in {log_file}.")
    lines.append(f"Passed {counted(refreshed.test_count, 'data test')}.")
    lines.append(
        f"{settings.database} has {counted(refreshed.total_event_count, 'event')} of"
        f" {counted(refreshed.total_file_count, 'log file')} and"
        f" {counted(refreshed.total_switch_count, 'role switch', 'role switches')}."
    )
    return "\n".join(lines)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main() -> None:
    """Run the command line and exit with the code that DESIGN's table of exit codes names."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        _fail("Interrupted.", 128 + signal.SIGINT)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except RolecallError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # Whoever read along has seen enough; the interpreter must not flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except KeyboardInterrupt:
        _fail("Interrupted.", 128 + signal.SIGINT)


def _fail(message: str, exit_code: int) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(exit_code)
