"""Let botocore find and parse the files that describe AWS's services once in a process.

dbt-athena makes a session for each model and each test, and every session looks for them and parses
megabytes of them again: more than half of what a refresh computes on this side.
"""

from __future__ import annotations

from functools import wraps
from typing import Any, ClassVar

from botocore.loaders import JSONFileLoader, Loader


class _ReadOnce(JSONFileLoader):
    _files: ClassVar[dict[str, Any]] = {}

    def load_file(self, file_path: str) -> Any:
        """Return what the file holds, None if there is none."""
        if file_path not in self._files:
            self._files[file_path] = super().load_file(file_path)
        return self._files[file_path]


# What loaders have found, by where they look first: a session's clients share it as it is.
_found: dict[tuple[str, ...], dict[Any, Any]] = {}
_alone: Any = Loader.__init__


@wraps(_alone)
def _sharing(self: Any, *arguments: Any, **options: Any) -> None:
    _alone(self, *arguments, **options)
    self._cache = _found.setdefault(tuple(self.search_paths), {})


def read_service_files_once() -> None:
    """Make every session that starts from now on share what was found and parsed."""
    Loader.FILE_LOADER_CLASS = _ReadOnce
    Loader.__init__ = _sharing  # type: ignore[method-assign]
