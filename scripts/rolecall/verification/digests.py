"""CloudTrail's digest files: what is in one, what AWS signs of it, and with which public keys.

Facts come from the AWS CloudTrail User Guide, pages "CloudTrail digest file structure" and "Custom
implementations of CloudTrail log file integrity validation": hashes are SHA-256 over what is
unpacked, in hexadecimal; signatures are RSA with SHA-256 and PKCS #1 v1.5 over four lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from rolecall.errors import UsageError

HASH_ALGORITHM = "SHA-256"
SIGNATURE_ALGORITHM = "SHA256withRSA"

MAX_DIGEST_BYTES = 32 << 20
"""The largest digest file that is read, in bytes once unpacked: some 70,000 log files an hour."""

_MAX_KEYS_BYTES = 4 << 20
_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

# A time that is far off breaks no sum.
_YEARS = range(2000, 3000)

# Amazon S3 takes keys of 1,024 bytes and bucket names of 63, older ones of 255.
_Key = Annotated[str, msgspec.Meta(max_length=1024)]
_Bucket = Annotated[str, msgspec.Meta(max_length=255)]
_Hash = Annotated[str, msgspec.Meta(max_length=128)]
_Signature = Annotated[str, msgspec.Meta(max_length=4096)]
_Word = Annotated[str, msgspec.Meta(max_length=128)]


class DigestError(ValueError):
    """What is wrong with a digest file, as a part of a sentence."""


class SignedLog(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A log file as a digest file has it: where it was delivered, and its hash."""

    s3_bucket: _Bucket = msgspec.field(name="s3Bucket")
    s3_object: _Key = msgspec.field(name="s3Object")
    hash_value: _Hash
    hash_algorithm: _Word

    @property
    def sha256(self) -> bytes | None:
        """The hash, None if CloudTrail makes no such hash."""
        return _unhexed(self.hash_value) if self.hash_algorithm == HASH_ALGORITHM else None


class _Content(msgspec.Struct, rename="camel", frozen=True):
    digest_start_time: _Word
    digest_end_time: _Word
    digest_s3_bucket: _Bucket = msgspec.field(name="digestS3Bucket")
    digest_s3_object: _Key = msgspec.field(name="digestS3Object")
    digest_public_key_fingerprint: _Word
    digest_signature_algorithm: _Word
    previous_digest_s3_bucket: _Bucket | None = msgspec.field(name="previousDigestS3Bucket")
    previous_digest_s3_object: _Key | None = msgspec.field(name="previousDigestS3Object")
    previous_digest_hash_value: _Hash | None
    previous_digest_hash_algorithm: _Word | None
    previous_digest_signature: _Signature | None
    log_files: list[SignedLog]


@dataclass(frozen=True, slots=True)
class Previous:
    """What a digest file says of the one before it: where it is, its hash and its signature."""

    bucket: str
    key: str
    sha256: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What is in a digest file; times are in UTC, without a zone.

    ``previous`` is None in the first one after log file validation was started. ``signed_text`` is
    what CloudTrail signs.
    """

    started_at: datetime
    ended_at: datetime
    key: str
    fingerprint: str
    previous: Previous | None
    logs: Sequence[SignedLog]
    sha256: bytes
    signed_text: bytes


def parse_digest(text: bytes) -> Digest:
    """Return what is in a digest file, which is unpacked already.

    Raises DigestError if CloudTrail makes no such file.
    """
    try:
        content = msgspec.json.decode(text, type=_Content)
    except (ValueError, RecursionError) as error:  # msgspec's errors and Unicode's are ValueErrors
        raise DigestError(f"it is not a digest file of CloudTrail ({error})") from None
    started_at, ended_at = _time(content.digest_start_time), _time(content.digest_end_time)
    if started_at > ended_at:
        raise DigestError("it is not a digest file of CloudTrail (it ends before it starts)")
    if content.digest_signature_algorithm != SIGNATURE_ALGORITHM:
        raise DigestError(f"it is not signed with {SIGNATURE_ALGORITHM}")
    if any(log.sha256 is None for log in content.log_files):
        raise DigestError(f"it has a log file without a {HASH_ALGORITHM} hash")
    sha256 = hashlib.sha256(text)
    signed = (
        content.digest_end_time,
        f"{content.digest_s3_bucket}/{content.digest_s3_object}",
        sha256.hexdigest(),
        # AWS's own implementation is in Java, where no text is the text "null".
        content.previous_digest_signature or "null",
    )
    return Digest(
        started_at=started_at,
        ended_at=ended_at,
        key=content.digest_s3_object,
        fingerprint=content.digest_public_key_fingerprint,
        previous=_previous(content),
        logs=content.log_files,
        sha256=sha256.digest(),
        signed_text="\n".join(signed).encode(),
    )


def _previous(content: _Content) -> Previous | None:
    fields = (
        content.previous_digest_s3_bucket,
        content.previous_digest_s3_object,
        content.previous_digest_hash_value,
        content.previous_digest_signature,
    )
    match fields:
        case (None, None, None, None):
            return None
        case (str(bucket), str(key), str(hash_value), str(signature)):
            sha256 = _unhexed(hash_value)
            if sha256 is not None and content.previous_digest_hash_algorithm == HASH_ALGORITHM:
                return Previous(bucket, key, sha256, signature)
    raise DigestError(
        "it is not a digest file of CloudTrail (it does not say which one is before it)"
    )


def _time(text: str) -> datetime:
    """Return a time as digest files have it, in UTC without a zone. Raises DigestError."""
    if _TIME.fullmatch(text):
        try:
            time = datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            time = datetime.min
        if time.year in _YEARS:
            return time
    raise DigestError("it is not a digest file of CloudTrail (it has no valid time)")


def _unhexed(text: str) -> bytes | None:
    """Return the SHA-256 that ``text`` has in hexadecimal, None if it has none."""
    try:
        value = binascii.unhexlify(text)
    except ValueError:
        return None
    return value if len(value) == hashlib.sha256().digest_size else None


@dataclass(slots=True)
class PublicKeys:
    """The public keys that CloudTrail signs with, some by their fingerprints."""

    by_fingerprint: dict[str, list[RSAPublicKey]] = field(default_factory=dict)
    others: list[RSAPublicKey] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.by_fingerprint or self.others)

    def add(self, key: RSAPublicKey, fingerprint: str | None = None) -> None:
        """Add a key; without a fingerprint it may be that of any digest file."""
        if fingerprint is None:
            self.others.append(key)
        else:
            self.by_fingerprint.setdefault(fingerprint.lower(), []).append(key)

    def of(self, digest: Digest) -> list[RSAPublicKey]:
        """Return the keys that a digest file may be signed with."""
        return [*self.by_fingerprint.get(digest.fingerprint.lower(), ()), *self.others]


def is_signed(digest: Digest, signature: str, keys: Iterable[RSAPublicKey]) -> bool:
    """Return whether ``signature``, in hexadecimal, is a digest file's by one of some keys."""
    try:
        raw = binascii.unhexlify(signature)
    except ValueError:
        return False
    for key in keys:
        try:
            key.verify(raw, digest.signed_text, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def read_public_keys(path: Path, keys: PublicKeys) -> None:
    """Add the keys of a file: PEM, or what ``aws cloudtrail list-public-keys`` prints.

    Raises UsageError if there are none in it.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(_MAX_KEYS_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.") from None
    try:
        if len(text) > _MAX_KEYS_BYTES:
            raise ValueError("it is too large")
        pems = _PEM.findall(text)
        for pem in pems:
            keys.add(_rsa(load_pem_public_key, pem))
        if not pems:
            add_listed_keys(json.loads(text), keys)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} has no public keys of CloudTrail ({error}): give what `aws cloudtrail"
            " list-public-keys --start-time TIME --end-time TIME` prints, or PEM."
        ) from None


def add_listed_keys(listed: Any, keys: PublicKeys) -> None:
    """Add the keys of an answer of ListPublicKeys. Raises ValueError for any other answer."""
    if isinstance(listed, Mapping):
        # The guide shows its own spelling of the one that the command prints.
        listed = listed.get("PublicKeyList", listed.get("publicKeyList"))
    if not isinstance(listed, list) or not listed:
        raise ValueError("there is no list of keys")
    for entry in listed:
        value = entry.get("Value") if isinstance(entry, Mapping) else None
        fingerprint = entry.get("Fingerprint") if isinstance(entry, Mapping) else None
        if not isinstance(value, (str, bytes)) or not isinstance(fingerprint, str):
            raise ValueError("a key has no Value or no Fingerprint")
        # boto3 has decoded what the API and the command line give in base64.
        der = base64.b64decode(value, validate=True) if isinstance(value, str) else value
        keys.add(_rsa(load_der_public_key, der), fingerprint)


def _rsa(load: Callable[[bytes], object], text: bytes) -> RSAPublicKey:
    """Return the RSA key that ``load`` reads, in PKCS #1 or X.509. Raises ValueError."""
    try:
        key = load(text)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("a key is not RSA's")
    return key
