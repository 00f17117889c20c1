"""However a trail is cut into files and loads, in whatever order: the same events and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.ledger import sorted_log_files
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from support.command_line import SAMPLE
from support.compiled_models import Model, Warehouse

STAMPS = ("log_file", "delivered_date", "load_id", "loaded_at")
# What is about files or loads is another for others.
ABOUT_FILES = ("log_files", "covering_files", "covered_days", "log_coverage")
ABOUT_LOADS = ("log_reads", "session_actions", "account_activity")


def _sample_records() -> list[bytes]:
    records: dict[bytes, None] = {}
    for file in sorted_log_files([SAMPLE]):
        try:
            records |= dict.fromkeys(bytes(record) for record in read_records(file))
        except UnreadableLogError:
            continue
    return list(records)


RECORDS = _sample_records()


@dataclass(frozen=True)
class Delivery:
    """A log file: its records, its day, and the load that it comes with."""

    records: tuple[int, ...]
    day: int
    load: int


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    """Return files that have every record of the sample between them, some of them twice."""
    count = draw(st.integers(1, 7))
    order = draw(st.permutations(range(len(RECORDS))))
    copies = draw(st.lists(st.integers(0, len(RECORDS) - 1), max_size=20))
    cuts = sorted(draw(st.lists(st.integers(0, len(RECORDS)), min_size=count, max_size=count)))
    bounds = [0, *cuts, len(RECORDS)]
    files = [list(order[start:end]) for start, end in pairwise(bounds)]
    for copy in copies:
        files[draw(st.integers(0, count))].append(copy)
    return [
        Delivery(tuple(records), draw(st.integers(0, 60)), draw(st.integers(0, 3)))
        for records in files
    ]


def _write(folder: Path, delivered: list[Delivery]) -> None:
    for number, delivery in enumerate(delivered):
        day = date(2026, 3, 1) + timedelta(days=delivery.day)
        account = "111122223333"
        place = folder / str(delivery.load) / "AWSLogs" / account / "CloudTrail" / "us-east-1"
        place = place / f"{day:%Y/%m/%d}"
        place.mkdir(parents=True, exist_ok=True)
        records = b",".join(RECORDS[index] for index in delivery.records)
        name = f"{account}_CloudTrail_us-east-1_{day:%Y%m%d}T0000Z_{number:016}.json"
        (place / name).write_bytes(b'{"Records":[' + records + b"]}")


@pytest.fixture(scope="session")
def at_once(models: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("once")
    _write(folder, [Delivery(tuple(range(len(RECORDS))), 0, 0)])
    warehouse = Warehouse(models)
    warehouse.load(sorted_log_files([folder]))
    warehouse.build()
    yield warehouse
    warehouse.close()


@given(delivered=deliveries())
def test_files_and_loads_do_not_matter(
    models: list[Model], at_once: Warehouse, delivered: list[Delivery]
) -> None:
    piecemeal = Warehouse(models)
    with TemporaryDirectory() as folder:
        _write(Path(folder), delivered)
        for load in sorted(Path(folder).iterdir()):
            piecemeal.load(sorted_log_files([load]))
            # What is loaded is not loaded again, and a load of nothing changes nothing.
            piecemeal.load([])
    piecemeal.build()
    for model in models:
        if model.folder != "staging" and model.name not in (*ABOUT_FILES, *ABOUT_LOADS):
            expected = at_once.rows(model.name, STAMPS)
            assert piecemeal.rows(model.name, STAMPS) == expected, model.name
    counts = piecemeal.connection.execute(
        "select sum(record_count), sum(event_count + copied_record_count + rejected_record_count)"
        " from log_reads"
    ).fetchall()
    written = sum(len(delivery.records) for delivery in delivered)
    assert counts == [(written, written)]
    piecemeal.close()


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    # JSON has no infinity.
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3)
    ),
    max_leaves=6,
)
NAMES = ("eventID", "eventTime", "userIdentity", "resources", "requestParameters", "readOnly")


@given(
    records=st.lists(
        JSON_VALUES | st.dictionaries(st.sampled_from(NAMES), JSON_VALUES, max_size=4),
        max_size=8,
    )
)
def test_any_json_in_a_file_is_counted(models: list[Model], records: list[Any]) -> None:
    time = {"eventTime": "2026-03-01T00:00:00Z"}
    some = [
        record | time if isinstance(record, dict) and number % 2 else record
        for number, record in enumerate(records)
    ]
    warehouse = Warehouse([model for model in models if model.folder == "staging"])
    with TemporaryDirectory() as folder:
        (Path(folder) / "any.json").write_text(json.dumps({"Records": some}), encoding="utf-8")
        warehouse.load(list(find_log_files(Path(folder))))
    (counts,) = warehouse.connection.execute(
        "select record_count, event_count + copied_record_count + rejected_record_count"
        " from stg_cloudtrail__log_reads"
    ).fetchall()
    assert counts == (len(some), len(some))
    warehouse.close()
