"""How much memory a refresh on the local target may take, and which part of it is whose."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MEMORY_BYTES = 1_500_000_000
"""What a refresh may take unless ``ROLECALL_MEMORY`` says otherwise."""

MIN_MEMORY_BYTES = 600_000_000
"""What it needs: the programs alone take half of it."""


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """The parts of the memory that a refresh may take, in bytes.

    ``database_bytes`` are DuckDB's; the programs and what is read ahead take what is left.
    ``log_bytes`` are for the one log file that is being read, once unpacked: its text, and as much
    for what is made of it. ``slice_cost`` is what the files of a slice may come to.
    """

    database_bytes: int
    log_bytes: int
    slice_cost: int


def memory_parts(total_bytes: int = DEFAULT_MEMORY_BYTES) -> MemoryParts:
    """Return the parts of ``total_bytes``."""
    return MemoryParts(total_bytes * 3 // 5, total_bytes // 8, total_bytes)
