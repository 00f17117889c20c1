"""The project keeps its own rules: documentation, names, locks, a wheel that works elsewhere."""

from __future__ import annotations

import importlib.metadata
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dbt.adapters
import pytest
import yaml

import rolecall as package
from rolecall.project.location import state_dir
from support import forked
from support.command_line import PROJECT, SAMPLE, Rolecall

MODELS = sorted((PROJECT / "models").rglob("*.sql"))
MACROS = sorted((PROJECT / "macros").rglob("*.sql"))
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False
).stdout.split("\0")


def _described(path: Path) -> dict[str, Any]:
    (model,) = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    described: dict[str, Any] = model
    return described


def _unit_tests(path: Path) -> list[dict[str, Any]]:
    """Return the unit tests of a model, which stand beside it."""
    file = path.with_suffix(".unit.yml")
    if not file.exists():
        return []
    tests: list[dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["unit_tests"]
    return tests


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_model_and_column_is_described(path: Path, sample: Rolecall) -> None:
    model = _described(path)
    assert model["name"] == path.stem
    assert model["description"].startswith(("One row per", "Who", "What"))
    for column in model["columns"]:
        assert column["description"], column["name"]
    made = sample.query(
        f"select column_name, lower(data_type) from information_schema.columns"
        f" where table_name = '{path.stem}' order by ordinal_position"
    )
    assert [(column["name"], column["data_type"]) for column in model["columns"]] == made


def test_lines_beside_models_are_short() -> None:
    files = sorted((PROJECT / "models").rglob("*.yml"))
    long = {
        path.name
        for path in files
        if any(len(line) > 120 for line in path.read_text(encoding="utf-8").splitlines())
    }
    assert long == set()


def test_models_are_short() -> None:
    lines = {path.stem: len(path.read_text(encoding="utf-8").splitlines()) for path in MODELS}
    assert [stem for stem, count in lines.items() if count > 180] == []
    assert statistics.median(lines.values()) < 90


@pytest.mark.parametrize("path", MACROS, ids=lambda p: p.stem)
def test_every_macro_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("{#- ")
    # One of its own name, in both versions or in one of neither engine; or the adapter's, replaced.
    versions = re.findall(rf"macro (duckdb|athena|default)__{path.stem}\(", text)
    if f"macro {path.stem}(" in text:
        assert versions in ([], ["duckdb", "athena"])
    else:
        assert versions == ["athena"]


@pytest.mark.parametrize(
    "path", [path for path in MACROS if path.parent.name == "overrides"], ids=lambda p: p.stem
)
def test_a_macro_that_replaces_another_names_it_and_its_version(path: Path) -> None:
    """Of a newer version it is to be looked at again."""
    head = path.read_text(encoding="utf-8").partition("-#}")[0]
    named = re.search(r"Replaces .*: ([a-z-]+) ([\d.]+),\s+dbt/(include/\S+\.sql)\.", head)
    assert named, head
    package, version, upstream = named.groups()
    assert importlib.metadata.version(package) == version
    text = (Path(dbt.adapters.__path__[0]).parent / upstream).read_text(encoding="utf-8")
    replaced = re.findall(r"macro (\w+)\(", path.read_text(encoding="utf-8"))[0]
    assert f"macro {replaced}(" in text


def _signatures() -> dict[str, list[str]]:
    """Return the macros of the project with the names of their arguments."""
    texts = [path.read_text(encoding="utf-8") for path in MACROS]
    found = re.findall(r"{%-? macro (\w+)\((.*?)\)", "".join(texts))
    return {name: re.findall(r"(\w+)(?:=[^,]+)?(?:, |$)", given) for name, given in found}


@pytest.mark.parametrize("folder", sorted({path.parent for path in MACROS}), ids=lambda p: p.name)
def test_every_macro_and_argument_is_described(folder: Path) -> None:
    text = (folder / "_macros.yml").read_text(encoding="utf-8")
    described = {
        macro["name"]: [argument["name"] for argument in macro.get("arguments", [])]
        for macro in yaml.safe_load(text)["macros"]
        if macro["description"]
        and all(
            argument["type"] and argument["description"] for argument in macro.get("arguments", [])
        )
    }
    signatures = _signatures()
    files = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    own = {
        name: signatures[name]
        for name in re.findall(r"{%-? macro (\w+)\(", files)
        # What an engine does is described where it is asked for, if that is a macro of ours.
        if re.sub(r"^(duckdb|athena)__", "", name) not in signatures.keys() - {name}
    }
    assert described == own
    assert list(described) == list(own)


@pytest.mark.parametrize("rule", range(1, 13))
def test_every_rule_that_the_models_carry_has_a_unit_test(rule: int) -> None:
    tests = [test for path in MODELS for test in _unit_tests(path)]
    assert [test["name"] for test in tests if f"RULES {rule}," in test["description"]]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_unit_tests_are_named_after_their_model(path: Path) -> None:
    for test in _unit_tests(path):
        assert test["name"].startswith(path.stem)
        assert test["model"] == path.stem


_PLACE = re.compile(
    r"`(?P<model>\w+)\.(?P<cte>[\w{} ]+)`|macro `(?P<macro>\w+)`|`(?P<file>[\w/]+\.py)`"
)


def _rules() -> list[tuple[str, list[re.Match[str]]]]:
    """Return the rules of their page: the number of each, and its places."""
    page = (PROJECT / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| .+\. \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| [^r-]", page, re.MULTILINE))
    rules = []
    for number, cell in rows:
        places = list(_PLACE.finditer(cell))
        assert ", ".join(place[0] for place in places) == cell, number
        rules.append((number, places))
    return rules


def test_the_rules_are_numbered_in_order() -> None:
    expected: list[str] = []
    for chapter in range(1, 13):
        count = sum(number.startswith(f"{chapter}.") for number, _ in _rules())
        expected += [f"{chapter}.{row}" for row in range(1, count + 1)]
    assert [number for number, _ in _rules()] == expected


_SQL = {
    path: path.read_text(encoding="utf-8")
    for path in (*MODELS, *MACROS, *sorted((PROJECT / "analyses").glob("*.sql")))
}
# More than columns under their own names.
_DECIDES = re.compile(
    r"\b(and|case|coalesce|distinct|group by|having|join|or|over|union|where)\b"
    r"|\|\||[<>=]|{{ (?!ref\()"
)


def _cte(sql: str, name: str) -> str:
    """Return the text of a CTE, or of the call of a macro that makes it."""
    written = re.search(rf"^( *){re.escape(name)} as \((.*?)^\1\)", sql, re.MULTILINE | re.DOTALL)
    if written:
        return written[2]
    called = re.search(rf"^{{{{ \w+\(\s*'{name}',.*?^\) }}}}", sql, re.MULTILINE | re.DOTALL)
    return called[0] if called else ""


@pytest.mark.parametrize(("number", "places"), _rules(), ids=lambda value: str(value)[:6])
def test_the_rules_are_where_their_page_says(number: str, places: list[re.Match[str]]) -> None:
    """In three files at most."""
    models = {path.stem: path for path in MODELS}
    files = set()
    for place in places:
        if model := place["model"]:
            files.add(models[model])
            cte = _cte(_SQL[models[model]], place["cte"])
            assert _DECIDES.search(cte), place[0]
        elif macro := place["macro"]:
            (file,) = [path for path, sql in _SQL.items() if f"macro {macro}(" in sql]
            files.add(file)
            assert any(f"{macro}(" in sql for path, sql in _SQL.items() if path != file), place[0]
        else:
            files.add(PROJECT / place["file"])
            assert (PROJECT / place["file"]).exists()
    assert 1 <= len(files) <= 3


def test_the_page_of_rules_names_every_model_that_has_one() -> None:
    named = {place["model"] for _, places in _rules() for place in places}
    assert {path.stem for path in MODELS if "rules" in path.parts} <= named


def test_the_page_of_rules_names_every_macro_that_has_one() -> None:
    named = {place["macro"] for _, places in _rules() for place in places}
    assert {path.stem for path in MACROS if path.parent.name == "rules"} <= named


def test_one_version_everywhere() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["version"] == package.__version__
    assert importlib.metadata.version("rolecall") == package.__version__


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_requirements_are_locked_with_hashes_and_name_no_index(lock: str) -> None:
    text = (PROJECT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?:|--|index", re.sub(r"--hash=sha256:[0-9a-f]{64}", "", text))
    for requirement in re.split(r"\n(?=[a-z])", text):
        assert re.match(r"[a-z0-9.-]+==\S+", requirement)
        assert "--hash=sha256:" in requirement


def test_both_locks_have_the_same_versions() -> None:
    versions = [
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (PROJECT / path).read_text(), re.MULTILINE))
        for path in ("requirements/run.txt", "requirements/dev.txt")
    ]
    run, dev = versions
    assert run.items() <= dev.items()
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in declared["dependencies"]:
        assert re.split(r"[<>=;\[]", requirement)[0] in run


def test_no_account_or_host_stands_in_code() -> None:
    for name in filter(None, TRACKED):
        path = PROJECT / name
        if not name.startswith(("scripts/rolecall/", "models/", "macros/", "analyses/")):
            continue
        if name.endswith(".unit.yml"):  # their accounts are invented
            continue
        assert not re.search(r"\b\d{12}\b", path.read_text(encoding="utf-8")), name


def test_dbt_sends_nothing_anywhere() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["flags"]["send_anonymous_usage_stats"] is False


def test_every_make_target_has_a_word_of_help() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = re.findall(r"make (\S+)", done.stdout)
    assert set(listed) >= {"run", "test", "test-athena", "soak", "lint"}
    assert set(listed) >= {"format", "docs", "bench", "lambda", "help"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with rolecall installed from its wheel, without what the checkout has."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *offline, "-w", folder, PROJECT], check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site-packages"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", target, wheel],
        check=True,
        timeout=300,
    )
    return target


def test_the_wheel_works_outside_a_checkout(installed: Path, rolecall: Rolecall) -> None:
    rolecall.environment |= {
        "PYTHONPATH": str(installed),
        "XDG_CACHE_HOME": str(rolecall.folder / "cache"),
    }
    where = subprocess.run(
        [sys.executable, "-c", "import rolecall; print(rolecall.__file__)"],
        cwd=rolecall.folder,
        env=rolecall.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed))
    assert "129 new events" in rolecall.refresh(SAMPLE)
    assert len(rolecall.run("history").stdout.partition("\n\n")[0].splitlines()) == 18
    assert "switch_role_query" in rolecall.run("query").stdout
    made = {path.name for path in rolecall.folder.iterdir()}
    assert made == {"rolecall.duckdb", "cache"}
    # Nothing is written beside the package: it may belong to somebody else.
    assert not list(installed.glob("rolecall/dbt_project/target"))


def test_the_athena_target_compiles(tmp_path: Path, rolecall: Rolecall) -> None:
    for assumed in ("true", "false"):
        done = forked.run(
            *("dbt", "compile", "--target", "athena"),
            *("--no-introspect", "--no-populate-cache", "--project-dir", PROJECT),
            *("--profiles-dir", PROJECT, "--target-path", tmp_path, "--log-path", tmp_path),
            *("--vars", f"{{assume_incremental: {assumed}}}"),
            folder=PROJECT,
            environment=rolecall.environment
            | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"},
            seconds=300,
        )
        assert done.returncode == 0, done.stdout
        compiled = tmp_path / "compiled" / "rolecall" / "models" / "marts" / "role_switches.sql"
        assert '"awsdatacatalog"."rolecall"."console_switches"' in compiled.read_text()


def test_as_a_package_it_looks_for_its_tables_where_the_parent_project_puts_them(
    tmp_path: Path, rolecall: Rolecall
) -> None:
    (tmp_path / "dbt_project.yml").write_text(
        "{name: company, version: 1.0.0, profile: rolecall, models: {rolecall: {+schema: audit}}}",
        encoding="utf-8",
    )
    packages = {"packages": [{"local": str(PROJECT)}]}
    (tmp_path / "packages.yml").write_text(yaml.safe_dump(packages), encoding="utf-8")
    # What a checkout has built is not part of the package.
    at = ("--project-dir", tmp_path, "--profiles-dir", PROJECT, "--log-path", tmp_path / "logs")
    environment = rolecall.environment | {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-east-1",
    }
    for command in (
        ("deps",),
        (
            *("compile", "--target", "athena", "--no-introspect", "--no-populate-cache"),
            *("--vars", "{assume_incremental: true}", "--target-path", tmp_path / "target"),
        ),
    ):
        done = forked.run(
            *("dbt", *command, *at), folder=tmp_path, environment=environment, seconds=300
        )
        assert done.returncode == 0, done.stdout
    compiled = sorted((tmp_path / "target" / "compiled" / "rolecall" / "models").rglob("*.sql"))
    assert len(compiled) >= len(MODELS)
    for path in compiled:
        schemas = set(re.findall(r'"awsdatacatalog"\."(\w+)"', path.read_text(encoding="utf-8")))
        assert schemas <= {"default", "rolecall_audit"}, path.stem


def test_artifacts_go_where_dbt_s_own_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert state_dir() == PROJECT / "target"
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "artifacts"))
    assert state_dir() == tmp_path / "artifacts"
