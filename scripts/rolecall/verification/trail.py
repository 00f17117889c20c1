"""Check a trail's log files by CloudTrail's digest files, and say what is proved and what is not.

Each hour CloudTrail delivers, of each account and region, a digest file with the hashes of the log
files that it delivered, the hash and the signature of the digest file before, and signs it (AWS
CloudTrail User Guide, "Validating CloudTrail log file integrity"). What a digest file
names is looked up among the files that are there, and nothing else is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rolecall.days import Days
from rolecall.errors import RolecallError
from rolecall.verification.digest_chain import DigestChain, KeySource
from rolecall.verification.log_check import LogCheck
from rolecall.verification.report import RegionReport, VerificationReport
from rolecall.verification.trail_files import RegionFiles, TrailFiles


def verify(
    files: TrailFiles,
    days: Days,
    keys_of: KeySource | None,
    on_region: Callable[[str | None, str | None], None] = lambda account, region: None,
) -> VerificationReport:
    """Check the log files of some days of delivery by the digest files that are there.

    Without ``keys_of`` the hashes alone are checked. Raises RolecallError where there is no digest
    file at all, or the files or keys cannot be asked for.
    """
    report = VerificationReport(days, are_signatures_checked=keys_of is not None)
    with ThreadPoolExecutor(files.thread_count) as pool:
        for region in files.regions(days):
            on_region(region.account, region.region)
            _check_region(region, files, report, pool, keys_of)
    if not report.digest_count and not report.wrong_count:
        raise RolecallError(
            f"There is no digest file of CloudTrail in {files.name} for these days: name the folder"
            " that CloudTrail-Digest/ is in too, or turn on log file validation of the trail."
        )
    return report


def _check_region(
    files: RegionFiles,
    store: TrailFiles,
    report: VerificationReport,
    pool: ThreadPoolExecutor,
    keys_of: KeySource | None,
) -> None:
    """Check the files of one account and region."""
    of_region = RegionReport(report, files.account, files.region)
    chain = DigestChain(files, store, report.days, of_region)
    logs = LogCheck(files, store, report.days, of_region, pool)
    if not chain and not logs:
        return
    report.regions.add((files.account, files.region))
    for digest in chain.check(keys_of):
        logs.compare(digest)
    logs.count(chain.periods)
    logs.note_empty_days(chain.signed_periods)
