"""The local Athena on a real Trino: it refuses what Athena refuses, and the client speaks to it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from local_athena.account import CONSOLE_2020, CONSOLE_PRESENT, Account
from local_athena.engine import WORKGROUP
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import make_client
from rolecall.aws.failed_queries import QueryDeadlineError, QueryFailedError, QueryScanLimitError
from rolecall.errors import RolecallError
from rolecall.names import Workspace
from rolecall.parameters import Parameter, Value, bound_values
from support.command_line import SAMPLE, packed

pytestmark = pytest.mark.xdist_group("athena")

HUNDRED_AND_ONE = "select n, cast(n as varchar) as p from unnest(sequence(1, 101)) as t(n)"
ICEBERG = "table_type = 'iceberg', is_external = false, location = 's3://results/refused/{}/'"


@pytest.fixture
def athena(account: Account, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Athena]:
    """Return a way to a client of the real engine."""
    for name, value in account.addresses.environment().items():
        monkeypatch.setenv(name, value)

    def client(workgroup: str = WORKGROUP, database: str = "default") -> Athena:
        return Athena(Workspace(database, workgroup), make_client("athena"))

    return client


@pytest.fixture(scope="module")
def hive_table(account: Account) -> str:
    """Return the name of a Hive table."""
    account.query(
        "create table default.engine_hive with (table_type = 'hive', format = 'parquet',"
        " external_location = 's3://results/engine_hive/') as select 1 as x"
    )
    return "engine_hive"


@pytest.mark.parametrize(
    ("properties", "query", "reason"),
    [
        (
            ICEBERG.format(1),
            "select timestamp '2026-01-01 00:00:00.000' as t",
            "Timestamp precision (3) not supported for Iceberg",
        ),
        (ICEBERG.format(2), "select current_timestamp as t", "not supported for Iceberg"),
        (ICEBERG.format(3), "select cast(1 as tinyint) as t", "not supported for Iceberg: tinyint"),
        (ICEBERG.format(4), "select cast('a' as char(1)) as t", "not supported for Iceberg: char"),
        (
            ICEBERG.format(5) + ", partitioning = array['p']",
            HUNDRED_AND_ONE,
            "ICEBERG_TOO_MANY_OPEN_PARTITIONS",
        ),
        (
            "table_type = 'hive', external_location = 's3://results/refused/6/',"
            " partitioned_by = array['p']",
            HUNDRED_AND_ONE,
            "HIVE_TOO_MANY_OPEN_PARTITIONS",
        ),
        (
            "table_type = 'hive', external_location = 's3://results/refused/7/'",
            "select timestamp '2026-01-01 00:00:00.000000' as t",
            "Incorrect timestamp precision for timestamp(6)",
        ),
        (
            "table_type = 'hive', external_location = 's3://results/engine_hive/'",
            "select 1 as x",
            "HIVE_PATH_ALREADY_EXISTS",
        ),
    ],
)
def test_tables_that_athena_refuses_to_make_are_refused(
    athena: Callable[..., Athena], hive_table: str, properties: str, query: str, reason: str
) -> None:
    with pytest.raises(QueryFailedError) as caught:
        athena().run(f"create table default.refused with ({properties}) as {query}")
    assert reason in caught.value.reason
    assert caught.value.category == "user"


@pytest.mark.parametrize(
    "sql",
    [
        "delete from engine_hive where x = 1",
        "update engine_hive set x = 2",
        "merge into engine_hive t using (select 1 as x) s on t.x = s.x"
        " when not matched then insert (x) values (s.x)",
        "alter table engine_hive rename to engine_hive_2",
        "alter table engine_hive drop column x",
    ],
)
def test_tables_of_hive_cannot_be_changed(
    athena: Callable[..., Athena], hive_table: str, sql: str
) -> None:
    with pytest.raises(QueryFailedError, match="only supported for Iceberg"):
        athena().run(sql)


def test_what_trino_alone_knows_is_refused_at_once(athena: Callable[..., Athena]) -> None:
    for sql in ("select any_value(1)", "call system.runtime.kill_query('x')", "select 1 limit 1;;"):
        with pytest.raises(RolecallError, match="AWS refused to start the query"):
            athena().run(sql)


def test_values_arrive_as_they_were_given(athena: Callable[..., Athena]) -> None:
    values: dict[str, Value] = {
        "text": 'O\'Brien, "\N{PILE OF POO}"\n; -- ?',
        "empty": "",
        "number": -7,
        "truth": True,
        "day": date(2026, 4, 30),
        "moment": datetime(2026, 4, 30, 1, 2, 3, 4000),
    }
    sql = "select " + ", ".join(f":{name} as {name}" for name in values) + ", :text"
    (row,) = athena().run(sql, values).rows()
    assert row == (*values.values(), values["text"])


def test_a_filter_that_is_not_given_matches_everything(athena: Callable[..., Athena]) -> None:
    kinds = ("text", "pattern", "day start", "integer", "boolean")
    parameters = {kind[:3]: Parameter(kind[:3], kind) for kind in kinds}
    sql = """
        select count(*) from (values ('a', timestamp '2026-01-01 00:00:00', 1, true)) t(x, y, z, w)
        where (:tex is null or x = :tex) and (:pat is null or x like :pat escape '\\')
            and (:day is null or y >= :day) and (:int is null or z = :int)
            and (:boo is null or w = :boo)
    """
    assert list(athena().run(sql, dict.fromkeys(parameters), 60, parameters).rows()) == [(1,)]


def test_null_and_empty_stay_apart_over_many_pages(athena: Callable[..., Athena]) -> None:
    sql = "select if(n % 2 = 0, '') as t from unnest(sequence(1, 2500)) as s(n) order by n"
    assert list(athena().run(sql).rows()) == [(None,), ("",)] * 1_250


def test_a_query_that_is_stopped_ends_on_the_engine(athena: Callable[..., Athena]) -> None:
    endless = " cross join ".join(["unnest(sequence(1, 10000))"] * 3)
    with pytest.raises(QueryDeadlineError) as caught:
        athena().run(f"select count(*) from {endless}", deadline=1)
    client = make_client("athena")
    execution = client.get_query_execution(QueryExecutionId=caught.value.query_id)
    assert execution["QueryExecution"]["Status"]["State"] == "CANCELLED"


def test_the_workgroups_limit_stops_a_large_scan(athena: Callable[..., Athena]) -> None:
    athena().run(
        "create table default.engine_large with (table_type = 'hive', format = 'parquet',"
        " external_location = 's3://results/engine_large/') as select cast(uuid() as varchar) as u"
        " from unnest(sequence(1, 10000)) a(n) cross join unnest(sequence(1, 60)) b(m)"
    )
    sql = "select max(u) from default.engine_large"
    assert athena().run(sql).statistics.scanned_bytes > 10_000_000
    with pytest.raises(QueryScanLimitError, match="The workgroup tight stopped the query"):
        athena("tight").run(sql)


def test_packed_questions_to_the_raw_logs_run_on_tables_of_every_age(
    account: Account, athena: Callable[..., Athena], tmp_path: Path
) -> None:
    account.upload(SAMPLE, "packed-trail")
    with zipfile.ZipFile(packed(tmp_path / "function.zip")) as function:
        queries = json.loads(function.read("rolecall/lambda_queries.json"))
    for table, ddl in (("old", CONSOLE_2020), ("new", CONSOLE_PRESENT)):
        account.create_table(f"default.packed_{table}", "packed-trail", ddl)
        for name, given, count in (
            ("switch_role_query", {"account": "444455556666"}, 7),
            ("preview_raw", {}, 10),
        ):
            parameters = {one["name"]: Parameter(**one) for one in queries[name]["parameters"]}
            days = {"from_day": "2026-04-01", "to_day": "2026-04-30"}
            values = bound_values(parameters, days | given)
            sql = (
                queries[name]["sql"]
                .replace("rolecall_lambda_source_database", "default")
                .replace("rolecall_lambda_source_table", f"packed_{table}")
            )
            assert len(athena().run(sql, values, 120, parameters).result().rows) == count
