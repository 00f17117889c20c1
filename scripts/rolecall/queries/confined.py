"""What a question may do: read the tables that are there, and nothing else.

SQL of the user's own and that of ``analyses/`` go through the same checks. On the local target
DuckDB itself is closed around them (DuckDB documentation, "Securing DuckDB"); on Athena the rights
of whoever asks are the wall, and what stands here keeps mistakes away from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from rolecall.errors import RolecallError

_SELECT, _EXPLAIN = "SELECT", "EXPLAIN"
# What DuckDB's own names of kinds do not tell.
_KINDS = {"MULTI": "PIVOT without a list of values", "LOAD": "INSTALL or LOAD"}
_OTHER = "other"

# Settings that DuckDB fills from the environment, and shows.
_FROM_ENVIRONMENT = ("http_proxy", "http_proxy_username", "http_proxy_password")

# Comments of Trino do not nest; a query may stand in brackets. Nothing is tried in two ways: the
# text is the user's.
_GAP = r"(?>\s|--[^\n]*+|/\*.*?\*/)*+"
_TRINO_START = re.compile(
    rf"""
    {_GAP} (?:explain\b {_GAP}
        (?:analyze\b {_GAP} (?:verbose\b {_GAP})?+)?+
        (?:\(\s*+ (?:type|format)\b [^()]*+ \) {_GAP})?+
    )?+
    (?:\( {_GAP})*+ (?P<word>[a-z]++)\b
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_TRINO_ASKS = frozenset(("select", "with", "values", "table", "describe", "desc", "show"))


class NoQuestionError(RolecallError):
    """A statement that does more than ask."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The query failed: it is a statement of the kind {kind}, and a query is read-only:"
            " SELECT, EXPLAIN, DESCRIBE and SHOW are what can be asked."
        )


def confine(
    connection: duckdb.DuckDBPyConnection, spill: Path | None, *, allow_files: bool = False
) -> None:
    """Close a connection for good: what comes reads what is attached, no other file, no network.

    The database must be attached read-only. ``spill`` is a folder for what does not fit in memory;
    without one all has to. ``allow_files`` lets files of this machine be read too. Files that are
    open to DuckDB itself stay open (the database's own and those in ``spill``): that no statement
    writes them is for ``check_is_question`` to see to.
    """
    for name in _FROM_ENVIRONMENT:
        connection.execute(f"set {name} = ''")
    connection.execute("set temp_directory = ?", ["" if spill is None else str(spill)])
    if not allow_files:
        connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def check_is_question(sql: str) -> None:
    """Raise NoQuestionError for a statement of DuckDB other than SELECT, DESCRIBE and SHOW.

    The same goes for what an EXPLAIN explains, since EXPLAIN ANALYZE runs it. DuckDB itself says
    of what kind ``sql``, one statement, is, and parses DESCRIBE and SHOW into a SELECT. Raises
    duckdb.Error for what is not SQL.
    """
    kind = _kind(sql)
    if kind == _EXPLAIN:
        # One end of the text is what is explained: each that is a statement has to be a question.
        kinds = {kind for text in _ends_of_explain(sql) if (kind := _kind_if_any(text))}
        kind = next(iter(kinds - {_SELECT}), _SELECT) if kinds else _OTHER
    if kind != _SELECT:
        raise NoQuestionError(_OTHER if kind is None else _KINDS.get(kind, kind))


def _kind(sql: str) -> str | None:
    """Return DuckDB's name for the kind of a statement, None where ``sql`` has none."""
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(sql)]
    except ValueError:  # a kind without a name in Python, such as that of UPDATE EXTENSIONS
        return _OTHER
    return next(iter(kinds), None)


def _kind_if_any(sql: str) -> str | None:
    try:
        return _kind(sql)
    except duckdb.Error:
        return None


def _ends_of_explain(sql: str) -> Iterator[str]:
    """Yield what follows EXPLAIN, then what follows ANALYZE and options in brackets, if there."""
    text = sql.encode()
    starts = [start for start, kind in duckdb.tokenize(sql) if kind != duckdb.token_type.comment]
    tokens = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    at = 1
    yield b"".join(tokens[at:]).decode()
    if tokens[at][:7].lower() in (b"analyze", b"analyse"):
        at += 1
        yield b"".join(tokens[at:]).decode()
    depth = 0
    for number, token in enumerate(tokens[at:], start=at + 1):
        depth += (token[:1] == b"(") - (token[:1] == b")")
        if depth == 0:
            if token[:1] == b")":
                yield b"".join(tokens[number:]).decode()
            return


def check_is_question_to_athena(sql: str) -> None:
    """Raise NoQuestionError for a statement that begins as none does that asks (Trino's grammar).

    What an EXPLAIN explains has to ask too. Athena itself takes one statement at a time.
    """
    start = _TRINO_START.match(sql)
    word = "" if start is None else start["word"].lower()
    if word not in _TRINO_ASKS:
        raise NoQuestionError(word.upper() or _OTHER)
