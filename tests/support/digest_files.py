"""Writes a trail with digest files as CloudTrail does, signed with a key that is made for it.

The layout, the names and the fields are those of the AWS CloudTrail User Guide, "CloudTrail digest
file structure"; the text that is signed those of "Custom implementations".
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACCOUNT, REGION, BUCKET = "111122223333", "us-east-1", "trail-bucket"
HOUR = timedelta(hours=1)


@cache
def private_key(name: str = "of the region") -> RSAPrivateKey:
    """Return a key; one of another name is another one."""
    return generate_private_key(65537, 2048)


def der(key: RSAPrivateKey) -> bytes:
    """Return a public key as ListPublicKeys gives it."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)


def fingerprint(key: RSAPrivateKey) -> str:
    """Return what names a key; how CloudTrail makes it of the key is not documented."""
    return hashlib.md5(der(key)).hexdigest()


def listed_keys(*keys: RSAPrivateKey) -> dict[str, Any]:
    """Return what `aws cloudtrail list-public-keys` prints."""
    return {
        "PublicKeyList": [
            {
                "Value": base64.b64encode(der(key)).decode(),
                "ValidityStartTime": "2026-01-01T00:00:00+00:00",
                "ValidityEndTime": "2027-01-01T00:00:00+00:00",
                "Fingerprint": fingerprint(key),
            }
            for key in keys
        ]
    }


@dataclass(frozen=True)
class Written:
    """A digest file: where it was delivered, what is in it and its signature."""

    key: str
    text: bytes
    signature: str
    ended_at: datetime


@dataclass
class SignedTrail:
    """A trail of one account and region; ``objects`` are packed, ``metadata`` is what S3 has."""

    account: str = ACCOUNT
    region: str = REGION
    name: str = "trail"
    prefix: str = ""
    organization: str = ""
    key: RSAPrivateKey = field(default_factory=private_key)
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    digests: list[Written] = field(default_factory=list)

    @property
    def root(self) -> str:
        """The folder of the account, as it is in the bucket."""
        return f"{self.prefix}AWSLogs/{self.organization}{self.account}/"

    def log(self, at: datetime, records: Iterable[Mapping[str, Any]] = (), number: int = 1) -> str:
        """Deliver a log file and return its key."""
        name = f"{self.account}_CloudTrail_{self.region}_{at:%Y%m%dT%H%M}Z_Random{number:010d}"
        key = f"{self.root}CloudTrail/{self.region}/{at:%Y/%m/%d}/{name}.json.gz"
        text = json.dumps({"Records": list(records)}).encode()
        self.objects[key] = gzip.compress(text, mtime=0)
        return key

    def digest(
        self,
        started_at: datetime,
        logs: Iterable[str] = (),
        *,
        hours: float = 1,
        starts: bool = False,
        backfill: bool = False,
        **changed: Any,
    ) -> Written:
        """Deliver the digest file of an hour; with ``starts`` none is before it."""
        ended_at = started_at + timedelta(hours=hours)
        name = (
            f"{self.account}_CloudTrail-Digest_{self.region}_{self.name}_{self.region}"
            f"_{ended_at:%Y%m%dT%H%M%SZ}{'_backfill' if backfill else ''}"
        )
        key = f"{self.root}CloudTrail-Digest/{self.region}/{ended_at:%Y/%m/%d}/{name}.json.gz"
        before = None if starts or backfill or not self.digests else self.digests[-1]
        content = {
            "awsAccountId": self.account,
            "digestStartTime": f"{started_at:%Y-%m-%dT%H:%M:%SZ}",
            "digestEndTime": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": fingerprint(self.key),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": None,
            "oldestEventTime": None,
            "previousDigestS3Bucket": before and BUCKET,
            "previousDigestS3Object": before and before.key,
            "previousDigestHashValue": before and hashlib.sha256(before.text).hexdigest(),
            "previousDigestHashAlgorithm": before and "SHA-256",
            "previousDigestSignature": before and before.signature,
            "logFiles": [
                {
                    "s3Bucket": BUCKET,
                    "s3Object": log,
                    "hashValue": hashlib.sha256(gzip.decompress(self.objects[log])).hexdigest(),
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": None,
                    "oldestEventTime": None,
                }
                for log in logs
            ],
            **changed,
        }
        text = json.dumps(content).encode()
        lines = (
            content["digestEndTime"],
            f"{content['digestS3Bucket']}/{content['digestS3Object']}",
            hashlib.sha256(text).hexdigest(),
            content["previousDigestSignature"] or "null",
        )
        signature = self.key.sign("\n".join(lines).encode(), PKCS1v15(), SHA256()).hex()
        written = Written(key, text, signature, ended_at)
        self.objects[key] = gzip.compress(text, mtime=0)
        self.metadata[key] = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        if backfill:
            self.metadata[key]["backfill-generation-timestamp"] = f"{ended_at:%Y-%m-%dT%H:%M:%SZ}"
        else:
            self.digests.append(written)
        return written

    def hours(
        self, started_at: datetime, count: int, logs: Mapping[int, Iterable[str]] | None = None
    ) -> None:
        """Deliver the digest files of hours that follow each other, with the log files of some."""
        for hour in range(count):
            self.digest(started_at + hour * HOUR, (logs or {}).get(hour, ()), starts=hour == 0)

    def write(self, folder: Path) -> Path:
        """Write all files, as a copy of the bucket has them: without metadata."""
        for key, body in self.objects.items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        return folder

    def keys_file(self, folder: Path, *keys: RSAPrivateKey) -> Path:
        """Write the public keys to a file, those of the trail unless told."""
        path = folder / "keys.json"
        path.write_text(json.dumps(listed_keys(*(keys or (self.key,)))))
        return path
