"""An alarm clock for what may hang: it ends a call to AWS that no answer comes to."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class TimeIsUp(BaseException):
    """The alarm went off; no Exception, since botocore takes one for a reason to try again."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp in whatever the block does once ``seconds`` are over.

    It ends all that waits for a socket, but no look-up of a name. Python hears signals in the main
    thread alone, which is where Lambda calls a handler: elsewhere nothing is raised.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeIsUp
