"""The text of a log file as YAML, which ``--output yaml`` of AWS's command line prints."""

from __future__ import annotations

import json

from rolecall.local.json_parts import MAX_RECORDS, UnreadableLogError, not_json

MAX_YAML_BYTES = 32_000_000
"""The largest text that is read as YAML, which takes ten times as long as JSON."""

MAX_YAML_PARTS = MAX_RECORDS
"""How many keys and values it may have; an event that lookup-events prints has about 30."""

_DEEPEST_YAML = 20
_YAML_ENDS = {b"{": b"}", b"[": b"]"}


def json_of_yaml(text: bytes) -> bytes:
    """Return the documents of YAML as JSON, in which all values but lists and objects are texts.

    Raises NotJsonError, also for a part that stands for another: it could be of any size; and
    UnreadableLogError for more than may be read.
    """
    if len(text) > MAX_YAML_BYTES:
        raise UnreadableLogError(
            f"the file is YAML of more than {MAX_YAML_BYTES:,} bytes: print it with --output json"
        )
    # Nobody prints a directive, and the parser compares each with all before it.
    if b"\n%" in text or b"\r%" in text:
        raise not_json("its YAML has directives")
    import yaml

    part_count = 0
    found = bytearray()
    # How many keys and values there are so far in each part that is open, and in what kind of one.
    counts, marks = [0], [b""]
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionEndEvent):
                counts.pop()
                found += _YAML_ENDS[marks.pop()]
            elif isinstance(event, yaml.NodeEvent):
                if isinstance(event, yaml.AliasEvent) or event.anchor or len(marks) > _DEEPEST_YAML:
                    raise not_json("its YAML has parts that stand for others, or too deep ones")
                if counts[-1]:
                    found += b":" if marks[-1] == b"{" and counts[-1] % 2 else b","
                counts[-1] += 1
                part_count += 1
                if part_count > MAX_YAML_PARTS:
                    raise UnreadableLogError(
                        f"the file is YAML with more than {MAX_YAML_PARTS:,} keys and values:"
                        " print it with --output json"
                    )
                if isinstance(event, yaml.ScalarEvent):
                    found += json.dumps(event.value, ensure_ascii=False).encode()
                else:
                    counts.append(0)
                    marks.append(b"{" if isinstance(event, yaml.MappingStartEvent) else b"[")
                    found += marks[-1]
            elif isinstance(event, yaml.DocumentEndEvent):
                counts = [0]
                found += b"\n"
    except yaml.YAMLError as error:
        raise not_json(f"nor is it YAML: {' '.join(str(error).split())}") from None
    return bytes(found)
