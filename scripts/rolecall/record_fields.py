"""What a CloudTrail record has: the one list from which both targets' tables are made.

The fields are those of record version 1.11, by AWS's names (AWS CloudTrail User Guide, "CloudTrail
record contents"). Their order is that of the columns of the table that `rolecall setup` makes: in
another order it would be made anew. Neither DuckDB nor Athena heeds it otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias


class Kind(Enum):
    """A field without fields of its own: a text, or texts by keys that anybody chooses."""

    TEXT = "text"
    TEXTS_BY_KEY = "texts by key"


Field: TypeAlias = "Kind | Mapping[str, Field] | Sequence[Mapping[str, Field]]"

TEXT = Kind.TEXT


def _texts(*names: str) -> dict[str, Field]:
    return dict.fromkeys(names, TEXT)


RECORD_FIELDS: Mapping[str, Field] = {
    "eventVersion": TEXT,
    "userIdentity": {
        **_texts("type", "principalId", "arn", "accountId", "invokedBy"),
        "invokedByDelegate": _texts("accountId"),
        **_texts("accessKeyId", "userName", "identityProvider", "credentialId"),
        "inScopeOf": _texts("sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo"),
        "onBehalfOf": _texts("userId", "identityStoreArn"),
        "sessionContext": {
            "attributes": _texts("mfaAuthenticated", "creationDate"),
            "sessionIssuer": _texts("type", "principalId", "arn", "accountId", "userName"),
            **_texts("ec2RoleDelivery", "sourceIdentity", "assumedRoot", "signInSessionArn"),
            "webIdFederationData": {
                "federatedProvider": TEXT,
                "attributes": Kind.TEXTS_BY_KEY,
            },
        },
    },
    **_texts("eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent"),
    **_texts("errorCode", "errorMessage"),
    **_texts("requestParameters", "responseElements", "additionalEventData"),
    **_texts("requestID", "eventID", "readOnly"),
    "resources": [_texts("ARN", "accountId", "type")],
    **_texts("eventType", "apiVersion", "recipientAccountId", "serviceEventDetails"),
    **_texts("sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory"),
    "managementEvent": TEXT,
    "addendum": _texts("reason", "updatedFields", "originalRequestID", "originalEventID"),
    **_texts("sessionCredentialFromConsole", "edgeDeviceDetails"),
    "tlsDetails": _texts("tlsVersion", "cipherSuite", "keyExchange", "clientProvidedHostHeader"),
}


def duckdb_shape(field: Field = RECORD_FIELDS) -> Any:
    """Return a field as DuckDB's json_transform has it, without a field all of a record."""
    if isinstance(field, Mapping):
        return {name: duckdb_shape(each) for name, each in field.items()}
    if isinstance(field, Kind):
        # Texts by key stay JSON: a map would be null where one of them is not a text.
        return "VARCHAR"
    return [duckdb_shape(field[0])]


def athena_columns() -> str:
    """Return the columns of a table on Athena, one a line; Athena takes names in any letters."""
    return ",\n".join(f"    {name} {_hive_type(each)}" for name, each in RECORD_FIELDS.items())


def _hive_type(field: Field, indent: str = " " * 8) -> str:
    if isinstance(field, Mapping):
        members = (
            f"\n{indent}{name}: {_hive_type(each, f'{indent}    ')}" for name, each in field.items()
        )
        return f"STRUCT<{','.join(members)}>"
    if isinstance(field, Kind):
        return "STRING" if field is TEXT else "MAP<STRING, STRING>"
    return f"ARRAY<{_hive_type(field[0], indent)}>"
