"""Records in which the rules are easily got wrong: a small trail for each, of its own accounts.

Those under ``fixtures/rules`` stand as files; here are their brothers. All are invented.
"""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

RULE_FIXTURES = Path(__file__).parent.parent / "fixtures" / "rules"

Record = dict[str, Any]


class AccountRecords:
    """Records of one account, each with an id of its own."""

    def __init__(self, number: int, *, hour: int = 10) -> None:
        self.account = f"{number}1122223333"
        self.records: list[Record] = []
        self._number = number
        self._ids = count(1)
        self._hour = hour

    def key(self, name: str) -> str:
        """Return an access key of this trail alone."""
        return f"ASIA{self._number}{name.upper():0<14}"[:20]

    def role_id(self, role: str) -> str:
        """Return the unique id of a role."""
        return f"AROA{self._number}{role.upper().replace('-', ''):0<15}"[:21]

    def at(self, time: str) -> str:
        """Return a time of the trail's day: ``10:00:00``, or a whole time as it is."""
        return time if "T" in time else f"2026-03-02T{time}Z"

    def user(self, name: str, account: str | None = None) -> Record:
        """Return the identity of an IAM user."""
        account = account or self.account
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{self._number}{name.upper():0<15}"[:21],
            "arn": f"arn:aws:iam::{account}:user/{name}",
            "accountId": account,
            "accessKeyId": f"AKIA{self._number}{name.upper():0<14}"[:20],
            "userName": name,
        }

    def session(
        self, role: str, name: str, created: str, key: str, *, path: str = "/", **context: Any
    ) -> Record:
        """Return the identity of a role's session."""
        return {
            "type": "AssumedRole",
            "principalId": f"{self.role_id(role)}:{name}",
            "arn": f"arn:aws:sts::{self.account}:assumed-role/{role}/{name}",
            "accountId": self.account,
            "accessKeyId": self.key(key),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": self.role_id(role),
                    "arn": f"arn:aws:iam::{self.account}:role{path}{role}",
                    "accountId": self.account,
                    "userName": role,
                },
                "attributes": {"creationDate": self.at(created), "mfaAuthenticated": "false"},
                **context,
            },
        }

    def event(self, time: str, name: str, source: str, identity: Record, **more: Any) -> Record:
        """Add an event."""
        number = next(self._ids)
        record = {
            "eventVersion": "1.11",
            "userIdentity": identity,
            "eventTime": self.at(time),
            "eventSource": source,
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "192.0.2.10",
            "userAgent": "aws-cli/2.22.0",
            "requestParameters": None,
            "responseElements": None,
            "requestID": f"{self._number:08d}-0000-4000-9000-{number:012d}",
            "eventID": f"{self._number:08d}-0000-4000-8000-{number:012d}",
            "readOnly": name.startswith(("Get", "List", "Assume")),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        } | more
        self.records.append(record)
        return record

    def assume(
        self,
        time: str,
        identity: Record,
        role: str,
        name: str,
        key: str,
        *,
        path: str = "/",
        names_session: bool = True,
        event_name: str = "AssumeRole",
        request: Record | None = None,
        response: Record | None = None,
        **more: Any,
    ) -> Record:
        """Add a granted assumption of a role."""
        return self.event(
            time,
            event_name,
            "sts.amazonaws.com",
            identity,
            requestParameters={
                "roleArn": f"arn:aws:iam::{self.account}:role{path}{role}",
                "roleSessionName": name,
            }
            | (request or {}),
            responseElements={
                "credentials": {
                    "accessKeyId": self.key(key),
                    "sessionToken": "token",
                    "expiration": "Mar 2, 2026, 11:00:00 PM",
                },
            }
            | (
                {
                    "assumedRoleUser": {
                        "assumedRoleId": f"{self.role_id(role)}:{name}",
                        "arn": f"arn:aws:sts::{self.account}:assumed-role/{role}/{name}",
                    }
                }
                if names_session
                else {}
            )
            | (response or {}),
            **more,
        )

    def refuse(self, time: str, identity: Record, role: str, **more: Any) -> Record:
        """Add a refused AssumeRole: it is logged without its parameters."""
        arn = f"arn:aws:iam::{self.account}:role/{role}"
        return self.event(
            time,
            "AssumeRole",
            "sts.amazonaws.com",
            identity,
            errorCode="AccessDenied",
            errorMessage=f"User: {identity['arn']} is not authorized to perform: sts:AssumeRole"
            f" on resource: {arn}",
            **more,
        )

    def act(self, time: str, identity: Record, name: str = "ListBuckets", **more: Any) -> Record:
        """Add an action."""
        return self.event(time, name, "s3.amazonaws.com", identity, **more)


def _brothers() -> dict[str, list[Record]]:
    """Return the records of each trail that stands in no file."""
    return {
        name.removeprefix("_trail_"): make()
        for name, make in globals().items()
        if name.startswith("_trail_")
    }


def _trail_named_like_old_instance() -> list[Record]:
    trail = AccountRecords(72)
    trail.assume("10:00:00", trail.user("mallory"), "Ops", "i-01234567", "m")
    trail.act("10:01:00", trail.session("Ops", "i-01234567", "10:00:00", "m"), "DeleteBucket")
    # Seen acting only: a name tells no service.
    trail.act("11:00:00", trail.session("Ops", "i-0123456789abcdef0", "10:59:00", "n"))
    # The metadata service handed these out.
    handed_out = trail.session("Web", "i-0fedcba9876543210", "10:00:00", "o", ec2RoleDelivery="2.0")
    trail.act("12:00:00", handed_out)
    return trail.records


def _trail_in_the_second_of_a_function() -> list[Record]:
    """Take name and second of a function's session, and act beside it."""
    trail = AccountRecords(73)
    service = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    scope = {
        "inScopeOf": {
            "sourceArn": f"arn:aws:lambda:us-east-1:{trail.account}:function:report",
            "sourceAccount": trail.account,
            "issuerType": "AWS::Lambda::Function",
            "credentialsIssuedTo": f"arn:aws:lambda:us-east-1:{trail.account}:function:report",
        }
    }
    trail.assume("10:00:00", service, "fn", "asked", "f", names_session=False)
    trail.act("10:00:01", trail.session("fn", "report", "10:00:00", "f") | scope)
    trail.assume("10:00:00", trail.user("mallory"), "fn", "report", "m")
    trail.act("10:00:05", trail.session("fn", "report", "10:00:00", "m"), "DeleteBucket")
    # A function alone is a service's, though nothing but its scope tells.
    trail.act("13:00:00", trail.session("fn", "alone", "13:00:00", "g") | scope)
    return trail.records


def _trail_below_service_role() -> list[Record]:
    """Take a role below /service-role/ by the console, for a service, and by a person."""
    trail = AccountRecords(74)
    internal = {"invokedBy": "AWS Internal"}
    trail.assume(
        *("10:00:00", trail.user("carol") | internal, "glue", "carol", "c"),
        path="/service-role/",
        sourceIPAddress="AWS Internal",
    )
    trail.assume("11:00:00", trail.user("mallory"), "glue", "mallory", "m", path="/service-role/")
    trail.act(
        "11:00:05",
        trail.session("glue", "mallory", "11:00:00", "m", path="/service-role/"),
        "DeleteBucket",
    )
    return trail.records


def _trail_chosen_source_identity() -> list[Record]:
    """Pass somebody's name along a chain, and a broker's users' names."""
    trail = AccountRecords(75)
    passed = {"sourceIdentity": "alice"}
    trail.assume("10:00:00", trail.user("mallory"), "Hub", "m", "h", request=passed)
    hub = trail.session("Hub", "m", "10:00:00", "h", sourceIdentity="alice")
    trail.assume("10:05:00", hub, "Deep", "m2", "d")
    trail.act("10:06:00", trail.session("Deep", "m2", "10:05:00", "d", sourceIdentity="alice"))
    broker = trail.session("Broker", "i-0aaaaaaaaaaaaaaa1", "09:00:00", "b", ec2RoleDelivery="2.0")
    trail.assume("11:00:00", broker, "Admin", "req-1", "r", request={"sourceIdentity": "dana"})
    trail.act("11:01:00", trail.session("Admin", "req-1", "11:00:00", "r", sourceIdentity="dana"))
    saml = {
        "type": "SAMLUser",
        "principalId": "idp=:fay",
        "userName": "fay",
        "identityProvider": "idp=",
    }
    trail.assume(
        *("12:00:00", saml, "Sso", "s", "s"),
        event_name="AssumeRoleWithSAML",
        response={"subject": "fay", "subjectType": "persistent", "sourceIdentity": "fay.real"},
    )
    return trail.records


def _trail_root_of_members() -> list[Record]:
    """Ask twice for root of one account and second, and act as root of nobody."""
    trail = AccountRecords(76)
    member = "762233334444"

    def root(key: str, created: str) -> Record:
        return {
            "type": "Root",
            "principalId": member,
            "arn": f"arn:aws:iam::{member}:root",
            "accountId": member,
            "accessKeyId": trail.key(key),
            "sessionContext": {
                "attributes": {"creationDate": trail.at(created), "mfaAuthenticated": "false"},
                "assumedRoot": "true",
            },
        }

    for name, key, target in (
        ("carol", "rc", member),
        ("mallory", "rm", f"arn:aws:iam::{member}:root"),
    ):
        trail.event(
            *("10:00:00", "AssumeRoot", "sts.amazonaws.com", trail.user(name)),
            requestParameters={"targetPrincipal": target},
            responseElements={
                "credentials": {
                    "accessKeyId": trail.key(key),
                    "sessionToken": "token",
                    "expiration": "Mar 2, 2026, 10:15:00 AM",
                }
            },
        )
    for key, time in (("rm", "10:01:00"), ("rm", "10:02:00"), ("rc", "10:03:00")):
        trail.act(time, root(key, "10:00:00"), "DeleteBucketPolicy", recipientAccountId=member)
    trail.act("12:01:00", root("rx", "12:00:00"), "DeleteBucketPolicy", recipientAccountId=member)
    # Root itself, without AssumeRoot, has no session.
    plain = root("own", "14:00:00")
    del plain["sessionContext"]["assumedRoot"]
    trail.act("14:01:00", plain, "ListBuckets", recipientAccountId=member)
    trail.event(
        *("15:00:00", "AssumeRoot", "sts.amazonaws.com", trail.user("mallory")),
        errorCode="AccessDenied",
        errorMessage="User: mallory is not authorized to perform: sts:AssumeRoot on resource:"
        f" arn:aws:iam::{member}:root",
    )
    return trail.records


def _trail_refusals() -> list[Record]:
    """Refuse a user, a role, and the console with its switch and without."""
    trail = AccountRecords(77)
    trail.refuse("10:00:00", trail.user("mallory"), "Admin")
    trail.assume("10:10:00", trail.user("bob"), "Hub", "bob", "b")
    trail.refuse("10:20:00", trail.session("Hub", "bob", "10:10:00", "b"), "Admin")
    internal = {"invokedBy": "AWS Internal"}
    aws = {"sourceIPAddress": "AWS Internal", "userAgent": "AWS Internal"}
    trail.refuse("11:00:00", trail.user("carol") | internal, "Admin", **aws)
    trail.event(
        *("11:00:01", "SwitchRole", "signin.amazonaws.com", trail.user("carol")),
        eventType="AwsConsoleSignIn",
        errorMessage="Failed authentication",
        responseElements={"SwitchRole": "Failure"},
        additionalEventData={"SwitchTo": f"arn:aws:iam::{trail.account}:role/Admin"},
    )
    trail.refuse("12:00:00", trail.user("dave") | internal, "Admin", **aws)
    # What is typed in vain makes no service of anybody.
    trail.refuse("13:00:00", trail.user("mallory"), "aws-service-role/x/Admin")
    return trail.records


def _trail_late_exit() -> list[Record]:
    """Leave a role three weeks later, and another one within its session."""
    trail = AccountRecords(78)
    for name, exit_at in (("alice", "2026-03-23T10:00:00Z"), ("bob", "2026-03-02T10:30:00Z")):
        trail.assume("10:00:00", trail.user(name), "Ops", name, name)
        identity = trail.session("Ops", name, "10:00:00", name)
        trail.act("10:05:00", identity)
        bare = {key: identity[key] for key in ("type", "principalId", "arn", "accountId")}
        trail.event(
            *(exit_at, "ExitRole", "signin.amazonaws.com", bare),
            eventType="AwsConsoleSignIn",
            responseElements={"ExitRole": "Success"},
        )
    return trail.records


def _trail_principal_without_name() -> list[Record]:
    """Leave the session name out of the principal id."""
    trail = AccountRecords(79)
    trail.assume("10:00:00", trail.user("alice"), "Ops", "alice", "a")
    identity = trail.session("Ops", "alice", "10:00:00", "a")
    identity["principalId"] = trail.role_id("Ops")
    trail.act("10:05:00", identity, "DeleteBucket")
    return trail.records


def _trail_named_like_a_permission_set() -> list[Record]:
    """Name a role like Identity Center's, and a session like its user."""
    trail = AccountRecords(80)
    role = "AWSReservedSSO_Admin_0123456789abcdef"
    saml = {
        "type": "SAMLUser",
        "principalId": "own=:x",
        "userName": "x",
        "identityProvider": "own=",
    }
    trail.assume(
        *("10:00:00", saml, role, "alice@example.com", "a"),
        event_name="AssumeRoleWithSAML",
        response={"subject": "x", "subjectType": "persistent"},
    )
    trail.act("11:00:00", trail.session(role, "alice@example.com", "10:59:00", "b"))
    return trail.records


def _trail_paths_with_colons() -> list[Record]:
    """Choose paths of a role and of a user that look like the kinds of others."""
    trail = AccountRecords(81)
    path = "/a:role/aws-service-role/b/"
    trail.assume("10:00:00", trail.user("mallory"), "Evil", "m", "m", path=path)
    trail.act("10:01:00", trail.session("Evil", "m", "10:00:00", "m", path=path), "DeleteBucket")
    portal = "AWSReservedSSO_Admin_0123456789abcdef"
    path = "/a:role/aws-reserved/sso.amazonaws.com/"
    saml = {
        "type": "SAMLUser",
        "principalId": "own=:x",
        "userName": "x",
        "identityProvider": "own=",
    }
    trail.assume(
        *("11:00:00", saml, portal, "alice@example.com", "p"),
        path=path,
        event_name="AssumeRoleWithSAML",
        response={"subject": "x", "subjectType": "persistent"},
    )
    user = trail.user("mallory")
    user["arn"] = f"arn:aws:iam::{trail.account}:user/x:assumed-role/alice/mallory"
    trail.assume("12:00:00", user, "Ops", "o", "o")
    return trail.records


def _trail_of_two_in_one_second() -> list[Record]:
    """Take somebody's name in their second, as one whom the records name by an id alone."""
    trail = AccountRecords(82)
    outsider = {"type": "AWSAccount", "principalId": "AROA82OUTSIDE000000000:x", "accountId": "9"}
    alice = trail.user("alice")
    for time, other in (("10:00:00", outsider), ("10:59:59", trail.user("mallory"))):
        began = "10:00:00" if other is outsider else "11:00:00"
        trail.assume(began, alice, "Admin", "alice", f"a{began[:2]}")
        # A call at the end of a second may be logged in the one before.
        trail.assume(time, other, "Admin", "alice", f"m{began[:2]}")
        trail.act(f"{began[:2]}:01:00", trail.session("Admin", "alice", began, f"a{began[:2]}"))
        trail.act(
            f"{began[:2]}:02:00",
            trail.session("Admin", "alice", began, f"m{began[:2]}"),
            "DeleteBucket",
        )
    # One of them acts with keys alone that nobody was issued.
    for name in ("alice", "mallory"):
        trail.assume("12:00:00", trail.user(name), "Admin", "alice", f"{name[0]}12")
    trail.act("12:01:00", trail.session("Admin", "alice", "12:00:00", "a12"))
    trail.act("12:02:00", trail.session("Admin", "alice", "12:00:00", "minted"), "DeleteBucket")
    return trail.records


def _trail_of_another_s_key() -> list[Record]:
    """Enter by a name and in a second of which another's key acts: by program, and the console."""
    trail = AccountRecords(85)
    for name, key in (("cron", "c"), ("mallory", "m"), ("mallory", "n")):
        trail.assume("10:00:00", trail.user(name), "Deploy", "nightly", key)
    trail.act("10:01:00", trail.session("Deploy", "nightly", "10:00:00", "c"))
    trail.event(
        *("11:00:00", "SwitchRole", "signin.amazonaws.com"),
        {
            "type": "AssumedRole",
            "principalId": f"{trail.role_id('Admin')}:alice",
            "arn": f"arn:aws:sts::{trail.account}:assumed-role/Admin/alice",
            "accountId": trail.account,
        },
        responseElements={"SwitchRole": "Success"},
        additionalEventData={"SwitchFrom": trail.user("alice")["arn"]},
        eventType="AwsConsoleSignIn",
    )
    trail.assume("11:00:00", trail.user("ben"), "Admin", "alice", "b")
    trail.act("11:01:00", trail.session("Admin", "alice", "11:00:00", "b"), "DeleteBucket")
    return trail.records


def _trail_out_of_a_role_named_like_a_permission_set() -> list[Record]:
    """Switch out of such a role, which is not a permission set's, when its key has expired."""
    trail = AccountRecords(86)
    portal, alice = "AWSReservedSSO_Admin_0123456789abcdef", "alice@example.com"
    for began, switched, role in (
        ("10:00:00", "10:30:00", "Early"),
        ("10:00:00", "12:30:00", "Late"),
    ):
        if role == "Early":
            expiry = {"expiration": "Mar 2, 2026, 11:00:00 AM"}
            record = trail.assume(began, trail.user("mallory"), portal, alice, "m")
            record["responseElements"]["credentials"] |= expiry
        trail.event(
            *(switched, "SwitchRole", "signin.amazonaws.com"),
            {
                "type": "AssumedRole",
                "principalId": f"{trail.role_id(role)}:{alice}",
                "arn": f"arn:aws:sts::{trail.account}:assumed-role/{role}/{alice}",
                "accountId": trail.account,
            },
            responseElements={"SwitchRole": "Success"},
            additionalEventData={
                "SwitchFrom": f"arn:aws:sts::{trail.account}:assumed-role/{portal}/{alice}"
            },
            eventType="AwsConsoleSignIn",
        )
    return trail.records


def _trail_pod_of_a_person() -> list[Record]:
    """Ask for the credentials of a pod as a user."""
    trail = AccountRecords(83)
    trail.event(
        *("10:00:00", "AssumeRoleForPodIdentity", "eks-auth.amazonaws.com", trail.user("mallory")),
        responseElements={
            "assumedRoleUser": {
                "arn": f"arn:aws:sts::{trail.account}:assumed-role/Pod/eks-c-p",
                "assumeRoleId": f"{trail.role_id('Pod')}:eks-c-p",
            },
            "credentials": {"accessKeyId": trail.key("p")},
        },
    )
    trail.act("10:01:00", trail.session("Pod", "eks-c-p", "10:00:00", "p"), "DeleteBucket")
    return trail.records


def _trail_federation_token() -> list[Record]:
    """Choose somebody's name in GetFederationToken, and be refused."""
    trail = AccountRecords(84)
    trail.refuse(
        "10:00:00",
        {
            "type": "FederatedUser",
            "principalId": f"{trail.account}:alice",
            "arn": f"arn:aws:sts::{trail.account}:federated-user/alice",
            "accountId": trail.account,
            "accessKeyId": trail.key("f"),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "IAMUser",
                    "principalId": trail.user("mallory")["principalId"],
                    "arn": trail.user("mallory")["arn"],
                    "accountId": trail.account,
                    "userName": "mallory",
                },
                "attributes": {
                    "creationDate": trail.at("09:00:00"),
                    "mfaAuthenticated": "false",
                },
            },
        },
        "Admin",
    )
    return trail.records


def write_rule_trail(folder: Path) -> Path:
    """Write all of it below ``folder``, a file a trail."""
    folder.mkdir(parents=True, exist_ok=True)
    for fixture in RULE_FIXTURES.glob("*.json"):
        (folder / fixture.name).write_bytes(fixture.read_bytes())
    for name, records in _brothers().items():
        (folder / f"{name}.json").write_text(json.dumps({"Records": records}), encoding="utf-8")
    return folder
