"""The README's commands print what it says they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROJECT, SAMPLE, Rolecall

README = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """Return each command of a block with the output below it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_hascommands() -> None:
    assert [command for command, _ in commands(BLOCKS[0])] == ["make run"]
    assert len(BLOCKS) > 4


def test_make_run_prints_what_the_readme_says(rolecall: Rolecall) -> None:
    ((_, expected),) = commands(BLOCKS[0])
    # In this environment, on a database that is not there yet.
    options = f"RUN_ENV= BIN='{Path(sys.executable).parent}' SAMPLE_DATABASE='{rolecall.database}'"
    command = f"make --no-print-directory -C '{PROJECT}' run {options}"
    printed = _run(command, rolecall.folder, rolecall.environment)
    assert printed.replace(str(rolecall.database), "target/sample.duckdb") == expected


def test_the_other_commands_print_what_the_readme_says(rolecall: Rolecall) -> None:
    (rolecall.folder / "sample").symlink_to(SAMPLE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{rolecall.environment['PATH']}"
    for block in BLOCKS[1:]:
        for command, expected in commands(block):
            printed = _run(command, rolecall.folder, rolecall.environment | {"PATH": path})
            assert printed == expected, command


@pytest.mark.parametrize(
    "document", sorted(PROJECT.glob("*.md")) + sorted(PROJECT.glob("docs/*.md"))
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target
