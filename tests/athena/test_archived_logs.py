"""What a load finds archived in Glacier, and what it tells the store of it: without an engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local_athena.scripted import Service, serving, table
from local_athena.statements import Statement
from local_athena.warehouse import Outcome, QueryFailedError, Request
from rolecall.athena.archived_logs import ArchivedLogs, archived_logs, spans_of
from rolecall.athena.slices import SliceLoad
from rolecall.athena.text import archived_text
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import make_client
from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.aws.trail_bucket import LogDay, RegionFolder, Stock, TrailBucket
from rolecall.days import Days, Span
from rolecall.names import Workspace
from rolecall.settings import load_settings

_ROOT = "AWSLogs/o-a1b2c3d4e5/"
_ACCOUNT, _REGION = "111122223333", "us-east-1"
_FOLDER = RegionFolder(_ACCOUNT, _REGION, f"logs/{_ROOT}{_ACCOUNT}/CloudTrail/{_REGION}/")
_MARCH = Days(date(2026, 3, 1), date(2026, 3, 31))
_RESTORED = {"IsRestoreInProgress": False, "RestoreExpiryDate": datetime(2026, 4, 1, tzinfo=UTC)}
_ONE_DAY = timedelta(days=1)


def _day(number: int, account: str = _ACCOUNT) -> LogDay:
    return LogDay(_ROOT, account, _REGION, date(2026, 3, number))


def _key(number: int, name: str = "a.json.gz") -> str:
    return f"{_FOLDER.key}{date(2026, 3, number):%Y/%m/%d}/{name}"


class _Bucket:
    """Plays S3's listing of objects: keys with what is listed of each beside its size of 10."""

    def __init__(self, objects: Mapping[str, Mapping[str, object]]) -> None:
        self.objects = objects
        self.listings: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> _Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        assert asked["OptionalObjectAttributes"] == ["RestoreStatus"]
        self.listings.append(asked)
        yield {
            "Contents": [
                {"Key": key, "Size": 10, **told}
                for key, told in sorted(self.objects.items())
                if key.startswith(asked["Prefix"]) and key > asked.get("StartAfter", "")
            ]
        }


def _stock(objects: Mapping[str, Mapping[str, object]], *, reads_restored: bool = True) -> Stock:
    bucket = TrailBucket(_Bucket(objects), "trail")
    return bucket.stock([_FOLDER.key], _MARCH, reads_restored=reads_restored)


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_what_s3_does_not_hand_out_is_archived(storage_class: str) -> None:
    archived = {"StorageClass": storage_class}
    stock = _stock({_key(1): archived, _key(1, "b.json.gz"): archived, _key(2): {}})
    assert stock.archived == {_day(1): [_key(1), _key(1, "b.json.gz")]}
    assert stock.readable_days == {date(2026, 3, 2)}
    assert stock.readable_bytes == 10
    in_progress = archived | {"RestoreStatus": {"IsRestoreInProgress": True}}
    assert _stock({_key(1): in_progress}).archived == {_day(1): [_key(1)]}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"StorageClass": "STANDARD"},
        {"StorageClass": "GLACIER_IR"},
        {"StorageClass": "STANDARD_IA"},
        {"StorageClass": "INTELLIGENT_TIERING"},
    ],
)
def test_what_s3_hands_out_at_once_is_not(told: dict[str, object]) -> None:
    stock = _stock({_key(1): told})
    assert not stock.archived
    assert stock.readable_days == {date(2026, 3, 1)}


def test_what_was_restored_is_read_where_the_table_says_so() -> None:
    restored = {_key(1): {"StorageClass": "GLACIER", "RestoreStatus": _RESTORED}}
    assert not _stock(restored).archived
    assert _stock(restored, reads_restored=False).archived == {_day(1): [_key(1)]}


def test_what_is_not_a_log_is_not_told_to_be_archived() -> None:
    """A digest beside the logs, and folders of a day that no log is of."""
    digest = _key(1).replace("/CloudTrail/", "/CloudTrail-Digest/")
    told = {"StorageClass": "GLACIER"}
    days = ("2026/02/30", "9999/12/31", "0001/01/01")
    keys = (digest, *(f"{_FOLDER.key}{day}/a" for day in days))
    bucket = TrailBucket(_Bucket(dict.fromkeys(keys, told)), "trail")
    stock = bucket.stock(["logs/"], Days(), reads_restored=True)
    assert (stock.archived, stock.readable_days, stock.readable_bytes) == ({}, set(), 0)


def test_the_bytes_to_scan_are_without_what_is_archived() -> None:
    objects = {_key(1): {"StorageClass": "GLACIER"}, _key(2): {}}
    bucket = TrailBucket(_Bucket(objects), "trail")
    assert bucket.bytes_below([_FOLDER.key], _MARCH) == 10
    assert bucket.sizes_below([_FOLDER.key], _MARCH) == {_key(2): 10}


@pytest.mark.parametrize("archived", [0, 1, 2, 17, 30])
def test_the_end_of_what_is_archived_is_found_by_few_listings(archived: int) -> None:
    objects = {
        _key(number): {"StorageClass": "DEEP_ARCHIVE"} if number <= archived else {}
        for number in range(1, 31)
    }
    bucket = _Bucket(objects)
    until = TrailBucket(bucket, "trail").archived_until(
        _FOLDER, date(2026, 3, 1), date(2026, 3, 30)
    )
    assert until == (date(2026, 3, 1) + archived * _ONE_DAY if archived else None)
    assert len(bucket.listings) <= 6


def test_days_that_follow_each_other_are_a_span() -> None:
    days = [date(2026, 3, number) for number in (7, 2, 1, 4, 3)]
    assert list(spans_of(days)) == [
        (date(2026, 3, 1), date(2026, 3, 4)),
        (date(2026, 3, 7), date(2026, 3, 7)),
    ]
    assert list(spans_of([])) == []


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
    return Athena(
        Workspace("rolecall", "primary", "s3://results/athena/"), make_client("athena", "us-east-1")
    )


def _has(
    service: Service, *, known: Iterable[LogDay] | None = (), loaded: Iterable[str] = ()
) -> None:
    """Let the store know some days as archived, None for no table, and some files as loaded."""

    def script(statement: Statement, request: Request) -> Outcome:
        if "from log_reads" in statement.text:
            return table(["log_file"], [[log_file] for log_file in loaded])
        if known is None:
            raise QueryFailedError(
                "TABLE_NOT_FOUND: line 1:15: Table 'a.b.archived_logs' does not exist"
            )
        rows = [[*log_day[:3], f"{log_day.day}"] for log_day in known]
        return table(["log_root", "account_id", "aws_region", "delivered_date"], rows)

    service.engine.script = script


def _archived(*numbers: int) -> dict[str, dict[str, object]]:
    return {
        _key(number, name): {"StorageClass": "GLACIER"}
        for number in numbers
        for name in ("a.json.gz", "b.json.gz")
    }


def test_what_is_archived_and_was_never_loaded_is_told_of_its_day(
    service: Service, athena: Athena
) -> None:
    """A day that has other logs too is read all the same."""
    _has(service, known=None)
    found = archived_logs(athena, _stock(_archived(1, 2, 3) | {_key(3, "c"): {}}), [_MARCH])
    assert found.files == {_day(1): 2, _day(2): 2, _day(3): 2}
    assert found.changes == dict.fromkeys(found.files, True)
    assert found.left_out == ((date(2026, 3, 1), date(2026, 3, 2)),)
    assert not found.is_known


def test_what_was_loaded_before_it_was_archived_is_there(service: Service, athena: Athena) -> None:
    loaded = [_key(1).removeprefix("logs/"), _key(1, "b.json.gz").removeprefix("logs/")]
    _has(service, loaded=[*loaded, _key(2).removeprefix("logs/")])
    found = archived_logs(athena, _stock(_archived(1, 2)), [_MARCH])
    assert found.files == {_day(2): 1}
    # Nothing of either can be read.
    assert found.left_out == ((date(2026, 3, 1), date(2026, 3, 2)),)


def test_what_is_known_is_not_news_and_what_is_restored_is(
    service: Service, athena: Athena
) -> None:
    others = _day(2, "444455556666"), LogDay(_ROOT, _ACCOUNT, _REGION, date(2026, 4, 1))
    _has(service, known=[_day(1), _day(2), *others])
    stock = _stock(_archived(1) | {_key(2): {}})
    spans = [Days(date(2026, 3, 1), date(2026, 3, 31), (_ACCOUNT,))]
    found = archived_logs(athena, stock, spans)
    assert found.files == {_day(1): 2}
    # Of other accounts and days nothing was listed.
    assert found.changes == {_day(2): False}


def test_where_logs_tell_no_day_no_day_is_left_out(service: Service, athena: Athena) -> None:
    _has(service)
    dateless: dict[str, dict[str, object]] = {
        f"{_FOLDER.key}2026/03/15-extra/a.json.gz": {"StorageClass": "STANDARD"}
    }
    found = archived_logs(athena, _stock(_archived(1) | dateless), [_MARCH])
    assert found.files == {_day(1): 2}
    assert found.left_out == ()


def test_without_an_archive_one_question_is_asked(service: Service, athena: Athena) -> None:
    _has(service)
    assert archived_logs(athena, _stock({_key(1): {}}), [_MARCH]).parts() == [[]]
    assert len(service.athena.executions) == 1
    assert archived_logs(athena, None, [_MARCH]) == ArchivedLogs()
    assert len(service.athena.executions) == 1


def _rows(parts: list[list[dict[str, Any]]]) -> dict[LogDay, bool]:
    """Return what the rows of a variable say, one by one."""
    found = {}
    for row in (row for part in parts for row in part):
        first, last = (date.fromisoformat(row[name]) for name in ("first_day", "last_day"))
        for number in range((last - first).days + 1):
            for account in row["accounts"]:
                log_day = LogDay(row["root"], account, row["region"], first + number * _ONE_DAY)
                assert log_day not in found
                found[log_day] = row["is_archived"]
    return found


def test_years_of_an_organization_take_few_rows_and_fit_into_statements() -> None:
    """Five hundred accounts in twenty regions; one account has a day less."""
    days = [date(2025, 1, 1) + number * _ONE_DAY for number in range(365)]
    changes = {
        LogDay(_ROOT, f"{account:012}", f"us-east-{region}", day): True
        for account in range(500)
        for region in range(20)
        for day in days[: 364 if account == 7 else 365 : 1 if region else 40]
    }
    parts = ArchivedLogs(changes=changes).parts()
    assert _rows(parts) == changes
    assert sum(len(part) for part in parts) < 60
    assert max(len(json.dumps(part)) for part in parts) < 262_144 * 0.8


def test_what_is_archived_is_said_with_what_to_do() -> None:
    files = {_day(1): 3, _day(4): 1, _day(4, "444455556666"): 1}
    assert archived_text(ArchivedLogs(files=files)) == (
        "Passed over 5 log files of 2 days (2026-03-01 to 2026-03-04) and 2 accounts, archived in"
        " Glacier: restore them and `rolecall refresh --from 2026-03-01`, or begin later."
    )
    assert archived_text(ArchivedLogs(files={_day(4): 1})) == (
        "Passed over 1 log file of 2026-03-04 and 1 account, archived in Glacier: restore them and"
        " `rolecall refresh --from 2026-03-04`, or begin later."
    )


class _Dbt:
    """Stands in for dbt: notes what it is to run and to enter, and finds no log."""

    def __init__(self) -> None:
        self.runs: list[tuple[list[str], list[str]]] = []

    def __call__(self, arguments: list[str], settings: object, **options: Any) -> Any:
        days = sorted(f"{log_day.day}" for log_day in _rows([options.get("archived_logs", [])]))
        self.runs.append((arguments, days))
        assert json.loads(options["days_to_read"])["spans"] == [["2026-03-03", "2026-03-05", {}]]
        node = SimpleNamespace(resource_type="model")
        response = {"rows_affected": 0, "data_scanned_in_bytes": 0}
        result = SimpleNamespace(node=node, adapter_response=response)
        return SimpleNamespace(result=SimpleNamespace(results=[result]))


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("is_news", [True, False])
def test_what_changed_is_entered_when_all_else_is_loaded(
    athena: Athena, *, is_news: bool, is_known: bool
) -> None:
    """What is as it was is not a reason to build anything, and its table is left alone if there."""
    changes = {_day(1): True, _day(2): True} if is_news else {}
    left_out = ((date(2026, 3, 1), date(2026, 3, 2)),)
    dbt = _Dbt()
    slices = SliceLoad(
        load_settings(),
        dbt,
        athena,
        CatalogueTable("default.logs", "", (), (("dt", "string"),), {}, {"dt": "yyyy/MM/dd"}),
        (Span(date(2026, 3, 1), date(2026, 3, 5)),),
        archived=ArchivedLogs(changes=changes, left_out=left_out, is_known=is_known),
    )
    assert slices.load().is_new == is_news
    slices.build()
    (staging, nothing), (build, entered) = dbt.runs
    assert staging == ["run", "--select", "stg_cloudtrail__events"]
    assert nothing == []
    assert entered == (["2026-03-01", "2026-03-02"] if is_news else [])
    assert ("archived_logs" in build) == (is_known and not is_news)
