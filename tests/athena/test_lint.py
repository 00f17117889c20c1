"""The SQL for Athena is Athena's: what Trino alone would take is never emitted."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from local_athena.lint import problems
from rolecall.parameters import with_markers
from support import forked
from support.command_line import PROJECT
from support.documents import documented

# Both ways in which a table has the day of delivery in partition columns.
_COMPILED = {
    "first run, a day in three columns": {
        "assume_incremental": False,
        "cloudtrail_partitions": {"year": "yyyy", "month": "MM", "day": "dd"},
    },
    "later runs, a day in one column": {
        "assume_incremental": True,
        "cloudtrail_partitions": {"dt": "yyyy/MM/dd"},
        "archived_logs": [
            {
                "root": "AWSLogs/",
                "region": "us-east-1",
                "accounts": ["111122223333", "444455556666"],
                "first_day": "2026-03-01",
                "last_day": "2026-03-02",
                "is_archived": is_archived,
            }
            for is_archived in (True, False)
        ],
        "empty_days": [
            {
                "root": "AWSLogs/",
                "region": "us-east-1",
                "accounts": ["111122223333", "444455556666"],
                "first_day": "2026-03-01",
                "last_day": "2026-03-02",
                "is_empty": is_empty,
            }
            for is_empty in (True, False)
        ],
    },
}
_READ_BY_DAY = ("stg_cloudtrail__events", "preview_raw", "switch_role_query")


@pytest.fixture(scope="module", params=_COMPILED.values(), ids=list(_COMPILED))
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with everything compiled for Athena, in several ways, without an account.

    Of a table without partitions the SQL lacks the conditions on them, and is otherwise the same.
    """
    target = tmp_path_factory.mktemp("compiled")
    words = shlex.split(documented("CONTRIBUTING.md", "dbt compile"))
    assert words[-1] == "{assume_incremental: true}"
    done = forked.run(
        *(*words[:-1], json.dumps(request.param)),
        *("--project-dir", PROJECT, "--profiles-dir", PROJECT),
        *("--target-path", target, "--log-path", target / "logs"),
        folder=target,
        environment=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"},
        seconds=300,
    )
    assert done.returncode == 0, done.stdout
    folder = target / "compiled" / "rolecall"
    for path in folder.rglob("*.sql"):
        if path.stem in _READ_BY_DAY:
            sql = path.read_text(encoding="utf-8")
            assert all(f'"{name}"' in sql for name in request.param["cloudtrail_partitions"])
    return folder


def test_every_statement_is_shorter_than_athena_takes_by_some_bytes(compiled: Path) -> None:
    """The comments and the table's name that a run adds need room too."""
    sizes = {path.name: path.stat().st_size for path in compiled.rglob("*.sql")}
    assert {name: size for name, size in sizes.items() if size >= 250_000} == {}


def test_every_model_analysis_and_test_is_fit_for_athena(compiled: Path) -> None:
    files = sorted(compiled.rglob("*.sql"))
    assert len(files) > 60
    found = {
        f"{path.stem}: {problem}"
        for path in files
        for problem in problems(with_markers(path.read_text(encoding="utf-8"), lambda name: "?"))
    }
    assert sorted(found) == []


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select a from t qualify row_number() over (order by a) = 1", "does not parse"),
        ("select a, count(*) from t group by all", "has GROUP BY ALL"),
        ("with recursive r as (select 1 as a) select a from r", "has WITH RECURSIVE"),
        ("select any_value(a) as a from t", "calls any_value, which is not known"),
        ("select list_transform(a, x -> x) as a from t", "calls list_transform, which is not"),
        ("select cast(a as json) as a from t", "gives a a type that no table stores: JSON"),
        ('select "Name" as name from t', "has the identifier Name, not in lower case"),
        ("select from where", "does not parse"),
        ("select 1; select 2", "is not one query"),
        ("drop table t", "is not one query"),
        (f"select '{'x' * 262_144}' as a", "bytes, over 262,144"),
    ],
)
def test_what_athena_lacks_is_found(sql: str, problem: str) -> None:
    assert any(problem in found for found in problems(sql)), list(problems(sql))
