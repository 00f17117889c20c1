"""What a person reads: cleaned of all that a terminal acts on, and written by this module alone.

Whoever names a session, a file or a user agent writes into the logs, and so into names, notes and
errors. Nothing else writes to standard output or standard error; what other libraries print there
passes through here too, see ``guard``.
"""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_UNBOUNDED_WIDTH = 10_000
SHAPELESS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
"""What of Unicode's Default_Ignorable_Code_Point Python takes for printable, and an empty Braille.

It is a part of a character class of ``re``.
"""

_SHAPELESS = re.compile(f"[{SHAPELESS}]")


def clean(text: str) -> str:
    """Return ``text`` as one line, each character replaced that is not shown as itself.

    Those are control and format characters, which move a cursor or turn the direction of writing,
    line ends, surrogates, what Unicode leaves unassigned or to private use, and letters and marks
    that have no shape.
    """
    if text.isprintable() and not _SHAPELESS.search(text):
        return text
    return "".join(char if is_shown(char) else _REPLACEMENT for char in text)


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a number with what it counts: `1 event`, `2 events`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def first_of(names: Sequence[str], most: int, total: int | None = None, noun: str = "") -> str:
    """Return the first of some names and how many more there are: `a, b and 3 more`.

    ``total`` is how many there are, if not all are in ``names``; ``noun`` says of what.
    """
    named = ", ".join(names[:most])
    more = (len(names) if total is None else total) - min(most, len(names))
    return f"{named} and {more:,} more {noun}".rstrip() if more > 0 else named


def is_shown(char: str) -> bool:
    """Return whether a character is shown as itself: spaces of other widths are too."""
    is_printable = char.isprintable() or unicodedata.category(char) == "Zs"
    return is_printable and not _SHAPELESS.match(char)


def say(*lines: str) -> None:
    """Write lines to standard output; a line end in one of them is replaced."""
    _write(sys.stdout, lines)


def note(*lines: str) -> None:
    """Write lines to standard error, beside the answer; a line end in one of them is replaced."""
    _write(sys.stderr, lines)
    sys.stderr.flush()


def say_data(lines: Iterable[str]) -> None:
    """Write lines for a program to standard output, as they are and in UTF-8.

    On a terminal a person reads them: there they are cleaned as any text is.
    """
    if sys.stdout.isatty():
        _write(sys.stdout, lines)
        return
    stream = standard_output()
    for line in lines:
        stream.write(f"{line}\n".encode("utf-8", "replace"))
    stream.flush()


def standard_output() -> IO[bytes]:
    """Return standard output for bytes that no person reads."""
    sys.stdout.flush()
    return _unguarded(sys.stdout).buffer  # type: ignore[attr-defined,no-any-return]


class Screen:
    """A stream that a person reads, line by line; only a terminal has a ``width``."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console

        self._stream = _unguarded(stream)
        self._console = Console(file=self._stream, width=_width(stream), highlight=False)
        self.width = self._console.width
        self.has_box_characters = (
            (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")
        )

    def line(self, text: str = "", *, is_bold: bool = False) -> None:
        """Write one line, whatever its length."""
        from rich.text import Text

        text = clean(text)
        if is_bold:  # Text, not markup: a name may have brackets.
            styled = Text(text, style="bold")
            self._console.print(styled, no_wrap=True, crop=False, overflow="ignore")
        else:
            self._stream.write(f"{text}\n")


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fitted(text: str, width: int) -> str:
    """Return ``text`` in exactly so many columns: filled up, or cut with an ellipsis."""
    if text.isascii():
        return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}{_ELLIPSIS}"
    from rich.cells import set_cell_size

    if cells(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, width - 1)}{_ELLIPSIS}"


def live_console() -> Console:
    """Return a console on standard error for a bar, which has no words but Rolecall's own."""
    from rich.console import Console

    return Console(file=_unguarded(sys.stderr))


@contextmanager
def work_shown(message: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal, while it lasts, what is at work; what is yielded says another thing."""
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    spinner = Spinner("dots", text=Text(clean(message)))
    with Live(
        spinner,
        console=live_console(),
        refresh_per_second=12.5,
        transient=True,
        # What others print meanwhile is cleaned where it is written.
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield lambda text: spinner.update(text=Text(clean(text)))


def guard() -> None:
    """Let what anything prints pass through here, and no character fail for want of an encoding.

    A process calls it once. Warnings, tracebacks, and what dbt, click or a library's logger writes
    to standard output and standard error are then cleaned line by line.
    """
    sys.stdout, sys.stderr = _CleaningStream(sys.stdout), _CleaningStream(sys.stderr)
    sys.excepthook = _say_fault


class _CleaningStream(io.TextIOBase):
    """A stream on which every line is cleaned; line ends stay, as they may be the writer's."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream
        if isinstance(self.unguarded, io.TextIOWrapper):
            self.unguarded.reconfigure(errors="replace")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.unguarded.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.unguarded.errors

    def write(self, text: str, /) -> int:
        self.unguarded.write("\n".join(map(clean, text.split("\n"))))
        return len(text)

    def flush(self) -> None:
        self.unguarded.flush()

    def isatty(self) -> bool:
        return self.unguarded.isatty()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.unguarded.fileno()


def _unguarded(stream: IO[str]) -> IO[str]:
    return stream.unguarded if isinstance(stream, _CleaningStream) else stream


def _write(stream: IO[str], lines: Iterable[str]) -> None:
    for line in lines:
        stream.write(f"{clean(line)}\n")


def _say_fault(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Write a traceback: what an error quotes may be out of the logs."""
    for part in traceback.format_exception(kind, error, trace):
        note(*part.rstrip("\n").split("\n"))


def _width(stream: IO[str]) -> int | None:
    """Return the width to use, None for rich to find out."""
    if stream.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return None
    return _UNBOUNDED_WIDTH
