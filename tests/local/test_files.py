"""Files beside a database: for its owner alone, never through a link, and none left by the dead."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import duckdb
import pytest

from rolecall.errors import RolecallError
from rolecall.local import spill
from rolecall.local.database import open_database, open_for_writing
from rolecall.local.lock import only_writer, writer_of
from rolecall.local.log_roots import known_log_roots
from rolecall.private_files import new_file, open_own
from support.command_line import Rolecall
from support.logs import WriteLog, event

PRECIOUS = b"precious"
SPILLED = "text of an event that does not fit in memory"
# A process that has more in hand than its memory holds, and waits to be killed.
_SPILLING = f"""
import pathlib, sys
from rolecall.local.database import open_database, open_for_writing
from rolecall.local.spill import reader_folder
path = pathlib.Path(sys.argv[2])
connection = open_for_writing(path, 0) if sys.argv[1] == "writer" else open_database(path, 0)
if sys.argv[1] == "reader":
    reader = reader_folder(path)
    connection.execute("set temp_directory = ?", [str(reader.__enter__())])
connection.execute("set memory_limit = '60MB'")
connection.execute("set threads = 1")
connection.execute("set enable_progress_bar = false")
cursor = connection.execute(
    "select '{SPILLED}' || hash(number) as text from range(700000) as t(number) order by text"
)
cursor.fetchone()
print("spilled", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """Return a file of somebody else's, which must stay as it is."""
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "elsewhere" / "precious"
    file.write_bytes(PRECIOUS)
    file.chmod(0o644)
    yield file
    assert file.read_bytes() == PRECIOUS
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return an empty database."""
    path = tmp_path / "rolecall.duckdb"
    open_for_writing(path, 0).close()
    spill.leave(path)
    return path


@contextmanager
def _spilling(who: str, database: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _SPILLING, who, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        stdout: IO[bytes] | None = process.stdout
        assert stdout is not None and stdout.readline() == b"spilled\n"
        yield process
        process.kill()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("open_umask")
def test_a_new_file_takes_the_place_of_a_link_and_is_its_owners(precious: Path) -> None:
    path = precious.with_name("draft")
    for link in (os.symlink, os.link):
        link(precious, path)
        with new_file(path) as stream:
            stream.write(b"new")
        assert path.read_bytes() == b"new" and not path.is_symlink()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.unlink()


@pytest.mark.usefixtures("open_umask")
def test_a_file_of_ones_own_is_not_a_link_or_a_pipe(precious: Path) -> None:
    path = precious.with_name("lock")
    makers: tuple[Callable[[], None], ...] = (
        lambda: os.symlink(precious, path),
        lambda: os.symlink(precious.with_name("nowhere"), path),
        lambda: os.link(precious, path),
        lambda: os.mkfifo(path),
        path.mkdir,
    )
    for make in makers:
        make()
        for made in (True, False):
            with pytest.raises(OSError):
                open_own(path, make=made)
        path.rmdir() if path.is_dir() else path.unlink()
    assert not precious.with_name("nowhere").exists()
    with open_own(path, make=True) as stream:
        assert stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == 0o600


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_lock_that_is_a_link_is_refused_and_not_followed(
    link: Callable[[Path, Path], None], precious: Path, rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    lock = rolecall.database.with_name("rolecall.duckdb.lock")
    link(precious, lock)
    done = rolecall.run("refresh", "--logs", logs, exit_code=1)
    assert done.stderr.startswith("Error: The database rolecall.duckdb cannot be written: ")
    assert str(lock) in done.stderr
    assert not rolecall.database.exists()


def test_an_output_is_not_written_through_a_link_beside_it(
    precious: Path, sample: Rolecall, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    output.with_name(".out.csv.part").symlink_to(precious)
    sample.run("history", "--format", "csv", "--output", output)
    assert output.read_text().startswith("entered_at,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out.csv"]


def test_an_output_takes_the_place_of_what_a_dead_run_left_of_it(
    sample: Rolecall, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    output.with_name(".out.csv.part").write_text("entered_at,half of a r")
    sample.run("history", "--format", "csv", "--output", output)
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_who_is_at_work_is_told_by_digits_alone(database: Path) -> None:
    assert writer_of(database) is None
    with only_writer(database):
        lock = database.with_name(f"{database.name}.lock")
        assert writer_of(database) == str(os.getpid())
        lock.write_bytes(b"1\x1b]0;title\x07")
        assert writer_of(database) == "unknown"
    assert writer_of(database) is None


@pytest.mark.parametrize("who", ["writer", "reader"])
def test_what_the_dead_could_not_hold_in_memory_goes_away(who: str, database: Path) -> None:
    folder = Path(f"{database}.tmp")
    with _spilling(who, database) as process:
        assert _files(folder)
        # The living keep theirs: nobody else can open the database for writing.
        with pytest.raises(RolecallError, match=f"held by process {process.pid}"):
            open_for_writing(database, 0)
        assert _files(folder)
        assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())} <= {
            0o700,
            0o644,
            0o600,
        }
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert _files(folder)
    with only_writer(database), open_for_writing(database, 0):
        assert not _files(folder)
    assert not folder.exists()


def test_a_refresh_and_forget_remove_what_the_dead_left_and_nothing_else(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    folder = Path(f"{rolecall.database}.tmp")
    commands = (
        ("refresh", "--logs", logs),
        ("refresh",),
        ("forget", "--before", "2026-01-01"),
    )
    for command in commands:
        folder.mkdir(exist_ok=True)
        (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_text(SPILLED)
        (folder / "duckdb_temp_block-7.block").write_text(SPILLED)
        (folder / "reader-abc").mkdir()
        (folder / "reader-abc" / "duckdb_temp_1_0_storage_DEFAULT-0.tmp").write_text(SPILLED)
        (folder / "rewritten.duckdb").write_text(SPILLED)
        (folder / "notes.txt").write_text("a user's own")
        rolecall.run(*command)
        assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    rolecall.refresh(logs)
    assert not folder.exists()


def test_plain_dbt_removes_what_the_dead_left(rolecall: Rolecall, write_log: WriteLog) -> None:
    folder = Path(f"{rolecall.database}.tmp")
    folder.mkdir()
    (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_text(SPILLED)
    rolecall.dbt(
        "run", "--select", "stg_cloudtrail__events", ROLECALL_LOGS=str(write_log([event(1)]))
    )
    assert not _files(folder)


def test_memory_does_not_spill_through_a_link(
    precious: Path, rolecall: Rolecall, write_log: WriteLog
) -> None:
    leftover = precious.with_name("duckdb_temp_storage_DEFAULT-0.tmp")
    leftover.write_text("somebody's own")
    folder = Path(f"{rolecall.database}.tmp")
    folder.symlink_to(precious.parent)
    done = rolecall.run("refresh", "--logs", write_log([event(1)]), exit_code=1)
    assert f"{folder} cannot be the folder for what does not fit in memory" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert leftover.read_text() == "somebody's own"


def test_changes_are_not_logged_through_a_link(
    precious: Path, rolecall: Rolecall, write_log: WriteLog
) -> None:
    log = Path(f"{rolecall.database}.wal")
    log.symlink_to(precious)
    done = rolecall.run("refresh", "--logs", write_log([event(1)]), exit_code=1)
    assert f"{log} is a link, which DuckDB would write through; remove it." in done.stderr
    log.unlink()


@pytest.mark.parametrize("suffix", ["", ".wal"])
@pytest.mark.parametrize("command", ["history", "refresh"])
def test_a_pipe_in_the_place_of_a_database_is_not_waited_for(
    rolecall: Rolecall, write_log: WriteLog, command: str, suffix: str
) -> None:
    logs = write_log([event(1)])
    if suffix:
        rolecall.refresh(logs)
    pipe = Path(f"{rolecall.database}{suffix}")
    os.mkfifo(pipe)
    options = ("--logs", logs) if command == "refresh" else ()
    told = rolecall.run(command, *options, exit_code=1).stderr
    assert f"{pipe} is a pipe, a socket or a device, and no file" in told
    assert len(told.splitlines()) == 1


def test_a_folder_that_somebody_else_may_enter_is_closed(database: Path) -> None:
    folder = Path(f"{database}.tmp")
    folder.mkdir(mode=0o755)
    folder.chmod(0o777)
    with open_for_writing(database, 0):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


_FOREIGN = {
    "table sessions": "create table sessions as select 42 as mine",
    "table other": "create schema app; create table app.other (i int)",
    "view log_files": "create view log_files as select 42 as mine",
    "sequence ids": "create sequence ids",
    "type mood": "create type mood as enum ('good')",
    "macro twice": "create macro twice(x) as 2 * x",
    "schema app": "create schema app",
}


@pytest.mark.parametrize("what", _FOREIGN)
def test_a_database_that_is_not_rolecalls_stays_as_it_is(
    what: str, rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    # With changes that its program, which was killed, did not get into the file.
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        " c.execute(sys.argv[2]); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, rolecall.database, _FOREIGN[what]], check=True)
    parts = [rolecall.database, Path(f"{rolecall.database}.wal")]
    before = [path.read_bytes() for path in parts]
    refusal = f"The database has a {what} that Rolecall did not make: use another database."
    for command in (
        ("refresh", "--logs", logs),
        ("forget", "--before", "2026-01-01"),
        ("history",),
    ):
        assert rolecall.run(*command, exit_code=1).stderr == f"Error: {refusal}\n"
    assert [path.read_bytes() for path in parts] == before
    assert {path.name for path in rolecall.folder.iterdir()} == {
        "logs",
        *(path.name for path in parts),
    }


def test_plain_dbt_leaves_a_database_that_is_not_rolecalls_as_it_is(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("create table sessions as select 42 as mine")
    before = rolecall.database.read_bytes()
    printed = rolecall.dbt("run", ROLECALL_LOGS=str(write_log([event(1)])), exit_code=2)
    assert "The database has a table sessions that Rolecall did not make" in printed
    assert rolecall.database.read_bytes() == before


def test_tables_of_ones_own_may_stand_beside_rolecalls(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    logs = write_log([event(1)])
    rolecall.refresh(logs)
    with duckdb.connect(str(rolecall.database)) as connection:
        connection.execute("create table notes as select 42 as mine")
    rolecall.refresh(write_log([event(2)], name="second.json.gz"))
    assert rolecall.query("select * from notes") == [(42,)]


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are UTF-8 there")
def test_a_log_folder_whose_name_is_not_utf8_is_found_again(
    rolecall: Rolecall, write_log: WriteLog
) -> None:
    name = os.fsdecode(b"trail \xff \\xff \\x5c")
    write_log([event(1)]).rename(rolecall.folder / name)
    rolecall.refresh(Path(name))
    (rolecall.folder / name / "loose.json").write_text("[]")
    assert "Loaded 1 log file, 1 empty" in rolecall.run("refresh").stdout
    assert "Nothing new to load." in rolecall.run("refresh", "--logs", name).stdout
    with open_database(rolecall.database, 0) as connection:
        (root,) = known_log_roots(connection)
    assert root.endswith(r"/trail \xff \x5cxff \x5cx5c")
    (rolecall.folder / name).rename(rolecall.folder / "moved")
    done = rolecall.run("refresh", exit_code=1)
    assert f"The log folder {root} does not exist" in done.stderr
