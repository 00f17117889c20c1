"""Every kind of CloudTrail table: the same events from each, and no day read that is not asked for.

The trail has an account and a region that appear in mid-month, a day without logs, and a record
that was delivered two days late.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from local_athena.account import COMPLETE, Account, Warehouse
from local_athena.engine import athena_form
from local_athena.statements import parse
from rolecall.aws.glue_catalogue import catalogue_table, table_bytes
from rolecall.days import Days
from rolecall.settings import load_settings
from rolecall.setup.trail_table import AddedPartition, TrailTable
from support.command_line import PROJECT
from support.logs import event, log_key
from support.macros_alone import answer_in, answer_of

pytestmark = pytest.mark.xdist_group("athena")

_BUCKET = "kinds-of-tables"
_ROOT = "AWSLogs/o-a1b2c3d4e5/"
_FIRST, _LATER = "111122223333", "444455556666"
_FOLDER = f"{_ROOT}{_FIRST}/CloudTrail/us-east-1/"
# Where logs were delivered, in April 2026: none came on the fifth.
_DELIVERED = [
    *((_FIRST, "us-east-1", number) for number in (1, 2, 3, 4, 6, 7)),
    *((_FIRST, "eu-central-1", number) for number in (4, 6)),
    *((_LATER, "us-east-1", number) for number in (4, 7)),
]


@dataclass(frozen=True)
class Kind:
    """A kind of table: ``statements`` make it with {table}, and it has the logs below ``prefix``.

    ``partitions`` are what `cloudtrail_partitions` must say of it.
    """

    statements: tuple[str, ...]
    prefix: str = _ROOT
    partitions: dict[str, str] | None = None


def _table(partitioned_by: str, place: str, properties: str = "") -> str:
    ddl = COMPLETE.replace(
        "ROW FORMAT", f"PARTITIONED BY ({partitioned_by})\nROW FORMAT", 1
    ).replace("'classification'='cloudtrail'", "'classification'='cloudtrail'" + properties)
    return ddl.replace("{location}", f"s3://{_BUCKET}/{place}").replace("{bucket}", _BUCKET)


def _partitions(prefix: str, values: Callable[[str, str, int], str]) -> str:
    added = "\n".join(
        f"PARTITION ({values(account, region, number)}) LOCATION"
        f" 's3://{_BUCKET}/{_ROOT}{account}/CloudTrail/{region}/2026/04/{number:02}/'"
        for account, region, number in _DELIVERED
        if f"{_ROOT}{account}/CloudTrail/{region}/".startswith(prefix)
    )
    return f"ALTER TABLE {{table}} ADD {added}"


# AWS's own are those of the Athena User Guide, "Create a table for CloudTrail logs in Athena using
# manual partitioning", "... for an organization wide trail ..." and "... partition projection".
KINDS = {
    "console": Kind((COMPLETE.replace("{location}", f"s3://{_BUCKET}/"),)),
    "manual": Kind(
        (
            _table(
                "region string, year string, month string, day string",
                f"{_ROOT}{_FIRST}/CloudTrail/",
            ),
            _partitions(
                f"{_ROOT}{_FIRST}/",
                lambda account, region, number: (
                    f"region='{region}', year='2026', month='04', day='{number:02}'"
                ),
            ),
        ),
        f"{_ROOT}{_FIRST}/",
    ),
    "organization": Kind(
        (
            _table(
                "account string, region string, year string, month string, day string",
                f"{_ROOT}{_FIRST}/CloudTrail/",
            ),
            _partitions(
                _ROOT,
                lambda account, region, number: (
                    f"account='{account}', region='{region}', year='2026', month='04',"
                    f" day='{number:02}'"
                ),
            ),
        ),
    ),
    "projected": Kind(
        (
            _table(
                "`timestamp` string",
                _FOLDER.rstrip("/"),
                ", 'projection.enabled'='true', 'projection.timestamp.format'='yyyy/MM/dd',"
                " 'projection.timestamp.interval'='1',"
                " 'projection.timestamp.interval.unit'='DAYS',"
                " 'projection.timestamp.range'='2026/04/01,2026/04/08',"
                " 'projection.timestamp.type'='date', 'storage.location.template'="
                f"'s3://{_BUCKET}/{_FOLDER}${{timestamp}}'",
            ),
        ),
        _FOLDER,
    ),
    "rolecall": Kind(
        # Up to now are many days, and each is listed.
        tuple(
            statement.replace(",NOW", ",2026/04/08")
            for statement in TrailTable(
                "default.kind_rolecall",
                f"s3://{_BUCKET}/{_ROOT}",
                (_FIRST, _LATER),
                ("eu-central-1", "us-east-1"),
                date(2026, 4, 1),
            ).statements(None)
        ),
    ),
    # As people also make them: numbers, and a day that the catalogue does not explain.
    "numbers": Kind(
        (
            _table("year int, month int, day int", _FOLDER),
            _partitions(
                _FOLDER, lambda account, region, number: f"year='2026', month='4', day='{number}'"
            ),
        ),
        _FOLDER,
    ),
    "told": Kind(
        (
            _table("dt string", _FOLDER),
            _partitions(_FOLDER, lambda account, region, number: f"dt='2026-04-{number:02}'"),
        ),
        _FOLDER,
        {"dt": "yyyy-MM-dd"},
    ),
}
_PRUNED = [name for name in KINDS if name != "console"]


def _logs() -> dict[str, list[dict[str, Any]]]:
    """Return the records of each log file by key; most of them is noise, which cannot be packed."""
    noise = random.Random(7)
    logs = {}
    for number, (account, region, day) in enumerate(_DELIVERED):
        key = log_key(account, region, f"2026/04/{day:02}", logs=_ROOT)
        happened = f"2026-04-{day:02}T00:00:00Z"
        if (account, region, day) == (_FIRST, "us-east-1", 4):
            happened = "2026-04-02T23:59:59Z"
        shared = {"awsRegion": region, "recipientAccountId": account, "eventTime": happened}
        logs[key] = [
            event(10 * number, userAgent=noise.randbytes(4000).hex(), **shared),
            event(
                10 * number + 1,
                eventName="SwitchRole",
                eventSource="signin.amazonaws.com",
                additionalEventData={"SwitchFrom": f"arn:aws:iam::{account}:user/alice"},
                **shared,
            ),
        ]
    return logs


@dataclass(frozen=True)
class DeliveredTrail:
    """The account with the trail; ``sizes`` of its objects by key, in bytes."""

    account: Account
    sizes: dict[str, int]

    def size(self, prefix: str, first: str, last: str = "2026/04/30") -> int:
        """Return the bytes of the objects below a prefix that were delivered from day to day."""
        return sum(
            size
            for key, size in self.sizes.items()
            if key.startswith(prefix) and first <= "/".join(key.split("/")[5:8]) <= last
        )


@pytest.fixture(scope="module")
def trail(account: Account) -> DeliveredTrail:
    """Return an account with the trail and a table of each kind."""
    sizes = {}
    for key, records in _logs().items():
        account.put_log(_BUCKET, key, records)
        sizes[key] = len(gzip.compress(athena_form(records), mtime=0))
    for name, kind in KINDS.items():
        for statement in kind.statements:
            named = statement.replace("{table}", f"default.kind_{name}").replace(
                "{bucket}", _BUCKET
            )
            account.query(named)
    return DeliveredTrail(account, sizes)


def _warehouse(trail: DeliveredTrail, name: str, folder: Path) -> Warehouse:
    return Warehouse(trail.account, f"kind_{name}", f"kind_{name}", folder)


@dataclass(frozen=True)
class Staged:
    """What staging has of the logs since 3 April, and what it scanned for it."""

    rows: list[list[str | None]]
    scanned_bytes: int


_COLUMNS = """
    log_file, log_file_account_id, log_file_region, cast(delivered_date as varchar), event_id,
    recipient_account_id, cast(event_at as varchar), event_name, event_source, aws_region,
    user_agent, additional_event_data, switch_from_arn
"""


def _staged(trail: DeliveredTrail, name: str, folder: Path) -> Staged:
    warehouse = _warehouse(trail, name, folder)
    before = len(trail.account.statements())
    kind = KINDS[name]
    warehouse.dbt(
        PROJECT,
        *("run", "--select", "stg_cloudtrail__events"),
        first_delivered_date="2026-04-03",
        cloudtrail_partitions=kind.partitions,
        slice_days=10_000,  # one slice: where more follow, it is asked whether there are any
    )
    scanned = trail.account.scanned_bytes('"stg_cloudtrail__events', before)
    rows = warehouse.rows(f"select {_COLUMNS} from stg_cloudtrail__events order by 1, 5")
    return Staged(rows, scanned)


@pytest.fixture(scope="module")
def console(trail: DeliveredTrail, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Return what staging has from the console's table."""
    return _staged(trail, "console", tmp_path_factory.mktemp("console"))


def test_the_console_s_table_is_read_as_a_whole(trail: DeliveredTrail, console: Staged) -> None:
    assert len(console.rows) == 2 * 8
    assert console.scanned_bytes >= trail.size(_ROOT, "2026/04/01")
    assert {row[1] for row in console.rows} == {_FIRST, _LATER}


@pytest.mark.parametrize("name", _PRUNED)
def test_each_kind_of_table_gives_the_console_s_events_and_reads_its_days_alone(
    trail: DeliveredTrail, console: Staged, name: str, tmp_path: Path
) -> None:
    staged = _staged(trail, name, tmp_path)
    prefix = KINDS[name].prefix
    assert staged.rows == [row for row in console.rows if str(row[0]).startswith(prefix)]
    window = trail.size(prefix, "2026/04/03")
    assert window <= staged.scanned_bytes <= 1.1 * window < trail.size(prefix, "2026/04/01")


@pytest.mark.parametrize("name", ["console", *_PRUNED])
def test_a_question_to_the_raw_logs_reads_the_days_asked_for_and_those_behind_them(
    trail: DeliveredTrail, name: str, tmp_path: Path
) -> None:
    """A switch of the second was delivered on the fourth."""
    warehouse, kind = _warehouse(trail, name, tmp_path), KINDS[name]
    before = len(trail.account.statements())
    params = ("from_day=2026-04-02", "to_day=2026-04-02", f"account={_FIRST}")
    window = trail.size(kind.prefix, "2026/04/02", "2026/04/04")
    everything = trail.size(_ROOT, "2026/04/01")
    done = warehouse.rolecall(
        *("query", "switch_role_query", "--format", "json"),
        *(part for param in params for part in ("--param", param)),
        # The most that it could scan is told beforehand, to the byte.
        *("--max-scan", str(everything if name == "console" else window)),
        ROLECALL_PARTITIONS=json.dumps(kind.partitions) if kind.partitions else "",
    )
    found = sorted(row["event_id"][-3:] for row in json.loads(done.stdout))
    assert found == ["011", "031"]
    scanned = trail.account.scanned_bytes("SwitchRole", before)
    if name == "console":
        assert scanned >= everything
    else:
        assert window <= scanned <= 1.1 * window


@pytest.mark.parametrize("name", KINDS)
def test_the_size_of_some_days_is_told_from_their_objects_alone(
    trail: DeliveredTrail, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in trail.account.environment.items():
        monkeypatch.setenv(variable, value)
    kind = KINDS[name]
    settings = load_settings(table=f"default.kind_{name}", partitions=kind.partitions)
    table = catalogue_table(f"default.kind_{name}", settings)
    assert bool(table.day_columns) == (name != "console")
    windows = [(None, None), (4, None), (None, 3), (3, 6), (5, 5), (7, 7)]
    for first, last in windows:
        days = Days(
            None if first is None else date(2026, 4, first),
            None if last is None else date(2026, 4, last),
        )
        size = trail.size(kind.prefix, f"2026/04/{first or 1:02}", f"2026/04/{last or 30:02}")
        if name == "console":
            size = sum(trail.sizes.values())
        assert table_bytes(table, settings, days) == size, (first, last)


def test_a_refresh_is_refused_by_the_size_of_its_days(
    trail: DeliveredTrail, tmp_path: Path
) -> None:
    warehouse = _warehouse(trail, "rolecall", tmp_path)
    window = trail.size(_ROOT, "2026/04/06")
    done = warehouse.rolecall(
        *("refresh", "--from", "2026-04-06", "--max-scan", f"{window - 1}B"), exit_code=4
    )
    assert f"This could scan {window / 1000:.3g} kB of default.kind_rolecall" in done.stderr


def test_partitions_that_are_told_wrongly_are_named(trail: DeliveredTrail, tmp_path: Path) -> None:
    warehouse = _warehouse(trail, "told", tmp_path)
    done = warehouse.rolecall("refresh", exit_code=1, ROLECALL_PARTITIONS='{"day": "yyyy-MM-dd"}')
    assert "the partition columns of kind_told are dt: name one" in done.stderr


def test_a_table_that_is_read_by_given_accounts_only_is_refused(
    trail: DeliveredTrail, tmp_path: Path
) -> None:
    trail.account.query(
        _table(
            "account string, dt string",
            _ROOT,
            ", 'projection.enabled'='true', 'projection.account.type'='injected'",
        ).replace("{table}", "default.kind_injected")
    )
    done = _warehouse(trail, "injected", tmp_path).rolecall("refresh", exit_code=1)
    assert "default.kind_injected for given values of account only" in done.stderr


def test_dbt_alone_steps_over_days_without_logs(trail: DeliveredTrail, tmp_path: Path) -> None:
    warehouse = _warehouse(trail, "organization", tmp_path)
    printed = warehouse.dbt(
        PROJECT,
        *("run", "--select", "stg_cloudtrail__events"),
        first_delivered_date="2026-01-01",
        slice_days=30,
    )
    assert (
        "This run loads the logs delivered from 2026-04-01 to 2026-04-30."
        " Those from 2026-05-01 on remain: run it again." in printed
    )
    assert warehouse.rows("select count(*) from stg_cloudtrail__events") == [["20"]]


def test_dbt_alone_leaves_what_was_added_to_a_refresh(
    trail: DeliveredTrail, tmp_path: Path
) -> None:
    """Which would take the past of it as loaded, once newer days were."""
    table = TrailTable(
        "default.kind_added",
        f"s3://{_BUCKET}/{_ROOT}",
        (_FIRST, _LATER),
        ("eu-central-1", "us-east-1"),
        date(2026, 4, 1),
        "2026/04/08",
        (AddedPartition("account", _LATER, date(2026, 4, 4), date(2026, 4, 7)),),
    )
    for statement in table.statements(None):
        trail.account.query(statement)
    trail.account.query("create schema kind_added")
    trail.account.query(
        "create view kind_added.log_reads as select '' as log_file, 'loaded' as status,"
        f" '{_FIRST}' as account_id, 'us-east-1' as aws_region, date '2026-04-04' as delivered_date"
    )
    template = "ANSWER{{ tojson({'left': partitions_left_alone(), 'sql': is_unread()}) }}"
    printed = _warehouse(trail, "added", tmp_path).dbt(PROJECT, "compile", "--inline", template)
    assert f"Leaves the logs of {_LATER} to `rolecall refresh`" in printed
    answer = answer_in(printed)
    assert answer["left"] == {"account": [_LATER]}
    assert f""""account" not in ('{_LATER}')""" in " ".join(answer["sql"].split())


def test_a_table_may_lack_every_field_but_the_time(account: Account, tmp_path: Path) -> None:
    """Its records are told apart by what they have; so it is with members of resources."""
    resource = {"ARN": "arn:aws:s3:::a", "accountId": _FIRST, "type": "AWS::S3::Bucket"}
    records = [event(1, resources=[resource]), event(2)]
    account.put_log("barest", next(iter(_logs())), records)
    fields = "    eventTime STRING,\n    resources ARRAY<STRUCT<accountId: STRING>>\n"
    ddl = COMPLETE[: COMPLETE.index("    eventVersion")] + fields
    account.create_table(
        "default.kind_barest", "barest", ddl + COMPLETE[COMPLETE.index(")\nCOMMENT") :]
    )
    warehouse = Warehouse(account, "kind_barest", "kind_barest", tmp_path)
    warehouse.dbt(PROJECT, "run", "--select", "stg_cloudtrail__events")
    rows = warehouse.rows(
        "select cast(event_at as varchar), length(event_id), event_name, recipient_account_id,"
        " resources, log_file_region from stg_cloudtrail__events order by resources"
    )
    known = f'[{{"arn":null,"account_id":"{_FIRST}","type":null}}]'
    assert rows == [
        ["2026-03-01 00:00:00.000", "64", None, _FIRST, resources, "us-east-1"]
        for resources in (known, None)
    ]


_READ = sorted(
    {
        path
        for file in (*PROJECT.glob("models/staging/*.sql"), *PROJECT.glob("analyses/*.sql"))
        for path in re.findall(r"raw_field\(\s*fields,\s*'([^']+)'", file.read_text("utf-8"))
    }
    | set(
        re.findall(
            r"\(\s*'\w+',\s*'([a-z0-9.]+)',\s*'\w+',?\s*\)",
            (PROJECT / "macros" / "load" / "record_fields.sql").read_text("utf-8"),
        )
    )
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the macros make of each field that is read: with it and without it.

    ``own`` has the fields of the table that Rolecall makes.
    """
    (ddl,) = TrailTable("x.x", "s3://xxx/", (_FIRST,), ("us-east-1",), date.min).statements(None)
    own = [[column.name, column.type] for column in parse(ddl).columns]
    template = """
        {%- set answer = {'own': [], 'with': {}, 'without': {}} -%}
        {%- for name, type in OWN -%}{%- do answer.own.extend(field_paths(name, type)) -%}
        {%- endfor -%}
        {%- for path in READ -%}
            {%- do answer['with'].update({path: raw_field(READ, path)}) -%}
            {%- do answer['without'].update(
                {path: raw_field(READ | reject('equalto', path) | list, path)}
            ) -%}
        {%- endfor -%}
        {%- do answer['without'].update({'resources': resources_json(READ)}) -%}
        ANSWER{{ tojson(answer) }}
    """.replace("OWN", json.dumps(own)).replace("READ", json.dumps(_READ))
    return answer_of(template, tmp_path_factory.mktemp("fields"))


@pytest.mark.parametrize("path", [*_READ, "resources"])
def test_any_field_may_be_missing_from_the_table(compiled: dict[str, Any], path: str) -> None:
    assert compiled["without"][path].strip() == "cast(null as varchar)"
    if path != "resources":
        assert path in compiled["with"][path]


def test_the_table_of_rolecall_has_every_field_that_is_read(compiled: dict[str, Any]) -> None:
    assert set(_READ) | {"resources"} <= set(compiled["own"])
    assert len(_READ) > 50
