"""Why a query of Athena failed where no file is to blame: found in its reason, said in a sentence.

Athena hands on what S3, KMS and its engine say, inside its own HIVE_CURSOR_ERROR or
HIVE_CANNOT_OPEN_SPLIT (Amazon S3 API Reference, "Error responses"; Amazon Athena User Guide,
"Troubleshooting in Athena" and "Athena error catalog").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rolecall.aws.refusals import refusal, without_advice

_PLACE = re.compile(r"s3://[a-z0-9.-]+/[^\s'\",;()\[\]]+")
# What the engine says of the query itself may quote it ("Trino", StandardErrorCode).
_OF_THE_QUERY = re.compile(
    r"\b(?:SYNTAX_ERROR|(?:COLUMN|TABLE|SCHEMA|CATALOG|FUNCTION)_NOT_FOUND|TYPE_MISMATCH"
    r"|INVALID_(?:VIEW|CAST_ARGUMENT|FUNCTION_ARGUMENT)|DIVISION_BY_ZERO)\b"
)
# And of a record, a value in it.
_VALUE = re.compile(r"""(?i)\b(?:value|string):? (['"]).*?\1""")
# A storage class, and a tier of Intelligent-Tiering.
_ARCHIVED = re.compile(
    r"InvalidObjectState|not valid for the object's (?:storage class|access tier)"
)
# Of HTTP, as S3 and its clients write it: `Status Code: 503`, `HTTP 503`, `HTTP/1.1 503`.
_STATUS = r"(?:status ?code|\bhttp(?:/[0-9.]+)?(?: ?status)?(?: ?code)?) ?[:=]? ?"
_THROTTLED = re.compile(
    rf"(?i)reduce your request rate|slow ?down|{_STATUS}(?:503|429)\b|service ?unavailable"
    r"|\w*throttl\w*|rate exceeded|exceeded the rate|too ?many ?requests|request ?limit ?exceeded"
)
_NO_BUCKET = re.compile(r"(?i)no ?such ?bucket|specified bucket does not exist")
_VANISHED = re.compile(
    rf"(?i)no ?such ?key|specified key does not exist|{_STATUS}404\b|FileNotFoundException"
)
_KEY = re.compile(r"(?i)\bkms\b|\bawskms\b|\bkms\w+exception")
_DENIED = re.compile(
    rf"(?i)access ?denied|permission[_ ]denied|\bforbidden\b|{_STATUS}403\b|not authorized"
)
_TOO_MUCH = re.compile(r"(?i)exhausted[ _]resources|\bEXCEEDED_\w+|\bCLUSTER_OUT_OF_MEMORY\b")
_INTERNAL = re.compile(
    r"(?i)\bGENERIC_INTERNAL_ERROR\b|\bINTERNAL_ERROR\w*|\binternal ?(?:server ?)?error\b"
    rf"|{_STATUS}5[0-9][0-9]\b"
    r"|\bREMOTE_(?:TASK|HOST)_\w+|\bPAGE_TRANSPORT_\w+"
    r"|\bNO_NODES_AVAILABLE\b|(?:read|connect\w*|socket|request) ?timed? ?out|\w*TimeoutException"
    r"|connection (?:reset|closed|refused)|broken pipe|unable to execute http request"
    r"|premature end of content"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a query failed, as a sentence; whether the same one may work the next time."""

    sentence: str
    is_retryable: bool = False


def fault_of(reason: str) -> Fault | None:
    """Return whose fault the failure of a query was, None where it may be the query's or a file's.

    What stands in a file's name, a value or a length is not taken for a word of S3's.
    """
    reason = without_advice(reason).strip().rstrip(".")
    if _OF_THE_QUERY.search(reason):
        return None
    words, found = _VALUE.sub("", _PLACE.sub("", reason)), _PLACE.search(reason)
    location = None if found is None else found[0].rstrip(".:")
    if _ARCHIVED.search(words):  # its status code is that of a denial
        return Fault(
            f"{location or 'an object that Athena does not name'} is archived in Glacier, where"
            " Athena cannot read it: restore it, or begin after its day with a later --from."
        )
    if throttled := _THROTTLED.search(words):
        reading = "" if location is None else f" to read {location}"
        return Fault(
            f"AWS got more requests than it takes at once{reading} ({throttled[0]}), and no file is"
            " at fault: run the command again later.",
            is_retryable=True,
        )
    refused = refusal(reason)
    if refused is not None:
        return Fault(refused)
    if _NO_BUCKET.search(words):
        return Fault(f"the bucket of {location or 'the table'} is not there ({reason}).")
    if _VANISHED.search(words):
        return Fault(
            f"{location or 'an object that Athena does not name'} was gone when Athena came to read"
            " it, such as by a lifecycle rule of its bucket: run the command again.",
            is_retryable=True,
        )
    if _KEY.search(words):
        return Fault(
            f"the key with which {location or 'an object'} is encrypted cannot be used ({reason}):"
            " ask who keeps the key."
        )
    if _DENIED.search(words):
        return Fault(f"AWS does not allow this ({reason}): ask for the permission.")
    if _TOO_MUCH.search(words):
        return Fault(
            f"the query takes more than Athena has at the moment ({reason}): run the command again"
            " later, or ask for fewer days.",
            is_retryable=True,
        )
    if _INTERNAL.search(words):
        return Fault(
            f"an error inside Athena or on its way to S3 ({reason}), and no file is at fault: run"
            " the command again later.",
            is_retryable=True,
        )
    return None
