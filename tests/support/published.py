"""The real records that others published, as a folder of log files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.command_line import FIXTURES

OWN_SHAPES = ("invictus-ir__aws_dataset", "DataDog__stratus-red-team", "published_examples")
ENVELOPES = ("mozilla-services__foxsec-pipeline", "opensearch-project__opensearch-catalog")


def unwrapped(text: str) -> Iterator[dict[str, Any]]:
    """Yield the records in a text, whatever product has wrapped them."""
    decoder = json.JSONDecoder()
    position = text.find('"eventVersion"')
    seen: set[int] = set()
    while position >= 0:
        # The record is the innermost object around the member that every record has.
        start = text.rfind("{", 0, position)
        while start >= 0:
            try:
                record, end = decoder.raw_decode(text, start)
            except json.JSONDecodeError:
                end = -1
            if end > position and "eventVersion" in record:
                if start not in seen:
                    seen.add(start)
                    yield record
                break
            start = text.rfind("{", 0, start)
        position = text.find('"eventVersion"', position + 1)


def published_logs(folder: Path) -> Path:
    """Make a folder with all published records and return it.

    Files in CloudTrail's own shapes are linked; of other products' files the envelopes are taken
    off first.
    """
    folder.mkdir()
    for name in OWN_SHAPES:
        (folder / name).symlink_to(FIXTURES / name)
    for name in ENVELOPES:
        for path in sorted((FIXTURES / name).iterdir()):
            records = list(unwrapped(gzip.decompress(path.read_bytes()).decode()))
            assert records, path
            lines = "".join(json.dumps(record) + "\n" for record in records)
            (folder / f"{name}-{path.name.partition('.')[0]}.jsonl").write_text(lines)
    return folder
