"""What AWS did not allow a statement: found in the reason that Athena or dbt gives, and named.

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
_IS_DENIED = re.compile(r"access ?denied|permission denied|status code: 403", re.IGNORECASE)
_S3_PLACE = re.compile(r"s3://(?P<bucket>[a-z0-9.-]+)/?[^\s\"',;)]*")


def refusal(reason: str) -> str | None:
    """Return what AWS refused and on what as a sentence, None if the reason is another."""
    match = _ACTION.search(reason)
    if match is not None:
        return _sentence(match["action"], _named(match["arn"], reason))
    match = _LAKE_FORMATION.search(reason)
    if match is not None:
        right = f"the Lake Formation permission {match['right']}"
        return _sentence(right, f" on {match['name'].rstrip('.')}")
    place = _S3_PLACE.search(reason)
    if place is not None and _IS_DENIED.search(reason):
        return _sentence("the access", f" to the bucket {place['bucket']} ({place[0].rstrip('.')})")
    return None


def _sentence(right: str, resource: str) -> str:
    return f"AWS does not allow {right}{resource}: ask for this permission."


def _named(arn: str | None, reason: str) -> str:
    """Return a resource with what it is, '' where the reason does not name it."""
    if arn is None:
        place = _S3_PLACE.search(reason)
        return "" if place is None else f" for the bucket {place['bucket']}"
    arn = arn.rstrip(".")
    service, resource = arn.split(":")[2], arn.split(":", 5)[-1]
    kind, _, name = resource.partition("/")
    if service == "s3":
        return f" on the bucket {kind} ({arn})"
    if service == "glue" and kind in ("database", "table"):
        return f" on the {kind} {name.replace('/', '.')} ({arn})"
    if service == "kms":
        return f" on the key {arn}"
    return f" on {arn}"
