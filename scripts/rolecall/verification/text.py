"""What a verification came to, in words."""

from __future__ import annotations

from collections.abc import Mapping

from rolecall.aws.trail_bucket import LogDay
from rolecall.errors import RolecallError, SkippedError
from rolecall.text import plural
from rolecall.verification.report import Problem, Trust, VerificationReport

_MANY = {
    Problem.LOG_CHANGED: "logs changed",
    Problem.LOG_MISSING: "logs missing",
    Problem.LOG_UNSIGNED: "logs unsigned",
    Problem.LOG_UNREADABLE: "logs unreadable",
    Problem.LOG_ARCHIVED: "logs archived",
    Problem.DIGEST_CHANGED: "digests changed",
    Problem.DIGEST_MISSING: "digests missing",
    Problem.DIGEST_UNREADABLE: "digests unreadable",
    Problem.DIGEST_ARCHIVED: "digests archived",
    Problem.SIGNATURE_INVALID: "signatures invalid",
    Problem.SIGNATURE_MISSING: "signatures missing",
    Problem.KEYS_MISSING: "regions without keys",
    Problem.PERIOD_NOT_COVERED: "periods not covered",
}


def report_lines(report: VerificationReport, location: str) -> list[str]:
    """Return what was checked, what of it is proved, what is wrong, and what is not proved."""
    accounts = {account for account, _ in report.regions}
    lines = [
        f"Checked {plural(report.digest_count, 'digest file')} and"
        f" {plural(report.log_count, 'log file')} of {plural(len(accounts), 'account')} and"
        f" {plural(len(report.regions), 'region')} in {location}{_days_text(report)}."
    ]
    good, known = report.logs[Trust.SIGNED], report.logs[Trust.UNSIGNED]
    if report.are_signatures_checked:
        lines.append(
            f"Proved: {plural(report.digests[Trust.SIGNED], 'digest file')} by the signature,"
            f" {plural(good, 'log file')} by the hash in them."
        )
    else:
        lines.append(
            f"Hashes agree: of {plural(known, 'log file')} with digest files, and of"
            f" {plural(report.digests[Trust.UNSIGNED], 'digest file')} with each other."
        )
    if report.wrong_count:
        lines.append(f"Wrong: {_counts(report, is_wrong=True)}.")
    lacks = _counts(report, is_wrong=False).split("; ") if report.problems else []
    if report.are_signatures_checked and known:
        lacks.append(f"{plural(known, 'log file')} of a digest file without a signature")
    if newest := report.logs[Trust.NEWEST]:
        lacks.append(f"{plural(newest, 'log file')} of the newest digest file")
    if report.uncovered:
        lacks.append(f"{plural(report.uncovered, 'log file')} that no digest file covers")
    if report.waiting:
        lacks.append(f"{plural(report.waiting, 'log file')} newer than the newest digest file")
    if lacks := [lack for lack in lacks if lack]:
        lines.append(f"Not proved: {'; '.join(lacks)}.")
    if not report.are_signatures_checked:
        lines.append(
            "Signatures were NOT checked, for want of public keys: whoever can change all of these"
            " files can have made them anew. Name the keys with --keys FILE, or --keys aws."
        )
    if report.unnamed:
        lines.append(f"{plural(report.unnamed, 'finding')} more than are named.")
    return lines


def entered_text(entered: Mapping[LogDay, bool]) -> str:
    """Return what is said of the days of which it is now known whether they are empty."""
    empty = sum(entered.values())
    parts = []
    if empty:
        parts.append(f"{plural(empty, 'day')} of a region proved to have no log file")
    if empty < len(entered):
        parts.append(f"{plural(len(entered) - empty, 'day')} of a region that had one after all")
    return f"Entered in log_coverage: {' and '.join(parts)}."


def check_report(report: VerificationReport, *, is_strict: bool) -> None:
    """Raise RolecallError if anything is wrong; under ``--strict``, if anything is not proved."""
    if report.has_failed:
        if report.wrong_count:
            raise RolecallError(
                f"Not verified: {plural(report.wrong_count, 'file is', 'files are')} not what"
                " CloudTrail delivered, or cannot be checked."
            )
        unproved = report.uncovered + report.logs[Trust.UNSIGNED]
        raise RolecallError(
            f"Not verified: {plural(unproved, 'log file is', 'log files are')} in no signed digest"
            " file."
        )
    if is_strict and not report.is_all_proved:
        raise SkippedError("Not all is proved, which --strict does not allow.")


def _counts(report: VerificationReport, *, is_wrong: bool) -> str:
    return "; ".join(
        plural(report.problems[problem], problem.value, _MANY[problem])
        for problem in Problem
        if report.problems[problem] and problem.is_wrong is is_wrong
    )


def _days_text(report: VerificationReport) -> str:
    first, last = report.days.first, report.days.last
    if first is None and last is None:
        return ""
    if first is None:
        return f", delivered up to {last}"
    return f", delivered from {first} on" if last is None else f", delivered {first} to {last}"
