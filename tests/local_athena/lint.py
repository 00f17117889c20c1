"""What Trino takes and Athena engine version 3 does not, found in compiled SQL without running it.

Sources: Athena User Guide, "Athena engine version 3", "Considerations and limitations for CTAS
queries", "Create Iceberg tables"; Trino's release notes for what came later.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from local_athena.functions import FUNCTIONS, WORDS

LONGEST_QUERY = 262_144

# Types that neither Hive nor Iceberg tables of Athena store.
_UNSTORED = frozenset(("TIME", "JSON", "UUID", "TIMESTAMPTZ", "CHAR", "NCHAR"))
_REFUSED = {
    exp.MatchRecognize: "MATCH_RECOGNIZE",
    exp.JSONTable: "JSON_TABLE",
    exp.Pivot: "PIVOT",
}


@contextmanager
def _room_for_deep_expressions() -> Iterator[None]:
    """Let the parser go as deep as the rules for secrets, which stand in each other."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def problems(sql: str) -> Iterator[str]:
    """Yield what is wrong with one compiled query, a line each."""
    if len(sql.encode()) > LONGEST_QUERY:
        yield f"has {len(sql.encode()):,} bytes, over {LONGEST_QUERY:,}"
    try:
        with _room_for_deep_expressions():
            statements = sqlglot.parse(sql, read="athena")
    except ParseError as error:
        yield f"does not parse: {str(error).splitlines()[0]}"
        return
    query = statements[0]
    if len(statements) != 1 or not isinstance(query, exp.Query):
        yield "is not one query"
        return
    yield from _of_functions(sql)
    for node in query.walk():
        yield from _of_node(node)
    for output in query.selects:
        type_ = output.unalias().find(exp.DataType)
        is_cast = isinstance(output.unalias(), (exp.Cast, exp.TryCast))
        if is_cast and type_ is not None and type_.this.name in _UNSTORED:
            yield f"gives {output.alias_or_name} a type that no table stores: {type_.sql()}"


def _of_node(node: exp.Expr) -> Iterator[str]:
    for kind, name in _REFUSED.items():
        if isinstance(node, kind):
            yield f"has {name}"
    if isinstance(node, exp.With) and node.recursive:
        yield "has WITH RECURSIVE"
    if isinstance(node, exp.Star) and (node.args.get("except_") or node.args.get("except")):
        yield "has * EXCEPT"
    if isinstance(node, exp.Group) and node.args.get("all"):
        yield "has GROUP BY ALL"
    if isinstance(node, exp.Identifier) and node.name != node.name.lower():
        yield f"has the identifier {node.name}, not in lower case"


def _of_functions(sql: str) -> Iterator[str]:
    """Look at the functions as they are written: the parser gives some of them other names."""
    tokens = sqlglot.tokenize(sql, read="athena")
    for (before, token), (_, after) in pairwise(pairwise(tokens)):
        name = token.text.lower()
        # Behind `as` stands the alias of a table with its columns.
        is_called = after.text == "(" and name.isidentifier() and before.text.lower() != "as"
        if is_called and name not in FUNCTIONS | WORDS:
            yield f"calls {name}, which is not known to be in Athena engine version 3"
