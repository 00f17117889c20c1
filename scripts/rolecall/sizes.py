"""Amounts of data: read from what a person writes, and written for one."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {
    "": 1,
    "b": 1,
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgtp", start=1)},
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgtp", start=1)},
}
# What a signed number of 64 bits holds; of an endless row of digits float makes infinity.
_MOST_BYTES = float(2**63)
_SIZE = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]*)\s*", re.IGNORECASE)


def size_bytes(text: str) -> int:
    """Return the bytes that a text such as ``10 GB`` or ``1.5TiB`` stands for.

    Raises ValueError.
    """
    match = _SIZE.fullmatch(text)
    if match is None or match["unit"].lower() not in _UNITS:
        raise ValueError(f"{text!r} is not an amount of data such as 10 GB")
    size = float(match["number"]) * _UNITS[match["unit"].lower()]
    if size >= _MOST_BYTES:
        raise ValueError(f"{text[:40]!r} is more data than there is")
    return int(size)


def size_text(number: int) -> str:
    """Return a number of bytes for a person: ``1.2 GB``, three digits that matter."""
    size, unit = float(number), "bytes"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    if unit == "bytes":
        return f"{number:,} {'byte' if number == 1 else 'bytes'}"
    return f"{size:.3g} {unit}"


def price_text(dollars: float) -> str:
    """Return a price in US dollars for a person; what is less than a cent keeps two digits."""
    if dollars >= 0.995 or dollars == 0:
        return f"${dollars:,.2f}"
    return f"${Decimal(f'{dollars:.2g}'):f}"
