"""How much memory a program takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

# A process begins with the peak of the one that starts it, tests have had large ones: the program
# is started by one that is small.
_START = """
import os, sys
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
with open(sys.argv[1], "w") as told:
    told.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
_UNIT = 1 if sys.platform == "darwin" else 1024


def run_measured(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run a program to its end; return also how many bytes of memory it took at most."""
    with TemporaryDirectory() as told:
        peak = Path(told) / "peak"
        done = subprocess.run(
            [sys.executable, "-c", _START, peak, *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, int(peak.read_text()) * _UNIT
