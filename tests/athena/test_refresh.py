"""`rolecall` on the Athena target: refresh, history and queries, with what they cost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import signal
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from local_athena.account import CONSOLE_2020, Account, Warehouse
from local_athena.engine import athena_form
from rolecall.setup.trail_table import TrailTable
from support.command_line import PROJECT, SAMPLE, Rolecall
from support.logs import event, log_key

pytestmark = pytest.mark.xdist_group("athena")

_ROLE_ACCOUNT = "444455556666"
# As Athena words it ("Workgroup settings: data usage controls").
_CUT_OFF = "Bytes scanned limit was exceeded"


def _key_of(day: int, name: str) -> str:
    """Return the place of a log file that is delivered on a day of May 2026."""
    return log_key(_ROLE_ACCOUNT, "us-east-1", f"2026/05/{day:02d}", f"{name}1B2c3D4e5F6g7H8")


# Of a record that is cut short it names no file.
_NAMELESS = (
    "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: Unterminated string at 198"
    " [character 199 line 1]"
)
_STAGING = '"node": "stg_cloudtrail__events".*create table'
_PROBE = r'select count\("eventversion"\)'


@dataclass(frozen=True)
class FirstRefresh:
    """A warehouse that was refreshed once; what that printed, and scanned of the raw table."""

    warehouse: Warehouse
    printed: str
    progress: str
    scanned_bytes: int


@pytest.fixture(scope="module")
def first_refresh(account: Account, tmp_path_factory: pytest.TempPathFactory) -> FirstRefresh:
    """Return a warehouse with the sample loaded by `rolecall refresh`, in two slices."""
    account.upload(SAMPLE, "refreshed")
    account.create_table("default.refreshed", "refreshed", CONSOLE_2020)
    folder = tmp_path_factory.mktemp("refreshed")
    warehouse = Warehouse(account, "refreshed", "refreshed", folder)
    before = len(account.statements())
    done = warehouse.rolecall("refresh", ROLECALL_SLICE_DAYS="40")
    scanned = account.scanned_bytes('"default"."refreshed"', before)
    return FirstRefresh(warehouse, done.stdout, done.stderr, scanned)


@pytest.fixture
def refreshed(first_refresh: FirstRefresh) -> Warehouse:
    """Return the warehouse; tests may add logs of May 2026 to it."""
    return first_refresh.warehouse


def test_a_refresh_says_what_it_loaded_and_spent(first_refresh: FirstRefresh) -> None:
    loaded, passed, totals, spent, warning = first_refresh.printed.splitlines()
    assert loaded == "Loaded 77 log files: 129 new events."
    assert re.fullmatch(r"Passed \d+ data tests\.", passed)
    assert totals == "refreshed has 129 events of 77 log files and 15 role switches."
    assert re.fullmatch(
        r"Scanned [\d.]+ MB, [\d.]+ kB of it in default\.refreshed, with \d+ statements"
        r" for \$0\.0\d+\.",
        spent,
    )
    assert warning == (
        "default.refreshed has no partitions by the day: each refresh scans all of it."
        " `rolecall setup` makes a table that has."
    )


def test_a_table_without_partitions_is_scanned_once_for_all_slices(
    account: Account, first_refresh: FirstRefresh
) -> None:
    """Each slice has a load of its own in the ledger, the older days first."""
    (slice_done,) = re.findall(r"Slice \d+: .*", first_refresh.progress)
    loads = first_refresh.warehouse.rows(
        "select cast(min(delivered_date) as varchar), cast(max(delivered_date) as varchar)"
        " from log_reads where delivered_date < date '2026-05-01' group by load_id"
        " order by min(loaded_at)"
    )
    assert loads == [["2026-03-02", "2026-04-08"], ["2026-04-11", "2026-04-30"]]
    assert "Slice 1: loaded what was delivered up to 2026-04-10; 20 days up to" in slice_done
    s3 = account.client("s3")
    size = sum(each["Size"] for each in s3.list_objects_v2(Bucket="refreshed")["Contents"])
    assert first_refresh.scanned_bytes <= 1.1 * size


def test_a_refresh_with_nothing_new_stops_after_staging(
    account: Account, refreshed: Warehouse
) -> None:
    refreshed.rolecall("refresh")
    before = len(account.statements())
    printed = refreshed.rolecall("refresh").stdout
    assert printed.startswith("Nothing new to load.\n")
    started = account.statements(since=before)
    assert len(started) <= 8, started
    assert not any("role_switches" in sql and "create table" in sql for sql in started)


def _without_evidence(text: str) -> list[dict[str, str]]:
    return [
        {name: value for name, value in row.items() if name != "address_evidence"}
        for row in csv.DictReader(io.StringIO(text))
    ]


def test_history_is_what_it_is_locally(refreshed: Warehouse, sample: Rolecall) -> None:
    options = ("--from", "2026-03-01", "--to", "2026-04-30", "--format", "csv")
    done = refreshed.rolecall("history", *options)
    # The table lacks the ids by which a choice in the portal is known to be a user's.
    assert _without_evidence(done.stdout) == _without_evidence(
        sample.run("history", *options).stdout
    )
    *notes, took = done.stderr.splitlines(keepends=True)
    # The damaged log file of the sample is in no bucket.
    told = sample.run("history", *options).stderr
    without_it = re.sub(r"log files left out on 1 of \d+ account days \(3 accounts\); ", "", told)
    assert "".join(notes) == without_it != told
    assert re.fullmatch(
        r"Scanned [\d.]+ kB for \$0\.00015 in \d+\.\d s\. The whole result as CSV:"
        r" s3://results/refreshed/results/[0-9a-f-]+\.csv\n",
        took,
    )


def test_the_place_of_the_csv_holds_the_result(account: Account, refreshed: Warehouse) -> None:
    done = refreshed.rolecall("history", "--user", "bob", "--format", "json")
    bucket, _, key = done.stderr.rpartition("s3://")[2].strip().partition("/")
    body = account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert len(body.splitlines()) == 1 + len(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("switch_role_query", ("from_day=2026-03-01", "to_day=2026-04-30", "account=111122223333")),
        ("preview_raw", ("from_day=2026-03-03", "to_day=2026-03-03")),
    ],
)
def test_questions_to_the_raw_table_give_what_they_give_locally(
    refreshed: Warehouse, sample: Rolecall, name: str, params: tuple[str, ...]
) -> None:
    options = [part for param in params for part in ("--param", param)]
    there = refreshed.rolecall("query", name, *options, "--format", "json").stdout
    here = sample.run("query", name, *options, "--format", "json").stdout
    if name == "switch_role_query":
        assert json.loads(there) == json.loads(here)
    else:  # any ten rows
        assert len(json.loads(there)) == len(json.loads(here)) == 10
        assert list(json.loads(there)[0]) == list(json.loads(here)[0])


def test_a_query_of_the_user_s_own_has_bound_parameters(refreshed: Warehouse) -> None:
    (refreshed.folder / "who.sql").write_text(
        "select count(*) as switches from {{ ref('role_switches') }} where source_name = :who"
    )
    done = refreshed.rolecall("query", "who.sql", "--param", "who=bob", "--format", "json")
    assert json.loads(done.stdout) == [{"switches": 4}]
    done = refreshed.rolecall("query", "who.sql", "--param", "who=o'b' or 1=1", "--format", "json")
    assert json.loads(done.stdout) == [{"switches": 0}]


def test_over_the_scan_limit_nothing_is_started(account: Account, refreshed: Warehouse) -> None:
    before = len(account.statements())
    done = refreshed.rolecall("refresh", "--max-scan", "10kB", exit_code=4)
    assert "This could scan" in done.stderr and "default.refreshed" in done.stderr
    done = refreshed.rolecall("history", exit_code=4, ROLECALL_MAX_SCAN="1 kB")
    assert "refreshed.role_switches" in done.stderr and "over the limit of 1 kB" in done.stderr
    assert len(account.statements()) == before


def test_what_is_missing_is_named(refreshed: Warehouse, tmp_path: Path) -> None:
    done = refreshed.rolecall("refresh", "--table", "default.nothing", exit_code=1)
    assert "There is no table default.nothing in the Glue catalogue" in done.stderr
    done = refreshed.rolecall("refresh", exit_code=2, ROLECALL_RESULTS="")
    assert "set ROLECALL_RESULTS to one such as s3://" in done.stderr
    done = refreshed.rolecall("history", "--schema", 'x"; drop', exit_code=2)
    assert "cannot be a database" in done.stderr
    done = refreshed.rolecall("history", "--schema", "empty_one", exit_code=1)
    assert "empty_one does not have what this asks for" in done.stderr


def test_a_file_that_athena_cannot_read_is_named_and_left_out_if_told(
    account: Account, tmp_path: Path
) -> None:
    """Athena fails as a whole on it; without it everything else is loaded, and it is recorded.

    It is found among the others where Athena does not name it.
    """
    good, cut, no_gzip, late = (
        _key_of(day, name) for day, name in zip((1, 1, 2, 3), "abcd", strict=True)
    )
    trail = TrailTable(
        "default.unreadable",
        "s3://unreadable/AWSLogs/o-a1b2c3d4e5/",
        (_ROLE_ACCOUNT,),
        ("us-east-1",),
        date(2026, 5, 1),
        "2026/05/04",
    )
    s3 = account.client("s3")
    s3.create_bucket(Bucket="unreadable")
    half = gzip.compress(athena_form([event(2), event(3)])[:-9])
    s3.put_object(Bucket="unreadable", Key=cut, Body=half)
    for statement in trail.statements(None):
        account.query(statement)
    warehouse = Warehouse(account, "unreadable", "unreadable", tmp_path)
    nameless = 'from "awsdatacatalog"."default"."unreadable"'
    with account.naming_no_file(nameless):
        printed = warehouse.rolecall("refresh", exit_code=1).stderr
    assert "The refresh failed: stg_cloudtrail__events" in printed
    assert f"--skip-unreadable` goes on without s3://unreadable/{cut}." in printed

    account.put_log("unreadable", good, [event(1)])
    s3.put_object(Bucket="unreadable", Key=no_gzip, Body=b"\x1f\x8bbroken")
    account.put_log("unreadable", late, [event(4)])
    skipping = ("refresh", "--skip-unreadable", "--strict")
    with account.naming_no_file(nameless):
        done = warehouse.rolecall(*skipping, exit_code=3)
    assert done.stdout.startswith("Loaded 2 log files: 2 new events.\n")
    assert re.findall(r"Skipped (s3://\S+): Athena cannot read it: HIVE_", done.stdout) == [
        f"s3://unreadable/{cut}",
        f"s3://unreadable/{no_gzip}",
    ]
    assert "--strict does not allow 2 files skipped" in done.stderr
    ledger = (
        "select log_file, status, problem is not null, account_id,"
        " cast(delivered_date as varchar), record_count from log_reads order by loaded_at, 1"
    )
    known = [
        [good, "loaded", "false", _ROLE_ACCOUNT, "2026-05-01", "1"],
        [cut, "unreadable", "true", _ROLE_ACCOUNT, "2026-05-01", None],
        [no_gzip, "unreadable", "true", _ROLE_ACCOUNT, "2026-05-02", None],
        [late, "loaded", "false", _ROLE_ACCOUNT, "2026-05-03", "1"],
    ]
    assert warehouse.rows(ledger) == known
    coverage = "select sum(file_count), sum(unreadable_file_count) from log_coverage"
    assert warehouse.rows(coverage) == [["2", "2"]]

    # What was left out is tried again, is left out without a word more, and is not news.
    with account.naming_no_file(nameless):
        done = warehouse.rolecall("refresh")
    assert done.stdout.startswith("Nothing new to load.\nSkipped s3://unreadable/")
    assert "data test" not in done.stdout
    assert warehouse.rows(ledger) == known

    account.put_log("unreadable", no_gzip, [event(5)])
    warehouse.dbt(PROJECT, "run", "--select", "staging store")
    mended = [no_gzip, "loaded", "false", _ROLE_ACCOUNT, "2026-05-02", "1"]
    assert warehouse.rows(ledger) == [*known, mended]


def test_logs_in_glacier_are_told_and_loaded_when_they_are_restored(
    account: Account, tmp_path: Path
) -> None:
    """The engine passes them over without a word, as Athena does; what was loaded before stays."""
    bucket, archived = (
        "glacier",
        [_key_of(day, name) for day, name in ((1, "a"), (1, "b"), (2, "c"))],
    )
    table = TrailTable(
        "default.glacier",
        f"s3://{bucket}/AWSLogs/o-a1b2c3d4e5/",
        (_ROLE_ACCOUNT,),
        ("us-east-1",),
        date(2026, 5, 1),
        "2026/05/05",
    )
    for statement in table.statements(None):
        account.query(statement)
    s3 = account.client("s3")

    def put(storage_class: str) -> None:
        for number, key in enumerate(archived):
            account.put_log(bucket, key, [event(number, recipientAccountId=_ROLE_ACCOUNT)])
            place = {"Bucket": bucket, "Key": key}
            body = s3.get_object(**place)["Body"].read()
            s3.put_object(**place, Body=body, StorageClass=storage_class)

    for number, day in ((10, 2), (11, 3)):
        account.put_log(
            bucket, _key_of(day, "d"), [event(number, recipientAccountId=_ROLE_ACCOUNT)]
        )
    put("DEEP_ARCHIVE")
    warehouse = Warehouse(account, "glacier", "glacier", tmp_path)
    passed_over = (
        "Passed over 3 log files of 2 days (2026-05-01 to 2026-05-02) and 1 account, archived in"
        " Glacier: restore them and `rolecall refresh --from 2026-05-01`, or begin later.\n"
    )
    coverage = (
        "select cast(delivered_date as varchar), file_count, status from log_coverage order by 1"
    )
    for loaded in ("Loaded 2 log files: 2 new events.\n", "Nothing new to load.\n"):
        before = len(account.statements())
        done = warehouse.rolecall("refresh")
        assert done.stdout.startswith(f"{loaded}{passed_over}")
        assert "logs archived in Glacier on 2 of 3 days (" in done.stderr
        assert warehouse.rows(coverage) == [
            ["2026-05-01", "0", "archived"],
            ["2026-05-02", "1", "archived"],
            ["2026-05-03", "1", "logged"],
        ]
        # Of a day that has nothing else not even the folders are looked at.
        scans = [sql for sql in account.statements(before) if '"default"."glacier"' in sql]
        assert scans
        assert not re.search("2026[-/]05[-/]01", "".join(scans))

    put("STANDARD")
    done = warehouse.rolecall("refresh")
    assert done.stdout.startswith("Loaded 3 log files: 3 new events.\nPassed ")
    assert "covered" not in done.stderr
    assert {status for *_, status in warehouse.rows(coverage)} == {"logged"}
    put("GLACIER")
    assert warehouse.rolecall("refresh").stdout.startswith("Nothing new to load.\nglacier has 5 ")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "HIVE_CURSOR_ERROR: The operation is not valid for the object's storage class (Service:"
            " Amazon S3; Status Code: 403; Error Code: InvalidObjectState) (Path: {})",
            "{} is archived in Glacier, where Athena cannot read it: restore it, or begin after its"
            " day with a later --from.",
        ),
        (
            "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {} (offset=0, length=9): Please"
            " reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code:"
            " SlowDown)",
            "AWS got more requests than it takes at once to read {} (reduce your request rate), and"
            " no file is at fault: run the command again later.",
        ),
    ],
    ids=["archived", "throttled"],
)
def test_what_is_not_the_fault_of_a_file_is_said_and_no_file_left_out(
    account: Account, refreshed: Warehouse, reason: str, said: str
) -> None:
    place = f"s3://refreshed/{_key_of(1, 'x')}"
    ledger = "select count(*), count_if(status = 'unreadable') from log_reads"
    before = refreshed.rows(ledger)
    with account.failing(f'{_STAGING}.*"refreshed"', reason.format(place)):
        printed = refreshed.rolecall("refresh", "--skip-unreadable", exit_code=1).stderr
    assert printed == f"Error: The refresh failed: {said.format(place)}\n"
    assert refreshed.rows(ledger) == before


def test_what_athena_reads_after_all_is_not_a_file_to_leave_out(
    account: Account, refreshed: Warehouse
) -> None:
    with account.failing(f'{_STAGING}.*"refreshed"', _NAMELESS):
        printed = refreshed.rolecall("refresh", "--skip-unreadable", exit_code=1).stderr
    assert "HIVE_CURSOR_ERROR" in printed
    assert "in which log file, and can read each of them by itself: run the command" in printed


def test_a_search_for_a_bad_file_keeps_to_the_limits(
    account: Account, refreshed: Warehouse
) -> None:
    objects = account.client("s3").list_objects_v2(Bucket="refreshed")["Contents"]
    size = sum(each["Size"] for each in objects)
    with account.failing(f'{_STAGING}.*"refreshed"', _NAMELESS):
        printed = refreshed.rolecall("refresh", "--max-scan", f"{size + 10}", exit_code=4).stderr
        assert "of default.refreshed, over what the load leaves of the limit (10 bytes)" in printed
        with account.failing(_PROBE, _CUT_OFF):
            printed = refreshed.rolecall("refresh", exit_code=4).stderr
        assert "stopped the query" in printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_refresh_that_is_ended_stops_its_queries(
    account: Account, refreshed: Warehouse, number: signal.Signals, tmp_path: Path
) -> None:
    warehouse = Warehouse(account, f"ended_{number}", refreshed.table, tmp_path)
    staging = rf'"node": "stg_cloudtrail__events".*create table.*"{warehouse.schema}"'
    with warehouse.running("rolecall", "refresh") as refresh, account.holding(staging):
        deadline = time.monotonic() + 120
        while not (held := account.held()):
            assert refresh.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        refresh.send_signal(number)
        _, printed = refresh.communicate(timeout=120)
    assert refresh.returncode == 128 + number, printed
    assert "Traceback" not in printed
    assert [account.state(query_id) for query_id in held] == ["CANCELLED"]


def test_the_workgroup_s_limit_ends_a_refresh_with_its_own_exit_code(
    account: Account, refreshed: Warehouse, tmp_path: Path
) -> None:
    warehouse = Warehouse(account, "cut_off", refreshed.table, tmp_path)
    with account.failing('"node": "stg_cloudtrail__events".*create table', _CUT_OFF):
        printed = warehouse.rolecall("refresh", exit_code=4).stderr
    assert printed.startswith("Error: The refresh was stopped by the limit of the workgroup")
    assert "raise that, or load fewer days with a later --from" in printed
