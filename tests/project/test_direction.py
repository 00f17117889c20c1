"""What is known is known in one direction: nothing refers back, in SQL and in Python."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from pack_lambda import MODULES
from support.command_line import PROJECT
from support.documents import documented

# From what AWS logged to the answers: a model refers to its own folder and to earlier ones.
_FOLDERS = (
    "staging",
    "store",
    "rules/records",
    "rules/entries",
    "rules/sessions",
    "rules/actors",
    "marts",
)

# Staging looks up which files are done, in the ledger as the last load left it.
_LOOKED_UP = {"staging": {"log_reads"}}

# Questions that read rules too: what they ask of a session, no mart has.
_READ_RULES = ("find_session",)

# From the ground up: a module imports its own package and earlier ones, when it is loaded.
_PACKAGES = (
    "",
    "aws",
    "project",
    "local",
    "setup",
    "athena",
    "output",
    "queries",
    "verification",
    "commands",
)

_MODELS = {
    path.stem: path.parent.relative_to(PROJECT / "models").as_posix()
    for path in sorted((PROJECT / "models").rglob("*.sql"))
}
_PACKAGE = PROJECT / "scripts" / "rolecall"


def _macros() -> dict[str, str]:
    """Return the text of each macro by its name."""
    texts: dict[str, str] = {}
    for path in (PROJECT / "macros").rglob("*.sql"):
        pieces = re.split(r"{%-? macro (\w+)\(", path.read_text(encoding="utf-8"))
        texts |= dict(zip(pieces[1::2], pieces[2::2], strict=True))
    return texts


_MACROS = _macros()


def _referred(sql: str, by: str = "ref") -> set[str]:
    """Return the models that SQL, or a macro that it calls, names in a call of ``by``."""
    called: set[str] = set()
    pending = [sql]
    referred: set[str] = set()
    while pending:
        text = pending.pop()
        referred |= set(re.findall(rf"\b{by}\('(\w+)'\)", text))
        names = set(re.findall(r"\b(\w+)\(", text))
        for name in re.findall(r"dispatch\('(\w+)'\)", text):
            names |= {f"duckdb__{name}", f"athena__{name}"}
        new = (names & _MACROS.keys()) - called
        called |= new
        pending += [_MACROS[name] for name in new]
    return referred


@pytest.mark.parametrize("name", _MODELS)
def test_no_model_refers_back(name: str) -> None:
    """Nor does a macro that it calls."""
    folder = _MODELS[name]
    sql = (PROJECT / "models" / folder / f"{name}.sql").read_text(encoding="utf-8")
    later = _FOLDERS[_FOLDERS.index(folder) + 1 :]
    assert [other for other in _referred(sql) if _MODELS[other] in later] == []
    looked_up = {other for other in _referred(sql, "store_relation") if _MODELS[other] in later}
    assert looked_up <= _LOOKED_UP.get(folder, set())


def test_staging_looks_up_what_the_page_on_architecture_says() -> None:
    sql = "".join(path.read_text("utf-8") for path in (PROJECT / "models/staging").glob("*.sql"))
    assert _referred(sql, "store_relation") >= _LOOKED_UP["staging"]


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "analyses").glob("*.sql")), ids=lambda path: path.stem
)
def test_questions_read_marts_and_the_store(path: Path) -> None:
    folders = {_MODELS[name] for name in _referred(path.read_text(encoding="utf-8"))}
    assert (folders <= {"marts", "store"}) == (path.stem not in _READ_RULES)


def _imports(tree: ast.Module) -> set[str]:
    """Return the modules of the package that a module imports when it is loaded."""
    return {
        node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rolecall.")
    }


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in _PACKAGE.rglob("*.py")
        if path.name not in ("lambda_handler.py", "__main__.py")
    ),
    ids=lambda path: path.relative_to(_PACKAGE).as_posix(),
)
def test_no_module_imports_back(path: Path) -> None:
    folder = path.parent.relative_to(_PACKAGE).as_posix().removeprefix(".")
    own = _PACKAGES.index(folder)
    for module in _imports(ast.parse(path.read_text(encoding="utf-8"))):
        parts = module.split(".")
        imported = parts[1] if len(parts) > 2 else ""
        assert _PACKAGES.index(imported) <= own, module


def _drawn(graph: str) -> set[tuple[str, str]]:
    """Return the arrows of a graph of the page on architecture, by the labels of their ends."""
    labels = dict(re.findall(r'(\w+)\["([^"]+)"\]', graph))
    arrows = re.findall(r"(\w+)(?:\[.*?\])? --> (\w+)", graph)
    return {(labels.get(start, start), labels.get(end, end)) for start, end in arrows}


def _reached(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return where one comes along some arrows, over one step or more."""
    reached = set(arrows)
    while more := {(a, d) for a, b in reached for c, d in arrows if b == c} - reached:
        reached |= more
    return reached


def test_the_graph_of_models_is_drawn_as_they_refer() -> None:
    drawn = _drawn(documented("docs/architecture.md", "flowchart LR"))
    referred = {
        (_MODELS[name], _MODELS[path.stem])
        for path in (PROJECT / "models").rglob("*.sql")
        for name in re.findall(r"\bref\('(\w+)'\)", path.read_text(encoding="utf-8"))
        if _MODELS[name] != _MODELS[path.stem]
    }
    assert drawn <= referred
    assert referred <= _reached(drawn)


def test_the_graph_of_packages_is_drawn_as_they_import() -> None:
    ground = "scripts/rolecall/*.py"
    drawn = _drawn(documented("docs/architecture.md", "flowchart TD"))
    imported = set()
    for path in _PACKAGE.rglob("*.py"):
        folder = path.parent.relative_to(_PACKAGE).as_posix()
        own = "lambda_handler.py" if path.name == "lambda_handler.py" else folder
        # Inside functions too.
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and re.match(r"rolecall\.", node.module or ""):
                parts = str(node.module).split(".")
                imported.add((own, parts[1] if len(parts) > 2 else ground))
    imported = {(own, other) for own, other in imported if own not in (".", other)}
    assert drawn <= imported
    assert imported <= _reached(drawn)


def _libraries(tree: ast.Module) -> set[str]:
    """Return the packages of others that a module imports when it is loaded."""
    named = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    named |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in named} - sys.stdlib_module_names - {"rolecall"}


def test_the_lambda_function_is_packed_with_the_modules_that_it_needs_and_boto3_is_enough() -> None:
    needed, pending = {"__init__"}, {"lambda_handler"}
    while pending:
        name = pending.pop()
        needed |= {name, *(f"{parent}/__init__" for parent in Path(name).parents if parent.name)}
        tree = ast.parse((_PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
        assert _libraries(tree) <= {"boto3", "botocore"}, name
        imported = {module.removeprefix("rolecall.").replace(".", "/") for module in _imports(tree)}
        pending |= imported - needed
    # What an answer of Athena becomes for the command line is imported in its methods.
    assert needed <= set(MODULES) <= needed | {"rows"}
