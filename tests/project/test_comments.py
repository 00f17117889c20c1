"""Comments and docstrings name files and modules that there are."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from support.command_line import PROJECT

_FOLDERS = ("analyses", "benchmarks", "data_tests", "macros", "models", "scripts", "tests", "tools")
_FILES = sorted(
    path.relative_to(PROJECT)
    for folder in _FOLDERS
    for suffix in ("py", "sql")
    for path in (PROJECT / folder).rglob(f"*.{suffix}")
)
_DOCUMENTS = sorted(
    path.relative_to(PROJECT)
    for folder in ("benchmarks", "deploy", "docs")
    for path in (PROJECT / folder).rglob("*.md")
)
_KNOWN = [f"/{path.as_posix()}" for path in (*_FILES, *_DOCUMENTS)]
# Not those of other projects, such as dbt's own.
_PATH = re.compile(r"(?<![\w/.~<-])(?!dbt/include/)((?:[\w-]+/)*[\w-]+\.(?:py|sql|md))\b(?![/\w])")
# Not an address in a log, a table, or an attribute of something that is called so.
_MODULE = re.compile(r"(?<![\w./@*-])rolecall((?:\.[a-z_]\w*)+)")
_OTHERS = {".toml", ".duckdb", ".added"}
_HAS_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _remarks(path: Path) -> str:
    """Return the comments of a file, and the docstrings."""
    text = (PROJECT / path).read_text(encoding="utf-8")
    if path.suffix == ".sql":
        return "\n".join(re.findall(r"{#.*?#}|--[^\n]*", text, re.DOTALL))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    documented = [node for node in ast.walk(ast.parse(text)) if isinstance(node, _HAS_DOCSTRING)]
    return "\n".join([*comments, *(ast.get_docstring(node) or "" for node in documented)])


@pytest.mark.parametrize("path", _FILES, ids=str)
def test_files_that_remarks_name_are_there(path: Path) -> None:
    """A name may leave out the folders that lead to it."""
    named = set(_PATH.findall(_remarks(path)))
    gone = {name for name in named if not any(known.endswith(f"/{name}") for known in _KNOWN)}
    assert gone == set()


def _is_there(name: str) -> bool:
    """Return whether a dotted name below the package is a module, or what one defines."""
    *parents, last = name.removeprefix(".").split(".")
    module = PROJECT.joinpath("scripts", "rolecall", *parents)
    if (module / last).is_dir() or (module / f"{last}.py").is_file():
        return True
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    defined = re.compile(rf"^(?:def |class )?{last}\b", re.MULTILINE)
    return file.is_file() and bool(defined.search(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", _FILES, ids=str)
def test_modules_that_remarks_name_are_there(path: Path) -> None:
    named = set(_MODULE.findall(_remarks(path))) - _OTHERS
    assert {name for name in named if not _is_there(name)} == set()


def test_a_name_that_a_move_left_behind_is_found() -> None:
    assert _is_there(".aws.alarm")
    assert _is_there(".lambda_handler.handler")
    assert not _is_there(".alarm")
    assert not _is_there(".lambda_handler.nothing")
