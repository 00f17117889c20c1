"""Let botocore parse the files that describe AWS's services once in a process.

dbt-athena makes a session for each model and each test, and every session parses megabytes of them
again: more than half of what a refresh computes on this side.
"""

from __future__ import annotations

from typing import Any, ClassVar

from botocore.loaders import JSONFileLoader, Loader


class _ReadOnce(JSONFileLoader):
    _files: ClassVar[dict[str, Any]] = {}

    def load_file(self, file_path: str) -> Any:
        """Return what the file holds, None if there is none."""
        if file_path not in self._files:
            self._files[file_path] = super().load_file(file_path)
        return self._files[file_path]


def read_service_files_once() -> None:
    """Make every session that starts from now on share what was parsed."""
    Loader.FILE_LOADER_CLASS = _ReadOnce
