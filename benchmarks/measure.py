"""Measure Rolecall on an invented trail and print the table of ``benchmarks/README.md``.

``python benchmarks/measure.py [--scale 1 8] [--repeat 3] [--folder DIR]``

Each figure is the median of ``--repeat`` runs; the runs take turns, so that whatever else the
machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from make_trail import DAYS, FIRST_DAY, write_trail

_PAUSE_SECONDS = 0.02
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CORES = len(os.sched_getaffinity(0))
_FILES_PER_PROCESS = 64


@dataclass(frozen=True, slots=True)
class Measure:
    """What one run took: seconds, and bytes of memory at the peak, its children's included."""

    wall: float
    cpu: float
    peak: int


def measured(command: Sequence[str | Path], environment: dict[str, str]) -> Measure:
    """Run a command and return what it took. Raises RuntimeError if it fails."""
    started = time.monotonic()
    with TemporaryDirectory() as folder, (Path(folder) / "output").open("w+b") as output:
        process = subprocess.Popen(
            list(map(str, command)), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        peak = 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _resident(process.pid))
            time.sleep(_PAUSE_SECONDS)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{command}: {output.read().decode(errors='replace')}")
    wall = time.monotonic() - started
    print(f"{wall:8.1f} s  {' '.join(map(str, command))[:80]}", file=sys.stderr, flush=True)
    # The kernel's own maximum is of the largest process; what is seen from here is of all.
    return Measure(wall, usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss * 1024))


def _resident(pid: int) -> int:
    """Return the memory of a process and all its descendants, in bytes."""
    total = 0
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        try:
            statm = Path(f"/proc/{current}/statm").read_text(encoding="ascii")
            total += int(statm.split()[1]) * _PAGE_BYTES
            for task in Path(f"/proc/{current}/task").iterdir():
                waiting += map(int, (task / "children").read_text(encoding="ascii").split())
        except (OSError, IndexError):
            continue
    return total


@dataclass(frozen=True, slots=True)
class Bench:
    """One trail of some size, and the places to measure in."""

    scale: int
    folder: Path

    @property
    def logs(self) -> Path:
        """The trail."""
        return self.folder / f"trail-{self.scale}"

    @property
    def days(self) -> int:
        """How many days the trail has, the added one aside."""
        return DAYS * self.scale

    def prepare(self) -> str:
        """Write the trail and the day that comes after it; return what the trail is."""
        if not self.logs.exists():
            draft = self.logs.with_suffix(".part")
            shutil.rmtree(draft, ignore_errors=True)
            write_trail(draft, self.days)
            draft.rename(self.logs)
            write_trail(self.next_day, 1, FIRST_DAY + timedelta(days=self.days))
        files = list(self.logs.rglob("*.gz"))
        packed = sum(file.stat().st_size for file in files)
        return f"{len(files):,} files, {packed / 1e6:,.0f} MB packed"

    @property
    def next_day(self) -> Path:
        """The day that is delivered after the trail, a folder of its own."""
        return self.folder / f"next-day-{self.scale}"

    def runs(self) -> dict[str, Measure]:
        """Measure everything once."""
        return {"floor": self.floor()} | self.rolecall()

    def floor(self) -> Measure:
        """Measure unpacking the files with gzip on all cores, and nothing else."""
        command = (
            f"find '{self.logs}' -name '*.gz' -print0 |"
            f" xargs -0 -P {_CORES} -n {_FILES_PER_PROCESS} gzip -dc > /dev/null"
        )
        return measured(["sh", "-c", command], dict(os.environ))

    def rolecall(self) -> dict[str, Measure]:
        """Measure a full load, one of nothing, one of a day more, and the history."""
        database = self.folder / "bench.duckdb"
        for file in self.folder.glob("bench.duckdb*"):
            file.unlink()
        environment = _environment(self.folder)
        rolecall = Path(sys.executable).with_name("rolecall")
        refresh: list[str | Path] = [
            rolecall,
            "refresh",
            "--database",
            database,
            "--add-logs",
            "--logs",
        ]
        return {
            "dbt's own start-up": measured(self.dbt_start_up(), environment),
            "full load": measured([*refresh, self.logs], environment),
            "nothing new": measured([*refresh, self.logs], environment),
            "one more day": measured([*refresh, self.next_day], environment),
            "history": measured([rolecall, "history", "--database", database], environment),
        }

    def dbt_start_up(self) -> list[str | Path]:
        """Return a dbt command that reads the project and does nothing.

        Its artifacts are its own: another way to call dbt makes the next one parse everything anew.
        """
        project = Path(__file__).resolve().parent.parent
        dbt = Path(sys.executable).with_name("dbt")
        return [
            *(dbt, "--quiet", "list", "--select", "log_files", "--no-write-json"),
            *("--project-dir", project, "--profiles-dir", project),
            *("--target-path", self.folder / "start-up"),
        ]


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    return kept | {"ROLECALL_DATABASE": str(folder / "start-up.duckdb")}


def main() -> None:
    """Measure at each scale and print a table for each."""
    parser = argparse.ArgumentParser(description="Measure Rolecall on an invented trail.")
    parser.add_argument("--scale", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the trails are kept [a temporary one]")
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for scale in arguments.scale:
            _measure(Bench(scale, folder), arguments.repeat)


def _measure(bench: Bench, repeat: int) -> None:
    what = bench.prepare()
    bench.rolecall()  # What is compiled and parsed once is not measured.
    runs = [bench.runs() for _ in range(repeat)]
    medians = {
        name: Measure(
            *(
                statistics.median(getattr(run[name], figure) for run in runs)
                for figure in ("wall", "cpu", "peak")
            )
        )
        for name in runs[0]
    }
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n### {bench.scale}x: {what}, {bench.days} days\n")
    print(
        f"{_CORES} cores of {platform.machine()}, Python {platform.python_version()}; medians of"
        f" {repeat}; load averages at the end {busy}\n"
    )
    print("| | wall s | CPU s | peak MB | wall, floors | CPU, floors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    floor = medians["floor"]
    for name, median in medians.items():
        print(_row(name, median, floor))
    for other in ("nothing new", "dbt's own start-up"):
        full, less = medians["full load"], medians[other]
        rest = Measure(full.wall - less.wall, full.cpu - less.cpu, full.peak)
        print(_row(f"full load less {other}", rest, floor))


def _row(name: str, measure: Measure, floor: Measure) -> str:
    return (
        f"| {name} | {measure.wall:.1f} | {measure.cpu:.1f} | {measure.peak / 1e6:,.0f} |"
        f" {measure.wall / floor.wall:.1f} | {measure.cpu / floor.cpu:.1f} |"
    )


if __name__ == "__main__":
    main()
