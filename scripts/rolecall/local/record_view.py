"""The SQL of a view of raw records: their fields, and what of a record readers may read otherwise.

The text of a record becomes the columns of the table on Athena. Beside them are the keys of its
objects, by which `is_ambiguous` tells a key that is there twice, or in other letters than AWS's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rolecall.local.log_records import MAX_RESOURCES
from rolecall.record_fields import RECORD_FIELDS, duckdb_shape

FORGOTTEN_BEFORE = "forgotten_before"
"""The variable with the time (UTC) before which events are forgotten; unset, nothing is."""

# Fields that no model reads: their keys need not be written in AWS's letters.
_UNREAD_FIELDS = frozenset(
    ("$.userIdentity.sessionContext.webIdFederationData.attributes", "$.tlsDetails.keyExchange")
)
# What the rules read of the members that services fill as they like: see identity_events. The
# services that the rules ask may write a key in these letters alone, others have their own keys.
_SIGN_IN_EVENTS = (
    *("SwitchRole", "ExitRole", "RenewRole", "ConsoleLogin", "CheckMfa", "GetSigninToken"),
    *("CredentialChallenge", "CredentialVerification", "UserAuthentication"),
)
_ISSUED_SHAPE = {
    "credentials": {"accessKeyId": "", "expiration": ""},
    "assumedRoleUser": {"arn": "", "assumedRoleId": "", "assumeRoleId": ""},
    "sourceIdentity": "",
}
_SERVICE_SHAPES: dict[str, dict[str, Any]] = {
    "requestParameters": {
        **dict.fromkeys(("roleArn", "roleSessionName", "sourceIdentity", "serialNumber"), ""),
        **dict.fromkeys(("targetPrincipal", "principalArn"), ""),
        "taskPolicyArn": {"arn": ""},
    },
    "responseElements": {
        **_ISSUED_SHAPE,
        "credentialSet": [_ISSUED_SHAPE],
        **dict.fromkeys(("subject", "subjectType", "subjectFromWebIdentityToken", "provider"), ""),
        **dict.fromkeys(_SIGN_IN_EVENTS, ""),
    },
    "additionalEventData": dict.fromkeys(
        (
            *("SwitchFrom", "SwitchTo", "RenewedBy", "RoleRenewed", "MFAUsed", "MFAIdentifier"),
            *("MfaType", "CredentialType", "AuthWorkflowID", "UserName"),
        ),
        "",
    ),
    "serviceEventDetails": dict.fromkeys(("account_id", "role_name", *_SIGN_IN_EVENTS), ""),
}
_ASKED_SERVICES = tuple(
    f"{name}.amazonaws.com" for name in ("signin", "sts", "sso", "rolesanywhere", "eks-auth")
)

# What the macro iso_timestamp takes for a time: any other is for it to reject.
TIME_PATTERN = (
    r"^(?:19|2\d)\d{2}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"
    r"(Z|\+(?:0\d|1[0-3]):[0-5]\d|\+14:00|-(?:0\d|1[01]):[0-5]\d|-12:00)$"
)
_EVENT_TIME = "try(json_extract_string(record, '$.eventTime'))"
_EVENT_AT = f"try_cast({_EVENT_TIME} as timestamptz) at time zone 'UTC'"
# Unless the variable is set, no record is looked into.
_IS_FORGOTTEN = f"""
    case
        when getvariable('{FORGOTTEN_BEFORE}') is null then false
        when regexp_matches({_EVENT_TIME}, '{TIME_PATTERN}')
            then coalesce({_EVENT_AT} < getvariable('{FORGOTTEN_BEFORE}'), false)
        else false
    end
"""
# What is kept of a record that is forgotten: a file whose key tells no day or account has them
# from its records, and covers them still.
_FORGOTTEN_RECORD = f"""
    json_object(
        'eventTime', strftime({_EVENT_AT}, '%Y-%m-%dT00:00:00Z'),
        'awsRegion', json_extract_string(record, '$.awsRegion'),
        'recipientAccountId', coalesce(
            nullif(json_extract_string(record, '$.recipientAccountId'), ''),
            json_extract_string(record, '$.userIdentity.accountId')
        )
    )::varchar
"""

_Objects = list[tuple[str, tuple[str, ...]]]


def _objects(shape: dict[str, Any], path: str = "$") -> _Objects:
    """Return the path and the keys of each object in a shape, of a list those of the first one.

    Keys of fields that no model reads are left out.
    """
    read = tuple(name for name in shape if f"{path}.{name}" not in _UNREAD_FIELDS)
    found: _Objects = [(path, read)]
    for name, member in shape.items():
        inner, step = (member[0], "[0]") if isinstance(member, list) else (member, "")
        if isinstance(inner, dict):
            found += _objects(inner, f"{path}.{name}{step}")
    return found


def _keys(text: str, objects: _Objects) -> str:
    """Return the expression of the keys of each of these objects, a list for each."""
    paths = ", ".join(f"'{path}'" for path, _ in objects)
    nulls = ", ".join(["null"] * len(objects))
    return f"coalesce(try(json_keys({text}, [{paths}])), [{nulls}]::varchar[][])"


_MEMBERS = duckdb_shape()
_RESOURCE_NAMES = tuple(_MEMBERS["resources"][0])
_RECORD_OBJECTS = _objects({**_MEMBERS, "resources": ""})
_SERVICE_OBJECTS = {name: _objects(shape) for name, shape in _SERVICE_SHAPES.items()}
_SERVICE_KEYS = "list_concat({})".format(
    ", ".join(_keys(f"raw.{name}", objects) for name, objects in _SERVICE_OBJECTS.items())
)
# The keys of each object that is read, in the order of _NAMES; those of objects of which no names
# are told follow.
_RECORD_KEYS = f"""
    case when not is_forgotten and raw is not null
        then to_json(list_concat(
            {_keys("record", _RECORD_OBJECTS)},
            [list_distinct(flatten(resource_keys))],
            case when raw.eventSource in {_ASKED_SERVICES}
                then service_keys
                else list_transform(service_keys, lambda keys: null::varchar[])
            end,
            case when raw.eventSource in {_ASKED_SERVICES} then null else service_keys end,
            list_distinct(resource_keys)
        ))::varchar
    end
"""
_NAMES = (
    *(names for _, names in _RECORD_OBJECTS),
    _RESOURCE_NAMES,
    *(names for objects in _SERVICE_OBJECTS.values() for _, names in objects),
)


def _has_other_letters(number: int, names: Iterable[str]) -> str:
    """Return the expression of whether a key is one of ``names``, but for upper and lower case."""
    own_names = ", ".join(f"'{name}'" for name in names)
    return (
        f"coalesce(len(list_filter(all_keys[{number}], lambda key:"
        f" lower(key) in ({own_names.lower()}) and key not in ({own_names}))) > 0, false)"
    )


_REPEATS_OR_DIFFERS = " or ".join(
    (
        "coalesce(len(list_filter(all_keys, lambda keys:"
        " list_unique(keys) < len(keys))) > 0, false)",
        *(_has_other_letters(number, names) for number, names in enumerate(_NAMES, start=1)),
    )
)
# A list of one, so that the text is read once.
IS_AMBIGUOUS = f"""
    list_transform(
        [from_json(record_keys, '[["VARCHAR"]]')], lambda all_keys: {_REPEATS_OR_DIFFERS}
    )[1]
"""

# Athena's names of columns are in lower case.
_RAW_COLUMNS = ", ".join(f"raw.{name} as {name.lower()}" for name in RECORD_FIELDS)


def record_view(records: str) -> str:
    """Return the query over ``records``, a relation of records with their files.

    A record that DuckDB's JSON reader refuses becomes a row of nulls: it is rejected. One that is
    too large comes without its text, and is rejected too. One that is forgotten says that it is,
    and no more than its file and day.
    """
    return f"""
        select
            "$path", log_file, account, region, delivered_date, is_forgotten,
            is_too_large, {_RECORD_KEYS} as record_keys, {_RAW_COLUMNS}
        from (
            select
                *,
                {_SERVICE_KEYS} as service_keys,
                try(json_keys(record, '$.resources[*]')) as resource_keys
            from (
                select
                    * exclude (raw),
                    record is null or coalesce(len(raw.resources) > {MAX_RESOURCES}, false)
                        as is_too_large,
                    case when len(raw.resources) > {MAX_RESOURCES} then null else raw end
                        as raw
                from (
                    select
                        *,
                        try(json_transform(
                            case when is_forgotten then {_FORGOTTEN_RECORD} else record end,
                            '{json.dumps(_MEMBERS)}'
                        )) as raw
                    from (
                        select *, {_IS_FORGOTTEN} as is_forgotten
                        from {records}
                    ) as records
                ) as records
            ) as records
        ) as records
    """
