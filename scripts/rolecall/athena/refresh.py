"""Refresh the Athena target: run dbt on what was delivered, and say what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rolecall.athena.archived_logs import ArchivedLogs, archived_logs
from rolecall.athena.build_state import BuildState
from rolecall.athena.compaction import Compaction, compact
from rolecall.athena.lease import hold_lease
from rolecall.athena.load_days import Window
from rolecall.athena.load_window import load_window
from rolecall.athena.run_statements import Run
from rolecall.athena.scan_limit import check_bytes, check_scan
from rolecall.athena.slices import LoadResult, SliceLoad
from rolecall.athena.summary import (
    CountingAthena,
    ScanTotals,
    doubtful_files,
    files_of,
    refresh_counts,
    scan_totals,
)
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import aws_in
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.glue_catalogue import (
    CatalogueTable,
    catalogue_table,
    has_own_table,
    table_stock,
)
from rolecall.aws.trail_bucket import RegionFolder
from rolecall.errors import RolecallError, ScanLimitError, UsageError
from rolecall.project.analyses import analyses, compile_analyses, compiled_analysis
from rolecall.project.run import failures, run_dbt
from rolecall.refresh_summary import RefreshSummary, Unreadable
from rolecall.result import Result
from rolecall.settings import Settings
from rolecall.setup.new_folders import add_new_folders
from rolecall.text import note

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# What follows from the events is made anew from them, but for what later loads add to.
_REBUILD_FROM_EVENTS = [
    *("run", "--full-refresh", "--select", "path:models/store"),
    *("--exclude", "config.full_refresh:false"),
]


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


class _NewestLoad(NamedTuple):
    """The newest load in the ledger, as texts; None where there is no ledger yet."""

    load_id: str | None = None
    loaded_at: str | None = None


@dataclass(frozen=True, slots=True)
class _LoadPlan:
    """What a refresh is to load, found out before the first scan.

    ``before`` is the newest load that the ledger has; corrections are new that were loaded after
    ``corrected_before``, all without it. Beside its logs the load may scan ``spare_bytes``.
    """

    table: CatalogueTable
    new_folders: tuple[RegionFolder, ...]
    before: _NewestLoad
    corrected_before: str | None
    window: Window
    archived: ArchivedLogs
    spare_bytes: int | None


def _refresh(settings: Settings, run: Run) -> AthenaRefreshSummary:
    athena = CountingAthena(
        settings.workspace,
        aws_in(settings.region).athena,
        price_per_tb=settings.price_per_tb,
    )
    state = BuildState(settings)
    table = catalogue_table(settings.table, settings)
    _clean_older_store(state, settings)
    plan = _plan(table, athena, settings, run)
    slices = SliceLoad(
        settings,
        _run,
        athena,
        plan.table,
        plan.window,
        spare_bytes=plan.spare_bytes,
        archived=plan.archived,
    )
    loaded = slices.load()
    compaction = Compaction()
    is_to_build = loaded.is_new or not state.is_complete(plan.before.load_id)
    if is_to_build:
        state.begin()
        slices.build()
        compile_analyses(settings)
        state.complete(_newest_load(athena).load_id)
        compaction = compact(athena, run.started_at.date())
    return _summary(plan, loaded, compaction, athena, settings, run, is_built=is_to_build)


def _plan(table: CatalogueTable, athena: Athena, settings: Settings, run: Run) -> _LoadPlan:
    """Add new folders to the table, and find out what to load of it. Raises RolecallError."""
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
    stock = table_stock(table, settings, window)
    if is_by_day and stock is not None:
        spare_bytes = check_bytes(stock.readable_bytes, [settings.table], settings)
    elif is_by_day:
        spare_bytes = check_scan([settings.table], settings, window)
    # Where there is no such table yet, an upgrade looks for them among the events that are stored.
    has_corrections = has_own_table("event_corrections", settings)
    return _LoadPlan(
        table,
        new_folders,
        before,
        before.loaded_at if has_corrections else None,
        window,
        archived_logs(athena, stock, window),
        spare_bytes,
    )


def _summary(
    plan: _LoadPlan,
    loaded: LoadResult,
    compaction: Compaction,
    athena: CountingAthena,
    settings: Settings,
    run: Run,
    *,
    is_built: bool,
) -> AthenaRefreshSummary:
    before, corrected_before = plan.before.loaded_at, plan.corrected_before
    counts = refresh_counts(athena, before, corrected_before)
    doubtful = doubtful_files(athena, before) if is_built else ()
    conflicting_files = (
        files_of(athena, "event_conflicts", before) if counts["conflict_count"] else ()
    )
    correcting_files = (
        files_of(athena, "event_corrections", corrected_before)
        if counts["correction_count"]
        else ()
    )
    parameters = analyses()["coverage_gaps"].parameters
    gaps = athena.run(
        compiled_analysis("coverage_gaps", settings),
        dict.fromkeys(parameters),
        parameters=parameters,
    ).result()
    return AthenaRefreshSummary(
        file_count=counts["file_count"],
        event_count=counts["event_count"],
        unreadable=tuple(Unreadable(*each) for each in sorted(loaded.unreadable.items())),
        doubtful_files=doubtful,
        conflicting_files=conflicting_files,
        correcting_files=correcting_files,
        test_count=loaded.test_count,
        total_event_count=counts["total_event_count"],
        total_file_count=counts["total_file_count"],
        total_switch_count=counts["total_switch_count"],
        raw_bytes=loaded.raw_bytes,
        new_folders=plan.new_folders,
        compaction=compaction,
        archived=plan.archived,
        is_partitioned_by_day=bool(plan.table.day_columns),
        scan_totals=scan_totals(athena, run),
        coverage_gaps=gaps,
    )


def _clean_older_store(state: BuildState, settings: Settings) -> None:
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
