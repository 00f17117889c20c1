"""What a refresh of either target came to, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rolecall.errors import SkippedError
from rolecall.local.log_files import kinds_text
from rolecall.refresh_summary import DoubtfulFile, LocalRefreshSummary, RefreshSummary, Unreadable
from rolecall.settings import Settings
from rolecall.sizes import price_text, size_text
from rolecall.text import first_of, plural

if TYPE_CHECKING:
    from rolecall.athena.refresh import AthenaRefreshSummary

_NAMED_AT_MOST = 20
_FILES_NAMED_AT_MOST = 3


def local_lines(summary: LocalRefreshSummary, settings: Settings) -> list[str]:
    """Return what a refresh of the local target came to."""
    empty = f", {summary.empty_file_count:,} empty" if summary.empty_file_count else ""
    forgotten = summary.forgotten_record_count
    left_out = f", {plural(forgotten, 'forgotten record')} left out" if forgotten else ""
    lines = [_loaded_line(summary, empty, left_out)]
    lines += _unreadable_lines(summary.unreadable)
    lines += _doubtful_lines(summary.doubtful_files)
    if count := summary.passed_over.total():
        others = plural(
            count, "file that is not a CloudTrail log", "files that are not CloudTrail logs"
        )
        lines.append(f"Passed over {others}: {kinds_text(summary.passed_over)}.")
    lines += _conflict_lines(summary)
    for root in summary.missing_log_roots:
        lines.append(f"The log folder {root} is gone: nothing was read from it.")
    return [*lines, *_test_lines(summary), _total_line(summary, f"{settings.database}")]


def athena_lines(summary: AthenaRefreshSummary, settings: Settings) -> list[str]:
    """Return what a refresh of the Athena target came to."""
    # Here: a refresh of the local target needs no boto3, which takes time and memory.
    from rolecall.athena.text import archived_text
    from rolecall.setup.text import folders_text

    lines = []
    if summary.new_folders:
        lines.append(f"Added to {settings.table}: {folders_text(summary.new_folders)}.")
    lines.append(_loaded_line(summary))
    lines += _unreadable_lines(summary.unreadable)
    if summary.archived.files:
        lines.append(archived_text(summary.archived))
    lines += _doubtful_lines(summary.doubtful_files)
    lines += _conflict_lines(summary)
    lines += _test_lines(summary)
    if summary.compaction.tables:
        lines.append(f"Compacted {', '.join(summary.compaction.tables)}.")
    lines += summary.compaction.problems
    lines.append(_total_line(summary, settings.schema_name))
    return [*lines, *_scan_lines(summary, settings.table)]


def check_strict(summary: RefreshSummary) -> None:
    """Raise SkippedError if the refresh left a file or a record out, or one contradicts another."""
    files = summary.doubtful_files
    counts = (
        (summary.skipped_file_count, "file", "skipped"),
        (sum(file.is_replaced for file in files), "file", "replaced"),
        (summary.rejected_record_count, "record", "rejected"),
        (summary.conflict_count, "record", "in conflict"),
        (sum(file.misplaced_count for file in files), "record", "misplaced"),
        (sum(file.ambiguous_count for file in files), "record", "ambiguous"),
    )
    faults = [f"{plural(count, noun)} {what}" for count, noun, what in counts if count]
    if faults:
        raise SkippedError(f"--strict does not allow {', '.join(faults)}: see the lines above.")


def _loaded_line(summary: RefreshSummary, of_files: str = "", of_events: str = "") -> str:
    """Return what was loaded, with what else is to be said of the files and of the events."""
    if not summary.file_count:
        return "Nothing new to load."
    return (
        f"Loaded {plural(summary.file_count, 'log file')}{of_files}:"
        f" {plural(summary.event_count, 'new event')}{of_events}."
    )


def _test_lines(summary: RefreshSummary) -> list[str]:
    count = summary.test_count
    return [f"Passed {plural(count, 'data test')}."] if count else []


def _total_line(summary: RefreshSummary, store: str) -> str:
    return (
        f"{store} has {plural(summary.total_event_count, 'event')} of"
        f" {plural(summary.total_file_count, 'log file')} and"
        f" {plural(summary.total_switch_count, 'role switch', 'role switches')}."
    )


def _scan_lines(summary: AthenaRefreshSummary, table: str) -> list[str]:
    totals, raw = summary.scan_totals, size_text(summary.raw_bytes)
    if totals is not None:
        lines = [
            f"Scanned {size_text(totals.scanned_bytes)}, {raw} of it in {table}, with"
            f" {plural(totals.statement_count, 'statement')} for {price_text(totals.price)}."
        ]
    else:
        lines = [f"Scanned {raw} of {table}; AWS does not say what the rest took."]
    if not summary.is_partitioned_by_day:
        lines.append(
            f"{table} has no partitions by the day: each refresh scans all of it."
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
                f"Rejected {plural(untimed, 'record')} without a valid time in {file.log_file}."
            )
        if file.too_large_count:
            too_large = plural(file.too_large_count, "record")
            lines.append(f"Rejected {too_large} above 1 MB in {file.log_file}.")
        if file.misplaced_count:
            lines.append(
                f"Found {plural(file.misplaced_count, 'record')} of another account or region"
                f" than its key names in {file.log_file}."
            )
        if file.ambiguous_count:
            lines.append(
                f"Found {plural(file.ambiguous_count, 'record')} that readers may read differently"
                f" in {file.log_file}: a key is there twice, or in other letters than CloudTrail's."
            )
        if file.is_replaced:
            lines.append(
                f"Read {file.log_file} again: there is another file of its name, size and time."
            )
    if len(files) > _NAMED_AT_MOST:
        rest = plural(len(files) - _NAMED_AT_MOST, "more file", "more files")
        lines.append(f"... and records of {rest}: see the counts in log_files.")
    return lines


def _conflict_lines(summary: RefreshSummary) -> list[str]:
    """Return what to say of records that contradict or correct others."""
    lines = []
    if summary.conflict_count:
        one = summary.conflict_count == 1
        lines.append(
            f"{plural(summary.conflict_count, 'record')} {'conflicts' if one else 'conflict'}"
            f" with {'another' if one else 'others'} under {'its' if one else 'their'} event id, in"
            f" {_files_text(summary.conflicting_files)}: see `rolecall query event_conflicts`."
        )
    if summary.correction_count:
        one = summary.correction_count == 1
        lines.append(
            f"{plural(summary.correction_count, 'correction')}"
            f" {'replaces the event' if one else 'replace the events'} that"
            f" {'it corrects' if one else 'they correct'}, in"
            f" {_files_text(summary.correcting_files)}: see `rolecall query event_corrections`."
        )
    return lines


def _files_text(files: Sequence[tuple[str, int]]) -> str:
    return first_of([log_file for log_file, _ in files], _FILES_NAMED_AT_MOST)
