"""Records that all have one key and time, so many of either side that pairs of them fill memory.

A trail for each way in which rules find what belongs together. All are invented.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from support.rule_records import AccountRecords, Record

COUNT = 1000
"""How many there are of each side."""

_PORTAL = "AWSReservedSSO_Ops_0a1b2c3d4e5f6071"
_STORE = "arn:aws:identitystore::111122223333:identitystore/d-1"


def colliding_records() -> list[Record]:
    """Return the records of all trails."""
    trails = [make() for name, make in globals().items() if name.startswith("_trail_")]
    return [record for trail in trails for record in trail.records]


def _time(seconds: int) -> str:
    return (datetime(2026, 3, 2, 10) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _console(trail: AccountRecords, seconds: int, name: str, identity: Record, **more: str) -> None:
    trail.event(
        *(_time(seconds), name, "signin.amazonaws.com", identity),
        responseElements={name: "Success"},
        additionalEventData=more,
        eventType="AwsConsoleSignIn",
    )


def _role(trail: AccountRecords) -> Record:
    """Return the identity in the role's account of who switched."""
    identity = trail.session("Ops", "bob", "10:00:00", "k")
    del identity["sessionContext"], identity["accessKeyId"]
    return identity


def _switch(trail: AccountRecords, seconds: int, source: str | None = None) -> None:
    source = source or f"arn:aws:iam::{trail.account}:user/bob"
    _console(trail, seconds, "SwitchRole", _role(trail), SwitchFrom=source)


def _leave(trail: AccountRecords, seconds: int, name: str) -> None:
    role = f"arn:aws:iam::{trail.account}:role/Ops"
    _console(trail, seconds, name, trail.user("bob"), SwitchTo=role)


def _trail_halves() -> AccountRecords:
    trail = AccountRecords(41)
    for _ in range(COUNT):
        _switch(trail, 0)
        _leave(trail, 0, "SwitchRole")
    return trail


def _trail_switches_and_assumptions() -> AccountRecords:
    trail = AccountRecords(42)
    for _ in range(COUNT):
        _switch(trail, 0)
        trail.assume(
            "10:00:00", trail.user("bob"), "Ops", "bob", "k", sourceIPAddress="AWS Internal"
        )
    return trail


def _trail_callers_and_assumptions() -> AccountRecords:
    trail = AccountRecords(43)
    identity = trail.user("bob") | {"invokedBy": "AWS Internal"}
    for _ in range(COUNT):
        _leave(trail, 0, "SwitchRole")
        trail.assume(_time(60), identity, "Ops", "bob", "k", sourceIPAddress="AWS Internal")
    return trail


def _trail_shared_ids() -> AccountRecords:
    trail = AccountRecords(56)
    user = trail.user("bob")
    seen = {name: user[name] for name in ("principalId", "accountId")} | {"type": "AWSAccount"}
    for identity in [user, seen] * COUNT:
        trail.assume("10:00:00", identity, "Ops", "bob", "k", sharedEventID="shared")
    return trail


def _trail_renewals() -> AccountRecords:
    trail = AccountRecords(44)
    _switch(trail, 0)
    for _ in range(COUNT):
        _console(trail, 30, "RenewRole", _role(trail))
        _leave(trail, 30, "RenewRole")
    return trail


def _trail_exits() -> AccountRecords:
    trail = AccountRecords(45)
    for number in range(COUNT):
        _switch(trail, number)
        _console(trail, COUNT + 10, "ExitRole", _role(trail))
        _leave(trail, COUNT + 10, "ExitRole")
    return trail


def _trail_sign_ins() -> AccountRecords:
    trail = AccountRecords(46)
    for _ in range(COUNT):
        _console(trail, -60, "ConsoleLogin", trail.user("bob"), MFAUsed="Yes")
        _switch(trail, 0)
    return trail


def _trail_starts_without_principal() -> AccountRecords:
    """Whom services hand a session to is not logged: by name, then by key."""
    trail = AccountRecords(47)
    service = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    for number in range(COUNT):
        start = trail.assume("10:00:00", service, "Ops", "f", "k", names_session=False)
        del start["responseElements"]["credentials"]
        identity = trail.session("Ops", "f", "10:00:00", "k")
        issuer = identity["sessionContext"]["sessionIssuer"]
        issuer["principalId"] = f"AROA{number:017}"
        identity["principalId"] = f"AROA{number:017}:f"
        trail.act("10:00:05", identity)
        trail.assume("10:00:00", service, "Keyed", "f", "one", names_session=False)
        trail.act(_time(COUNT + 60), trail.session("Other", "g", _time(number), "one"))
    return trail


def _trail_starts_with_principal() -> AccountRecords:
    """Let the issued key act in many sessions."""
    trail = AccountRecords(48)
    for number in range(COUNT):
        trail.assume("10:00:00", trail.user("bob"), "Ops", "bob", "one")
        trail.act(_time(COUNT + 60), trail.session("Ops", "bob", _time(number), "one"))
    return trail


def _trail_roots() -> AccountRecords:
    trail = AccountRecords(49)
    for number in range(COUNT):
        trail.event(
            *("10:00:00", "AssumeRoot", "sts.amazonaws.com", trail.user("bob")),
            requestParameters={"targetPrincipal": trail.account},
            responseElements={"credentials": {"expiration": "Mar 2, 2026, 11:00:00 AM"}},
        )
        identity = {
            "type": "Root",
            "principalId": trail.account,
            "arn": f"arn:aws:iam::{trail.account}:root",
            "accountId": trail.account,
            "accessKeyId": f"ASIA{number:016}",
            "sessionContext": {
                "assumedRoot": "true",
                "attributes": {"creationDate": trail.at("10:00:00"), "mfaAuthenticated": "false"},
            },
        }
        trail.act("10:00:05", identity)
    return trail


def _trail_parents() -> AccountRecords:
    trail = AccountRecords(51)
    hub = f"arn:aws:sts::{trail.account}:assumed-role/Hub/hop"
    for number in range(COUNT):
        trail.assume(_time(number // 4), trail.user("bob"), "Hub", "hop", f"h{number}")
        _switch(trail, COUNT, hub)
    return trail


def _enter_portal(trail: AccountRecords, seconds: int, name: str) -> None:
    identity = {"type": "SAMLUser", "principalId": f"x:{name}", "userName": name}
    trail.assume(
        *(_time(seconds), identity, _PORTAL, name, "k"),
        path="/aws-reserved/sso.amazonaws.com/",
        event_name="AssumeRoleWithSAML",
    )


def _identity_center(user_id: str | None, name: str | None) -> Record:
    told = {"userId": user_id, "identityStoreArn": _STORE} if user_id else {}
    return {"type": "IdentityCenterUser", "onBehalfOf": told} | ({"userName": name} if name else {})


def _choose(trail: AccountRecords, user_id: str | None, name: str | None) -> None:
    trail.event(
        *("10:00:00", "Federate", "sso.amazonaws.com", _identity_center(user_id, name)),
        serviceEventDetails={"role_name": "Ops", "account_id": trail.account},
        eventType="AwsServiceEvent",
    )


def _sign_in(trail: AccountRecords, number: int, user_id: str, name: str) -> None:
    for step in ("CredentialVerification", "UserAuthentication"):
        trail.event(
            *(_time(-30), step, "signin.amazonaws.com", _identity_center(user_id, None)),
            additionalEventData={
                "AuthWorkflowID": f"{trail.account}-{number}",
                "CredentialType": "WEBAUTHN",
                "UserName": name,
            },
            serviceEventDetails={step: "Success"},
            eventType="AwsServiceEvent",
        )


def _trail_portal_by_id() -> AccountRecords:
    trail = AccountRecords(52)
    for number in range(COUNT):
        _enter_portal(trail, number % 100, "ann")
        _choose(trail, "u52", "ann")
        _sign_in(trail, number, "u52", "ann")
    return trail


def _trail_portal_by_name() -> AccountRecords:
    """One name, many ids."""
    trail = AccountRecords(53)
    for number in range(COUNT):
        _enter_portal(trail, number % 100, "ben")
        _choose(trail, f"u53-{number}", "ben")
        _sign_in(trail, number, f"u53-{number}", "ben")
    return trail


def _trail_portal_by_many_names() -> AccountRecords:
    """One id, many names."""
    trail = AccountRecords(54)
    for number in range(COUNT):
        _enter_portal(trail, number % 100, f"carl{number}")
        _choose(trail, "u54", f"carl{number}")
        _sign_in(trail, number, "u54", f"carl{number}")
    return trail


def _trail_portal_of_nobody() -> AccountRecords:
    trail = AccountRecords(55)
    for _ in range(COUNT):
        _enter_portal(trail, 0, "dave")
        _choose(trail, "u55", None)
    return trail
