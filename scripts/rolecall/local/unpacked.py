"""Unpack a file piece by piece: memory is bounded, and time grows no faster than what is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from isal import isal_zlib

from rolecall.local.json_parts import UnreadableLogError

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW_BITS = 31
MOST_PACKED = 2
"""How often a file may be packed: Firehose packs once more what CloudWatch Logs sends packed."""
_PACKED_BYTES, _UNPACKED_BYTES = 1 << 16, 1 << 20
# For each member what follows it in a piece is copied.
_MOST_MEMBERS = 10_000


def unpacked_pieces(read: Callable[[int], bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield what ``read`` gives, unpacked if it is a gzip file, in pieces of bounded size.

    Raises UnreadableLogError for what is not a whole gzip file, or has more than ``most_bytes``.
    """
    left = most_bytes
    for piece in _pieces(read):
        left -= len(piece)
        if left < 0:
            raise UnreadableLogError(f"the file is larger than {most_bytes:,} bytes unpacked")
        yield piece


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    data = read(_PACKED_BYTES)
    if not data.startswith(GZIP_MAGIC):
        while data:
            yield data
            data = read(_PACKED_BYTES)
        return
    for _ in range(_MOST_MEMBERS):
        member = isal_zlib.decompressobj(GZIP_WINDOW_BITS)
        while not member.eof:
            try:
                piece = member.decompress(data, _UNPACKED_BYTES)
            except isal_zlib.error as error:  # type: ignore[misc]
                raise UnreadableLogError(f"the gzip file is damaged: {error}") from None
            yield piece
            data = member.unconsumed_tail
            if not member.eof and not data and len(piece) < _UNPACKED_BYTES:
                data = read(_PACKED_BYTES)
                if not data:
                    raise UnreadableLogError("the gzip file is truncated")
        data = member.unused_data.lstrip(b"\0")
        # What is padded with zeros has no other member.
        while len(data) < len(GZIP_MAGIC) and (more := read(_PACKED_BYTES)):
            data = (data + more).lstrip(b"\0")
        if not data:
            return
        if not data.startswith(GZIP_MAGIC):
            raise UnreadableLogError("the gzip file is damaged: other bytes follow its data")
    raise UnreadableLogError(f"the gzip file has more than {_MOST_MEMBERS:,} members")
