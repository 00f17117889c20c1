"""A fault of S3, KMS or Athena itself has a sentence of its own, and is not a bad file."""

from __future__ import annotations

import pytest

from rolecall.athena.bad_file import unreadable_file
from rolecall.aws.query_errors import fault_of

_FILE = "s3://trail/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/a_b-c.json.gz"
_SPLIT = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {_FILE} (offset=0, length=18614): "
_EXCEPTION = "com.amazonaws.services.s3.model.AmazonS3Exception: "
_IDS = "Request ID: W0MN7VJA0Z4Q3FWX; S3 Extended Request ID: NYHMyevdP+503/404="
_ADVICE = (
    " You may need to manually clean the data at location 's3://results/tables/rolecall/0f0e'"
    " before retrying. Athena will not delete data in your account."
)

_SLOW_DOWN = f"Slow Down (Service: Amazon S3; Status Code: 503; Error Code: 503 Slow Down; {_IDS})"
_REDUCE = (
    "Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown;"
    f" {_IDS})"
)
_ARCHIVED = (
    "The operation is not valid for the object's storage class (Service: Amazon S3; Status Code:"
    f" 403; Error Code: InvalidObjectState; {_IDS})"
)
_ARCHIVED_TIER = (
    "The operation is not valid for the object's access tier (Service: S3, Status Code: 403,"
    f" {_IDS}) (Error Code: InvalidObjectState)"
)
_GONE = (
    "The specified key does not exist. (Service: Amazon S3; Status Code: 404; Error Code:"
    f" NoSuchKey; {_IDS})"
)
_DENIED = f"Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; {_IDS})"
_NO_BUCKET = (
    "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code:"
    f" NoSuchBucket; {_IDS})"
)


def _told(cause: str) -> list[str]:
    """Return how Athena may wrap what S3 said, with and without the object's name."""
    return [
        f"HIVE_CURSOR_ERROR: {_EXCEPTION}{cause} (Path: {_FILE})",
        f"HIVE_CURSOR_ERROR: {_EXCEPTION}{cause}",
        f"{_SPLIT}{_EXCEPTION}{cause}",
        f"HIVE_CANNOT_OPEN_SPLIT: {cause}{_ADVICE}",
    ]


def _object(reason: str) -> str:
    return _FILE if _FILE in reason else "an object that Athena does not name"


@pytest.mark.parametrize("reason", [*_told(_SLOW_DOWN), *_told(_REDUCE)])
def test_throttling_is_its_own_error_and_may_work_the_next_time(reason: str) -> None:
    fault = fault_of(reason)
    assert fault is not None
    assert fault.is_retryable
    assert fault.sentence.startswith("AWS got more requests than it takes at once")
    assert (_FILE in fault.sentence) == (_FILE in reason)
    assert fault.sentence.endswith(", and no file is at fault: run the command again later.")
    assert unreadable_file(reason) is None


@pytest.mark.parametrize(
    "reason",
    [
        "HIVE_CURSOR_ERROR: We were unable to process the request: ServiceUnavailable",
        f"{_SPLIT}You have exceeded the rate at which you may call KMS (Service: AWSKMS; Status"
        " Code: 400; Error Code: ThrottlingException)",
        "An error occurred (ThrottlingException) when calling the GetTable operation: Rate"
        " exceeded",
        f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: (Service: S3, Status Code: 503, {_IDS})",
        *(
            f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: {words}"
            for words in ("HTTP 503", "HTTP/1.1 429", "HTTP status code: 503", "statusCode=503")
        ),
    ],
)
def test_throttling_has_many_words(reason: str) -> None:
    fault = fault_of(reason)
    assert fault is not None
    assert "more requests than it takes" in fault.sentence
    assert unreadable_file(reason) is None


@pytest.mark.parametrize("reason", [*_told(_ARCHIVED), *_told(_ARCHIVED_TIER)])
def test_an_archived_object_is_named_with_what_to_do(reason: str) -> None:
    """Its status code is that of a denial, which it is not."""
    fault = fault_of(f"stg_cloudtrail__events: Runtime Error {reason}")
    assert fault is not None
    assert not fault.is_retryable
    assert fault.sentence == (
        f"{_object(reason)} is archived in Glacier, where Athena cannot read it: restore it, or"
        " begin after its day with a later --from."
    )
    assert unreadable_file(reason) is None


@pytest.mark.parametrize("reason", _told(_GONE))
def test_an_object_that_vanished_is_named(reason: str) -> None:
    fault = fault_of(reason)
    assert fault is not None
    assert fault.is_retryable
    assert fault.sentence.startswith(f"{_object(reason)} was gone when Athena came to read it")
    assert unreadable_file(reason) is None


@pytest.mark.parametrize(
    "reason",
    [
        *_told(_DENIED),
        *_told(_NO_BUCKET),
        f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: HTTP 403",
        f"{_SPLIT}the KMS key is disabled (Service: Amazon S3; KMS.DisabledException)",
    ],
)
def test_what_may_not_be_read_is_not_a_bad_file_and_stays_so(reason: str) -> None:
    fault = fault_of(reason)
    assert fault is not None
    assert not fault.is_retryable
    assert unreadable_file(reason) is None


@pytest.mark.parametrize(
    "reason",
    [
        "GENERIC_INTERNAL_ERROR: null",
        "INTERNAL_ERROR_QUERY_ENGINE",
        f"GENERIC_INTERNAL_ERROR: HIVE_CURSOR_ERROR: Failed to read file: {_FILE}",
        f"HIVE_CURSOR_ERROR: We encountered an internal error. Please try again. {_FILE} (Service:"
        " Amazon S3; Status Code: 500; Error Code: InternalError)",
        f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: java.net.SocketTimeoutException",
        *(
            f"HIVE_CURSOR_ERROR: Failed to read {_FILE}: {words}"
            for words in ("HTTP 500", "HTTP/1.1 502 Bad Gateway", "Status Code: 507")
        ),
        f"HIVE_CURSOR_ERROR: {_FILE}: Premature end of Content-Length delimited message body",
        f"{_SPLIT}Unable to execute HTTP request: Connection reset",
    ],
)
def test_an_error_inside_athena_is_its_own(reason: str) -> None:
    fault = fault_of(f"stg_cloudtrail__events: Runtime Error {reason}")
    assert fault is not None
    assert fault.is_retryable
    assert "inside Athena or on its way to S3" in fault.sentence
    assert unreadable_file(reason) is None


def test_what_athena_has_not_the_means_for_says_so_and_keeps_athena_s_words() -> None:
    """By these a load tries fewer days at a time."""
    reason = "events: Query exhausted resources at this scale factor"
    fault = fault_of(reason)
    assert fault is not None
    assert fault.is_retryable
    assert f"({reason})" in fault.sentence
    assert unreadable_file(f"HIVE_CURSOR_ERROR: {reason}") is None


@pytest.mark.parametrize(
    "reason",
    [
        # A file of 503 bytes, a record that ends at 404, names with such words in them.
        f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {_FILE} (offset=0, length=503): Not in"
        " GZIP",
        "HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: Unterminated string at"
        " 404 [character 403 line 1]",
        "HIVE_CURSOR_ERROR: Failed to read file: s3://acme-SlowDown/kms/503/NoSuchKey.json.gz",
        f"HIVE_BAD_DATA: Error parsing field value 'SlowDown' for field 3 in {_FILE}",
    ],
)
def test_a_bad_file_stays_one_whatever_its_name_size_or_values_are(reason: str) -> None:
    reason = reason.replace("acme-SlowDown", "acme-slowdown")
    assert fault_of(reason) is None
    assert unreadable_file(reason) is not None


@pytest.mark.parametrize(
    "reason",
    [
        "SYNTAX_ERROR: line 1:8: Column 'slowdown' cannot be resolved",
        "TABLE_NOT_FOUND: line 1:15: Table 'a.b.throttling' does not exist",
        "INVALID_CAST_ARGUMENT: Cannot cast 'AccessDenied' to integer",
        "Query timeout",
        "ICEBERG_COMMIT_ERROR: another writer was first",
    ],
)
def test_what_is_the_query_s_own_is_not_the_fault_of_others(reason: str) -> None:
    assert fault_of(reason) is None
