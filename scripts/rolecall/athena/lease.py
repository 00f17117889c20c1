"""The lease on Athena: one refresh of a schema at a time, by an object in S3.

S3 decides between two that want it: the object is put only where there is none (If-None-Match),
and replaced or deleted only as it was last seen (If-Match; Amazon S3 User Guide, "Conditional
requests"). S3's clock tells its age, so that no machine has to have the right time.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.athena.run_statements import Run, stop_statements
from rolecall.athena.temporary_tables import drop_temporary_tables
from rolecall.aws.clients import Patience, aws_in, make_client
from rolecall.aws.errors import doing, error_code, user_error
from rolecall.aws.glue_catalogue import bucket_and_key
from rolecall.errors import RolecallError
from rolecall.project.run import named_run
from rolecall.settings import Settings

LEASE_SECONDS = 300.0
"""How long a lease lasts that is not renewed: what a dead run keeps others out for."""

RENEWAL_SECONDS = 60.0
"""How often it is renewed: several attempts may fail before it ends."""

_TRIES = 5
# A renewal must not hang for as long as the lease lasts.
_PATIENCE = Patience(attempts=2, answer_seconds=10.0)
# The object is not as it was seen, is being changed by another, or is gone.
_NOT_AS_SEEN = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"))


class LeaseLostError(RolecallError):
    """The lease is another's, or could not be kept."""


@dataclass(frozen=True, slots=True)
class _HeldLease:
    """The lease as it is in S3: whose it is, when it ends, and the ETag to replace it by.

    ``runs`` may have statements under way; the first is the holder.
    """

    host: str
    pid: int
    runs: tuple[Run, ...]
    ends_at: datetime
    has_ended: bool
    etag: str

    @property
    def holder(self) -> str:
        """The process that holds it."""
        return f"process {self.pid} on {self.host}"


class Lease:
    """The lease of a schema for one run; ``predecessors`` died and may have left statements.

    ``seconds`` is how long it lasts unless renewed, ``clock`` is there for tests.
    """

    def __init__(
        self,
        settings: Settings,
        run: Run,
        *,
        seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        assert settings.results is not None
        self.predecessors: tuple[Run, ...] = ()
        self._bucket, folder = bucket_and_key(settings.results)
        self._key = f"{folder}state/{settings.schema_name}.lease.json"
        self._s3 = make_client("s3", settings.region, _PATIENCE)
        self._schema = settings.schema_name
        self._run = run
        self._seconds = seconds
        self._clock = clock
        self._etag: str | None = None
        self._ends_at = clock()

    @property
    def url(self) -> str:
        """Where the lease is in S3."""
        return f"s3://{self._bucket}/{self._key}"

    def take(self) -> None:
        """Take the lease if nobody has it, or whoever had it let it end.

        Raises RolecallError if another run has it or S3 cannot be asked.
        """
        with doing(f"take the lease {self.url}"):
            for _ in range(_TRIES):
                if self._put(IfNoneMatch="*"):
                    return
                held = self._held_lease()
                if held is None:
                    continue
                if held.runs[0] == self._run:  # an answer was lost, the request was not
                    self._etag, self.predecessors = held.etag, held.runs[1:]
                    return
                if not held.has_ended:
                    raise RolecallError(self._is_held(held))
                self.predecessors = held.runs
                if self._put(IfMatch=held.etag):
                    return
        raise RolecallError(
            f"Several refreshes of {self._schema} want the lease {self.url} at once: try again."
        )

    def renew(self) -> None:
        """Put off the end of the lease. Raises LeaseLostError.

        S3 may fail for a while: that the lease ends before it can be renewed is an error.
        """
        try:
            while not self._put(IfMatch=str(self._etag)):
                held = self._held_lease()
                if held is None:
                    raise LeaseLostError(
                        f"The lease {self.url} was removed while this refresh ran, which is"
                        " given up for another: run the command again."
                    )
                if held.runs[0] != self._run:
                    raise LeaseLostError(
                        f"The lease {self.url} has gone over to {held.holder}, and this refresh"
                        " is given up: run the command again when that one is done."
                    )
                self._etag = held.etag
        except (ClientError, BotoCoreError) as error:
            if self._clock() + RENEWAL_SECONDS >= self._ends_at:
                reason = str(user_error(error, f"renew the lease {self.url}")).rstrip(".")
                raise LeaseLostError(
                    f"{reason}; it ends now, and this refresh is given up: run the command again."
                ) from None

    def release(self) -> None:
        """Give the lease back; one that is another's by now is left alone.

        While predecessors have statements under way it is left, at its end, for the next run to
        find them. Raises RolecallError.
        """
        if self._etag is None:
            return
        try:
            if self.predecessors:
                self._seconds = 0.0
                self._put(IfMatch=self._etag)
            else:
                self._s3.delete_object(Bucket=self._bucket, Key=self._key, IfMatch=self._etag)
        except (ClientError, BotoCoreError) as error:
            if not _is_not_as_seen(error):
                raise user_error(error, f"remove the lease {self.url}") from None

    def _put(self, **condition: str) -> bool:
        """Put the lease on a condition; return whether that held."""
        began = self._clock()
        # The end makes each text another, and so each ETag.
        ends_at = datetime.now(UTC) + timedelta(seconds=self._seconds)
        text = json.dumps(
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "seconds": self._seconds,
                "ends_at": ends_at.isoformat(),
                "runs": [
                    asdict(run) | {"started_at": run.started_at.isoformat()}
                    for run in (self._run, *self.predecessors)
                ],
            }
        )
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket, Key=self._key, Body=text.encode(), **condition
            )
        except ClientError as error:
            if _is_not_as_seen(error):
                return False
            raise
        self._etag, self._ends_at = answer["ETag"], began + self._seconds
        return True

    def _held_lease(self) -> _HeldLease | None:
        """Return the lease in S3, None without one. Raises RolecallError for another object."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
            body = answer["Body"].read()
        except ClientError as error:
            if _is_not_as_seen(error):
                return None
            raise
        try:
            content = json.loads(body)
            runs = tuple(
                Run(run["id"], run["workgroup"], datetime.fromisoformat(run["started_at"]))
                for run in content["runs"]
            )
            ends_at = answer["LastModified"] + timedelta(seconds=content["seconds"])
            has_ended = ends_at <= _now_in_s3(answer)
            return _HeldLease(
                content["host"], content["pid"], runs, ends_at, has_ended, answer["ETag"]
            )
        except (ValueError, KeyError, TypeError, IndexError):
            raise RolecallError(
                f"{self.url} is not a lease of Rolecall's: see what it is, and remove it."
            ) from None

    def _is_held(self, held: _HeldLease) -> str:
        return (
            f"{self._schema} is being refreshed by {held.holder} since"
            f" {held.runs[0].started_at:%Y-%m-%d %H:%M} UTC: try again when it is done; if it has"
            f" died, its lease {self.url} ends at {held.ends_at:%H:%M:%S} UTC."
        )


@contextmanager
def hold_lease(settings: Settings) -> Iterator[Run]:
    """Keep every other refresh out of the schema, and give the run that statements are named by.

    What a dead run left under way is stopped first, and its temporary tables are removed. A lease
    that is lost ends the block as SIGTERM does, if it runs in the main thread, and raises
    LeaseLostError. Raises RolecallError if another run has the lease or S3 cannot be asked.
    """
    run = Run(str(uuid.uuid4()), settings.workgroup, datetime.now(UTC))
    lease = Lease(settings, run)
    with _release_at_the_end(lease):
        lease.take()
        with _renew_until_the_end(lease), named_run(run.id):
            if lease.predecessors:
                athena = aws_in(settings.region).athena
                for predecessor in lease.predecessors:
                    stop_statements(athena, predecessor)
                drop_temporary_tables(settings)
                lease.predecessors = ()
            yield run


@contextmanager
def _release_at_the_end(lease: Lease) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # What went wrong first is what to tell; the lease ends by itself.
        with suppress(RolecallError):
            lease.release()
        raise
    lease.release()


@contextmanager
def _renew_until_the_end(lease: Lease) -> Iterator[None]:
    """Renew the lease from a thread for as long as the block runs."""
    is_over = threading.Event()
    is_main = threading.current_thread() is threading.main_thread()
    lost: list[LeaseLostError] = []

    def keep() -> None:
        while not is_over.wait(RENEWAL_SECONDS):
            try:
                lease.renew()
            except LeaseLostError as error:
                lost.append(error)
                if is_main:
                    _end_main_thread()
                return

    keeper = threading.Thread(target=keep, name="lease", daemon=True)
    keeper.start()
    try:
        try:
            yield
        finally:
            is_over.set()
            keeper.join()
    except BaseException:
        if lost:
            raise lost[0] from None
        raise
    if lost:
        raise lost[0]


def _end_main_thread() -> None:
    """Raise in the main thread what SIGTERM raises there: dbt then stops its statements."""
    if callable(signal.getsignal(signal.SIGTERM)):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _now_in_s3(answer: Any) -> datetime:
    """Return the time of an answer of S3, by S3's clock."""
    date_text = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return datetime.now(UTC) if date_text is None else parsedate_to_datetime(date_text)


def _is_not_as_seen(error: Exception) -> bool:
    return error_code(error) in _NOT_AS_SEEN
