"""What AWS did not allow: found in the reason that a service, Athena or dbt gives, and named.

Athena repeats what S3, KMS, Glue or Lake Formation told it (Amazon Athena User Guide,
"Troubleshooting in Athena", and those services' messages of access denied).
"""

from __future__ import annotations

import re

_ACTION = re.compile(
    r"not authorized to perform: (?P<action>[a-z0-9-]+:\w+)"
    r"(?: on (?:the )?resource:? \"?(?P<arn>arn:aws[\w-]*:[^\s\"',;)]+))?"
)
_LAKE_FORMATION = re.compile(
    r"Insufficient Lake Formation permission\(s\): Required (?P<right>[\w ,]+?) on"
    r" (?P<name>[\w.*-]+)"
)
_IS_DENIED = re.compile(r"access ?denied|permission[_ ]denied|status code: 403", re.IGNORECASE)
# A file of this machine may be denied too.
_IS_OF_AWS = re.compile(r"PERMISSION_DENIED|\(Service: ")
_S3_LOCATION = re.compile(r"s3://(?P<bucket>[a-z0-9.-]+)/?[^\s\"',;)]*")
# What Athena adds where a statement that makes a table fails: a location that it wrote.
_ADVICE = re.compile(r"\s*You may need to manually clean the data at location '[^']*'.*", re.DOTALL)
_CIPHERTEXT_KEY = re.compile(r"The ciphertext refers to a customer master key|\(Service: AWSKMS")


def without_advice(reason: str) -> str:
    """Return the reason of a failure without Athena's advice to clean up what was written."""
    return _ADVICE.sub("", reason)


def refusal(reason: str) -> str | None:
    """Return what AWS refused and on what as a sentence, None if the reason is another."""
    reason = without_advice(reason)
    right = refused_right(reason)
    if right is not None:
        return f"AWS does not allow {right}: ask for this permission."
    if _IS_DENIED.search(reason) and _IS_OF_AWS.search(reason):
        return (
            f"AWS does not allow this and does not say on what ({reason.strip().rstrip('.')}): ask"
            " for the permissions that docs/athena.md lists."
        )
    return None


def refused_right(reason: str) -> str | None:
    """Return the permission that AWS refused, with the bucket, key, database, table or workgroup.

    None if the reason is another, or names neither.
    """
    reason = without_advice(reason)
    match = _ACTION.search(reason)
    if match is not None:
        return match["action"] + _resource_text(match["arn"], reason)
    match = _LAKE_FORMATION.search(reason)
    if match is not None:
        return f"the Lake Formation permission {match['right']} on {match['name'].rstrip('.')}"
    location = _S3_LOCATION.search(reason)
    if _CIPHERTEXT_KEY.search(reason) and _IS_DENIED.search(reason):
        return "kms:Decrypt" + ("" if location is None else f" for the bucket {location['bucket']}")
    if location is not None and _IS_DENIED.search(reason):
        return f"the access to the bucket {location['bucket']} ({location[0].rstrip('.')})"
    return None


def _resource_text(arn: str | None, reason: str) -> str:
    """Return a resource with what it is, '' where the reason does not name it."""
    if arn is None:
        location = _S3_LOCATION.search(reason)
        return "" if location is None else f" for the bucket {location['bucket']}"
    arn = arn.rstrip(".")
    service, resource = arn.split(":")[2], arn.split(":", 5)[-1]
    kind, _, name = resource.partition("/")
    if service == "s3":
        return f" on the bucket {kind} ({arn})"
    if service == "glue" and kind in ("database", "table"):
        return f" on the {kind} {name.replace('/', '.')} ({arn})"
    if service == "athena" and kind == "workgroup":
        return f" on the workgroup {name} ({arn})"
    if service == "kms":
        return f" on the key {arn}"
    return f" on {arn}"
