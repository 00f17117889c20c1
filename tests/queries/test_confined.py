"""What a question may do on either target: ask, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rolecall.errors import RolecallError
from rolecall.queries.answer import answer_locally, answer_on_athena
from rolecall.queries.confined import (
    NoQuestionError,
    check_is_question,
    check_is_question_to_athena,
)
from rolecall.queries.own_sql import rendered
from rolecall.settings import Settings, load_settings
from support.command_line import SAMPLE, Rolecall

SECRET = "sec-ret-of-the-environment"

ASKS = (
    "select 1",
    "from t",
    "values (1)",
    "table t",
    "with a as (select 1) select * from a",
    "describe t",
    "desc t",
    "show tables",
    "summarize t",
    "pivot t on c in ('a', 'b') using count(*)",
    "explain select 1",
    "explain analyze select 1",
    "/* é */ EXPLAIN -- why\n analyse (format json) from t",
    "explain (format json) (select 'é')",
    "explain (select 1) union (select 2)",
    "explain ((select 1))",
    "explain analyze (select 1)",
    "explain describe t",
)
DOES_MORE = (
    "insert into t values (1)",
    "update t set a = 1",
    "delete from t",
    "truncate t",
    "merge into t using u on t.a = u.a when matched then delete",
    "create table t as select 1",
    "create temp macro f() as 1",
    "create secret (type s3)",
    "drop table t",
    "alter table t add column b int",
    "comment on table t is 'x'",
    "copy (select 1) to 'file'",
    "copy t from 'file'",
    "copy from database a to b",
    "export database 'folder'",
    "import database 'folder'",
    "attach 'file' as a",
    "detach a",
    "use a",
    "install httpfs",
    "load httpfs",
    "update extensions",
    "call duckdb_tables()",
    "checkpoint",
    "pragma version",
    "pragma enable_profiling",
    "set threads = 1",
    "reset threads",
    "set variable a = 1",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "begin",
    "vacuum",
    "analyze",
    "pivot t on c using count(*)",
    "explain copy (select 1) to 'file'",
    "explain analyze copy (select 1) to 'file'",
    "explain (analyze) copy (select 1) to 'file'",
    "explain analyze (format json) copy (select 1) to 'file'",
    # Comments of DuckDB nest: the first SELECT is in one.
    "explain analyze /* /* */ select 1 -- */ copy (select 1) to 'file'",
    "explain analyze insert into t values (1)",
    "explain create table t as select 1",
    "explain set threads = 1",
    "explain load httpfs",
    "explain execute p",
    "explain pragma version",
)


@pytest.mark.parametrize("sql", ASKS)
def test_what_asks_is_a_question(sql: str) -> None:
    check_is_question(sql)


@pytest.mark.parametrize("sql", DOES_MORE)
def test_what_does_more_than_ask_is_not_a_question(sql: str) -> None:
    with pytest.raises(NoQuestionError, match=r"^The query failed: .* read-only: SELECT, EXPLAIN"):
        check_is_question(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "-- drop\n/* delete */ ( /* x */ select 1)",
        "with a as (select 1) select * from a",
        "values 1",
        "describe t",
        "show create table t",
        "explain select 1",
        "explain analyze verbose select 1",
        "explain (type io, format json) select 1",
    ],
)
def test_what_asks_is_a_question_to_athena(sql: str) -> None:
    check_is_question_to_athena(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "drop table t",
        "-- select 1\ndrop table t",
        "/* select */ insert into t select 1",
        "from t insert overwrite table u select *",
        "unload (select 1) to 's3://bucket/' with (format = 'json')",
        "create table t as select 1",
        "msck repair table t",
        "optimize t rewrite data using bin_pack",
        "using external function f() returns int lambda 'f' select f()",
        "execute p",
        "call system.x()",
        "explain insert into t select 1",
        "explain analyze delete from t",
        "explain analyze (format json) insert into t select 1",
        "selection",
        "/* select 1",
        "",
    ],
)
def test_what_does_more_than_ask_is_not_a_question_to_athena(sql: str) -> None:
    with pytest.raises(NoQuestionError, match="read-only"):
        check_is_question_to_athena(sql)
    # Before anything is asked of AWS.
    with pytest.raises(NoQuestionError):
        answer_on_athena(sql, {}, {}, load_settings(target="athena", max_scan=1))


@pytest.fixture
def settings(sample: Rolecall) -> Settings:
    return load_settings(database=sample.database)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    file = tmp_path / "other.csv"
    file.write_text("secret\n1\n")
    return file


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{file}')",
        "select * from read_blob('{file}')",
        "select * from read_csv('{file}')",
        "select * from '{file}'",
        "select * from glob('{folder}/*')",
        "select * from sniff_csv('{file}')",
        "select * from query('select * from read_csv(''{file}'')')",
        "select * from query_table('{file}')",
        "select * from read_csv('http://127.0.0.1:9/x.csv')",
        "select * from 's3://bucket/x.parquet'",
        "select * from read_duckdb('{folder}/other.duckdb', table_name = 't')",
        "select * from duckdb_extensions()",
    ],
)
def test_a_question_reads_no_file(settings: Settings, elsewhere: Path, sql: str) -> None:
    with pytest.raises(RolecallError, match=r"^The query failed: "):
        answer_locally(sql.format(file=elsewhere, folder=elsewhere.parent), {}, settings)
    assert [path.name for path in elsewhere.parent.iterdir()] == [elsewhere.name]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from elsewhere_rows",  # a variable of Python
        "select * from duckdb_secrets(redact = false)",
        "select * from enable_logging('QueryLog', storage = 'file', storage_path = '{file}')",
        "with a as (delete from events returning *) select * from a",
        "explain analyze with a as (delete from events returning *) select * from a",
        "select * from query('copy (select 1) to ''{file}''')",
        "select getenv('HOME')",
    ],
)
def test_a_question_has_no_way_round(settings: Settings, elsewhere: Path, sql: str) -> None:
    elsewhere_rows = [{"a": 1}]
    before = settings.database.read_bytes()
    with pytest.raises(RolecallError, match=r"^The query failed: "):
        answer_locally(sql.format(file=elsewhere), {}, settings)
    assert settings.database.read_bytes() == before
    assert elsewhere.read_text() == "secret\n1\n"
    assert elsewhere_rows == [{"a": 1}]


def test_settings_show_nothing_of_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{SECRET}@proxy:1")
    result = answer_locally("select * from duckdb_settings()", {}, settings).result
    assert SECRET not in str(result.rows)


def test_the_configuration_is_locked(settings: Settings) -> None:
    result = answer_locally(
        "select name, value from duckdb_settings() where name in ("
        "'enable_external_access', 'lock_configuration', 'autoload_known_extensions',"
        " 'python_enable_replacements') order by name",
        {},
        settings,
    ).result
    assert [value for _, value in result.rows] == ["false", "false", "true", "false"]


def test_the_database_outlives_a_query_that_copies_over_it(
    sample: Rolecall, tmp_path: Path
) -> None:
    before = sample.database.read_bytes()
    names = (str(sample.database), f"{sample.database}.wal", f"{sample.database}.tmp/x")
    for name in names:
        for sql in ("copy (select 1) to '{}'", "explain analyze copy (select 1) to '{}'"):
            (tmp_path / "over.sql").write_text(sql.format(name))
            done = sample.run("query", tmp_path / "over.sql", exit_code=1)
            assert "of the kind COPY" in done.stderr
    assert sample.database.read_bytes() == before
    assert not any(Path(name).exists() for name in names[1:])


@pytest.mark.parametrize("target", ["local", "athena"])
@pytest.mark.parametrize(
    "text",
    [
        "select '{{ env_var('ROLECALL_TEST_SECRET') }}'",
        "select '{{ builtins.env_var('ROLECALL_TEST_SECRET') }}'",
        "{{ run_query('drop table events') }}",
        "{% call statement('x') %}drop table events{% endcall %}",
        "{{ adapter.get_relation('a', 'b', 'c') }}",
        "{{ modules.re }}",
        "{{ flags.WHICH }}",
        "{{ invocation_args_dict }}",
        "{{ fromyaml('a: 1') }}",
        "{{ load_agate_table() }}",
        "{{ write('x') }}",
        "{{ graph }}",
        "{{ context }}",
        "{{ target.password }}",
        "{% include 'dbt_project.yml' %}",
        "{{ ref.__globals__ }}",
        "{{ ref.__func__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ var('nothing') }}",
        "{{ ref('nothing') }}",
        "{{ ref('other', 'events') }}",
        "{{ ref(1) }}",
        "{{ source('cloudtrail', 'unread_cloudtrail_logs') }}",
        "{{ 1 / 0 }}",
        "{% if %}",
    ],
)
def test_jinja_of_the_user_knows_the_project_and_nothing_else(
    text: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECALL_TEST_SECRET", SECRET)
    with pytest.raises(RolecallError, match=r"^Jinja cannot compile the query: .*") as raised:
        rendered(text, load_settings(target=target))
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_jinja_of_the_user_names_tables_as_the_target_has_them() -> None:
    text = "{{ ref('events') }} {{ ref('rolecall', 'events') }}"
    text += " {{ source('cloudtrail', 'cloudtrail_logs') }} {{ var('cloudtrail_table') }}"
    assert rendered(text, load_settings()) == (
        '"rolecall"."main"."events" "rolecall"."main"."events" "logs"."main"."cloudtrail_logs"'
        " cloudtrail_logs"
    )
    athena = load_settings(target="athena", schema="trail", table="raw.logs")
    assert rendered(text, athena) == (
        '"awsdatacatalog"."trail"."events" "awsdatacatalog"."trail"."events"'
        ' "awsdatacatalog"."raw"."logs" logs'
    )


def test_files_are_read_where_they_are_allowed_and_that_is_said(
    sample: Rolecall, elsewhere: Path
) -> None:
    file = elsewhere.with_name("mine.sql")
    file.write_text(f"select secret from read_csv('{elsewhere}'), role_switches limit 1")
    done = sample.run("query", file, exit_code=1)
    assert "other files only with --allow-files" in done.stderr
    done = sample.run("query", file, "--allow-files", "--format", "csv")
    assert done.stdout == "secret\n1\n"
    assert done.stderr == "The query could read every file that you may read: --allow-files.\n"
    # And no more than that.
    file.write_text(f"copy (select 1) to '{elsewhere}'")
    assert "read-only" in sample.run("query", file, "--allow-files", exit_code=1).stderr
    file.write_text("select * from read_csv('http://127.0.0.1:9/x.csv')")
    assert "httpfs" in sample.run("query", file, "--allow-files", exit_code=1).stderr
    assert elsewhere.read_text() == "secret\n1\n"


@pytest.mark.parametrize(
    "arguments", [("history_of_mine.sql", "--target", "athena"), ("role_switch_history",)]
)
def test_files_are_allowed_to_sql_of_the_user_on_the_local_target_alone(
    rolecall: Rolecall, arguments: tuple[str, ...]
) -> None:
    done = rolecall.run("query", *arguments, "--allow-files", exit_code=2)
    assert done.stderr == "Error: --allow-files goes with a .sql file and the local target.\n"


def test_the_raw_logs_are_read_without_access_to_files(rolecall: Rolecall) -> None:
    done = rolecall.run("query", "preview_raw", "--logs", SAMPLE, "--format", "json")
    assert len(json.loads(done.stdout)) == 10


def test_what_does_not_fit_in_memory_is_beside_the_database_and_goes_away(
    settings: Settings,
) -> None:
    folder = Path(f"{settings.database}.tmp")
    sql = "select value from duckdb_settings() where name = 'temp_directory'"
    ((spill,),) = answer_locally(sql, {}, settings).result.rows
    assert Path(spill).parent == folder
    assert not folder.exists()


def test_a_reader_without_a_place_for_it_has_everything_in_memory(settings: Settings) -> None:
    folder = Path(f"{settings.database}.tmp")
    target = settings.database.with_name("elsewhere")
    target.mkdir()
    os.symlink(target, folder)
    try:
        sql = "select value from duckdb_settings() where name = 'temp_directory'"
        assert answer_locally(sql, {}, settings).result.rows == [("",)]
    finally:
        folder.unlink()
        target.rmdir()
