"""What the local Athena takes as a statement, and what it refuses as Athena does."""

from __future__ import annotations

import pytest

from local_athena.statements import (
    MAX_BYTES,
    Column,
    InvalidStatementError,
    TableName,
    parse,
    tokens,
    unquoted,
)

CLOUDTRAIL = """
-- /* {"app": "dbt"} */
CREATE EXTERNAL TABLE IF NOT EXISTS `default`.cloudtrail_logs (
    eventversion STRING COMMENT 'a, b',
    useridentity STRUCT<
        type: STRING, -- such as IAMUser; not a > b
        sessioncontext: STRUCT<attributes: STRUCT<mfaauthenticated: STRING>>>,
    resources ARRAY<STRUCT<arn: STRING, accountid: STRING>>
)
PARTITIONED BY (`timestamp` string)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://trail/AWSLogs/'
TBLPROPERTIES ('classification'='cloudtrail', 'projection.enabled'='true');
"""


@pytest.mark.parametrize(
    ("sql", "kind", "type_"),
    [
        ("select 1", "select", "DML"),
        ("-- why\n/* so */ (select 1);", "select", "DML"),
        ("with a as (select 1) select * from a", "select", "DML"),
        ("values (1)", "select", "DML"),
        ("select x from (values (1)) t(x) cross join unnest(x) as u (y)", "select", "DML"),
        ("select x from a group by grouping sets ((x), ())", "select", "DML"),
        ('insert into "a"."b" select 1', "insert", "DML"),
        ('merge into "a"."b" as t using s on t.x = s.x', "merge", "DML"),
        (
            "merge into a using (select 1 as x) as b on (a.x = b.x)"
            " when not matched then insert (x) values (b.x)",
            "merge",
            "DML",
        ),
        ("delete from a.b where x = 1", "delete", "DML"),
        ("update a.b set x = 1", "update", "DML"),
        ("create table a.b with (format = 'parquet') as select 1 as x", "create table as", "DML"),
        ("create or replace view a.b as select 1 as x", "create view", "DDL"),
        ("create schema if not exists `an`", "create schema", "DDL"),
        ("drop table if exists `an`.`x`", "drop table", "DDL"),
        ("alter table `an`.`x` set tblproperties ('a' = 'b')", "set properties", "DDL"),
        ("alter table `an`.`x` rename to `an`.`y`", "rename table", "DDL"),
        ("alter table x add columns (`c` string)", "add columns", "DDL"),
        ("alter table x replace columns (c string, d int)", "replace columns", "DDL"),
        ("alter table x drop column `c`", "drop column", "DDL"),
        ("alter table x change column a a bigint", "change column", "DDL"),
        ("optimize a.b.c rewrite data using bin_pack", "optimize", "DML"),
        ("vacuum a.b.c", "vacuum", "DDL"),
        ("show partitions x", "show partitions", "UTILITY"),
        ("explain select 1", "utility", "UTILITY"),
    ],
)
def test_statements_of_athena_are_known(sql: str, kind: str, type_: str) -> None:
    statement = parse(sql)
    assert (statement.kind, statement.type) == (kind, type_)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        " ; ",
        "-- nothing",
        "selec 1",
        "select 1; select 2",
        "call system.x()",
        "set session x = 1",
        "comment on table a is 'x'",
        "truncate table a",
        "grant select on a to b",
        "create or replace table a as select 1 as x",
        "create materialized view a as select 1 as x",
        "create table a (x bigint)",
        "create table a (x bigint) location 's3://b/c/' tblproperties ('table_type' = 'hive')",
        "create external table a (x string) location '/tmp/x'",
        "alter table a execute optimize",
        "alter table a add column x bigint",
        "with recursive a as (select 1) select * from a",
        "with function f(x bigint) returns bigint return x select f(1)",
        "select * from json_table('{}', 'lax $' columns (x bigint path 'lax $'))",
        "select any_value(x) from a",
        "create view v as select any_value(x) as x from a",
        "select list_transform(x, y -> y) from a",
        "merge into a using b on a.x = b.x when matched then update set y = listagg(b.y)",
        "create table a with (table_type = 'ICEBERG', format_version = 2) as select 1 as x",
        'drop table "a"."b"',
        "create external table \"a\" (x string) location 's3://b/c/'",
        "alter table \"a\" set tblproperties ('a' = 'b')",
        "drop table a b",
    ],
)
def test_what_athena_does_not_take_is_refused(sql: str) -> None:
    with pytest.raises(InvalidStatementError):
        parse(sql)


def test_the_query_string_has_a_longest_length_in_bytes() -> None:
    room = MAX_BYTES - len("select ''")
    parse("select '" + "é" * (room // 2) + "'")
    with pytest.raises(InvalidStatementError, match="262144"):
        parse("select '" + "é" * (room // 2 + 1) + "'")


def test_quotes_and_comments_hide_what_is_inside() -> None:
    found = [token.text for token in tokens("""a 'it''s; --' "b;""c" `d``e` -- f;\n/* ; */ g""")]
    assert found == ["a", "'it''s; --'", '"b;""c"', "`d``e`", "g"]
    assert [unquoted(text) for text in found[1:4]] == ["it's; --", 'b;"c', "d`e"]
    assert parse("select ';' as \"any_value\" -- ; any_value(\n").kind == "select"


def test_the_text_is_without_comments_in_front_and_semicolon_behind() -> None:
    assert parse("-- a\n /* b */ select /* c */ 1 ;\n-- d").text == "select /* c */ 1"


def test_an_external_table_is_read_with_types_of_hive() -> None:
    statement = parse(CLOUDTRAIL)
    assert statement.table == TableName("cloudtrail_logs", "default")
    assert statement.exists_ok
    assert statement.columns == (
        Column("eventversion", "string"),
        Column(
            "useridentity",
            "struct<type:string,sessioncontext:struct<attributes:struct<mfaauthenticated:string>>>",
        ),
        Column("resources", "array<struct<arn:string,accountid:string>>"),
    )
    assert statement.partitions == (Column("timestamp", "string"),)
    assert statement.properties["classification"] == "cloudtrail"
    assert statement.properties["clause location"] == "s3://trail/AWSLogs/"
    assert statement.properties["clause inputformat"].endswith("CloudTrailInputFormat")


def test_a_table_from_a_query_keeps_its_properties_as_written() -> None:
    statement = parse(
        """create table "awsdatacatalog"."an"."t" with (
            table_type='iceberg', partitioning=ARRAY['day(ts)', 'bucket(id, 4)'], is_external=false
        ) as select ')' as x, 1 as y"""
    )
    assert statement.table == TableName("t", "an")
    assert statement.properties == {
        "table_type": "'iceberg'",
        "partitioning": "ARRAY['day(ts)', 'bucket(id, 4)']",
        "is_external": "false",
    }
    assert statement.query == "select ')' as x, 1 as y"
    assert statement.substatement == "CREATE_TABLE_AS_SELECT"


def test_partitions_have_values_and_places() -> None:
    statement = parse(
        "alter table t add if not exists partition (region = 'a', day = '01') location 's3://b/c/'"
        " partition (region = 'b', day = '02')"
    )
    assert statement.exists_ok
    assert statement.locations == (
        ({"region": "a", "day": "01"}, "s3://b/c/"),
        ({"region": "b", "day": "02"}, ""),
    )
