"""How much memory a refresh on the local target may take, and which part of it is whose."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from rolecall.sizes import size_bytes

DEFAULT_MEMORY_BYTES = 1_500_000_000
"""What a refresh may take unless ``ROLECALL_MEMORY`` says otherwise."""

MIN_MEMORY_BYTES = 600_000_000
"""What it needs: the programs alone take half of it."""

_M_MMAP_THRESHOLD = -3
_LARGE_PIECE_BYTES = 128 << 10


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
    return MemoryParts(total_bytes // 2, total_bytes // 8, total_bytes)


def memory_parts_of(environment: Mapping[str, str] = os.environ) -> MemoryParts:
    """Return the parts of what ``ROLECALL_MEMORY`` allows, in bytes or as a text such as 2GB.

    Raises ValueError if it is neither.
    """
    text = environment.get("ROLECALL_MEMORY")
    if not text:
        return memory_parts()
    return memory_parts(size_bytes(text))


def machine_bytes() -> int:
    """Return what DuckDB takes where nothing is said: four fifths of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 4 // 5


def give_memory_back() -> None:
    """Let large pieces of memory go back to the system at once when they are freed, with glibc.

    By itself it keeps more and more of them, up to 32 MB each, for every thread (mallopt(3)).
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_PIECE_BYTES)
