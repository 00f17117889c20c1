"""Errors of boto3 as sentences for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import (
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

if TYPE_CHECKING:
    pass

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


def explained(error: Exception, doing: str) -> RolecallError:
    """Return an error of boto3 as a sentence for the user; ``doing`` completes "to ..."."""
    if isinstance(error, ClientError):
        return _explained_answer(error, doing)
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


def _explained_answer(error: ClientError, doing: str) -> RolecallError:
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
