"""Resolve the requirements of pyproject.toml and lock them with hashes: ``make lock``.

The lock holds for every platform and Python that the project runs on, and names no index.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# The larger set first: the smaller one has the same versions.
LOCKS = {"dev": ["build", "dev"], "run": ["build"]}


def main() -> None:
    """Write ``requirements/*.txt``; further arguments are passed on, such as ``--upgrade``."""
    for name, extras in LOCKS.items():
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml"]
        command += [part for extra in extras for part in ("--extra", extra)]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-header"]
        command += ["--output-file", f"requirements/{name}.txt", *sys.argv[1:]]
        if name == "run":
            command += ["--constraint", "requirements/dev.txt"]
        subprocess.run(command, cwd=PROJECT, check=True)


if __name__ == "__main__":
    main()
