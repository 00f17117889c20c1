"""No bytes, no JSON and no framing crash the reader, cost a good file, or take more than stated."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from support.compiled_models import Model, Warehouse
from support.logs import event

EXAMPLES = 2000 if settings().max_examples >= 100 else 50
MOST_BYTES = 100_000
MOST_MEMORY_BYTES = 10_000_000

PIECES = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\t", b" ", b"1", b"{}", b"[]"),
        *(b'"Records"', b'"Events"', b'"eventID"', b'"eventTime"', b'"detail"', b'"message"'),
        *(b"\\ud83d", b"\\ude00", b"\\u0000", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\0"),
        *(b"null", b'"2026-03-01T00:00:00Z"', b"EVENTS\t", b"\x1e"),
        json.dumps(event(7)).encode(),
    ]
)
RUNS = st.builds(lambda piece, times: piece * times, PIECES, st.sampled_from([1, 1, 1, 3, 2000]))
TEXTS = st.lists(RUNS | st.binary(max_size=8), max_size=30).map(b"".join)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "Events", "eventID", "detail", "message", "logEvents"])
            | st.sampled_from(["CloudTrailEvent", "eventTime", "userIdentity", "resources"])
            | st.text(max_size=3),
            inside,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@st.composite
def framed(draw: st.DrawFn, texts: st.SearchStrategy[bytes]) -> bytes:
    """Return a text as it is or packed, in several members, cut, changed or with more behind it."""
    body = b"".join(
        gzip.compress(text, mtime=0) if draw(st.booleans()) else text
        for text in draw(st.lists(texts, min_size=1, max_size=3))
    )
    if draw(st.booleans()):
        body = gzip.compress(body, mtime=0)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(body)))
        with_it = draw(st.sampled_from([b"", b"\0" * 9, b"\x1f\x8b", b"\xff", b"\n"]))
        body = body[:at] + with_it + body[at + draw(st.integers(0, 9)) :]
    return body


BODIES = framed(TEXTS) | framed(VALUES.map(lambda value: json.dumps(value).encode()))


@settings(max_examples=EXAMPLES)
@given(body=BODIES, suffix=st.sampled_from([".json", ".json.gz"]))
def test_no_file_costs_a_good_one(models: list[Model], body: bytes, suffix: str) -> None:
    warehouse = Warehouse([model for model in models if model.folder == "staging"])
    with TemporaryDirectory() as folder:
        bad, good = Path(folder) / f"bad{suffix}", Path(folder) / "good.json"
        bad.write_bytes(body)
        good.write_text(json.dumps({"Records": [event(1)]}), encoding="utf-8")
        warehouse.load(list(find_log_files(Path(folder))))
    rows = warehouse.connection.execute(
        "select log_file, status, problem, record_count,"
        " event_count + copied_record_count + rejected_record_count"
        " from stg_cloudtrail__log_reads"
    ).fetchall()
    warehouse.close()
    outcomes = {log_file: outcome for log_file, *outcome in rows}
    assert outcomes.pop("good.json") == ["loaded", None, 1, 1]
    for status, problem, record_count, counted in outcomes.values():
        assert record_count == counted
        assert (status == "unreadable") == (problem is not None)
        assert problem is None or problem.isprintable()


@settings(max_examples=EXAMPLES)
@given(body=BODIES, times=st.sampled_from([1, 1000]))
def test_no_file_takes_more_memory_than_stated(body: bytes, times: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "111122223333_CloudTrail_us-east-1_20260301T0000Z_a.json.gz"
        path.write_bytes(gzip.compress(body * times, mtime=0))
        (file,) = find_log_files(Path(folder))
        tracemalloc.start()
        try:
            read_records(file, MOST_BYTES)
        except UnreadableLogError as error:
            assert str(error).isprintable()
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert peak < MOST_MEMORY_BYTES
