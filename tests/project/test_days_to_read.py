"""What dbt reads on Athena where the command line tells it: the macros alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.days import Days
from rolecall.project.days_to_read import days_to_read
from rolecall.project.run import run_dbt
from rolecall.settings import load_settings
from support.macros_alone import answer_of

_SPANS = (
    Days(date(2026, 3, 1), date(2026, 3, 2)),
    Days(date(2026, 4, 9), date(2026, 4, 9), ("111122223333", "eu-west-1", "444455556666")),
)
_TEMPLATE = """ANSWER{{ tojson({
    'within': delivered_within(load_slice()),
    'columns': delivery_day_columns(),
    'staged_before': days_to_read().get('staged_before'),
}) }}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for artifacts: parsed once, the project is not parsed again."""
    return tmp_path_factory.mktemp("days")


def _answer(told: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("ROLECALL_DAYS_TO_READ", told)
    return answer_of(_TEMPLATE, folder)


def test_the_days_of_a_column_and_what_they_are_confined_to_are_literals(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = (("account", "string"), ("region", "string"), ("dt", "string"))
    table = CatalogueTable("default.logs", "", (), keys, {}, {"dt": "yyyy/MM/dd"})
    answer = _answer(days_to_read(table, _SPANS, date(2026, 5, 1)), folder, monkeypatch)
    assert answer == {
        "within": (
            """("dt" >= '2026/03/01' and "dt" <= '2026/03/02'"""
            """ or "dt" >= '2026/04/09' and "dt" <= '2026/04/09' and"""
            """ ("account" in ('111122223333', '444455556666') or "region" in ('eu-west-1')))"""
        ),
        "columns": [{"name": "dt", "type": "string", "form": "%Y/%m/%d"}],
        "staged_before": "2026-05-01",
    }


def test_the_days_of_three_columns_are_numbers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = (("region", "string"), ("year", "INT"), ("month", "int"), ("day", "int"))
    table = CatalogueTable("default.logs", "", (), keys)
    answer = _answer(days_to_read(table, _SPANS[:1]), folder, monkeypatch)
    assert [column["type"] for column in answer["columns"]] == ["int"] * 3
    assert [column["form"] for column in answer["columns"]] == ["%Y", "%m", "%d"]
    number = " * 10000 + ".join(f'try_cast("{name}" as integer)' for name in ("year", "month"))
    number += ' * 100 + try_cast("day" as integer)'
    assert answer["within"] == (
        f'(("year" >= 2026 and {number} >= 20260301) and ("year" <= 2026 and {number} <= 20260302))'
    )
    assert answer["staged_before"] is None


def test_a_table_that_cannot_be_read_by_the_day_is_read_as_a_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = CatalogueTable("default.logs", "", (), ())
    answer = _answer(days_to_read(table, _SPANS), folder, monkeypatch)
    assert answer == {"within": "(true)", "columns": [], "staged_before": None}


def test_how_many_days_a_slice_has_is_not_a_variable_of_dbt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another value of one makes dbt parse the whole project anew, and a retry halves the days."""
    invoked: list[list[str]] = []

    def invoke(_: dbtRunner, arguments: list[str]) -> dbtRunnerResult:
        invoked.append(arguments)
        return dbtRunnerResult(success=True)

    monkeypatch.setattr(dbtRunner, "invoke", invoke)
    for options in ({}, {"slice_days": 30, "first_delivered_date": "2026-01-01"}):
        settings = load_settings(target="athena", region="us-east-1", **options)
        run_dbt(["run"], settings, days_to_read="{}")
    assert invoked[0] == invoked[1]
