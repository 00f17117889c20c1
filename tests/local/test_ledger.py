"""What a database knows of its log files, and which of them a load opens."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from rolecall.local.ledger import (
    Attempt,
    newest_attempts,
    not_done,
    sorted_log_files,
    unread_log_files,
)
from rolecall.local.log_reader import read_records
from rolecall.local.log_roots import (
    LogSourceError,
    NoLogsError,
    check_has_logs,
    log_roots,
    remember_log_roots,
)
from support.command_line import Unprivileged
from support.logs import WriteLog, event


@pytest.fixture
def ledger() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as rolecall")
        yield connection


def test_a_folder_that_the_database_does_not_know_is_refused(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    ledger.execute("create table rolecall.main.log_reads as select '/known' as log_root")
    with pytest.raises(LogSourceError, match=r"was loaded from /known, not from .* --add-logs"):
        log_roots(ledger, tmp_path)
    assert log_roots(ledger, tmp_path, add_logs=True) == [tmp_path]
    remember_log_roots(ledger, [tmp_path])
    assert log_roots(ledger, tmp_path) == [tmp_path]


def test_without_a_folder_those_that_the_database_remembers_are_read(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(LogSourceError, match="No log folder is named"):
        log_roots(ledger, None)
    assert log_roots(ledger, None, tmp_path) == [tmp_path]
    remember_log_roots(ledger, [tmp_path])
    assert log_roots(ledger, None, Path("/sample")) == [tmp_path]


def test_a_remembered_folder_that_is_gone_does_not_keep_the_others(
    ledger: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    remember_log_roots(ledger, [tmp_path / "there", tmp_path / "gone"])
    assert log_roots(ledger, None) == [tmp_path / "there"]
    (tmp_path / "there").rmdir()
    with pytest.raises(LogSourceError, match=r"The log folder .*/gone and .*/there do not exist"):
        log_roots(ledger, None)


def test_a_missing_folder_is_named(ledger: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(LogSourceError, match="The log folder /no/where does not exist"):
        log_roots(ledger, Path("/no/where"))


def test_a_load_goes_day_by_day_through_all_accounts(write_log: WriteLog) -> None:
    for account in ("111122223333", "444455556666"):
        for day in ("2026/03/02", "2026/03/01"):
            logs = write_log([event(1)], account=account, day=day)
    order = [
        (str(file.facts.delivered_date), file.facts.account_id) for file in sorted_log_files([logs])
    ]
    assert order == [
        ("2026-03-01", "111122223333"),
        ("2026-03-01", "444455556666"),
        ("2026-03-02", "111122223333"),
        ("2026-03-02", "444455556666"),
    ]


def test_a_copy_of_the_trail_beside_it_is_the_same_trail(
    write_log: WriteLog, tmp_path: Path
) -> None:
    logs = write_log([event(1)])
    shutil.copytree(logs, tmp_path / "copy")
    (file,) = sorted_log_files([logs, tmp_path / "copy"])
    (same,) = sorted_log_files([tmp_path / "copy", logs])
    assert file == same


def test_new_changed_and_unreadable_files_are_opened(write_log: WriteLog) -> None:
    for name in ("done", "changed", "broken", "new"):
        logs = write_log([event(1)], name=f"{name}.json.gz")
    broken, changed, done, new = sorted_log_files([logs])
    attempts = {
        done.log_file: Attempt("loaded", None, done.size_bytes, done.modified_at),
        changed.log_file: Attempt("loaded", None, 1, changed.modified_at),
        broken.log_file: Attempt("unreadable", "cut", broken.size_bytes, broken.modified_at),
    }
    opened = not_done([done, changed, broken, new], attempts)
    assert opened == [changed, broken, new]


def test_a_folder_is_entered_while_it_is_closed_and_once_when_it_can_be_listed_again(
    open_folder: Path, unprivileged: Unprivileged
) -> None:
    roots = [open_folder / "one", open_folder / "two"]
    for root in roots:
        (root / "loose").mkdir(parents=True)

    def entered(status: str, roots: list[Path]) -> list[tuple[str, str | None]]:
        attempts = {"loose/": Attempt(status, None, None, None, str(open_folder / "one"))}
        with unprivileged():
            files = unread_log_files(roots, attempts)
        return [(file.log_file, file.problem) for file in files]

    assert entered("empty", roots) == []
    assert entered("unreadable", roots) == [("loose/", None)]
    closed = [("loose/", "cannot list the folder: permission denied")]
    (roots[1] / "loose").chmod(0)
    assert entered("empty", roots[1:]) == closed
    # One of the same name in another folder of logs does not stand for it.
    for order in (roots, roots[::-1]):
        assert entered("unreadable", order) == closed


def test_the_newest_attempt_counts_whatever_is_null_in_it(
    ledger: duckdb.DuckDBPyConnection,
) -> None:
    ledger.execute(
        """
        create table rolecall.main.log_reads as
        select
            'f' as log_file, unnest(['unreadable', 'loaded']) as status,
            unnest(['cut', null]) as problem, unnest([5, null]) as size_bytes,
            unnest([timestamp '2026-03-01', null]) as modified_at,
            'load' as load_id, '/logs' as log_root, null::bigint as rejected_record_count,
            unnest([timestamp '2026-03-02', timestamp '2026-03-03']) as loaded_at
        """
    )
    assert newest_attempts(ledger) == {"f": Attempt("loaded", None, None, None, "/logs")}


def test_two_loose_files_of_one_name_are_told_apart_or_refused(tmp_path: Path) -> None:
    """Loose files are keyed by their path below the folder: a copy is the same file, no other."""
    roots = [tmp_path / "one", tmp_path / "other"]
    for root in roots:
        root.mkdir()
        (root / "x.json").write_text('{"Records": []}')
    (file,) = sorted_log_files(roots)
    assert file.log_root == str(roots[0])
    (of_other,) = sorted_log_files(roots[1:])
    read = Attempt("loaded", None, file.size_bytes, file.modified_at, str(roots[0]))
    not_done([of_other], {"x.json": read})

    (roots[1] / "x.json").write_text('{"Records":  []}')
    (of_other,) = sorted_log_files(roots[1:])
    message = r"Both .* and .* have a log file x\.json, and they differ: rename one"
    with pytest.raises(LogSourceError, match=message):
        sorted_log_files(roots)
    with pytest.raises(LogSourceError, match=message):
        not_done([of_other], {"x.json": read})
    (roots[0] / "x.json").unlink()  # moved and changed
    assert not_done([of_other], {"x.json": read}) == [of_other]


def test_single_files_of_one_name_are_told_apart_or_refused(tmp_path: Path) -> None:
    """One that was read by itself is looked for where it was, not below a folder."""
    paths = [tmp_path / "one" / "x.json", tmp_path / "other" / "x.json"]
    for path in paths:
        path.parent.mkdir()
        path.write_text('{"Records": []}')
    (file,) = sorted_log_files(paths)
    assert (file.log_file, file.log_root) == ("x.json", str(paths[0]))
    (of_other,) = sorted_log_files(paths[1:])
    read = Attempt("loaded", None, file.size_bytes, file.modified_at, file.log_root)
    not_done([of_other], {"x.json": read})
    paths[1].write_text('{"Records":  []}')
    (of_other,) = sorted_log_files(paths[1:])
    (of_its_folder,) = sorted_log_files([paths[1].parent])
    for other in (of_other, of_its_folder):
        with pytest.raises(LogSourceError, match=r"Both .* and .*one/x\.json .* log file x\.json"):
            not_done([other], {"x.json": read})
    paths[0].unlink()
    assert not_done([of_other], {"x.json": read}) == [of_other]


def _write_both(folder: Path, name: str, plain: object, packed: object) -> None:
    (folder / name).write_text(json.dumps(plain))
    (folder / f"{name}.gz").write_bytes(gzip.compress(json.dumps(packed).encode()))


def test_a_file_beside_its_packed_copy_is_one_file(tmp_path: Path) -> None:
    """The packed one, read unpacked where it is damaged later; unlike ones are two."""
    _write_both(tmp_path, "same.json", [event(1)], [event(1)])
    _write_both(tmp_path, "unlike.json", [event(1)], [event(2)])
    _write_both(tmp_path, "same", [event(1)], [event(1)])
    found = {file.log_file: file for file in sorted_log_files([tmp_path])}
    assert set(found) == {"same.gz", "same.json.gz", "unlike.json", "unlike.json.gz"}
    (tmp_path / "same.json.gz").write_bytes(b"\x1f\x8b cut")
    assert len(read_records(found["same.json.gz"])) == 1


def test_the_packed_copy_of_a_file_that_was_read_is_not_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps([event(1)]))
    (plain,) = sorted_log_files([tmp_path])
    attempts = {"x.json": Attempt("loaded", None, plain.size_bytes, plain.modified_at)}
    _write_both(tmp_path, "x.json", [event(1)], [event(1)])
    assert [file.log_file for file in sorted_log_files([tmp_path], attempts)] == ["x.json"]
    _write_both(tmp_path, "x.json", [event(1)], [event(2)])
    unread = unread_log_files([tmp_path], attempts)
    assert "x.json.gz" in [file.log_file for file in unread]
    # Once each was read as a file of its own, both stay.
    attempts["x.json.gz"] = Attempt("loaded", None, 1, 1)
    _write_both(tmp_path, "x.json", [event(1)], [event(1)])
    assert len(sorted_log_files([tmp_path], attempts)) == 2


def test_a_file_that_was_read_is_not_looked_into_again(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("its first bytes tell no log")
    passed_over: Counter[str] = Counter()
    assert sorted_log_files([tmp_path], passed_over=passed_over) == []
    assert passed_over == {".log": 1}
    status = (tmp_path / "x.log").stat()
    attempt = Attempt("loaded", None, status.st_size, status.st_mtime_ns // 1000)
    (file,) = sorted_log_files([tmp_path], {"x.log": attempt})
    assert not_done([file], {"x.log": attempt}) == []


def test_a_folder_without_logs_is_refused_with_what_is_there(tmp_path: Path) -> None:
    looked_for = (
        "no CloudTrail log: looked for files with the suffix .json, .jsonl, .ndjson (or one of"
        " these and .gz) and for others that hold CloudTrail's records, and found {}; name a"
        " folder at or above AWSLogs/ or one of such files, archives unpacked."
    )
    with pytest.raises(NoLogsError) as raised:
        check_has_logs([tmp_path])
    assert str(raised.value) == f"The log folder {tmp_path} has {looked_for}".format(
        "no file at all"
    )
    for name in ("a.zip", "b.zip", "c.csv"):
        (tmp_path / name).write_text("no log")
    with pytest.raises(NoLogsError, match=r"and found 2 \.zip, 1 \.csv; name a folder"):
        check_has_logs([tmp_path])
    with pytest.raises(
        NoLogsError, match=r"The file .*a\.zip is not a CloudTrail log: .* 1 \.zip;"
    ):
        check_has_logs([tmp_path / "a.zip"])
    (tmp_path / "x.json").write_text("broken")
    check_has_logs([tmp_path])
