"""What Athena's SQL says, statement by statement.

Athena takes a list of statements, some of them in Hive's language, some in Trino's. This module
knows that list and refuses anything else, as Athena does: Trino would take more.

Sources: Athena's User Guide, "DDL reference", "DML reference" and "Unsupported DDL".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from local_athena.functions import FUNCTIONS, WORDS

MAX_BYTES = 262_144
"""The longest query string that Athena takes, in bytes of UTF-8 ("Service quotas")."""

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<string>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|[A-Za-z_][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<symbol><>|<=|>=|!=|\|\||->|=>|::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = "([<", ")]>"

# What WITH (...) of a CREATE TABLE AS may have ("CREATE TABLE AS", "CTAS table properties").
_TABLE_PROPERTIES = frozenset(
    """
    table_type is_external external_location location format partitioned_by partitioning bucketed_by
    bucket_count write_compression compression_level field_delimiter orc_compression
    parquet_compression vacuum_min_snapshots_to_keep vacuum_max_snapshot_age_seconds
    vacuum_max_metadata_files_to_keep write_target_data_file_size_bytes
    optimize_rewrite_min_data_file_size_bytes optimize_rewrite_max_data_file_size_bytes
    optimize_rewrite_data_file_threshold optimize_rewrite_delete_file_threshold
    """.split()  # noqa: SIM905
)


class InvalidStatementError(Exception):
    """A statement that Athena does not take."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its place in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token in lower case, '' for a text in quotes."""
        return "" if self.kind == "string" or self.text[0] in '"`' else self.text.lower()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a Hive table: its type is Hive's, such as ``struct<a:string>``."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class TableName:
    """The name of a table; without schema it is in the schema of the query."""

    table: str
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of Athena; ``text`` is without comments in front and semicolon behind.

    ``kind`` says what it does, such as ``select`` or ``create external table``; ``type`` is
    Athena's StatementType, DML, DDL or UTILITY.
    """

    kind: str
    type: str
    text: str
    table: TableName | None = None
    query: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    partitions: tuple[Column, ...] = ()
    locations: tuple[tuple[dict[str, str], str], ...] = ()
    target: TableName | None = None
    where: str = ""
    exists_ok: bool = False

    @property
    def substatement(self) -> str:
        """Athena's SubstatementType."""
        if self.kind == "utility":
            return self.text.split()[0].upper()
        if self.kind == "create table as":
            return "CREATE_TABLE_AS_SELECT"
        return self.kind.upper().replace(" ", "_")


def parse(sql: str) -> Statement:
    """Return what ``sql`` says. Raises InvalidStatementError if Athena would not take it."""
    if len(sql.encode()) > MAX_BYTES:
        raise InvalidStatementError(f"The query string is longer than {MAX_BYTES} bytes.")
    reader = _Reader(sql)
    if reader.at_end():
        raise InvalidStatementError("The query is empty.")
    text = reader.text.strip()
    for words, parse_rest in _STATEMENTS:
        if reader.take(*words.split()):
            reader.is_hive = words in _HIVE_STATEMENTS
            statement = parse_rest(reader, text)
            if statement.type == "DML" or statement.query:
                _refuse_what_athena_lacks(reader)
            return statement
    first = reader.peek().text
    raise InvalidStatementError(f"line 1:1: mismatched input '{first}'. Expecting a statement.")


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of ``sql``, without white space and comments."""
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "symbol"
        if kind != "space":
            yield Token(kind, match[0], match.start(), match.end())


def unquoted(text: str) -> str:
    """Return a name or a text without its quotes."""
    for quote in ('"', "`", "'"):
        if text.startswith(quote):
            return text[1:-1].replace(quote * 2, quote)
    return text


class _Reader:
    """Reads the tokens of one statement from left to right."""

    def __init__(self, sql: str) -> None:
        found = list(tokens(sql))
        if found and found[-1].text == ";":
            found.pop()
        if any(token.text == ";" for token in found):
            raise InvalidStatementError("Only one sql statement is allowed.")
        start = found[0].start if found else 0
        self.text = sql[start : found[-1].end] if found else ""
        self.tokens = [
            Token(token.kind, token.text, token.start - start, token.end - start) for token in found
        ]
        self.position = 0
        self.is_hive = False

    def at_end(self) -> bool:
        return self.position >= len(self.tokens)

    def peek(self) -> Token:
        if self.at_end():
            raise InvalidStatementError("mismatched input '<EOF>'")
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def take(self, *words: str) -> bool:
        """Step over these words if they come next."""
        ahead = self.tokens[self.position : self.position + len(words)]
        if tuple(token.word for token in ahead) != words:
            return False
        self.position += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.take(*words):
            found = "<EOF>" if self.at_end() else self.peek().text
            raise InvalidStatementError(
                f"mismatched input '{found}'. Expecting: '{' '.join(words).upper()}'"
            )

    def expect_end(self) -> None:
        if not self.at_end():
            raise InvalidStatementError(f"mismatched input '{self.peek().text}'")

    def string(self) -> str:
        token = self.next()
        if token.kind != "string":
            raise InvalidStatementError(f"mismatched input '{token.text}'. Expecting a string")
        return unquoted(token.text)

    def name(self) -> str:
        token = self.next()
        if token.kind != "name":
            raise InvalidStatementError(f"mismatched input '{token.text}'. Expecting a name")
        if self.is_hive and token.text.startswith('"'):
            raise InvalidStatementError(
                f"mismatched input '{token.text}'. DDL has names in backticks"
            )
        return unquoted(token.text).lower()

    def table_name(self) -> TableName:
        """Read ``[[catalog.]schema.]table``."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        if len(parts) > 3:
            raise InvalidStatementError(f"too many parts in {'.'.join(parts)}")
        return TableName(parts[-1], parts[-2] if len(parts) > 1 else None)

    def rest(self) -> str:
        """Return what is left of the text, and step over it."""
        text = self.text[self.peek().start :]
        self.position = len(self.tokens)
        return text

    def balanced(self, until: str) -> str:
        """Return the text up to the next comma or ``until`` at this depth, not beyond."""
        start, depth = self.peek().start, 0
        while depth or self.peek().text not in (",", until):
            text = self.next().text
            depth += (text in _OPEN) - (text in _CLOSE)
        return self.text[start : self.tokens[self.position - 1].end]

    def pairs(self) -> dict[str, str]:
        """Read ``(key = value, ...)``; a value stays as it is written."""
        self.expect("(")
        pairs: dict[str, str] = {}
        while not self.take(")"):
            key = unquoted(self.next().text)
            self.expect("=")
            pairs[key] = self.balanced(")")
            self.take(",")
        return pairs

    def columns(self) -> tuple[Column, ...]:
        """Read ``(name type [comment '...'], ...)`` with types of Hive."""
        self.expect("(")
        columns = []
        while not self.take(")"):
            name = self.name()
            start = self.position
            self.balanced(")")
            columns.append(Column(name, _hive_type(self.tokens[start : self.position])))
            self.take(",")
        return tuple(columns)


def _hive_type(declared: Sequence[Token]) -> str:
    """Return a type as Glue has it: lower case, without spaces and comments."""
    parts = []
    for token, after in zip(declared, [*declared[1:], None], strict=True):
        is_comment = token.word == "comment" and after is not None and after.kind == "string"
        if not is_comment and token.kind != "string":
            parts.append(token.text.lower())
    return "".join(parts)


def _query(reader: _Reader, text: str) -> Statement:
    return Statement("select", "DML", text, query=text)


def _with_query(reader: _Reader, text: str) -> Statement:
    if reader.take("function") or reader.take("recursive"):
        raise InvalidStatementError("mismatched input after WITH: Athena has no such clause")
    return _query(reader, text)


def _insert(reader: _Reader, text: str) -> Statement:
    return Statement("insert", "DML", text, reader.table_name())


def _merge(reader: _Reader, text: str) -> Statement:
    return Statement("merge", "DML", text, reader.table_name())


def _delete(reader: _Reader, text: str) -> Statement:
    return Statement("delete", "DML", text, reader.table_name())


def _update(reader: _Reader, text: str) -> Statement:
    return Statement("update", "DML", text, reader.table_name())


def _create_table(reader: _Reader, text: str) -> Statement:
    exists_ok = reader.take("if", "not", "exists")
    table = reader.table_name()
    if not reader.at_end() and reader.peek().text == "(":
        return _create_iceberg_table(reader, text, table, exists_ok)
    properties = reader.pairs() if reader.take("with") else {}
    unknown = sorted(key.lower() for key in properties if key.lower() not in _TABLE_PROPERTIES)
    if unknown:
        raise InvalidStatementError(f"Table properties [{', '.join(unknown)}] are not supported.")
    reader.expect("as")
    query = reader.rest()
    return Statement(
        "create table as",
        "DML",
        text,
        table,
        query,
        {key.lower(): value for key, value in properties.items()},
    )


def _create_iceberg_table(
    reader: _Reader, text: str, table: TableName, exists_ok: bool
) -> Statement:
    """Read Athena's own CREATE TABLE, which is for Iceberg alone."""
    columns = reader.columns()
    partitioning: list[str] = []
    if reader.take("partitioned", "by"):
        reader.expect("(")
        while not reader.take(")"):
            partitioning.append(reader.balanced(")"))
            reader.take(",")
    reader.expect("location")
    location = reader.string()
    reader.expect("tblproperties")
    properties = {key: unquoted(value) for key, value in reader.pairs().items()}
    reader.expect_end()
    if properties.get("table_type", "").lower() != "iceberg":
        raise InvalidStatementError("CREATE TABLE without EXTERNAL is for Iceberg tables only.")
    properties |= {"location": location, "partitioning": ",".join(partitioning)}
    return Statement(
        "create iceberg table",
        "DDL",
        text,
        table,
        properties=properties,
        columns=columns,
        exists_ok=exists_ok,
    )


def _create_external_table(reader: _Reader, text: str) -> Statement:
    exists_ok = reader.take("if", "not", "exists")
    table = reader.table_name()
    columns = reader.columns()
    partitions: tuple[Column, ...] = ()
    properties: dict[str, str] = {}
    storage: dict[str, str] = {}
    while not reader.at_end():
        if reader.take("comment"):
            reader.string()
        elif reader.take("partitioned", "by"):
            partitions = reader.columns()
        elif reader.take("row", "format", "serde"):
            storage["serde"] = reader.string()
        elif reader.take("with", "serdeproperties"):
            storage |= {
                f"serde.{unquoted(key)}": unquoted(value) for key, value in reader.pairs().items()
            }
        elif reader.take("stored", "as", "inputformat"):
            storage["inputformat"] = reader.string()
            reader.expect("outputformat")
            storage["outputformat"] = reader.string()
        elif reader.take("stored", "as"):
            storage["stored as"] = reader.name()
        elif reader.take("location"):
            storage["location"] = reader.string()
        elif reader.take("tblproperties"):
            properties = {key: unquoted(value) for key, value in reader.pairs().items()}
        else:
            raise InvalidStatementError(f"mismatched input '{reader.peek().text}'")
    if not storage.get("location", "").startswith("s3://"):
        raise InvalidStatementError("An external table needs a LOCATION in S3.")
    return Statement(
        "create external table",
        "DDL",
        text,
        table,
        properties=properties | {f"clause {key}": value for key, value in storage.items()},
        columns=columns,
        partitions=partitions,
        exists_ok=exists_ok,
    )


def _create_schema(reader: _Reader, text: str) -> Statement:
    exists_ok = reader.take("if", "not", "exists")
    name = reader.name()
    properties = {}
    while not reader.at_end():
        if reader.take("comment"):
            reader.string()
        elif reader.take("location"):
            properties["location"] = reader.string()
        else:
            raise InvalidStatementError(f"mismatched input '{reader.peek().text}'")
    return Statement(
        "create schema",
        "DDL",
        text,
        TableName("", name),
        properties=properties,
        exists_ok=exists_ok,
    )


def _create_view(reader: _Reader, text: str) -> Statement:
    table = reader.table_name()
    reader.expect("as")
    query = reader.rest()
    return Statement("create view", "DDL", text, table, query)


def _drop(kind: str) -> Callable[[_Reader, str], Statement]:
    def parse_rest(reader: _Reader, text: str) -> Statement:
        exists_ok = reader.take("if", "exists")
        if kind == "drop schema":
            table = TableName("", reader.name())
            reader.take("cascade")
        else:
            table = reader.table_name()
        reader.expect_end()
        return Statement(kind, "DDL", text, table, exists_ok=exists_ok)

    return parse_rest


def _alter_table(reader: _Reader, text: str) -> Statement:
    table = reader.table_name()
    if reader.take("set", "tblproperties"):
        properties = {key: unquoted(value) for key, value in reader.pairs().items()}
        reader.expect_end()
        return Statement("set properties", "DDL", text, table, properties=properties)
    if reader.take("add", "columns") or reader.take("replace", "columns"):
        replacing = reader.tokens[reader.position - 2].word == "replace"
        columns = reader.columns()
        reader.expect_end()
        kind = "replace columns" if replacing else "add columns"
        return Statement(kind, "DDL", text, table, columns=columns)
    if reader.take("rename", "to"):
        target = reader.table_name()
        reader.expect_end()
        return Statement("rename table", "DDL", text, table, target=target)
    if reader.take("drop", "column"):
        column = Column(reader.name(), "")
        reader.expect_end()
        return Statement("drop column", "DDL", text, table, columns=(column,))
    if reader.take("change", "column"):
        old, new = reader.name(), reader.name()
        changed = Column(new, re.sub(r"\s+", "", reader.rest()).lower())
        return Statement("change column", "DDL", text, table, columns=(Column(old, ""), changed))
    if reader.take("add"):
        exists_ok = reader.take("if", "not", "exists")
        return _add_partitions(reader, text, table, exists_ok)
    raise InvalidStatementError(f"mismatched input '{reader.peek().text}' in ALTER TABLE")


def _add_partitions(reader: _Reader, text: str, table: TableName, exists_ok: bool) -> Statement:
    locations = []
    while reader.take("partition"):
        values = {key.lower(): unquoted(value) for key, value in reader.pairs().items()}
        location = reader.string() if reader.take("location") else ""
        locations.append((values, location))
    reader.expect_end()
    return Statement(
        "add partitions", "DDL", text, table, locations=tuple(locations), exists_ok=exists_ok
    )


def _optimize(reader: _Reader, text: str) -> Statement:
    table = reader.table_name()
    reader.expect("rewrite", "data", "using", "bin_pack")
    where = reader.rest() if not reader.at_end() else ""
    return Statement("optimize", "DML", text, table, where=where)


def _vacuum(reader: _Reader, text: str) -> Statement:
    table = reader.table_name()
    reader.expect_end()
    return Statement("vacuum", "DDL", text, table)


def _show_partitions(reader: _Reader, text: str) -> Statement:
    table = reader.table_name()
    reader.expect_end()
    return Statement("show partitions", "UTILITY", text, table)


def _utility(reader: _Reader, text: str) -> Statement:
    return Statement("utility", "UTILITY", text)


_STATEMENTS = (
    ("with", _with_query),
    ("select", _query),
    ("(", _query),
    ("values", _query),
    ("insert into", _insert),
    ("merge into", _merge),
    ("delete from", _delete),
    ("update", _update),
    ("create external table", _create_external_table),
    ("create table", _create_table),
    ("create schema", _create_schema),
    ("create database", _create_schema),
    ("create or replace view", _create_view),
    ("create view", _create_view),
    ("drop table", _drop("drop table")),
    ("drop view", _drop("drop view")),
    ("drop schema", _drop("drop schema")),
    ("drop database", _drop("drop schema")),
    ("alter table", _alter_table),
    ("optimize", _optimize),
    ("vacuum", _vacuum),
    ("show partitions", _show_partitions),
    ("show tables", _utility),
    ("show columns", _utility),
    ("describe", _utility),
    ("explain", _utility),
)

# Hive's parser reads these: its names are in backticks, those of all others in double quotes
# ("Reserved keywords").
_HIVE_STATEMENTS = frozenset(
    (
        "create external table",
        "create schema",
        "create database",
        "drop table",
        "drop schema",
        "drop database",
        "alter table",
        "show partitions",
    )
)


def _refuse_what_athena_lacks(reader: _Reader) -> None:
    """Refuse each function that is not known to be in Athena engine version 3."""
    before = ""
    for token, after in zip(reader.tokens, reader.tokens[1:], strict=False):
        # Behind `as` or a bracket stands the alias of a table with its columns.
        is_called = after.text == "(" and token.kind == "name" and before not in ("as", ")")
        if is_called and token.word and token.word not in FUNCTIONS | WORDS:
            raise InvalidStatementError(
                f"FUNCTION_NOT_FOUND: line 1:{token.start + 1}:"
                f" Function '{token.word}' not registered"
            )
        before = token.text.lower()
