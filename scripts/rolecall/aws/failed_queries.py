"""Queries that gave no result, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rolecall.aws.query_errors import fault_of
from rolecall.errors import DeadlineError, RolecallError, ScanLimitError

_CATEGORIES = {1: "system", 2: "user"}
# The error types "General entity not found" and "Provided table or view does not exist" ("Athena
# error catalog"), and how the engine words them where AWS gives another type or none.
_MISSING_TYPES = frozenset((1301, 1110))
_MISSING_TABLE = re.compile(
    r"\b(?:TABLE|SCHEMA)_NOT_FOUND\b|\b(?:Table|View|Schema|Database) [\w.$'\"-]+ does not exist"
)


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


def failure_of(execution: Mapping[str, Any]) -> QueryError:
    """Return the error for an execution that has failed or was cancelled."""
    status, query_id = execution["Status"], execution["QueryExecutionId"]
    details = status.get("AthenaError", {})
    reason = details.get("ErrorMessage") or status.get("StateChangeReason") or "AWS gives no reason"
    category = (
        _CATEGORIES.get(details["ErrorCategory"], "other") if "ErrorCategory" in details else None
    )
    fault = fault_of(reason)
    is_retryable = bool(details.get("Retryable")) or (fault is not None and fault.is_retryable)
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
        error_type=details.get("ErrorType"),
        is_retryable=is_retryable,
    )
