"""The command line: ``rolecall``."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

import rolecall
from rolecall.commands.lazy_group import LazyGroup
from rolecall.errors import BROKEN_PIPE, RolecallError
from rolecall.text import guard, note

# What `rolecall --help` says of each command, so that it loads none of them.
_COMMANDS = {
    "forget": "Remove the events before a day, and what follows from them, for good.",
    "history": "Show who entered which role, in whatever way, oldest entry first.",
    "query": "Run a query of the project by name, or a .sql file; without NAME, list the queries.",
    "refresh": "Load new log files, rebuild the answers and test them.",
    "session": "Show one session: who, how, the chain of roles, MFA, and what was done.",
    "setup": "Make the CloudTrail table, its database and a workgroup on Athena.",
    "verify": (
        "Check by CloudTrail's digest files that no log file was changed, removed or forged."
    ),
}


@click.group(
    cls=LazyGroup,
    first_sentences=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(rolecall.__version__, prog_name="rolecall")
def cli() -> None:
    """Who switched into which AWS role, when, from where, and with MFA or not.

    The answers come from CloudTrail logs. `rolecall refresh` loads them, the other commands
    answer. Where to read, run and keep things can also be set in the environment (ROLECALL_LOGS,
    ROLECALL_DATABASE ...) or in rolecall.toml.
    """


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    # What is being closed on the first is not broken off by the next.
    signal.signal(number, signal.SIG_IGN)
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
    except (KeyboardInterrupt, click.exceptions.Abort):
        note("Error: Interrupted.")
        _leave(128 + signal.SIGINT)
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
    except SystemExit as end:
        if end.code == 128 + signal.SIGTERM:
            _leave(128 + signal.SIGTERM)
        raise


def _leave(exit_code: int) -> NoReturn:
    """Exit now: the interpreter would wait for threads that read, and DuckDB's would abort it."""
    if resources := sys.modules.get("multiprocessing.util"):
        resources._run_finalizers(0)
    sys.stderr.flush()
    os._exit(exit_code)


def _fail(message: str, exit_code: int) -> NoReturn:
    note(f"Error: {message}")
    sys.exit(exit_code)
