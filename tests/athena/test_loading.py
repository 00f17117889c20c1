"""What a load on Athena does when it fails, and when compacting pays: without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local_athena.scripted import Service, serving, table
from local_athena.statements import Statement
from local_athena.warehouse import Outcome, QueryFailedError, Request
from rolecall.athena.bad_file import BadFileSearch, one_that_fails, pieces, unreadable_file
from rolecall.athena.compaction import STORE, StoreTable, compact
from rolecall.athena.load_days import Window
from rolecall.athena.refresh import _newest_load
from rolecall.athena.slices import LoadResult, SliceLoad
from rolecall.athena.unread import UnreadLogs
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import make_client
from rolecall.aws.failed_queries import QueryFailedError as FailedError
from rolecall.aws.failed_queries import QueryRetryableError
from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.days import Span
from rolecall.errors import RolecallError
from rolecall.names import Workspace
from rolecall.queries.answer import answer_on_athena
from rolecall.settings import Settings, load_settings

_FILE = "s3://trail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/a_b-c.json.gz"
# Athena adds it where a statement that makes a table fails: that place is of no log.
_ADVICE = (
    " You may need to manually clean the data at location 's3://results/tables/rolecall/0f0e'"
    " before retrying. Athena will not delete data in your account."
)


@pytest.mark.parametrize(
    "reason",
    [
        f"HIVE_CURSOR_ERROR: Failed to read file: {_FILE}",
        f"HIVE_CURSOR_ERROR: {_FILE}: incorrect header check.",
        f"HIVE_BAD_DATA: Error Parsing a column in the table: Error in {_FILE}, line 1",
        f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {_FILE} (offset=0): Not in GZIP",
    ],
)
@pytest.mark.parametrize("advice", ["", _ADVICE], ids=["", "advice"])
@pytest.mark.parametrize("bucket", ["trail", "acme-kms-403"])
def test_the_file_that_a_scan_failed_on_is_found(reason: str, advice: str, bucket: str) -> None:
    reason, file = (text.replace("s3://trail/", f"s3://{bucket}/") for text in (reason, _FILE))
    failed = f"The refresh failed: stg_cloudtrail__events: Runtime Error {reason}{advice}"
    assert unreadable_file(failed) == (file, f"Athena cannot read it: {reason.partition(':')[0]}")


@pytest.mark.parametrize("advice", ["", _ADVICE], ids=["", "advice"])
def test_a_file_that_athena_does_not_tell_is_not_guessed(advice: str) -> None:
    reason = (
        "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: Unterminated string"
    )
    assert unreadable_file(reason + advice) == (None, "Athena cannot read it: HIVE_CURSOR_ERROR")


@pytest.mark.parametrize(
    "reason",
    [
        f"HIVE_CANNOT_OPEN_SPLIT: Error opening {_FILE}: Access Denied (Status Code: 403)",
        f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: Please reduce your request rate. (SlowDown)",
        f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: the KMS key is disabled",
        f"PERMISSION_DENIED: {_FILE}",
        "Query timeout",
    ],
)
def test_what_is_not_the_file_s_own_fault_leaves_no_file_out(reason: str) -> None:
    assert unreadable_file(reason) is None


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 100])
def test_a_bad_file_is_found_by_reading_each_file_once_at_most(count: int) -> None:
    files = [f"{number:03d}" for number in range(count)]
    for bad in files:
        read: list[str] = []

        def fails(asked: Sequence[str], bad: str = bad, read: list[str] = read) -> bool:
            if bad in asked:
                return True
            read += asked
            return False

        assert one_that_fails(files, fails) == bad
        assert len(read) == len(set(read))


def test_one_of_several_bad_files_is_found() -> None:
    files = [f"{number}" for number in range(9)]
    assert one_that_fails(files, lambda asked: "2" in asked or "7" in asked) in ("2", "7")


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_failure_that_does_not_come_again_is_of_no_file(count: int) -> None:
    failures = iter([True])
    files = [f"{number}" for number in range(count)]
    found = one_that_fails(files, lambda asked: len(asked) > 1 and next(failures, False))
    assert found is None


def test_a_bad_file_is_looked_for_in_slices_of_the_load() -> None:
    added = ("444455556666",)
    spans = [
        Span(date(2026, 1, 1), date(2026, 1, 5), added),
        Span(date(2026, 3, 1), date(2026, 3, 1)),
    ]
    assert list(pieces(spans, 3)) == [
        Span(date(2026, 1, 1), date(2026, 1, 3), added),
        Span(date(2026, 1, 4), date(2026, 1, 5), added),
        Span(date(2026, 3, 1), date(2026, 3, 1)),
    ]


_TABLE = CatalogueTable("default.logs", "", (), (("dt", "string"),), {}, {"dt": "yyyy/MM/dd"})


@pytest.fixture(autouse=True)
def logs_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all days have logs that are to be read, without a question to Athena."""
    monkeypatch.setattr(UnreadLogs, "any_of", lambda self, days, skip_log_files: True)


class _Dbt:
    """Stands in for dbt: a table with a log each day, and limits on what one run may do.

    Of a file in ``bad_files`` it says ``words``. ``staged`` are the days that it read last.
    """

    def __init__(
        self,
        days: int,
        most_days: int,
        bad_files: tuple[str, ...] = (),
        words: str = "HIVE_CURSOR_ERROR: Failed to read {}",
    ) -> None:
        self.words = words
        self.first, self.last = date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days - 1)
        self.most_days = most_days
        self.bad_files = bad_files
        self.most_days_to_store = most_days
        self.fails_behind = False
        self.row_count = 1
        self.loaded: list[tuple[date, date]] = []
        self.staged: tuple[date, date] | None = None

    def __call__(
        self,
        arguments: list[str],
        settings: Settings,
        *,
        days_to_read: str,
        skip_log_files: Mapping[str, str] | None = None,
    ) -> Any:
        if arguments[0] == "build":
            assert self.staged is not None
            if (self.staged[1] - self.staged[0]).days >= self.most_days_to_store:
                raise RolecallError(
                    "The refresh failed: events: EXCEEDED_GLOBAL_MEMORY_LIMIT: Query exceeded"
                )
            if self.fails_behind:
                raise RolecallError("The refresh failed: role_sessions: Query timeout")
            self.loaded.append(self.staged)
            return _run()
        ((*days, only),) = json.loads(days_to_read)["spans"]
        assert only == {}
        first, last = map(date.fromisoformat, days)
        if (last - first).days >= self.most_days:
            raise RolecallError("The refresh failed: stg_cloudtrail__events: Query timeout")
        for path in self.bad_files:
            if path not in (skip_log_files or {}):
                raise RolecallError(f"The refresh failed: {self.words.format(path)}")
        self.staged = first, last
        return _run(row_count=self.row_count)


def _run(row_count: int = 1) -> Any:
    node = SimpleNamespace(resource_type="model")
    response = {"rows_affected": row_count, "data_scanned_in_bytes": 10}
    result = SimpleNamespace(node=node, adapter_response=response)
    return SimpleNamespace(result=SimpleNamespace(results=[result]))


def _slices(dbt: _Dbt, athena: Any = None, **flags: Any) -> SliceLoad:
    """Return a load of all days that a table has."""
    return SliceLoad(
        load_settings(**flags),
        dbt,
        athena,
        _TABLE,
        (Span(dbt.first, dbt.last),),
    )


def _load(dbt: _Dbt, athena: Any = None, **flags: Any) -> LoadResult:
    return _slices(dbt, athena, **flags).load()


def _days(spans: list[tuple[date, date]]) -> list[date]:
    return [
        first + timedelta(days=number)
        for first, last in spans
        for number in range((last - first).days + 1)
    ]


@pytest.mark.parametrize(("days", "most_days"), [(200, 99), (200, 20), (61, 1), (60, 99), (1, 1)])
def test_a_slice_that_is_too_much_is_loaded_in_smaller_ones(
    days: int, most_days: int, capsys: pytest.CaptureFixture[str]
) -> None:
    dbt = _Dbt(days, most_days)
    loaded = _load(dbt)
    assert dbt.staged is not None
    assert _days([*dbt.loaded, dbt.staged]) == [
        date(2026, 1, 1) + timedelta(days=number) for number in range(days)
    ]
    assert loaded.is_new
    assert loaded.raw_bytes == 10 * (len(dbt.loaded) + 1)
    assert len(capsys.readouterr().err.splitlines()) == len(dbt.loaded)


def test_a_last_slice_that_is_too_much_to_store_is_staged_again_in_smaller_ones() -> None:
    dbt = _Dbt(150, 99)
    dbt.most_days_to_store = 20
    slices = _slices(dbt)
    slices.load()
    slices.build()
    assert _days(dbt.loaded) == [date(2026, 1, 1) + timedelta(days=number) for number in range(150)]


def test_marts_that_are_too_much_are_an_error_at_once() -> None:
    dbt = _Dbt(20, 99)
    dbt.fails_behind = True
    slices = _slices(dbt)
    slices.load()
    with pytest.raises(RolecallError, match="role_sessions"):
        slices.build()
    assert dbt.staged == (dbt.first, dbt.last)


def test_a_day_that_is_too_much_is_an_error() -> None:
    with pytest.raises(RolecallError, match="Query timeout"):
        _load(_Dbt(3, 0))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return a running Athena."""
    with serving() as service:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_ATHENA", service.server.url)
        yield service


@pytest.fixture
def athena(service: Service) -> Athena:
    """Return a client of it."""
    place = Workspace("rolecall", "primary", "s3://results/athena/")
    return Athena(place, make_client("athena", "us-east-1"))


def test_without_being_told_the_file_is_named_and_the_way_out(
    service: Service, athena: Athena
) -> None:
    service.engine.script = lambda statement, request: table(["log_file"], [])
    with pytest.raises(RolecallError, match="--skip-unreadable` goes on without s3://trail/"):
        _load(_Dbt(3, 99, (_FILE,)), athena)


def test_what_the_ledger_has_as_unreadable_is_left_out_without_being_told(
    service: Service, athena: Athena
) -> None:
    known = _FILE.removeprefix("s3://trail/")
    service.engine.script = lambda statement, request: table(["log_file"], [[known]])
    assert tuple(_load(_Dbt(3, 99, (_FILE,)), athena).unreadable) == (_FILE,)
    another = _FILE.replace("a_b-c", "another")
    with pytest.raises(RolecallError, match=f"goes on without {another}"):
        _load(_Dbt(3, 99, (_FILE, another)), athena)


def test_files_that_cannot_be_read_are_left_out_one_by_one(
    service: Service, athena: Athena
) -> None:
    service.engine.script = lambda statement, request: table(["log_file"], [])
    files = tuple(_FILE.replace("a_b-c", f"file_{number}") for number in range(3))
    loaded = _load(_Dbt(3, 99, files), athena, skip_unreadable=True)
    assert tuple(loaded.unreadable) == files


def test_a_file_that_a_look_for_logs_fails_on_is_left_out_too(
    service: Service, athena: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.engine.script = lambda statement, request: table(["log_file"], [])

    def any_of(_: UnreadLogs, days: Window, skip_log_files: Mapping[str, str]) -> bool:
        if _FILE in skip_log_files:
            return True
        reason = f"HIVE_CURSOR_ERROR: Failed to read file: {_FILE}"
        raise FailedError(f"The query failed: {reason}.", query_id="1", reason=reason)

    dbt = _Dbt(200, 99)
    window = (Span(dbt.first, dbt.last),)
    monkeypatch.setattr(UnreadLogs, "any_of", any_of)
    told = SliceLoad(load_settings(skip_unreadable=True), dbt, athena, _TABLE, window)
    assert tuple(told.load().unreadable) == (_FILE,)
    untold = SliceLoad(load_settings(), dbt, athena, _TABLE, window)
    with pytest.raises(RolecallError, match=r"^The refresh failed: stg_cloudtrail__events: HIVE"):
        untold.load()


@pytest.mark.parametrize("known", [(), ("a_b-c",)], ids=["new", "known as unreadable"])
@pytest.mark.parametrize(
    "words",
    [
        "HIVE_CURSOR_ERROR: Failed to read {}: Please reduce your request rate (SlowDown)",
        "HIVE_CURSOR_ERROR: Please reduce your request rate",
        "HIVE_CANNOT_OPEN_SPLIT: {}: InvalidObjectState",
        "HIVE_CURSOR_ERROR: {}: The specified key does not exist",
        "HIVE_CURSOR_ERROR: {}: GENERIC_INTERNAL_ERROR",
    ],
)
def test_a_file_that_could_not_be_read_at_that_moment_is_not_left_out(
    service: Service, athena: Athena, words: str, known: tuple[str, ...]
) -> None:
    """Whether Athena names it or not, and whatever was told or is known of it."""
    rows = [[_FILE.removeprefix("s3://trail/")] for _ in known]
    service.engine.script = lambda statement, request: table(["log_file"], rows)
    slices = _slices(_Dbt(3, 99, (_FILE,), words), athena, skip_unreadable=True)
    with pytest.raises(RolecallError) as caught:
        slices.load()
    assert "--skip-unreadable" not in str(caught.value)
    assert slices.loaded.unreadable == {}


def test_throttling_ends_a_search_for_a_bad_file(service: Service, athena: Athena) -> None:
    """It would end at a file that can be read."""
    words = "HIVE_CURSOR_ERROR: Please reduce your request rate (Status Code: 503)"
    _fails(service, words, 1)
    search = BadFileSearch(athena, load_settings(), _TABLE, (), {})
    days = Span(date(2026, 3, 1), date(2026, 3, 1))
    sql = "select :first_file, :last_file, :first_day, :last_day"
    with pytest.raises(QueryRetryableError):
        search._fails(sql, [_FILE], days)
    _fails(service, words.partition(" Please")[0], 1)
    assert search._fails(sql, [_FILE], days)


_NO_LEDGER = "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.rolecall.log_reads' does not exist"


def _fails(service: Service, reason: str, error_type: int) -> None:
    def script(statement: Statement, request: Request) -> Outcome:
        raise QueryFailedError(reason, type_=error_type)

    service.engine.script = script


def _ask_newest_load(athena: Athena) -> None:
    assert _newest_load(athena) == (None, None)


def _ask_known_problems(athena: Athena) -> None:
    dbt = _Dbt(3, 99, (_FILE,))
    dbt.row_count = 0
    assert _load(dbt, athena, skip_unreadable=True).is_new


@pytest.mark.parametrize("ask", [_ask_newest_load, _ask_known_problems])
def test_before_the_first_load_there_is_no_ledger(
    service: Service, athena: Athena, ask: Callable[[Athena], None]
) -> None:
    _fails(service, _NO_LEDGER, 1301)
    ask(athena)


@pytest.mark.parametrize("ask", [_ask_newest_load, _ask_known_problems])
def test_a_ledger_that_cannot_be_read_is_not_taken_for_a_missing_one(
    service: Service, athena: Athena, ask: Callable[[Athena], None]
) -> None:
    _fails(service, "HIVE_FILESYSTEM_ERROR: s3://tables/log_reads/metadata does not exist", 1302)
    with pytest.raises(FailedError, match="HIVE_FILESYSTEM_ERROR"):
        ask(athena)


def test_a_question_to_what_is_not_built_yet_says_how_to_build_it(service: Service) -> None:
    _fails(service, _NO_LEDGER, 1301)
    settings = load_settings(region="us-east-1", results="s3://results/")
    with pytest.raises(RolecallError, match=r"rolecall does not have what .*: build it with"):
        answer_on_athena("select 1", {}, {}, settings)


def test_there_is_an_end_to_files_that_cannot_be_read(service: Service, athena: Athena) -> None:
    files = tuple(_FILE.replace("a_b-c", f"file_{number}") for number in range(101))
    with pytest.raises(RolecallError, match="file_100"):
        _load(_Dbt(3, 99, files), athena, skip_unreadable=True)


@pytest.mark.parametrize(
    ("unit", "partition", "first", "after"),
    [
        ("day", 0, date(1970, 1, 1), date(1970, 1, 2)),
        ("day", 20_513, date(2026, 3, 1), date(2026, 3, 2)),
        ("month", 674, date(2026, 3, 1), date(2026, 4, 1)),
        ("month", 683, date(2026, 12, 1), date(2027, 1, 1)),
        ("month", -1, date(1969, 12, 1), date(1970, 1, 1)),
    ],
)
def test_a_partition_of_iceberg_is_a_span_of_days(
    unit: str, partition: int, first: date, after: date
) -> None:
    assert StoreTable("events", "event_at", unit).span(partition) == (first, after)


class _Store:
    """Plays Athena with partitions: table, number, files; each OPTIMIZE needs some runs."""

    def __init__(self, *partitions: tuple[str, int, int], runs: int = 1, fails: str = "") -> None:
        self.partitions = partitions
        self.runs = runs
        self.fails = fails
        self.done: list[str] = []

    def __call__(self, statement: Statement, request: Request) -> Outcome:
        if statement.kind == "select":
            rows = [[name, f"{number}", f"{files}"] for name, number, files in self.partitions]
            return table(["name", "number", "file_count"], rows, ["varchar", "bigint", "bigint"])
        self.done.append(statement.text)
        if statement.kind == "optimize" and len(self.done) < self.runs:
            raise QueryFailedError("ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED: run it again")
        if self.fails and self.fails in statement.text:
            raise QueryFailedError("ICEBERG_COMMIT_ERROR: another writer was first")
        return Outcome()


_TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("name", "number", "files", "pays"),
    [
        ("events", 20_519, 20, True),  # 7 March, over for two days
        ("events", 20_520, 20, False),  # 8 March, to which late events may come
        ("events", 20_522, 199, False),
        ("events", 20_522, 200, True),  # today
        ("log_reads", 673, 20, True),  # February
        ("log_reads", 674, 30, False),  # March
    ],
)
def test_a_partition_that_is_over_is_compacted_and_one_that_grows_when_it_is_crowded(
    service: Service, athena: Athena, name: str, number: int, files: int, pays: bool
) -> None:
    service.engine.script = _Store((name, number, files))
    assert compact(athena, _TODAY).tables == ((name,) if pays else ())


def test_compacting_goes_on_until_athena_asks_for_no_other_run(
    service: Service, athena: Athena
) -> None:
    store = service.engine.script = _Store(("events", 20_500, 50), ("events", 20_400, 50), runs=3)
    assert compact(athena, _TODAY).tables == ("events",)
    optimize = (
        "OPTIMIZE events REWRITE DATA USING BIN_PACK WHERE"
        " (event_at >= timestamp '2025-11-08 00:00:00'"
        " and event_at < timestamp '2025-11-09 00:00:00')"
        " or (event_at >= timestamp '2026-02-16 00:00:00'"
        " and event_at < timestamp '2026-02-17 00:00:00')"
    )
    assert store.done == [optimize] * 3 + ["VACUUM events"]


def test_a_table_that_cannot_be_compacted_now_stops_nothing(
    service: Service, athena: Athena
) -> None:
    service.engine.script = _Store(
        *((each.name, 600, 20) for each in STORE), fails="OPTIMIZE identity_events"
    )
    compacted = compact(athena, _TODAY)
    assert compacted.tables == ("events", "session_actions", "account_activity", "log_reads")
    (problem,) = compacted.problems
    assert problem.startswith("identity_events could not be compacted: ")
    assert "another writer was first" in problem
