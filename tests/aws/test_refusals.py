"""What AWS refused is named in one sentence: bucket, key, database, table."""

from __future__ import annotations

import pytest

from rolecall.aws.refusals import refusal

_USER = "User: arn:aws:sts::111122223333:assumed-role/refresh/s is"
_KEY = "arn:aws:kms:us-east-1:111122223333:key/0f0e0d0c-0b0a"
_GLUE = "arn:aws:glue:us-east-1:111122223333"
_ADVICE = (
    " You may need to manually clean the data at location 's3://results/tables/0f0e' before"
    " retrying. Athena will not delete data in your account."
)
_WORKGROUP = "arn:aws:athena:us-east-1:111122223333:workgroup/audit"


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        (
            "Permission denied on S3 path: s3://trail/AWSLogs/111122223333/CloudTrail",
            "the access to the bucket trail (s3://trail/AWSLogs/111122223333/CloudTrail)",
        ),
        (
            "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://trail/AWSLogs/a.json.gz"
            " (offset=0, length=9): com.amazonaws.services.s3.model.AmazonS3Exception: Access"
            " Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)",
            "the access to the bucket trail (s3://trail/AWSLogs/a.json.gz)",
        ),
        (
            f"An error occurred (AccessDenied) when calling the ListObjectsV2 operation: {_USER}"
            ' not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::results" because'
            " no identity-based policy allows the s3:ListBucket action",
            "s3:ListBucket on the bucket results (arn:aws:s3:::results)",
        ),
        (
            "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://trail/a.json.gz (offset=0,"
            f" length=9): {_USER} not authorized to perform: kms:Decrypt on resource: {_KEY}"
            " because no identity-based policy allows the kms:Decrypt action (Service: Amazon S3;"
            " Status Code: 403; Error Code: AccessDenied)",
            f"kms:Decrypt on the key {_KEY}",
        ),
        (
            f"{_USER} not authorized to perform: kms:Decrypt on the resource associated with this"
            " ciphertext (s3://trail/a.json.gz; Status Code: 403)",
            "kms:Decrypt for the bucket trail",
        ),
        (
            f"{_USER} not authorized to perform: glue:GetDatabase on resource:"
            f" {_GLUE}:database/rolecall because no policy allows it (Service: Glue)",
            f"glue:GetDatabase on the database rolecall ({_GLUE}:database/rolecall)",
        ),
        (
            f"{_USER} not authorized to perform: glue:UpdateTable on resource:"
            f" {_GLUE}:table/rolecall/events.",
            f"glue:UpdateTable on the table rolecall.events ({_GLUE}:table/rolecall/events)",
        ),
        (
            f"{_USER} not authorized to perform: athena:GetQueryResults on resource:"
            f" {_WORKGROUP} with an explicit deny",
            f"athena:GetQueryResults on the workgroup audit ({_WORKGROUP})",
        ),
        (
            f"{_USER} not authorized to perform: glue:GetDatabases on resource: {_GLUE}:catalog",
            f"glue:GetDatabases on {_GLUE}:catalog",
        ),
        (
            "FAILED: Insufficient Lake Formation permission(s): Required Describe on rolecall"
            " (Service: AmazonDataCatalog; Status Code: 400)",
            "the Lake Formation permission Describe on rolecall",
        ),
        (
            "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://trail/a.json.gz (offset=0,"
            " length=9): The ciphertext refers to a customer master key that does not exist, does"
            " not exist in this region, or you are not allowed to access. (Service: AWSKMS; Status"
            " Code: 400; Error Code: AccessDeniedException)",
            "kms:Decrypt for the bucket trail",
        ),
    ],
)
@pytest.mark.parametrize("advice", ["", _ADVICE], ids=["", "advice"])
def test_what_is_refused_is_named(reason: str, named: str, advice: str) -> None:
    """Whatever Athena advises on what a failed statement has written."""
    assert refusal(reason + advice) == f"AWS does not allow {named}: ask for this permission."


def test_a_refusal_that_names_nothing_says_where_permissions_are_listed() -> None:
    reason = "PERMISSION_DENIED: Access Denied (Service: Amazon S3; Status Code: 403)"
    assert refusal(f"{reason}.{_ADVICE}") == (
        f"AWS does not allow this and does not say on what ({reason}): ask for the permissions that"
        " docs/athena.md lists."
    )


@pytest.mark.parametrize(
    "reason",
    [
        "SYNTAX_ERROR: line 1:8: Column 'denied' cannot be resolved",
        "HIVE_CURSOR_ERROR: Failed to read s3://trail/a.json.gz: not in GZIP format",
        "Query exhausted resources at this scale factor",
        "[Errno 13] Permission denied: '/home/bob/target'",
    ],
)
def test_other_reasons_are_not_refusals(reason: str) -> None:
    assert refusal(reason) is None
