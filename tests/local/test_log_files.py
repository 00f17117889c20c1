"""Finding log files and reading records out of them."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from rolecall import trail_layout
from rolecall.local import log_files as logs
from rolecall.local import log_reader
from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.ledger import sorted_log_files
from rolecall.local.log_files import find_log_files, log_file_key
from rolecall.trail_layout import KeyFacts, key_facts
from rolecall.verification.trail_files import FolderFiles, TrailFile, UnreadableFileError
from support.command_line import Unprivileged

KEY = (
    "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/"
    "111122223333_CloudTrail_us-east-1_20260301T0005Z_a1B2c3D4e5F6g7H8.json.gz"
)


def _packed(body: bytes) -> bytes:
    """Return the gzip of a text, the same at any time: the tests' names have it."""
    return gzip.compress(body, mtime=0)


RECORD = {"eventID": "e1", "eventTime": "2026-03-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("path", "root", "key"),
    [
        (f"/bucket/{KEY}", "/bucket", KEY),
        (f"/bucket/a prefix/{KEY}", "/bucket", KEY),
        (f"/bucket/{KEY}", "/bucket/AWSLogs/111122223333/CloudTrail/us-east-1", KEY),
        (f"/AWSLogs/copy/{KEY}", "/AWSLogs", KEY),
        (
            f"/b/{KEY.replace('AWSLogs/', 'AWSLogs/o-a1b2c3/')}",
            "/b",
            KEY.replace("s/", "s/o-a1b2c3/", 1),
        ),
        ("/loose/sub/events.json", "/loose", "sub/events.json"),
        ("/AWSLogs/events.json", "/AWSLogs", "events.json"),
    ],
)
def test_a_key_begins_at_awslogs_wherever_the_folder_is(path: str, root: str, key: str) -> None:
    assert log_file_key(path, root) == key


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        (KEY, KeyFacts("111122223333", "us-east-1", date(2026, 3, 1))),
        (
            "AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/eu-west-1/2026/12/31/x.json.gz",
            KeyFacts("111122223333", "eu-west-1", date(2026, 12, 31)),
        ),
        (KEY.rpartition("/")[2], KeyFacts("111122223333", "us-east-1", date(2026, 3, 1))),
        (
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/13/41/x.json.gz",
            KeyFacts("111122223333", "us-east-1", None),
        ),
        *(
            (
                KEY.replace("2026/03/01", day).replace("20260301T", f"{day.replace('/', '')}T"),
                KeyFacts("111122223333", "us-east-1", None),
            )
            for day in ("0001/01/01", "2012/12/31", "2100/01/01", "9999/12/31")
        ),
        (
            KEY.rpartition("/")[2].replace("20260301T", "99991231T"),
            KeyFacts("111122223333", "us-east-1", None),
        ),
        (
            KEY.replace("2026/03/01", "9999/12/31"),
            KeyFacts("111122223333", "us-east-1", date(2026, 3, 1)),
        ),
        *(
            (
                f"AWSLogs/111122223333/CloudTrail/us-east-1/{day:%Y/%m/%d}/x.json.gz",
                KeyFacts("111122223333", "us-east-1", day),
            )
            for day in (date(2013, 1, 1), date(2099, 12, 31))
        ),
        ("events.json", KeyFacts(None, None, None)),
        # Its whole name tells a log wherever it lies.
        (
            KEY.replace("/CloudTrail/us-east-1/", "/eu-west-1/"),
            KeyFacts("111122223333", "us-east-1", date(2026, 3, 1)),
        ),
        (
            KEY.replace("/CloudTrail/", "/cloudtrail/"),
            KeyFacts("111122223333", "us-east-1", date(2026, 3, 1)),
        ),
        (
            KEY.replace("/CloudTrail/", "/CloudTrail-Digest/"),
            KeyFacts("111122223333", "us-east-1", date(2026, 3, 1)),
        ),
        ("AWSLogs/111122223333/odd/2026/03/01/x.json", KeyFacts("111122223333", None, None)),
        ("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/x.json.gz", None),
        ("AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/03/01/x.json.gz", None),
        ("AWSLogs/111122223333/Config/us-east-1/2026/3/1/ConfigHistory/x.json.gz", None),
        ("AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/03/01/x.log.gz", None),
        ("111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20260301T000500Z.json.gz", None),
        ("111122223333_CloudTrail-Insight_us-east-1_20260301T0005Z_a1B2c3D4e5F6g7H8.json.gz", None),
        ("111122223333_Config_us-east-1_ConfigHistory_20260301T000500Z_1.json.gz", None),
    ],
)
def test_a_key_or_name_tells_account_region_and_day(key: str, facts: KeyFacts | None) -> None:
    assert key_facts(key) == facts


def test_only_event_logs_are_found(tmp_path: Path) -> None:
    for name in (
        KEY,
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/x.json.gz",
        "loose.json",
        "deep/er/loose.JSONL.gz",
        "notes.txt",
        ".hidden.json",
        "name with 'quotes' and\nnewline.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = {file.log_file for file in find_log_files(tmp_path)}
    assert found == {
        KEY,
        "loose.json",
        "deep/er/loose.JSONL.gz",
        "name with 'quotes' and\nnewline.json",
    }


def test_one_file_can_be_the_log_root(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text("{}")
    assert [file.log_file for file in find_log_files(tmp_path / "one.json")] == ["one.json"]


def test_a_missing_log_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(find_log_files(tmp_path / "missing"))


def test_a_loop_of_links_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.json").write_text("{}")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "a")
    assert len(list(find_log_files(tmp_path))) == 1


def test_a_link_into_a_trail_gives_the_keys_of_the_trail(tmp_path: Path) -> None:
    folder = tmp_path / "AWSLogs" / "111122223333" / "CloudTrail" / "us-east-1" / "2026" / "03"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("[]")
    (tmp_path / "link").symlink_to(tmp_path / "AWSLogs" / "111122223333")
    (file,) = find_log_files(tmp_path / "link")
    assert file.log_file == "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/a.json"
    assert file.log_root == str(tmp_path / "link")


@pytest.mark.parametrize(
    ("real", "link"),
    [
        ("logs/AWSLogs/111122223333/CloudTrail", "logs/zz"),
        ("logs/AWSLogs/111122223333/CloudTrail", "logs/0"),
        ("logs/AWSLogs/111122223333/CloudTrail/us-east-1", "logs/deep/er/zz"),
        ("logs/zz", "logs/AWSLogs/111122223333/CloudTrail"),
        ("logs/0", "logs/AWSLogs/111122223333/CloudTrail"),
        ("elsewhere/AWSLogs/111122223333/CloudTrail", "logs/zz"),
        ("elsewhere/zz", "logs/AWSLogs/111122223333/CloudTrail"),
        ("logs/zz", "logs/b/AWSLogs"),
        ("logs/zz", "logs/AWSLogs/o-a1b2c3"),
    ],
)
def test_a_file_that_links_lead_to_is_taken_once_with_the_key_of_its_trail(
    tmp_path: Path, real: str, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever order a folder lists its entries in."""
    path = real if "AWSLogs" in real else link
    key = KEY.replace("AWSLogs/", "AWSLogs/o-a1b2c3/") if "o-a1b2c3" in path else KEY
    below = os.path.relpath(f"/{key}", f"/{path[path.index('AWSLogs') :]}")
    file = tmp_path / real / below
    file.parent.mkdir(parents=True)
    file.write_text("[]")
    (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / link).symlink_to(tmp_path / real)
    (tmp_path / "logs" / "again").symlink_to(tmp_path / link)
    scandir = os.scandir
    for is_reversed in (False, True):

        def ordered(path: str, order: bool = is_reversed) -> list[os.DirEntry[str]]:
            return sorted(scandir(path), key=lambda entry: entry.name, reverse=order)

        monkeypatch.setattr(os, "scandir", ordered)
        assert [found.log_file for found in find_log_files(tmp_path / "logs")] == [key]


def test_a_link_to_a_file_of_a_trail_has_its_key(tmp_path: Path) -> None:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    path.write_text("[]")
    (tmp_path / "link.json.gz").symlink_to(path)
    assert {file.log_file for file in find_log_files(tmp_path)} == {KEY}
    (file,) = sorted_log_files([tmp_path])
    assert file.path == str(path)


def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere.json")
    (file,) = find_log_files(tmp_path)
    assert file.problem == "cannot examine the file: no such file or directory"


@pytest.mark.parametrize("target", ["nowhere", "nowhere.json"])
def test_a_dangling_link_with_the_name_of_a_log_is_named_wherever_it_points(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / KEY).parent.mkdir(parents=True)
    (tmp_path / KEY).symlink_to(target)
    (tmp_path / "link.json").symlink_to(target)
    (tmp_path / "link").symlink_to("nowhere.log")
    passed_over: Counter[str] = Counter()
    files = list(find_log_files(tmp_path, passed_over=passed_over))
    problem = "cannot examine the file: no such file or directory"
    assert [file.problem for file in files] == [problem] * 2
    assert passed_over == {"unreadable": 1}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (file,) = find_log_files(tmp_path)
    assert file.problem == "not a regular file"


@pytest.mark.parametrize("name", ["pipe.json", "pipe.json.gz"])
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(RECORD_TEXT)
    (file,) = find_log_files(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UnreadableLogError, match="cannot open the file: not a regular file"):
        log_reader.read_records(file)
    assert log_reader.sha256(file) is None
    assert not log_reader.is_same_once_unpacked(file, file)
    trail_file = TrailFile(name, str(path))
    with (
        pytest.raises(UnreadableFileError, match="not a regular file"),
        FolderFiles([tmp_path]).open_file(trail_file),
    ):
        pass


def test_the_first_bytes_of_a_pipe_that_takes_the_place_of_a_file_are_not_waited_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(RECORD_TEXT)

    def is_done(file: logs.LogFile) -> bool:
        path.unlink()
        os.mkfifo(path)
        return False

    assert list(find_log_files(tmp_path, is_done=is_done)) == []


@pytest.mark.parametrize("digit", ["\u0661", "\uff11"])
def test_other_digits_than_ascii_name_no_account_or_day(digit: str) -> None:
    account, day = digit * 12, f"{digit * 4}/{digit * 2}/{digit * 2}"
    assert (
        trail_layout.trail_key(f"/AWSLogs/{account}/CloudTrail/us-east-1/2026/03/01/x.json") is None
    )
    name = f"{account}_CloudTrail_us-east-1_20260301T0000Z_a.json"
    assert trail_layout.key_facts(name) == trail_layout.KeyFacts(None, None, None)
    assert trail_layout.key_facts(f"AWSLogs/111122223333/CloudTrail/us-east-1/{day}/x.json") == (
        trail_layout.KeyFacts("111122223333", None, None)
    )


def test_what_may_not_be_read_is_named(open_folder: Path, unprivileged: Unprivileged) -> None:
    (open_folder / "closed").mkdir(mode=0)
    (open_folder / "shut.json").write_text("{}")
    (open_folder / "shut.json").chmod(0)
    with unprivileged():
        closed, shut = sorted(find_log_files(open_folder), key=lambda file: file.log_file)
        assert (closed.log_file, closed.problem) == (
            "closed/",
            "cannot list the folder: permission denied",
        )
        with pytest.raises(UnreadableLogError, match="cannot open the file: permission denied"):
            log_reader.read_records(shut)


def _file(tmp_path: Path, body: bytes) -> logs.LogFile:
    (tmp_path / "x.json.gz").write_bytes(body)
    (file,) = find_log_files(tmp_path)
    return file


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    text = json.dumps({"Records": [RECORD]}).encode()
    for body in (text, _packed(text), _packed(text[:9]) + _packed(text[9:])):
        assert len(log_reader.read_records(_file(tmp_path, body))) == 1


def test_what_firehose_packs_once_more_is_read_and_no_more_than_that(tmp_path: Path) -> None:
    twice = _packed(_packed(json.dumps([RECORD]).encode()))
    assert len(log_reader.read_records(_file(tmp_path, twice))) == 1
    with pytest.raises(UnreadableLogError, match="the file is not"):
        log_reader.read_records(_file(tmp_path, _packed(twice)))


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        (lambda body: body[:-5], "the gzip file is truncated"),
        (lambda body: body[:12], "the gzip file is truncated"),
        (lambda body: body + b"\x1f", "the gzip file is truncated"),
        (lambda body: body + body[:-5], "the gzip file is truncated"),
        (lambda body: body + b"\n", "the gzip file is damaged: other bytes follow its data"),
        (lambda body: body[:-8] + b"\0\0\0\0" + body[-4:], "the gzip file is damaged"),
        (lambda body: body[:15] + b"\xff\xff\xff" + body[18:], "the gzip file is"),
    ],
)
def test_a_broken_gzip_file_is_unreadable(tmp_path: Path, cut, problem: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    body = _packed(json.dumps({"Records": [RECORD] * 9}).encode())
    with pytest.raises(UnreadableLogError, match=problem):
        log_reader.read_records(_file(tmp_path, cut(body)))


@pytest.mark.parametrize("times_packed", [0, 1, 2])
def test_a_file_that_is_too_large_once_unpacked_is_refused(
    tmp_path: Path, times_packed: int
) -> None:
    def file(size: int) -> logs.LogFile:
        body = json.dumps([RECORD]).encode().ljust(size)
        for _ in range(times_packed):
            body = _packed(body)
        return _file(tmp_path, body)

    with pytest.raises(UnreadableLogError, match="larger than 100,000 bytes unpacked"):
        log_reader.read_records(file(100_001), 100_000)
    assert len(log_reader.read_records(file(100_000), 100_000)) == 1


def test_a_file_that_vanishes_is_unreadable(tmp_path: Path) -> None:
    file = _file(tmp_path, b"{}")
    Path(file.path).unlink()
    with pytest.raises(UnreadableLogError, match="vanished"):
        log_reader.read_records(file)


def _found(folder: Path) -> tuple[set[str], dict[str, int]]:
    """Return the keys of the logs in a folder, and how many other files it has by kind."""
    passed_over: Counter[str] = Counter()
    keys = {file.log_file for file in find_log_files(folder, passed_over=passed_over)}
    return keys, dict(passed_over)


RECORD_TEXT = json.dumps(RECORD).encode()
PACKED = _packed(RECORD_TEXT)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("cloudtrail.log", RECORD_TEXT),
        ("export.txt", RECORD_TEXT + b"\n" + RECORD_TEXT),
        ("export", b"\xef\xbb\xbf \r\n" + RECORD_TEXT),
        ("packed.gz", PACKED),
        ("packed.log.gz", _packed(RECORD_TEXT[:5]) + _packed(RECORD_TEXT[5:])),
        ("000000", _packed(b"2026-03-01T00:00:00.000Z " + RECORD_TEXT)),
        ("firehose-1-2026-03-01", _packed(PACKED)),
        ("x.json.gz.1", PACKED),
        ("powershell.out", json.dumps([RECORD], indent=2).encode("utf-16")),
        ("none yet.log", b'{"Records": []}'),
        (KEY.replace(".json.gz", ""), PACKED),
        (KEY.replace("/CloudTrail/us-east-1/", "/"), b"broken"),
        ("AWSLogs/111122223333/mine/events.log", RECORD_TEXT),
    ],
)
def test_a_log_is_known_by_its_whole_name_or_its_content(
    tmp_path: Path, name: str, body: bytes
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(body)
    assert _found(tmp_path) == ({name}, {})


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("logs.zip", b"PK\x03\x04", ".zip"),
        ("logs.tar.gz", _packed(b"x" * 512), ".tar.gz"),
        ("events.PARQUET", b"PAR1", ".parquet"),
        ("event_history.csv", b"User name,Event time\nalice,2026-03-01", ".csv"),
        ("README", b"The logs of March", "without suffix"),
        ("odd. suffix", b"", "without suffix"),
        ("notes.md", b'# Records\n\n    {"eventID": "e1"}', ".md"),
        ("app.log", b'2026-03-01T00:00:00Z {"level": "info", "event": "start"}', ".log"),
        ("empty.txt", b"", ".txt"),
        ("cut.gz", PACKED[:12], ".gz"),
        ("package.json", b'{"name": "x", "version": "1.0"}', "other JSON"),
        ("lines.jsonl.gz", _packed(b'[{"level": "info"}]'), "other JSON"),
        (".x.json.gz", PACKED, "hidden"),
        (
            "111122223333_Config_us-east-1_ConfigHistory_20260301T000500Z_1.json.gz",
            _packed(b'{"configurationItems": []}'),
            "Config",
        ),
        (
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/x.json.gz",
            _packed(b'{"awsAccountId": "111122223333"}'),
            "CloudTrail-Digest",
        ),
        ("AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/03/01/x.log.gz", b"", "vpcflowlogs"),
    ],
)
def test_what_is_not_a_log_is_counted_by_its_kind(
    tmp_path: Path, name: str, body: bytes, kind: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(body)
    assert _found(tmp_path) == (set(), {kind: 1})


@pytest.mark.parametrize("body", [b"hello", b"", b'{"Records": [{"a"', b"\xff\xfe", b"{}", b"[]"])
def test_a_file_with_the_suffix_of_a_log_is_one_unless_it_is_other_json(
    tmp_path: Path, body: bytes
) -> None:
    """It is read, and named if it cannot be."""
    (tmp_path / "x.json").write_bytes(body)
    assert _found(tmp_path) == ({"x.json"}, {})


def test_only_the_first_bytes_tell_a_file_without_the_name_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "far.txt").write_bytes(b"{" + b" " * logs._HEAD_BYTES + RECORD_TEXT[1:])
    (tmp_path / "bomb.gz").write_bytes(_packed(b" " * 100_000_000))
    assert _found(tmp_path) == (set(), {".txt": 1, ".gz": 1})


def test_a_pipe_or_closed_file_without_the_name_of_a_log_is_not_opened(
    open_folder: Path, unprivileged: Unprivileged
) -> None:
    os.mkfifo(open_folder / "pipe")
    (open_folder / "shut.txt").write_bytes(RECORD_TEXT)
    (open_folder / "shut.txt").chmod(0)
    with unprivileged():
        assert _found(open_folder) == (set(), {"unreadable": 2})


def test_a_file_that_was_read_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("no log any more, but nobody looks")
    (file,) = find_log_files(tmp_path, is_done=lambda file: True)
    assert file.log_file == "x.log"


def test_kinds_are_told_most_frequent_first_and_few() -> None:
    kinds = Counter({f".{number}": 1 for number in range(9)} | {".zip": 2000})
    text = logs.kinds_text(kinds)
    assert text == "2,000 .zip, 1 .0, 1 .1, 1 .2, 1 .3, 1 .4, 1 .5, 1 .6, 2 of other kinds"


def test_files_are_compared_by_what_is_packed_in_them(tmp_path: Path) -> None:
    bodies = {
        "plain": RECORD_TEXT,
        "packed": PACKED,
        "members": _packed(RECORD_TEXT[:5]) + _packed(RECORD_TEXT[5:]),
        "other": _packed(RECORD_TEXT.replace(b"e1", b"e2")),
        "longer": _packed(RECORD_TEXT + b" "),
        "cut": PACKED[:-1],
    }
    for name, body in bodies.items():
        (tmp_path / f"{name}.json").write_bytes(body)
    found = {file.log_file.removesuffix(".json"): file for file in find_log_files(tmp_path)}
    same = {
        name for name in bodies if log_reader.is_same_once_unpacked(found["plain"], found[name])
    }
    assert same == {"plain", "packed", "members"}
