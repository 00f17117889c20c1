"""The Athena client: runs a query, waits for it within a deadline, and reads its result.

Nothing but boto3 and the standard library is imported: the Lambda function uses this module too.
Sources: Athena's API reference (StartQueryExecution, GetQueryExecution, GetQueryResults,
StopQueryExecution) and botocore's guide to retries.
"""

from __future__ import annotations

import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

import rolecall
from rolecall.aws.alarm import TimeIsUp
from rolecall.aws.query_errors import fault_of
from rolecall.aws.refusals import refused_right
from rolecall.errors import DeadlineError, RolecallError, ScanLimitError, UsageError
from rolecall.parameters import Parameter, Value, execution_parameters

if TYPE_CHECKING:
    import pyarrow as pa
    from mypy_boto3_athena import AthenaClient

    from rolecall.output.formats import Result

PRICE_PER_TB = 5.0
"""What AWS asks for a terabyte scanned, in US dollars, in most regions ("Athena pricing")."""

DEADLINE_SECONDS = 1800.0
"""How long a query may take, its time in the queue included: as long as Athena lets one run."""

LONGEST_QUERY = 262_144
"""The longest query string that Athena takes, in bytes of UTF-8 ("Service quotas")."""

PAGE_ROWS = 1000

_FIRST_PAUSE, _LONGEST_PAUSE, _PAUSE_GROWTH = 0.2, 5.0, 1.5

_CATEGORIES = {1: "system", 2: "user"}
# The error types "General entity not found" and "Provided table or view does not exist" ("Athena
# error catalog"), and how the engine words them where AWS gives another type or none.
_MISSING_TYPES = frozenset((1301, 1110))
_MISSING_TABLE = re.compile(
    r"\b(?:TABLE|SCHEMA)_NOT_FOUND\b|\b(?:Table|View|Schema|Database) [\w.$'\"-]+ does not exist"
)

_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
_UNKNOWN_KEYS = frozenset(
    (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    )
)
_DENIED = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"))

_PATTERNS = {
    # What Athena and Glue call a name, less what would need an escape in quotes.
    "database": (r"[a-z0-9_][a-z0-9_-]{0,254}", "lower-case letters, digits, _ and -"),
    "table": (r"[a-z0-9_][a-z0-9_-]{0,254}", "lower-case letters, digits, _ and -"),
    "catalog": (r"[A-Za-z0-9_@-]{1,127}(?:/[a-z0-9-]{1,127})?", "letters, digits, _, @ and -"),
    "workgroup": (r"[A-Za-z0-9._-]{1,128}", "letters, digits, dots, _ and -"),
    "bucket": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "lower-case letters, digits, dots and -"),
    "place": (
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[\w!.*()=+@,:-]+)*/?",
        "s3://BUCKET/FOLDER/, with a-z, A-Z, digits and !.*()=+@,:_- in the names of folders",
    ),
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a client tries a request, and how many seconds it waits at each attempt.

    With the attempts of the default botocore's pauses add up to about half a minute.
    """

    attempts: int = 8
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0

    @property
    def seconds(self) -> float:
        """How long a request that is never answered takes, but for the pauses."""
        return self.attempts * (self.connect_seconds + self.answer_seconds)


PATIENCE = Patience()
"""The patience of whoever has time."""


class QueryError(RolecallError):
    """A query that gave no result; ``query_id`` is Athena's, ``reason`` in AWS's words.

    ``category`` is ``system``, ``user`` or ``other`` as AWS says, ``error_type`` its number for the
    kind of error, both None where it says nothing; ``is_retryable`` says that the same query may
    work the next time.
    """

    def __init__(
        self,
        message: str,
        *,
        query_id: str,
        reason: str = "",
        category: str | None = None,
        error_type: int | None = None,
        is_retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.query_id = query_id
        self.reason = reason
        self.category = category
        self.error_type = error_type
        self.is_retryable = is_retryable


class QueryFailedError(QueryError):
    """Athena could not run the query to its end."""

    @property
    def names_missing_table(self) -> bool:
        """Whether the query failed for it named a table, view or database that is not there."""
        return self.error_type in _MISSING_TYPES or bool(_MISSING_TABLE.search(self.reason))


class QueryRetryableError(QueryFailedError):
    """Athena failed in a way that the same query may not meet the next time."""


class QueryCancelledError(QueryError):
    """Somebody else stopped the query."""


class QueryLostError(QueryError):
    """Athena could not be asked any more what became of the query."""


class QueryScanLimitError(QueryError, ScanLimitError):
    """The workgroup stopped the query: it scanned more than the limit of the workgroup."""


class QueryDeadlineError(QueryError, DeadlineError):
    """The query was stopped: it was not done in time."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where queries run and where Athena writes their results.

    Without ``output_location`` (``s3://bucket/folder/``) it is the workgroup's. Raises UsageError
    for what can be no name.
    """

    database: str
    workgroup: str = "primary"
    output_location: str | None = None
    catalog: str = "awsdatacatalog"

    def __post_init__(self) -> None:
        checked("database", self.database)
        checked("workgroup", self.workgroup)
        checked("catalog", self.catalog)
        if self.output_location is not None:
            checked("place", self.output_location)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a query took: bytes, milliseconds, and its price in US dollars."""

    scanned_bytes: int
    queued_ms: int
    engine_ms: int
    total_ms: int
    price: float


class Athena:
    """Runs queries at a place, one at a time.

    ``stopping_client`` takes the place of ``client`` to stop a query, where the time for that is
    short. ``price_per_tb`` is in US dollars. ``clock``, ``sleep`` and ``jitter`` (which gives a
    number from 0 to 1) are there for tests.
    """

    def __init__(
        self,
        place: Place,
        client: AthenaClient | None = None,
        *,
        stopping_client: AthenaClient | None = None,
        price_per_tb: float = PRICE_PER_TB,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.place = place
        self.client: AthenaClient = make_client("athena") if client is None else client
        self.price_per_tb = price_per_tb
        self._stopping_client = stopping_client or self.client
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def run(
        self,
        sql: str,
        values: Mapping[str, Value] | None = None,
        deadline: float | None = DEADLINE_SECONDS,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> Answer:
        """Run a query and return its answer once it has succeeded.

        ``values`` has one for each named parameter of ``sql``, ``parameters`` says of what kind
        they are. ``deadline`` is in seconds from now, the time in the queue included; None is no
        deadline. Whatever ends the waiting stops the query: an interrupt or SIGTERM that raises
        SystemExit too, and an alarm (``rolecall.alarm``), which is a deadline for calls that hang.

        Raises UsageError for what Athena would not take, QueryFailedError, QueryCancelledError,
        QueryScanLimitError, QueryDeadlineError, QueryLostError, and RolecallError if the query
        cannot be started.
        """
        request = self._request(sql, values or {}, parameters)
        ends_at = None if deadline is None else self._clock() + deadline
        query_id: str | None = None
        try:
            query_id = self._start(request, self.client)
            execution = self._followed(query_id, ends_at)
        except RolecallError:
            raise
        except TimeIsUp:
            query_id, is_stopped = self._end(query_id, request)
            what = f"the query {query_id}, which" if query_id else "the start of the query, which"
            fate = "has been stopped" if is_stopped else "may go on running"
            raise QueryDeadlineError(
                f"AWS did not answer in time about {what} {fate}: ask again, with more time.",
                query_id=query_id or "",
            ) from None
        except BaseException:
            self._end(query_id, request)
            raise
        return Answer(self, execution)

    def _request(
        self, sql: str, values: Mapping[str, Value], parameters: Mapping[str, Parameter] | None
    ) -> dict[str, Any]:
        sql, literals = execution_parameters(sql, values, parameters)
        length = len(sql.encode())
        if length > LONGEST_QUERY:
            raise UsageError(
                f"The query has {length:,} bytes, and Athena takes {LONGEST_QUERY:,}: shorten it."
            )
        request: dict[str, Any] = {
            "QueryString": sql,
            "QueryExecutionContext": {
                "Catalog": self.place.catalog,
                "Database": self.place.database,
            },
            "WorkGroup": self.place.workgroup,
            # The same for every attempt of botocore: Athena starts the query once.
            "ClientRequestToken": str(uuid.uuid4()),
        }
        if literals:
            request["ExecutionParameters"] = literals
        if self.place.output_location is not None:
            request["ResultConfiguration"] = {"OutputLocation": self.place.output_location}
        return request

    def _start(self, request: dict[str, Any], client: AthenaClient) -> str:
        try:
            return client.start_query_execution(**request)["QueryExecutionId"]
        except (ClientError, BotoCoreError) as error:
            if "output location" in str(error).lower():
                raise RolecallError(
                    f"The workgroup {self.place.workgroup} has no place for results: name one"
                    " such as s3://my-bucket/athena/ (ROLECALL_RESULTS), or set it in the"
                    " workgroup."
                ) from None
            raise explained(error, "start the query") from None

    def _followed(self, query_id: str, ends_at: float | None) -> dict[str, Any]:
        """Return the execution of a query that succeeded; stop one that cannot be followed."""
        try:
            return self._wait(query_id, ends_at)
        except QueryError:
            raise
        except RolecallError as error:
            fate = "has been stopped" if self._stop(query_id) else "may go on running"
            raise QueryLostError(
                f"{str(error).rstrip('.')} (the query {query_id} {fate}).", query_id=query_id
            ) from None

    def _wait(self, query_id: str, ends_at: float | None) -> dict[str, Any]:
        """Return the execution of a query that succeeded. Raises RolecallError."""
        started_at, pause = self._clock(), _FIRST_PAUSE
        while True:
            execution = self._execution(query_id)
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                return execution
            if state in ("FAILED", "CANCELLED"):
                raise _ended(execution)
            now = self._clock()
            if ends_at is not None and now >= ends_at:
                fate = "was stopped" if self._stop(query_id) else "could not be stopped"
                waiting = "waiting in the queue" if state == "QUEUED" else "running"
                raise QueryDeadlineError(
                    f"The query {query_id} was still {waiting} after {now - started_at:,.0f} s and"
                    f" {fate}: give it more time, or ask for fewer days.",
                    query_id=query_id,
                )
            wanted = pause * (0.5 + self._jitter())
            self._sleep(wanted if ends_at is None else min(wanted, ends_at - now))
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)

    def _execution(self, query_id: str) -> dict[str, Any]:
        try:
            answer: Any = self.client.get_query_execution(QueryExecutionId=query_id)
        except (ClientError, BotoCoreError) as error:
            raise explained(error, "follow the query") from None
        execution: dict[str, Any] = answer["QueryExecution"]
        return execution

    def _end(self, query_id: str | None, request: dict[str, Any]) -> tuple[str | None, bool]:
        """Stop a query in mid-flight; return its id and whether AWS took the order."""
        try:
            # A start that was cut off may have arrived: the same token gives the query's id.
            query_id = query_id or self._start(request, self._stopping_client)
        except RolecallError:
            return None, False
        return query_id, self._stop(query_id)

    def _stop(self, query_id: str) -> bool:
        """Stop a query; say whether AWS took the order."""
        try:
            self._stopping_client.stop_query_execution(QueryExecutionId=query_id)
        except (ClientError, BotoCoreError):
            return False
        return True


class Answer:
    """The result of a query that succeeded; its rows are fetched page by page, when asked for.

    ``types`` are those of ``rolecall.output.formats.Result``; ``output_location`` is where in S3
    the whole result is, as CSV.
    """

    def __init__(self, athena: Athena, execution: Mapping[str, Any]) -> None:
        self.query_id: str = execution["QueryExecutionId"]
        self.output_location: str = execution.get("ResultConfiguration", {}).get(
            "OutputLocation", ""
        )
        self.statistics = _statistics(execution, athena.price_per_tb)
        self._client = athena.client
        self._has_header = (
            execution.get("StatementType", "DML") == "DML"
            and execution.get("SubstatementType") != "EXPLAIN"
        )
        self._first_page = self._page(None)
        info = self._first_page["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
        self.columns: list[str] = [column["Name"] for column in info]
        self._athena_types = [column["Type"] for column in info]
        self.types: list[str] = [_TYPES.get(name, _TEXT).name for name in self._athena_types]

    def pages(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows, at most 1,000 at a time. Raises RolecallError."""
        read = [_TYPES.get(name, _TEXT).read for name in self._athena_types]
        page = self._first_page
        skipped = 1 if self._has_header and self.columns else 0
        while True:
            rows = page["ResultSet"].get("Rows", [])[skipped:]
            yield [_row(row.get("Data", []), read) for row in rows]
            if not page.get("NextToken"):
                return
            page, skipped = self._page(page["NextToken"]), 0

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows; NULL is None. Raises RolecallError."""
        for page in self.pages():
            yield from page

    def result(self) -> Result:
        """Return all rows as the command line writes them. Raises RolecallError."""
        from rolecall.output.formats import Result
        from rolecall.rows import kept

        return Result(self.columns, self.types, kept(self.pages()))

    def arrow(self) -> pa.Table:
        """Return all rows as an Arrow table; timestamps are in UTC. Raises RolecallError."""
        from rolecall.output.formats import arrow_table

        return arrow_table(self.result())

    def _page(self, token: str | None) -> Mapping[str, Any]:
        more: dict[str, Any] = {} if token is None else {"NextToken": token}
        try:
            return self._client.get_query_results(
                QueryExecutionId=self.query_id, MaxResults=PAGE_ROWS, **more
            )
        except (ClientError, BotoCoreError) as error:
            raise explained(error, f"read the result of the query {self.query_id}") from None


def aws_region(region: str | None = None) -> str | None:
    """Return ``region``, else the one of the environment or of its AWS profile, None without any.

    Raises RolecallError if there is no such profile.
    """
    try:
        found: str | None = _session(region).region_name
    except BotoCoreError as error:
        raise explained(error, "find the AWS region") from None
    return found


def _session(region: str | None) -> Any:
    """Return a session of its own: boto3's common one keeps what it once found around it."""
    return boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)


def make_client(service: str, region: str | None = None, patience: Patience = PATIENCE) -> Any:
    """Return a client of boto3; see ``make_clients``."""
    (client,) = make_clients(service, region, patience)
    return client


def make_clients(service: str, region: str | None, *patience: Patience) -> list[Any]:
    """Return clients of boto3, one for each ``patience``: the one way to them.

    Credentials, profile and endpoints (``AWS_ENDPOINT_URL...``) come from the environment as boto3
    reads it; without ``region`` so does that, AWS_REGION included. botocore alone retries, in its
    standard mode: throttling, HTTP 500 to 504 and broken connections. Raises RolecallError.
    """
    configs = [
        Config(
            retries={"mode": "standard", "total_max_attempts": each.attempts},
            connect_timeout=each.connect_seconds,
            read_timeout=each.answer_seconds,
            user_agent_extra=f"rolecall/{rolecall.__version__}",
        )
        for each in patience
    ]
    try:
        session = _session(region)
        return [session.client(service, config=config) for config in configs]
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
        raise explained(error, f"use {service}") from None


def checked(kind: str, name: str) -> str:
    """Return ``name`` if it can be a database, table, catalog, workgroup, bucket or place in S3.

    Raises UsageError. What it returns may stand in a query, in double quotes.
    """
    pattern, allowed = _PATTERNS[kind]
    if not re.fullmatch(pattern, name, re.ASCII):
        what = "place in S3" if kind == "place" else kind
        raise UsageError(f"{name!r} cannot be a {what}: it is written with {allowed}.")
    return name


def checked_table(name: str) -> tuple[str, str]:
    """Return the database and the table that ``DATABASE.TABLE`` names. Raises UsageError."""
    database, dot, table = name.partition(".")
    if not dot:
        raise UsageError(f"{name!r} is not of the form DATABASE.TABLE.")
    return checked("database", database), checked("table", table)


def checked_folder(place: str) -> str:
    """Return a place in S3 with one slash at its end. Raises UsageError."""
    return checked("place", place).rstrip("/") + "/"


def scan_price(
    scanned_bytes: int, price_per_tb: float = PRICE_PER_TB, *, statement_type: str = "DML"
) -> float:
    """Return what Athena asks for a query, in US dollars.

    Megabytes are rounded up, and a query costs at least ten; what reads metadata alone is free
    ("Athena pricing").
    """
    if statement_type != "DML":
        return 0.0
    megabytes = max(10, -(-scanned_bytes // 1_000_000))
    return megabytes * price_per_tb / 1_000_000


def explained(error: Exception, doing: str) -> RolecallError:
    """Return an error of boto3 as a sentence for the user; ``doing`` completes "to ..."."""
    if isinstance(error, ClientError):
        return _explained_answer(error, doing)
    if isinstance(error, NoRegionError):
        return RolecallError(f"No AWS region is set to {doing} in: set AWS_REGION.")
    if isinstance(
        error,
        (
            NoCredentialsError,
            PartialCredentialsError,
            CredentialRetrievalError,
            ProfileNotFound,
            SSOError,
        ),
    ):
        return RolecallError(
            f"There are no AWS credentials to {doing} with ({_sentence(error)}): sign in (aws sso"
            " login, aws configure) or set AWS_PROFILE."
        )
    if isinstance(error, (HTTPClientError, ConnectionError)):
        return RolecallError(
            f"AWS cannot be reached to {doing} ({_sentence(error)}): check the network, the region"
            " and AWS_ENDPOINT_URL."
        )
    return RolecallError(f"AWS cannot be asked to {doing}: {_sentence(error)}.")


def _explained_answer(error: ClientError, doing: str) -> RolecallError:
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "").strip().rstrip(".") or code
    if code in _EXPIRED:
        return RolecallError(
            f"The AWS credentials expired before Rolecall could {doing}: renew them (aws sso"
            " login) and run the command again."
        )
    if code in _UNKNOWN_KEYS:
        return RolecallError(
            f"AWS does not know the credentials to {doing} with ({message}): sign in again or set"
            " AWS_PROFILE."
        )
    if code in _DENIED:
        right = refused_right(message)
        why = f": {message};" if right is None else f", which takes {right}:"
        return RolecallError(f"AWS does not allow you to {doing}{why} ask for this permission.")
    if code in ("TooManyRequestsException", "ThrottlingException"):
        return RolecallError(
            f"AWS has too many requests to {doing} ({message}): run the command again later."
        )
    return RolecallError(f"AWS refused to {doing}: {message} ({code}).")


def _ended(execution: Mapping[str, Any]) -> QueryError:
    """Return the error for an execution that has failed or was cancelled."""
    status, query_id = execution["Status"], execution["QueryExecutionId"]
    told = status.get("AthenaError", {})
    reason = told.get("ErrorMessage") or status.get("StateChangeReason") or "AWS gives no reason"
    category = _CATEGORIES.get(told["ErrorCategory"], "other") if "ErrorCategory" in told else None
    fault = fault_of(reason)
    is_retryable = bool(told.get("Retryable")) or (fault is not None and fault.is_retryable)
    text = (reason if fault is None else fault.sentence).strip().rstrip(".")
    if "bytes scanned limit" in reason.lower():
        kind: type[QueryError] = QueryScanLimitError
        message = (
            f"The workgroup {execution.get('WorkGroup', 'primary')} stopped the query {query_id}:"
            f" {text}; ask for fewer days or raise the limit of the workgroup."
        )
    elif status["State"] == "CANCELLED":
        kind = QueryCancelledError
        message = f"The query {query_id} was cancelled: {text}."
    else:
        kind = QueryRetryableError if is_retryable else QueryFailedError
        whose = f", {category} error" if category else ""
        again = "; it may work the next time" if is_retryable else ""
        message = f"The query failed: {text} (query {query_id}{whose}{again})."
    return kind(
        message,
        query_id=query_id,
        reason=reason,
        category=category,
        error_type=told.get("ErrorType"),
        is_retryable=is_retryable,
    )


def _statistics(execution: Mapping[str, Any], price_per_tb: float) -> Statistics:
    counted = execution.get("Statistics", {})
    scanned_bytes = counted.get("DataScannedInBytes", 0)
    kind = execution.get("StatementType", "DML")
    return Statistics(
        scanned_bytes,
        counted.get("QueryQueueTimeInMillis", 0),
        counted.get("EngineExecutionTimeInMillis", 0),
        counted.get("TotalExecutionTimeInMillis", 0),
        scan_price(scanned_bytes, price_per_tb, statement_type=kind),
    )


def _row(
    data: Sequence[Mapping[str, str]], read: Sequence[Callable[[str], Any]]
) -> tuple[Any, ...]:
    # NULL is a cell without a value; '' has one. DESCRIBE has fewer cells than columns.
    texts = [cell.get("VarCharValue") for cell in data] + [None] * (len(read) - len(data))
    return tuple(
        None if text is None else read_value(text)
        for text, read_value in zip(texts, read, strict=True)
    )


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _timestamp(text: str) -> datetime:
    """Return a timestamp as UTC; a zone stands behind the time, as a name or an offset."""
    day, _, rest = text.partition(" ")
    time_of_day, _, zone = rest.partition(" ")
    moment = datetime.fromisoformat(f"{day} {time_of_day}")
    if not zone or zone == "UTC":
        return moment
    if zone[0] in "+-":
        return (
            datetime.fromisoformat(f"{moment.isoformat()}{zone}")
            .astimezone(UTC)
            .replace(tzinfo=None)
        )
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class _Type:
    name: str
    read: Callable[[str], Any]


def _or_text(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a time, or leaves it as text where Python's calendar does not reach it."""

    def read_if_known(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, OverflowError):
            return text

    return read_if_known


_TEXT = _Type("text", str)
_BIGINT, _DOUBLE = _Type("bigint", int), _Type("double", float)
_TIMESTAMP = _Type("timestamp", _or_text(_timestamp))
_TYPES = {
    "tinyint": _BIGINT,
    "smallint": _BIGINT,
    "integer": _BIGINT,
    "bigint": _BIGINT,
    "real": _DOUBLE,
    "float": _DOUBLE,
    "double": _DOUBLE,
    "decimal": _DOUBLE,
    "boolean": _Type("boolean", lambda text: text == "true"),
    "date": _Type("date", _or_text(date.fromisoformat)),
    "timestamp": _TIMESTAMP,
    "timestamp with time zone": _TIMESTAMP,
}
