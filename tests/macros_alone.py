"""Render macros of the Athena target alone, without a warehouse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import PROJECT


def answer_of(template: str, folder: Path) -> dict[str, Any]:
    """Return what a template prints as JSON after the word ANSWER; ``folder`` is for artifacts."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "compile", "--inline", template),
            *("--target", "athena", "--no-introspect", "--no-populate-cache"),
            *("--vars", "{assume_incremental: true}", "--project-dir", PROJECT),
            *("--profiles-dir", PROJECT, "--target-path", folder, "--log-path", folder),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    answer: dict[str, Any] = json.loads(done.stdout.partition("ANSWER")[2].splitlines()[0])
    return answer
