"""What a database knows of its log files: where they came from, and what is still to be read."""

from __future__ import annotations

import filecmp
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from rolecall.errors import RolecallError
from rolecall.local.database import NAME, has_table
from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.log_files import (
    LogFile,
    find_log_files,
    is_folder_key,
    loose_file_path,
    path_of,
    printable,
)
from rolecall.local.log_reader import MAX_LOG_BYTES, is_same_once_unpacked, read_records, sha256
from rolecall.local.log_roots import LogSourceError, rows_if_any

Stamp = tuple[int | None, int | None]
"""Size in bytes and time of change, by which a copy of a log file is told from another."""


_PACKED = ".gz"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt to read a log file; ``modified_at`` in microseconds since 1970, UTC.

    ``read_as`` has the sizes and times of other copies of the file that were read, and
    ``rejected_record_count`` what was not understood of it. ``hashes`` are those of the bytes that
    were read under its key, ``identities`` say of which files it is known that they have such
    bytes: see ``LogFile``.
    """

    status: str
    problem: str | None
    size_bytes: int | None
    modified_at: int | None
    log_root: str | None = None
    rejected_record_count: int | None = None
    hashes: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    read_as: frozenset[Stamp] = frozenset()

    def was_of(self, file: LogFile) -> bool:
        """Return whether the file still has the size and time that it had then."""
        return (self.size_bytes, self.modified_at) == _stamp(file)

    def is_done_with(self, file: LogFile) -> bool:
        """Return whether the file was read and has not changed since, or a copy of it."""
        if self.status == "unreadable" or file.problem is not None:
            return False
        if self.was_of(file):
            return not self._is_replaced_by(file)
        return _stamp(file) in self.read_as

    def _is_replaced_by(self, file: LogFile) -> bool:
        """Return whether another file has taken the place of the one that was read.

        A file that is the same one, unchanged, is not looked at again.
        """
        if not self.hashes or self.knows(file):
            return False
        return sha256(file) not in {None, *self.hashes}

    def knows(self, file: LogFile) -> bool:
        """Return whether it is one of the files that were looked at, unchanged since."""
        return self.identities.issuperset(file.identities)


# Few files were read in more than one copy: the others are left to their newest attempt.
_READ_COPIES = f"""
    select distinct log_file, size_bytes, epoch_us(modified_at)
    from {NAME}.main.log_reads
    where
        status <> 'unreadable'
        and log_file in (
            select log_file
            from {NAME}.main.log_reads
            group by log_file
            having
                min(size_bytes) is distinct from max(size_bytes)
                or min(modified_at) is distinct from max(modified_at)
        )
"""


def newest_attempts(ledger: duckdb.DuckDBPyConnection) -> dict[str, Attempt]:
    """Return the newest attempt to read each log file, by the file's key."""
    attempts = rows_if_any(
        ledger,
        f"""
        select
            log_file,
            arg_max(status, (loaded_at, load_id)),
            arg_max(struct_pack(problem := problem), (loaded_at, load_id)).problem,
            arg_max(struct_pack(size := size_bytes), (loaded_at, load_id)).size,
            epoch_us(arg_max(struct_pack(at := modified_at), (loaded_at, load_id)).at),
            arg_max(struct_pack(root := log_root), (loaded_at, load_id)).root,
            arg_max(struct_pack(n := rejected_record_count), (loaded_at, load_id)).n,
            {_hashes(ledger)}
        from {NAME}.main.log_reads
        group by log_file
        """,
    )
    identities = _remembered_identities(ledger)
    copies: dict[str, set[Stamp]] = defaultdict(set)
    for log_file, size_bytes, modified_at in rows_if_any(ledger, _READ_COPIES):
        copies[log_file].add((size_bytes, modified_at))
    return {
        log_file: replace(
            Attempt(*attempt),
            hashes=frozenset(hashes),
            identities=frozenset(identities.get(log_file, ())),
            read_as=frozenset(copies.get(log_file, ())),
        )
        for log_file, *attempt, hashes in attempts
    }


def _hashes(ledger: duckdb.DuckDBPyConnection) -> str:
    """Return the expression of the hashes of a file; an older ledger has none."""
    has_any = ledger.execute(
        "select 1 from duckdb_columns() where database_name = ? and table_name = 'log_reads'"
        " and column_name = 'sha256'",
        [NAME],
    ).fetchall()
    if not has_any:
        return "[]::varchar[]"
    return "coalesce(list(distinct sha256) filter (sha256 is not null), [])"


def remember_identities(connection: duckdb.DuckDBPyConnection, files: Sequence[LogFile]) -> None:
    """Enter which files were there: what takes the place of one is looked at."""
    known = _remembered_identities(connection)
    new = {
        file.log_file: identities
        for file in files
        if (identities := {*file.identities}) and identities != known.get(file.log_file)
    }
    if not new:
        return
    table = f"{NAME}.main.rolecall_file_identities"
    connection.execute("begin")
    connection.execute(f"create table if not exists {table} (log_file varchar, identity varchar)")
    connection.execute(
        f"delete from {table} where log_file in (select unnest(?::varchar[]))",
        [[log_file for log_file in new if log_file in known]],
    )
    rows = [(log_file, identity) for log_file, each in new.items() for identity in each]
    connection.execute(
        f"insert into {table} select unnest(?::varchar[]), unnest(?::varchar[])",
        [list(column) for column in zip(*rows, strict=True)],
    )
    connection.execute("commit")


def _remembered_identities(ledger: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    identities: dict[str, set[str]] = defaultdict(set)
    for log_file, identity in rows_if_any(
        ledger, f"select log_file, identity from {NAME}.main.rolecall_file_identities"
    ):
        identities[log_file].add(identity)
    return identities


def check_events_are_there(ledger: duckdb.DuckDBPyConnection) -> None:
    """Raise RolecallError if the database knows what was loaded, and has lost the events."""
    if has_table(ledger, "log_reads") and not has_table(ledger, "events"):
        raise RolecallError(
            "The database has lost its table events, without which nothing can be rebuilt:"
            " use a copy of the database that has it, or load the logs into a new one."
        )


def unread_log_files(
    roots: Sequence[Path], attempts: Mapping[str, Attempt], max_log_bytes: int = MAX_LOG_BYTES
) -> list[LogFile]:
    """Return the log files below ``roots`` that a load has to open, in its order.

    Raises LogSourceError as ``sorted_log_files`` and ``not_done`` do.
    """
    return not_done(sorted_log_files(roots, attempts), attempts, max_log_bytes)


def sorted_log_files(
    roots: Sequence[Path],
    attempts: Mapping[str, Attempt] | None = None,
    passed_over: Counter[str] | None = None,
) -> list[LogFile]:
    """Return the log files below ``roots``, oldest day of delivery first, undated ones last.

    Folders are among them as ``find_log_files`` yields them, those too that ``attempts`` has as
    closed, so that their problem ends. Other files are counted by kind in ``passed_over``.
    A trail's key can be there in several copies: those of other size or time follow after the
    first copies of all keys, since one may be cut, or have what the other lacks, and so do those
    of other bytes. Those of the same are one file, with ``other_paths``, and so are a file and its
    packed copy in one folder. Raises LogSourceError for two different loose files of one key.
    """
    attempts = attempts or {}
    once_closed = {
        key
        for key, attempt in attempts.items()
        if is_folder_key(key) and attempt.status == "unreadable"
    }

    def is_done(file: LogFile) -> bool:
        attempt = attempts.get(file.log_file)
        return attempt is not None and attempt.is_done_with(file)

    found: dict[str, dict[tuple[Stamp, int], LogFile]] = defaultdict(dict)
    for root in roots:
        for file in find_log_files(root, once_closed, is_done, passed_over):
            copies = found[file.log_file]
            stamp = _stamp(file)
            if not _is_of_trail(file) and copies:
                (((stamp, _), other),) = copies.items()
                _check_is_copy(file, other.path, other.log_root)
            number = next(
                number
                for number in itertools.count()
                if (stamp, number) not in copies
                or _are_one(copies[stamp, number], file, attempts.get(file.log_file))
            )
            copy = copies.get((stamp, number))
            copies[stamp, number] = _as_one(copy, file) if copy else file
    _fold_unpacked_copies(found, attempts)
    numbered = [
        (number, file)
        for copies in found.values()
        for number, file in enumerate(sorted(copies.values(), key=lambda file: file.path))
    ]
    numbered.sort(
        key=lambda copy: (copy[0], copy[1].facts.delivered_date or date.max, copy[1].log_file)
    )
    return [file for _, file in numbered]


def _fold_unpacked_copies(
    found: dict[str, dict[tuple[Stamp, int], LogFile]], attempts: Mapping[str, Attempt]
) -> None:
    """Make one file of X.json and X.json.gz with one text: the one that was read before, or packed.

    Where both were read before, both stay.
    """
    for plain in [key for key in found if f"{key}{_PACKED}" in found]:
        packed = f"{plain}{_PACKED}"
        if plain in attempts and packed in attempts:
            continue
        kept, other = (plain, packed) if plain in attempts else (packed, plain)
        for stamp, file in list(found[other].items()):
            for kept_stamp, copy in found[kept].items():
                if is_same_once_unpacked(file, copy):
                    found[kept][kept_stamp] = replace(
                        copy, other_paths=(*copy.other_paths, file.path, *file.other_paths)
                    )
                    del found[other][stamp]
                    break
        if not found[other]:
            del found[other]


def first_copies(files: Sequence[LogFile]) -> list[LogFile]:
    """Return one file a key, the first: what a single slice can take."""
    first: dict[str, LogFile] = {}
    for file in files:
        first.setdefault(file.log_file, file)
    return list(first.values())


def not_done(
    files: Sequence[LogFile], attempts: Mapping[str, Attempt], max_log_bytes: int = MAX_LOG_BYTES
) -> list[LogFile]:
    """Return the files that a load has to open: new ones, changed ones and unreadable ones.

    A copy that cannot be read is left out where another one of its key can. Raises LogSourceError
    for a file whose key is that of another one in another folder.
    """
    for file in files:
        attempt = attempts.get(file.log_file)
        if attempt and attempt.log_root not in (None, printable(file.log_root)):
            other_root = path_of(str(attempt.log_root))
            _check_is_copy(file, loose_file_path(file.log_file, other_root), other_root)
    open_files = [
        file
        for file in files
        if (attempt := attempts.get(file.log_file)) is None or not attempt.is_done_with(file)
    ]
    return _without_needless_problems(open_files, files, max_log_bytes)


def _without_needless_problems(
    open_files: Sequence[LogFile], files: Sequence[LogFile], max_log_bytes: int
) -> list[LogFile]:
    """Return ``open_files`` but for unreadable copies of what another of ``files`` has."""
    counts = Counter(file.log_file for file in files)
    open_counts = Counter(file.log_file for file in open_files)
    # Of these a copy is done, or will be.
    has_one = {key for key, count in open_counts.items() if count < counts[key]}
    good = {
        file
        for file in open_files
        if counts[file.log_file] == 1 or _is_readable(file, max_log_bytes)
    }
    has_one.update(file.log_file for file in good)
    bad = set(first_copies([file for file in open_files if file.log_file not in has_one]))
    return [file for file in open_files if file in good or file in bad]


def _is_readable(file: LogFile, max_log_bytes: int) -> bool:
    try:
        read_records(file, max_log_bytes)
    except UnreadableLogError:
        return False
    return True


def _stamp(file: LogFile) -> Stamp:
    return file.size_bytes, file.modified_at


def _precedence(file: LogFile) -> tuple[bool, str]:
    """Return what comes first of equal copies: a folder that is closed, then the first path."""
    return file.is_folder and file.problem is None, file.path


def _as_one(file: LogFile, copy: LogFile) -> LogFile:
    """Return what comes first of equal copies, with the paths of the others to fall back on."""
    first, other = sorted((file, copy), key=_precedence)
    if first.is_folder:
        return first
    paths = {*first.other_paths, other.path, *other.other_paths} - {first.path}
    identities = (*first.identities, *other.identities)
    return replace(first, other_paths=tuple(sorted(paths)), identities=identities)


def _are_one(file: LogFile, copy: LogFile, attempt: Attempt | None) -> bool:
    """Return whether two files of one key, size and time have the same bytes.

    Those that were looked at before are taken for it, and those that cannot be.
    """
    if file.is_folder or (attempt and attempt.knows(file) and attempt.knows(copy)):
        return True
    try:
        return filecmp.cmp(file.path, copy.path, shallow=False)
    except OSError:
        return True


def _is_of_trail(file: LogFile) -> bool:
    return file.log_file.startswith("AWSLogs/")


def _check_is_copy(file: LogFile, other_path: str, other_root: str) -> None:
    """Raise LogSourceError if another file, that is still there, has the key but not the bytes.

    A trail's own key names one file wherever its folder is moved or copied to; a loose file is
    named by its path below the folder alone.
    """
    if _is_of_trail(file) or file.is_folder:
        return
    try:
        is_copy = filecmp.cmp(file.path, other_path, shallow=False)
    except OSError:  # gone, or unreadable: then it is recorded as such
        return
    if not is_copy:
        raise LogSourceError(
            f"Both {file.log_root} and {other_root} have a log file {file.log_file}, and they"
            " differ: rename one, or load the folder that both are in into a new database."
        )
