"""Loads on Athena, in slices and day by day: nothing is lost, twice, or read twice.

A simulated trail is loaded a day at a time, and after an outage in slices. An account and a region
appear in it, one day has no logs, one file has records of 101 days long ago, and one a record
without a time.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_athena.account import Account, Warehouse
from local_athena.engine import athena_form
from rolecall.athena import compaction as athena_compaction
from rolecall.athena.compaction import compact
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import make_client
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from rolecall.settings import load_settings
from rolecall.setup.trail_table import TrailTable
from simulator import organisation as simulator
from support.both_engines import differences
from support.command_line import PROJECT, Rolecall
from support.logs import event, log_key

pytestmark = pytest.mark.xdist_group("athena")

_BUCKET = "month"
_ROOT = "AWSLogs/o-a1b2c3d4e5/"
_LATE_ACCOUNT, _LATE_REGION = "000055556666", "ap-northeast-1"
_WITHOUT_LOGS, _ODD_DAY, _APPEAR = date(2026, 3, 8), date(2026, 3, 6), date(2026, 3, 16)
# Two days in a slice, ten day by day, the rest at once.
_SLICED_TO, _DAILY_TO, _LAST = date(2026, 3, 2), date(2026, 3, 13), date(2026, 3, 23)
_DAY = timedelta(days=1)
_TIMELESS_DAY = date(2026, 3, 20)
_COMPARED = sorted(
    path
    for folder in ("store", "rules", "marts")
    for path in (PROJECT / "models" / folder).rglob("*.sql")
    # They have rows for each load: see below.
    if path.stem
    not in (
        *("session_actions", "session_action_revisions", "corrected_session_actions"),
        "account_activity",
    )
)


@dataclass
class Run:
    """What a run looked at: bytes scanned by statements on the raw table, and of what is there.

    ``staged_bytes`` were scanned by those that load it, ``window_bytes`` are those of the objects
    of its days, ``ledger_bytes`` of the ledger's files, which such a statement looks at too.
    """

    printed: str
    scanned_bytes: int
    staged_bytes: int
    window_bytes: int
    ledger_bytes: int


@dataclass
class Month:
    """The trail in its bucket, as far as it is delivered, and what loads it."""

    warehouse: Warehouse
    files: dict[date, list[tuple[str, list[Any]]]]
    sizes: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    runs: dict[str, Run] = field(default_factory=dict)
    statement_count: int = 0

    def deliver(self, first: date, last: date) -> None:
        """Put the log files of some days into the bucket."""
        for day, files in self.files.items():
            if first <= day <= last:
                for key, records in files:
                    self.warehouse.account.put_log(_BUCKET, key, records)
                    self.sizes[day] += len(gzip.compress(athena_form(records), mtime=0))

    def window_bytes(self, first: date) -> int:
        """Return the size of what was delivered from a day on."""
        return sum(size for day, size in self.sizes.items() if day >= first)

    def store(self, name: str, first: date, *, slice_days: int = 1000) -> None:
        """Load into the store by dbt alone, which looks at the days from ``first`` on."""
        printed = self.warehouse.dbt(
            PROJECT, "run", "--select", "staging store", slice_days=slice_days
        )
        self._note(name, printed, first)

    def refresh(self, name: str, first: date, *options: str, exit_code: int, days: int) -> None:
        """Load, build and test by `rolecall refresh`, ``days`` in a slice."""
        done = self.warehouse.rolecall(
            "refresh", *options, exit_code=exit_code, ROLECALL_SLICE_DAYS=str(days)
        )
        self._note(name, done.stdout + done.stderr, first)

    def _note(self, name: str, printed: str, first: date) -> None:
        account = self.warehouse.account
        scanned = account.scanned_bytes('"default"."month"', self.statement_count)
        ledger = self.warehouse.rows('select sum(file_size_in_bytes) from "log_reads$files"')
        staging = (
            f'create table "awsdatacatalog"."{self.warehouse.schema}"."stg_cloudtrail__events"'
        )
        staged = account.scanned_bytes(staging, self.statement_count)
        self.runs[name] = Run(
            printed, scanned, staged, self.window_bytes(first), int(ledger[0][0] or 0)
        )
        self.statement_count = len(account.statements())


def _key(day: date) -> str:
    """Return the place of a log file that is delivered on a day."""
    return log_key("111122223333", "us-east-1", f"{day:%Y/%m/%d}", logs=_ROOT, minute="2350")


def _logs(folder: Path) -> dict[date, list[tuple[str, list[Any]]]]:
    """Return the log files below a folder by day, less those that are not to be; remove these."""
    files: dict[date, list[tuple[str, list[Any]]]] = defaultdict(list)
    noise = random.Random(3)
    for file in find_log_files(folder):
        day = file.facts.delivered_date
        assert day is not None
        is_early = day < _APPEAR and (_LATE_ACCOUNT in file.path or _LATE_REGION in file.path)
        if day > _LAST or day == _WITHOUT_LOGS or is_early:
            Path(file.path).unlink()
            continue
        records = [json.loads(bytes(record)) for record in read_records(file)]
        # Not in the table: scanned like a log of some size, and stored nowhere.
        records[0]["eventContext"] = noise.randbytes(60_000).hex()
        files[day].append((file.log_file, records))
    return files


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the trail."""
    folder = tmp_path_factory.mktemp("month") / "logs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "DAYS", 24)
        organisation = simulator.Organisation(5)
        organisation.live(1)
        organisation.write(folder)
    odd = [
        event(7000 + number, eventTime=f"{date(2012, 1, 1) + number * _DAY}T00:00:00Z")
        for number in range(101)
    ]
    timeless = [event(7200, eventTime=f"{_TIMELESS_DAY}T12:00:00Z"), event(7201, eventTime="noon")]
    for day, records in ((_ODD_DAY, odd), (_TIMELESS_DAY, timeless)):
        path = folder / _key(day)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode(), mtime=0))
    return folder


@pytest.fixture(scope="module")
def month(account: Account, logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Month:
    """Return the month, loaded in twelve runs."""
    files = _logs(logs)
    warehouse = Warehouse(account, "month", "month", tmp_path_factory.mktemp("month"))
    month = Month(warehouse, files, statement_count=len(account.statements()))
    places = {
        tuple(key.removeprefix(_ROOT).split("/")[0:3:2])
        for day, found in files.items()
        for key, _ in found
        if day < _APPEAR
    }
    table = TrailTable(
        "default.month",
        f"s3://{_BUCKET}/{_ROOT}",
        tuple(sorted({place[0] for place in places})),
        tuple(sorted({place[1] for place in places})),
        date(2026, 3, 1),
        # Up to now are many days, and each is listed.
        "2026/03/25",
    )
    for statement in table.statements(None):
        account.query(statement)
    month.deliver(date(2026, 3, 1), _SLICED_TO + _DAY)
    month.store("oldest slice", date(2026, 3, 1), slice_days=2)
    loaded_to = day = _SLICED_TO
    while day < _DAILY_TO:
        day = max(day, _SLICED_TO + _DAY) + _DAY
        month.deliver(day, day)
        month.store(f"{day}", loaded_to - _DAY)
        loaded_to = max(month.sizes)
    month.deliver(_DAILY_TO + _DAY, _LAST)
    month.refresh("outage", loaded_to - _DAY, "--strict", exit_code=3, days=5)
    return month


@pytest.fixture(scope="module")
def once(month: Month, logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    """Return a database in which the same month was loaded at once."""
    rolecall = Rolecall(tmp_path_factory.mktemp("once"))
    rolecall.refresh(logs)
    return rolecall


def test_dbt_alone_loads_the_oldest_slice_and_says_what_remains(month: Month) -> None:
    assert (
        "This run loads the logs delivered from 2026-03-01 to 2026-03-02."
        " Those from 2026-03-03 on remain: run it again." in month.runs["oldest slice"].printed
    )


def test_a_refresh_after_an_outage_loads_each_day_of_it_in_slices(month: Month) -> None:
    printed = month.runs["outage"].printed
    slices = re.findall(r"Slice \d+: loaded what was delivered up to ([\d-]+);", printed)
    # The first has the day without logs, which the ledger lacks, and four from the day before the
    # newest one loaded.
    assert slices == [f"{_DAILY_TO + 2 * _DAY}", f"{_DAILY_TO + 7 * _DAY}"]
    count = sum(len(files) for day, files in month.files.items() if day > _DAILY_TO)
    assert f"Loaded {count:,} log files: " in printed


def test_a_record_without_a_time_is_named_and_strict_does_not_allow_it(month: Month) -> None:
    """In a slice in the middle of a load: the file with it is loaded, less the record."""
    printed = month.runs["outage"].printed
    rejected = f"Rejected 1 record without a valid time in {_key(_TIMELESS_DAY)}."
    assert re.findall(r"Rejected .*", printed) == [rejected]
    # The trail has copies in the files of another region, too.
    misplaced = re.findall(r"Found (\d+) records? of another account or region", printed)
    told = f"1 record rejected, {sum(map(int, misplaced))} records misplaced"
    assert f"Error: --strict does not allow {told}: see the lines above." in printed
    loaded = (
        "select status, record_count, rejected_record_count from log_reads"
        f" where log_file = '{_key(_TIMELESS_DAY)}'"
    )
    assert month.warehouse.rows(loaded) == [["loaded", "2", "1"]]


def test_each_load_reads_its_days_alone_and_each_byte_once(month: Month) -> None:
    days = [name for name in month.runs if name.startswith("2026")]
    # None is delivered on the day without logs, and it is looked for all the same.
    assert len(days) == 10
    for name in days:
        run = month.runs[name]
        # The ledger tells what is done, and when the newest load was.
        most = 1.1 * run.window_bytes + 2 * run.ledger_bytes
        assert run.window_bytes <= run.scanned_bytes <= most, name


def test_slices_read_each_byte_once(month: Month) -> None:
    """But for the questions where the next logs are, of which Athena stops at the first record."""
    run = month.runs["outage"]
    most = 1.1 * run.window_bytes + 3 * 2 * run.ledger_bytes
    assert run.window_bytes <= run.staged_bytes <= most


@pytest.mark.parametrize("model", ["identity_events", "session_actions", "account_activity"])
def test_what_follows_from_events_reads_those_of_a_load_once(month: Month, model: str) -> None:
    """By literals, which tell Athena what files to open; the first load has all there is."""
    named = Counter(
        load_id
        for statement in month.warehouse.account.statements()
        if f'create table "awsdatacatalog"."{month.warehouse.schema}"."{model}' in statement
        for names in re.findall(r"load_id in \((.*)\)", statement)
        for load_id in re.findall(r"'([^']+)'", names)
    )
    # A load without a row for the model is looked at again.
    loads = month.warehouse.rows(f"select distinct load_id from {model}")
    assert len(loads) > 5
    assert sorted(named[load_id or ""] for (load_id,) in loads) == [0] + [1] * (len(loads) - 1)


def test_a_new_account_and_region_are_loaded_from_their_first_day(month: Month) -> None:
    assert f"Added to default.month: {_LATE_ACCOUNT} in" in month.runs["outage"].printed
    for place in (_LATE_ACCOUNT, _LATE_REGION):
        first = min(
            day
            for day, files in month.files.items()
            if any(f"/{place}/" in key for key, _ in files)
        )
        assert first >= _APPEAR
        rows = month.warehouse.rows(
            "select cast(min(delivered_date) as varchar) from log_files"
            f" where '{place}' in (account_id, aws_region)"
        )
        assert rows == [[f"{first}"]]


@pytest.mark.parametrize("path", _COMPARED, ids=lambda path: path.stem)
def test_slices_and_ten_days_give_what_one_load_gives(
    month: Month, once: Rolecall, path: Path
) -> None:
    assert differences(month.warehouse, once, path) == ([], [])


def test_they_count_the_same_actions(month: Month, once: Rolecall) -> None:
    sql = (
        "select principal_id, event_source, event_name, aws_region, source_ip_address,"
        " cast(sum(action_count) as bigint), cast(sum(write_count) as bigint),"
        " cast(sum(denied_count) as bigint) from session_actions group by 1, 2, 3, 4, 5"
    )
    users = (
        "select recipient_account_id, user_principal_id, user_arn,"
        " cast(sum(event_count) as bigint), cast(sum(data_event_count) as bigint)"
        " from account_activity group by 1, 2, 3"
    )
    for counts in (sql, users):
        there = {tuple(row) for row in month.warehouse.rows(counts)}
        assert there == {tuple(map(str, row)) for row in once.query(counts)}


def test_many_small_files_of_the_store_are_compacted_and_nothing_else_changes(
    month: Month, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    warehouse = month.warehouse
    monkeypatch.chdir(tmp_path)
    for variable, value in warehouse.environment.items():
        monkeypatch.setenv(variable, value)
    settings = load_settings()
    athena = Athena(settings.workspace, make_client("athena", settings.region))
    today = date(2026, 5, 1)
    assert compact(athena, today).tables == ()
    monkeypatch.setattr(athena_compaction, "FEWEST_FILES", 3)
    monkeypatch.setattr(athena_compaction, "FEWEST_GROWING_FILES", 3)
    count = "select count(*), count(distinct event_id || recipient_account_id) from events"
    crowded = """
        select
            (select count(*) from "events$partitions" where file_count > 2),
            (select max(file_count) from "log_reads$partitions")
    """
    before = warehouse.rows(count)
    ((days, files),) = warehouse.rows(crowded)
    assert int(days or 0) > 0
    assert int(files or 0) > 5
    done = compact(athena, today)
    assert done.problems == ()
    assert set(done.tables) >= {"events", "log_reads"}
    assert warehouse.rows(count) == before
    assert warehouse.rows(crowded) == [["0", "1"]]
    assert compact(athena, today).tables == ()
