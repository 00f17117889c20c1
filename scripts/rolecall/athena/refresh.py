"""Refresh the Athena target: run dbt on what was delivered, and say what came of it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.athena.archived_logs import ArchivedLogs, archived_logs
from rolecall.athena.compaction import Compaction, compact
from rolecall.athena.lease import hold_lease
from rolecall.athena.load_window import load_window
from rolecall.athena.run_statements import Run, executions
from rolecall.athena.scan_limit import check_bytes, check_scan
from rolecall.athena.slices import SliceLoad
from rolecall.aws.answer import Answer, Statistics, scan_price
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing, error_code
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.glue_catalogue import bucket_and_key, catalogue_table, has_own_table, table_stock
from rolecall.aws.trail_bucket import RegionFolder
from rolecall.errors import RolecallError, ScanLimitError, UsageError
from rolecall.output.formats import Result
from rolecall.project.analyses import analyses, compile_analyses, compiled_analysis
from rolecall.project.location import project_digest
from rolecall.project.run import failures, run_dbt
from rolecall.refresh_summary import DoubtfulFile, RefreshSummary, Unreadable
from rolecall.settings import Settings
from rolecall.setup.new_folders import add_new_folders
from rolecall.text import note

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# Which rules for secrets the store was last cleaned by: raise it where a new version knows more.
_CLEANING = 3
# What follows from the events is made anew from them, but for what later loads add to.
_REBUILD_FROM_EVENTS = [
    *("run", "--full-refresh", "--select", "path:models/store"),
    *("--exclude", "config.full_refresh:false"),
]


@dataclass(frozen=True, slots=True)
class ScanTotals:
    """What the statements of a run took: their number, the bytes scanned, US dollars."""

    statement_count: int
    scanned_bytes: int
    price: float


@dataclass(frozen=True, slots=True)
class AthenaRefreshSummary(RefreshSummary):
    """What a refresh of the Athena target came to besides.

    ``scan_totals`` is None where AWS does not say; ``raw_bytes`` were scanned of the CloudTrail
    table, to which ``new_folders`` were added; ``archived`` are logs of its days that Athena passed
    over; ``compaction`` is what was done to tables of the store; ``is_partitioned_by_day`` says
    whether of that table only the load's days are read.
    """

    raw_bytes: int
    new_folders: tuple[RegionFolder, ...]
    compaction: Compaction
    archived: ArchivedLogs
    is_partitioned_by_day: bool
    scan_totals: ScanTotals | None
    coverage_gaps: Result

    @property
    def skipped_file_count(self) -> int:
        """The log files that were left out, by Rolecall or, as they are archived, by Athena."""
        return len(self.unreadable) + sum(self.archived.files.values())


def refresh_athena(settings: Settings) -> AthenaRefreshSummary:
    """Load the logs delivered since the last load, rebuild the marts and test them, by dbt.

    Staging reads the raw table first, once; where it finds nothing and the last build of this
    version of the project is whole, nothing else is done. Raises RolecallError, if another
    refresh of the schema is at work too, and ScanLimitError.
    """
    if settings.results is None:
        raise UsageError(
            "The Athena target needs a place in S3 for results and tables: set ROLECALL_RESULTS to"
            " one such as s3://my-bucket/rolecall/."
        )
    with hold_lease(settings) as run:
        return _refresh(settings, run)


def _refresh(settings: Settings, run: Run) -> AthenaRefreshSummary:
    table = catalogue_table(settings.table, settings)
    athena = _CountingAthena(
        settings.workspace,
        aws_in(settings.region).athena,
        price_per_tb=settings.price_per_tb,
    )
    state = _State(settings)
    _clean_older_store(state, settings)
    new_folders = add_new_folders(table, settings, athena)
    if new_folders:
        table = catalogue_table(settings.table, settings)
    is_by_day = bool(table.day_columns)
    # All of such a table is scanned: over the limit nothing is asked.
    spare_bytes = None if is_by_day else check_scan([settings.table], settings)
    before = _newest_load(athena)
    window = load_window(
        athena,
        table,
        settings,
        run.started_at.date(),
        has_ledger=before.load_id is not None,
    )
    spans = [span.days for span in window]
    stock = table_stock(table, settings, spans)
    if is_by_day and stock is not None:
        spare_bytes = check_bytes(stock.readable_bytes, [settings.table], settings)
    elif is_by_day:
        spare_bytes = check_scan([settings.table], settings, spans)
    archived = archived_logs(athena, stock, spans)
    # Where there is no such table yet, an upgrade looks for them among the events that are stored.
    corrected_before = before.loaded_at if has_own_table("event_corrections", settings) else None
    slices = SliceLoad(
        settings,
        _run,
        athena,
        table,
        window,
        spare_bytes=spare_bytes,
        archived=archived,
    )
    loaded = slices.load()
    compaction = Compaction()
    is_built = loaded.is_new or not state.is_complete(before.load_id)
    if is_built:
        state.begin()
        slices.build()
        compile_analyses(settings)
        state.complete(_newest_load(athena).load_id)
        compaction = compact(athena, run.started_at.date())
    summary = _summary(athena, before.loaded_at, corrected_before)
    doubtful_files = _doubtful_files(athena, before.loaded_at) if is_built else ()
    parameters = analyses()["coverage_gaps"].parameters
    conflicting_files = (
        _files_of(athena, "event_conflicts", before.loaded_at) if summary["conflict_count"] else ()
    )
    correcting_files = (
        _files_of(athena, "event_corrections", corrected_before)
        if summary["correction_count"]
        else ()
    )
    gaps = athena.run(
        compiled_analysis("coverage_gaps", settings),
        dict.fromkeys(parameters),
        parameters=parameters,
    ).result()
    return AthenaRefreshSummary(
        file_count=summary["file_count"],
        event_count=summary["event_count"],
        unreadable=tuple(Unreadable(*each) for each in sorted(loaded.unreadable.items())),
        doubtful_files=doubtful_files,
        conflicting_files=conflicting_files,
        correcting_files=correcting_files,
        test_count=loaded.test_count,
        total_event_count=summary["total_event_count"],
        total_file_count=summary["total_file_count"],
        total_switch_count=summary["total_switch_count"],
        raw_bytes=loaded.raw_bytes,
        new_folders=new_folders,
        compaction=compaction,
        archived=archived,
        is_partitioned_by_day=is_by_day,
        scan_totals=_scan_totals(athena, run),
        coverage_gaps=gaps,
    )


class _CountingAthena(Athena):
    """Counts what the questions of a refresh take, beside what dbt's statements do."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.taken: list[Statistics] = []

    def run(self, *arguments: Any, **options: Any) -> Answer:
        """Run a query and count it."""
        answer = super().run(*arguments, **options)
        self.taken.append(answer.statistics)
        return answer


def _clean_older_store(state: _State, settings: Settings) -> None:
    """Take out of what an older version stored the secrets that this one knows, once.

    Whatever that fails of keeps no log from being loaded: the next refresh tries it again.
    """
    if state.is_clean():
        return
    if has_own_table("events", settings):
        note("Removing secrets that an older version stored; this is done once.")
        try:
            _run(["run-operation", "clean_stored_secrets"], settings)
            _run(_REBUILD_FROM_EVENTS, settings)
        except RolecallError as error:
            note(f"Secrets that an older version stored are left for the next refresh: {error}")
            return
    state.clean()


def _run(arguments: list[str], settings: Settings, **options: Any) -> dbtRunnerResult:
    result = run_dbt(arguments, settings, **options)
    if not result.success:
        reason = failures(result)
        if "Bytes scanned limit was exceeded" in reason:
            raise ScanLimitError(
                f"The refresh was stopped by the limit of the workgroup {settings.workgroup}; raise"
                f" that, or load fewer days with a later --from: {reason}"
            )
        raise RolecallError(f"The refresh failed: {reason}")
    return result


class _NewestLoad(NamedTuple):
    """The newest load in the ledger, as texts; None where there is no ledger yet."""

    load_id: str | None = None
    loaded_at: str | None = None


def _newest_load(athena: Athena) -> _NewestLoad:
    sql = (
        "select load_id, cast(loaded_at as varchar) from log_reads"
        " order by loaded_at desc, load_id desc limit 1"
    )
    try:
        return next((_NewestLoad(*row) for row in athena.run(sql).rows()), _NewestLoad())
    except QueryFailedError as error:
        if not error.names_missing_table:
            raise
        return _NewestLoad()


def _summary(athena: Athena, since: str | None, corrected_before: str | None) -> dict[str, Any]:
    answer = athena.run(
        f"""
        select
            (
                select count(*) from log_reads
                where {_is_since(since)} and status <> 'unreadable'
            ) as file_count,
            (select count(*) from events where {_is_since(since)}) as event_count,
            (select count(*) from event_conflicts where {_is_since(since)}) as conflict_count,
            (
                select count(*) from event_corrections where {_is_since(corrected_before)}
            ) as correction_count,
            (
                select coalesce(sum(record_count), 0) from "events$partitions"
            ) as total_event_count,
            (select count(*) from log_files) as total_file_count,
            (select count(*) from role_switches) as total_switch_count
        """
    )
    (row,) = answer.rows()
    return dict(zip(answer.columns, row, strict=True))


def _doubtful_files(athena: Athena, since: str | None) -> tuple[DoubtfulFile, ...]:
    answer = athena.run(
        f"""
        select
            log_file,
            coalesce(rejected_record_count, 0),
            coalesce(too_large_record_count, 0),
            coalesce(misplaced_record_count, 0)
        from log_reads
        where {_is_since(since)} and (rejected_record_count > 0 or misplaced_record_count > 0)
        order by log_file
        """
    )
    return tuple(
        DoubtfulFile(log_file, rejected, too_large, misplaced, ambiguous_count=0, is_replaced=False)
        for log_file, rejected, too_large, misplaced in answer.rows()
    )


def _files_of(athena: Athena, table: str, since: str | None) -> tuple[tuple[str, int], ...]:
    """Return the log files of the newer rows of a table, each with the number of its rows."""
    answer = athena.run(
        f"""
        select log_file, count(*) from {table}
        where {_is_since(since)}
        group by log_file
        order by log_file
        """
    )
    return tuple((log_file, count) for log_file, count in answer.rows())


def _is_since(loaded_at: str | None) -> str:
    """Return the condition that a row was loaded after a time that Athena gave as text."""
    if loaded_at is None:
        return "true"
    return f"loaded_at > timestamp '{datetime.fromisoformat(loaded_at)}'"


def _scan_totals(athena: _CountingAthena, run: Run) -> ScanTotals | None:
    """Return what dbt's statements and the questions of a run took, None where AWS is silent."""
    try:
        found = list(executions(athena.client, run))
    except (ClientError, BotoCoreError):
        return None
    scanned = [
        (execution.get("Statistics", {}).get("DataScannedInBytes", 0), execution)
        for execution in found
    ]
    price = sum(
        scan_price(
            number, athena.price_per_tb, statement_type=execution.get("StatementType", "DML")
        )
        for number, execution in scanned
    )
    return ScanTotals(
        len(scanned) + len(athena.taken),
        sum(number for number, _ in scanned) + sum(each.scanned_bytes for each in athena.taken),
        price + sum(each.price for each in athena.taken),
    )


class _State:
    """A note in S3 beside the tables: of which load and version the last build was whole.

    It also says by which rules the store was last cleaned of secrets.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.results is not None
        self._bucket, folder = bucket_and_key(settings.results)
        self._key = f"{folder}state/{settings.schema_name}.json"
        self._s3 = aws_in(settings.region).s3
        # The lease keeps others from writing it meanwhile.
        self._noted = self._read()

    def is_complete(self, newest_load: str | None) -> bool:
        """Return whether everything was built from ``newest_load`` by this version."""
        whole = {"version": project_digest(), "newest_load": newest_load}
        return whole.items() <= self._noted.items()

    def begin(self) -> None:
        """Note that what is there may be in part from now on."""
        self._write({"version": project_digest(), "newest_load": "building"})

    def complete(self, newest_load: str | None) -> None:
        """Note that everything is built from ``newest_load``."""
        self._write({"version": project_digest(), "newest_load": newest_load})

    def is_clean(self) -> bool:
        """Return whether the rules for secrets of this version have been over the store."""
        return self._noted.get("cleaning") == _CLEANING

    def clean(self) -> None:
        """Note that they have."""
        self._write({"cleaning": _CLEANING})

    def _read(self) -> dict[str, Any]:
        with doing(f"read s3://{self._bucket}/{self._key}"):
            try:
                body = self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
            except ClientError as error:
                if error_code(error) in ("NoSuchKey", "404"):
                    return {}
                raise
        with suppress(ValueError):
            noted = json.loads(body)
            if isinstance(noted, dict):
                return noted
        return {}

    def _write(self, changes: dict[str, Any]) -> None:
        self._noted |= changes
        body = json.dumps(self._noted).encode()
        with doing(f"write s3://{self._bucket}/{self._key}"):
            self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=body)
