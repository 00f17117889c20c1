"""Errors of boto3 as sentences for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

from rolecall.aws.refusals import refused_right
from rolecall.errors import RolecallError

_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
_UNKNOWN_KEYS = frozenset(
    (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
    )
)
_DENIED = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"))


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Raise an error of boto3 in the block as a RolecallError; ``what`` completes "to ..."."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise user_error(error, what) from None


def error_code(error: Exception) -> str | None:
    """Return the code of an error that AWS answered with, None for any other error."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else None


def user_error(error: Exception, doing: str) -> RolecallError:
    """Return an error of boto3 as a sentence for the user; ``doing`` completes "to ..."."""
    if isinstance(error, ClientError):
        return _answered_error(error, doing)
    if isinstance(error, NoRegionError):
        return RolecallError(f"No AWS region is set to {doing} in: set AWS_REGION.")
    if isinstance(
        error,
        (
            NoCredentialsError,
            PartialCredentialsError,
            CredentialRetrievalError,
            ProfileNotFound,
            SSOError,
        ),
    ):
        return RolecallError(
            f"There are no AWS credentials to {doing} with ({_sentence(error)}): sign in (aws sso"
            " login, aws configure) or set AWS_PROFILE."
        )
    if isinstance(error, (HTTPClientError, ConnectionError)):
        return RolecallError(
            f"AWS cannot be reached to {doing} ({_sentence(error)}): check the network, the region"
            " and AWS_ENDPOINT_URL."
        )
    return RolecallError(f"AWS cannot be asked to {doing}: {_sentence(error)}.")


def _answered_error(error: ClientError, doing: str) -> RolecallError:
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "").strip().rstrip(".") or code
    if code in _EXPIRED:
        return RolecallError(
            f"The AWS credentials expired before Rolecall could {doing}: renew them (aws sso"
            " login) and run the command again."
        )
    if code in _UNKNOWN_KEYS:
        return RolecallError(
            f"AWS does not know the credentials to {doing} with ({message}): sign in again or set"
            " AWS_PROFILE."
        )
    if code in _DENIED:
        right = refused_right(message)
        why = f": {message};" if right is None else f", which takes {right}:"
        return RolecallError(f"AWS does not allow you to {doing}{why} ask for this permission.")
    if code in ("TooManyRequestsException", "ThrottlingException"):
        return RolecallError(
            f"AWS has too many requests to {doing} ({message}): run the command again later."
        )
    return RolecallError(f"AWS refused to {doing}: {message} ({code}).")


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
