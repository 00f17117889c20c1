"""How tests are dealt out to the workers."""

from __future__ import annotations

from functools import cache
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from support.command_line import PROJECT

# Workers that begin with files on the engine, and those of these that take longest.
_ON_ENGINE = 2
_LONGEST = ("tests/athena/test_faults.py", "tests/athena/test_slices.py")


class EngineFilesFirst(LoadScopeScheduling):  # type: ignore[misc]
    """Deals tests out one by one, but files that make something for all their tests whole.

    Two workers begin with those of the group ``athena``, the long ones first, which wait for the
    engine much of their time, and any others with what computes. xdist's own `loadgroup` renames
    tests, which pytest 9 does not let it.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _is_whole(file) else nodeid

    def _assign_work_unit(self, node: Any) -> None:
        begins_with_engine = node in self.nodes[:_ON_ENGINE]

        def place(scope: str) -> tuple[bool, bool, bool]:
            file = scope.partition("::")[0]
            is_first = _is_on_engine(file) is begins_with_engine
            return not is_first, file not in _LONGEST, file != scope

        self.workqueue.move_to_end(min(self.workqueue, key=place), last=False)
        super()._assign_work_unit(node)


@cache
def _is_on_engine(file: str) -> bool:
    return 'xdist_group("athena")' in _code(file)


@cache
def _is_whole(file: str) -> bool:
    return _is_on_engine(file) or 'scope="module"' in _code(file)


def _code(file: str) -> str:
    return (PROJECT / file).read_text(encoding="utf-8")
