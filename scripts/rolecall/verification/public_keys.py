"""Where the public keys of CloudTrail come from: files that the user names, or AWS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rolecall.aws.clients import aws_in
from rolecall.aws.errors import user_error
from rolecall.errors import RolecallError
from rolecall.verification.digest_chain import KeySource, RegionKeysError
from rolecall.verification.digests import PublicKeys, add_listed_keys, read_public_keys

FROM_AWS = "aws"
"""What is named instead of a file where AWS is to be asked."""

# One answer has all keys today: the token is reserved (CloudTrail API Reference, "ListPublicKeys").
_MOST_PAGES = 100


def key_source(named: Sequence[str]) -> KeySource | None:
    """Return what gives the public keys that the user names, None where none are named.

    Raises UsageError if a file has none.
    """
    if not named:
        return None
    given = PublicKeys()
    for name in named:
        if name != FROM_AWS:
            read_public_keys(Path(name), given)
    if FROM_AWS not in named:
        return lambda region, since: given

    def listed(region: str | None, since: datetime) -> PublicKeys:
        keys = PublicKeys({each: [*some] for each, some in given.by_fingerprint.items()})
        keys.others += given.others
        _add_keys_of_region(region, since, keys)
        return keys

    return listed


def _add_keys_of_region(region: str | None, since: datetime, keys: PublicKeys) -> None:
    """Add the keys that CloudTrail signs with in a region: each region has its own.

    Raises RegionKeysError where that region does not give them, RolecallError where AWS cannot be
    asked at all.
    """
    if region is None:
        raise RegionKeysError("the names of these files tell no region")
    doing = f"list the public keys of CloudTrail in {region}"
    request: dict[str, Any] = {"StartTime": since.replace(tzinfo=UTC), "EndTime": datetime.now(UTC)}
    try:
        client = aws_in(region).cloudtrail
        for _ in range(_MOST_PAGES):
            answer = client.list_public_keys(**request)
            if answer.get("PublicKeyList"):
                add_listed_keys(answer, keys)
            if not (token := answer.get("NextToken")):
                return
            request["NextToken"] = token
    except RolecallError:
        raise
    except ClientError as error:
        raise RegionKeysError(str(user_error(error, doing)).rstrip(".")) from None
    except BotoCoreError as error:
        sentence = user_error(error, doing)
        if "credentials" in str(sentence):
            raise sentence from None
        raise RegionKeysError(str(sentence).rstrip(".")) from None
    except ValueError as error:
        raise RegionKeysError(f"AWS gave no keys of {region}: {error}") from None
