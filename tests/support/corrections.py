"""Records of a switch and of an action in its session, and corrections of them."""

from __future__ import annotations

from typing import Any

from support.logs import event

_ROLE = "arn:aws:sts::111122223333:assumed-role/Admin/bob"
BOB: dict[str, Any] = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLEADMIN00000:bob",
    "arn": _ROLE,
    "accountId": "111122223333",
}
BOBS_SESSION = {
    "sessionIssuer": {
        "type": "Role",
        "principalId": "AROAEXAMPLEADMIN00000",
        "arn": "arn:aws:iam::111122223333:role/Admin",
        "accountId": "111122223333",
        "userName": "Admin",
    },
    "attributes": {"creationDate": "2026-03-02T08:00:00Z", "mfaAuthenticated": "false"},
}


def switch(number: int, **members: Any) -> dict[str, Any]:
    """Return the record of a switch in the role's account."""
    return (
        event(
            number,
            eventTime="2026-03-02T08:00:00Z",
            eventSource="signin.amazonaws.com",
            eventName="SwitchRole",
            sourceIPAddress="192.0.2.10",
            userIdentity=BOB,
            responseElements={"SwitchRole": "Success"},
            additionalEventData={
                "SwitchFrom": "arn:aws:iam::444455556666:user/bob",
                "RedirectTo": "https://console.aws.amazon.com/?state=SECRET",
            },
            eventType="AwsConsoleSignIn",
            readOnly=False,
        )
        | members
    )


def action(number: int, **members: Any) -> dict[str, Any]:
    """Return the record of an action in the session that the switch began."""
    return (
        event(
            number,
            eventTime="2026-03-02T08:05:00Z",
            eventSource="iam.amazonaws.com",
            eventName="DeleteUser",
            sourceIPAddress="198.51.100.7",
            userIdentity=BOB | {"accessKeyId": "ASIAEXAMPLE1", "sessionContext": BOBS_SESSION},
            readOnly=False,
        )
        | members
    )


def correcting(record: dict[str, Any], original: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return ``record`` as a correction of another one."""
    addendum = {"reason": "UPDATED_DATA", "originalEventID": original["eventID"]}
    return record | {"addendum": addendum} | members
