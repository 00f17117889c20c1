"""Render macros alone, without a warehouse, and read what a template printed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from support import forked
from support.command_line import PROJECT


def answer_of(template: str, folder: Path, *, target: str = "athena") -> dict[str, Any]:
    """Return the answer of a template on a target; ``folder`` is for artifacts."""
    done = forked.run(
        "dbt",
        *("compile", "--inline", template),
        *("--target", target, "--no-introspect", "--no-populate-cache", "--no-write-json"),
        *("--vars", "{assume_incremental: true}", "--project-dir", PROJECT),
        *("--profiles-dir", PROJECT, "--target-path", folder, "--log-path", folder),
        folder=folder,
        environment=os.environ,
        seconds=300,
    )
    assert done.returncode == 0, done.stdout
    return answer_in(done.stdout)


def answer_in(printed: str) -> dict[str, Any]:
    """Return what a template printed as JSON after the word ANSWER."""
    answer: dict[str, Any] = json.loads(printed.partition("ANSWER")[2].splitlines()[0])
    return answer
