"""Errors that a user can do something about, each with the exit code that it leads to."""

from __future__ import annotations

FAILED = 1
WRONG_USAGE = 2
SKIPPED = 3
OVER_SCAN_LIMIT = 4
DEADLINE = 5
BROKEN_PIPE = 141


class RolecallError(Exception):
    """One sentence for the user: what happened, to what, and what to do."""

    exit_code = FAILED


class StaleLogsError(RolecallError):
    """The logs end too long before the moment that was asked about."""


class UsageError(RolecallError):
    """The command was given something that it cannot work with."""

    exit_code = WRONG_USAGE


class SkippedError(RolecallError):
    """Under ``--strict``: a file or a record was left out."""

    exit_code = SKIPPED


class ScanLimitError(RolecallError):
    """A query scans more bytes than it is allowed to."""

    exit_code = OVER_SCAN_LIMIT


class DeadlineError(RolecallError):
    """The time that was given is over."""

    exit_code = DEADLINE
