"""Zips of which the same contents make the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

# The oldest time that a zip can tell.
_TIME = (1980, 1, 1, 0, 0, 0)


def write_zip(output: Path, contents: Mapping[str, bytes]) -> None:
    """Write a zip of these files, by their names in it; folders on the way are made."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _TIME)
            # A wheel is a zip already.
            is_packed = name.endswith(".whl")
            entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, contents[name])
