"""CloudTrail records by their published shapes, and log files in the S3 key layout.

For the sample, the benchmark and the tests; not part of the installed package. Shapes that no
public record shows are marked as presumed. Where a shape was published:

* SwitchRole in the role's account, with both AssumeRole copies and a later call: "Audit User
  Actions Using CloudTrail - Part 2", 2020 (eventVersion 1.05); regional with readOnly and
  tlsDetails: an article on AWS Extend Switch Roles, 2024 (1.08)
* SwitchRole in the source account: mozilla-services/foxsec-pipeline, 2020
* ConsoleLogin, CheckMfa, Identity Center sign-in: AWS CloudTrail and IAM Identity Center guides
* AssumeRoleWithSAML of Identity Center and what follows it, GetRoleCredentials and ``inScopeOf``:
  a published chain of 2026 (1.11)
* AssumeRole by Lambda and EC2 without ``assumedRoleUser``, refused AssumeRole: the data set of
  invictus-ir, 2023 (1.08)
* AssumeRoot and what root does by it: IAM user guide, "Track privileged tasks in AWS CloudTrail"
"""

from __future__ import annotations

import gzip
import json
import random
import string
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CloudTrailRecord = dict[str, Any]

BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/146.0.0.0 Safari/537.36"
)
CLI = "aws-cli/2.33.4 md/awscrt#0.29.1 ua/2.1 os/linux lang/python#3.13.9 cfg/retry-mode#standard"
AWS_INTERNAL = "AWS Internal"
_ID_ALPHABET = string.ascii_uppercase + "234567"
_NAME_ALPHABET = string.ascii_letters + string.digits


class Ids:
    """Identifiers in AWS's formats, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def uuid(self) -> str:
        """Return an event id, request id or shared event id."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def unique_id(self, prefix: str) -> str:
        """Return an IAM unique id: ``AIDA`` a user, ``AROA`` a role, ``ASIA`` a temporary key."""
        return prefix + "".join(self.random.choices(_ID_ALPHABET, k=17 if prefix != "ASIA" else 16))

    def file_id(self) -> str:
        """Return the random part of a log file's name."""
        return "".join(self.random.choices(_NAME_ALPHABET, k=16))


@dataclass(frozen=True)
class User:
    """An IAM user, or the account's root where ``name`` is ``root``."""

    name: str
    account: str
    principal_id: str
    path: str = "/"
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """The ARN, with the path."""
        if self.name == "root":
            return f"arn:{self.partition}:iam::{self.account}:root"
        return f"arn:{self.partition}:iam::{self.account}:user{self.path}{self.name}"

    def identity(self) -> dict[str, Any]:
        """Return ``userIdentity`` of a sign-in event: without session."""
        if self.name == "root":
            return {
                "type": "Root",
                "principalId": self.account,
                "arn": self.arn,
                "accountId": self.account,
            }
        return {
            "type": "IAMUser",
            "principalId": self.principal_id,
            "arn": self.arn,
            "accountId": self.account,
            "userName": self.name,
        }


@dataclass(frozen=True)
class Role:
    """An IAM role."""

    name: str
    account: str
    principal_id: str
    path: str = "/"
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """The ARN, with the path."""
        return f"arn:{self.partition}:iam::{self.account}:role{self.path}{self.name}"


@dataclass(frozen=True)
class Session:
    """A session of a role, or the console session of a user (``role`` None)."""

    principal: Role | User
    name: str
    created_at: datetime
    mfa: bool
    access_key_id: str
    source_identity: str | None = None
    on_behalf_of: dict[str, str] | None = None
    in_scope_of: dict[str, str] | None = None
    """What an AWS service issued the credentials to: a function, a task, an instance."""

    ec2_role_delivery: str | None = None
    is_assumed_root: bool = False

    @property
    def account(self) -> str:
        """The account that the session acts in."""
        return self.principal.account

    @property
    def principal_id(self) -> str:
        """The principal id: that of the user, or ``AROA...:name``."""
        if isinstance(self.principal, User):
            return self.principal.principal_id
        return f"{self.principal.principal_id}:{self.name}"

    @property
    def arn(self) -> str:
        """The ARN that events of the session carry: a role's path is missing."""
        if isinstance(self.principal, User):
            return self.principal.arn
        role = f"assumed-role/{self.principal.name}/{self.name}"
        return f"arn:{self.principal.partition}:sts::{self.account}:{role}"

    def bare_identity(self) -> dict[str, Any]:
        """Return ``userIdentity`` of a sign-in event: without session."""
        if isinstance(self.principal, User):
            return self.principal.identity()
        return {
            "type": "AssumedRole",
            "principalId": self.principal_id,
            "arn": self.arn,
            "accountId": self.account,
        }

    def identity(self, access_key_id: str | None = None) -> dict[str, Any]:
        """Return ``userIdentity`` of an API call."""
        attributes = {
            "creationDate": iso(self.created_at),
            "mfaAuthenticated": "true" if self.mfa else "false",
        }
        context: dict[str, Any] = {"attributes": attributes}
        if isinstance(self.principal, Role):
            context["sessionIssuer"] = {
                "type": "Role",
                "principalId": self.principal.principal_id,
                "arn": self.principal.arn,
                "accountId": self.account,
                "userName": self.principal.name,
            }
        if self.source_identity:
            context["sourceIdentity"] = self.source_identity
        if self.ec2_role_delivery:
            context["ec2RoleDelivery"] = self.ec2_role_delivery
        if self.is_assumed_root:
            context["assumedRoot"] = "true"
        identity = self.bare_identity() | {
            "accessKeyId": access_key_id or self.access_key_id,
            "sessionContext": context,
        }
        if self.in_scope_of:
            identity["inScopeOf"] = self.in_scope_of
        return identity | ({"onBehalfOf": self.on_behalf_of} if self.on_behalf_of else {})


@dataclass
class Shapes:
    """Makes records; each call makes new event ids."""

    ids: Ids
    version: str = "1.11"

    def record(
        self,
        at: datetime,
        source: str,
        name: str,
        account: str,
        region: str,
        identity: dict[str, Any],
        **members: Any,
    ) -> CloudTrailRecord:
        """Return a record with the members that every one of version 1.08 and later has."""
        record: CloudTrailRecord = {
            "eventVersion": self.version,
            "userIdentity": identity,
            "eventTime": iso(at),
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": members.pop("ip", AWS_INTERNAL),
            "userAgent": members.pop("agent", AWS_INTERNAL),
            "requestParameters": None,
            "responseElements": None,
        }
        record |= members.pop("before", {})
        record |= {
            "eventID": self.ids.uuid(),
            "readOnly": members.pop("read_only", False),
            "eventType": members.pop("event_type", "AwsApiCall"),
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
        }
        return record | members

    def call(
        self,
        at: datetime,
        session: Session,
        service: str,
        name: str,
        region: str,
        ip: str,
        *,
        read_only: bool = False,
        denied: bool = False,
        key: str | None = None,
        agent: str = BROWSER,
        request: dict[str, Any] | None = None,
    ) -> CloudTrailRecord:
        """Return an API call made in a session; the console mints keys (``key``) of its own."""
        refused = {
            "errorCode": "AccessDenied",
            "errorMessage": f"User: {session.arn} is not authorized to perform: {service}:{name}",
        }
        return self.record(
            at,
            service,
            name,
            session.account,
            region,
            session.identity(key),
            ip=ip,
            agent=agent,
            read_only=read_only,
            before=(refused if denied else {}) | {"requestParameters": request},
            requestID=self.ids.uuid(),
        )

    def sign_in(
        self,
        at: datetime,
        name: str,
        account: str,
        region: str,
        identity: dict[str, Any],
        ip: str,
        additional: dict[str, Any],
        *,
        failure: str | None = None,
        agent: str = BROWSER,
    ) -> CloudTrailRecord:
        """Return a console sign-in event: no request id, no key, no session, no error code."""
        before: dict[str, Any] = {"errorMessage": failure} if failure else {}
        return self.record(
            at,
            "signin",
            name,
            account,
            region,
            identity,
            ip=ip,
            agent=agent,
            event_type="AwsConsoleSignIn",
            before=before
            | {
                "responseElements": {name: "Failure" if failure else "Success"},
                "additionalEventData": additional,
            },
            tlsDetails={
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": f"{region}.signin.aws.amazon.com",
            },
        )

    def console_login(
        self, at: datetime, user: User, region: str, ip: str, *, mfa: bool, failed: bool = False
    ) -> CloudTrailRecord:
        """Return a ConsoleLogin of a user; a failed one has no ARN."""
        additional = {
            "LoginTo": "https://console.aws.amazon.com/console/home?state=hashArgs&isauthcode=true",
            "MobileVersion": "No",
            "MFAUsed": "Yes" if mfa else "No",
        }
        if mfa:
            additional["MFAIdentifier"] = f"arn:aws:iam::{user.account}:mfa/{user.name}"
        identity = user.identity()
        if failed:
            identity = {key: value for key, value in identity.items() if key not in ("arn",)} | {
                "accessKeyId": ""
            }
        return self.sign_in(
            at,
            "ConsoleLogin",
            user.account,
            region,
            identity,
            ip,
            additional,
            failure="Failed authentication" if failed else None,
        )

    def switch_in_role_account(
        self, at: datetime, session: Session, source_arn: str, region: str, ip: str
    ) -> CloudTrailRecord:
        """Return the role's half of a console switch into ``session``."""
        return self.sign_in(
            at,
            "SwitchRole",
            session.account,
            region,
            session.bare_identity(),
            ip,
            {"SwitchFrom": source_arn, "RedirectTo": _console(region)},
        )

    def switch_in_source_account(
        self,
        at: datetime,
        source: Session,
        role: Role,
        region: str,
        ip: str,
        *,
        failure: str | None = None,
    ) -> CloudTrailRecord:
        """Return the source's half of a console switch; that of a refused one is presumed."""
        return self.sign_in(
            at,
            "SwitchRole",
            source.account,
            region,
            source.bare_identity(),
            ip,
            {"SwitchTo": role.arn, "RedirectTo": _console(region)},
            failure=failure,
        )

    def renewal(
        self, at: datetime, session: Session, source_arn: str, region: str, ip: str
    ) -> CloudTrailRecord:
        """Return the role's half of a RenewRole: its values are presumed."""
        additional = {"RenewedBy": source_arn, "RedirectTo": _console(region)}
        identity = session.bare_identity()
        return self.sign_in(at, "RenewRole", session.account, region, identity, ip, additional)

    def renewal_in_source_account(
        self, at: datetime, source: Session, role: Role, region: str, ip: str
    ) -> CloudTrailRecord:
        """Return the source's half of a RenewRole: its values are presumed."""
        additional = {"RoleRenewed": role.arn, "RedirectTo": _console(region)}
        identity = source.bare_identity()
        return self.sign_in(at, "RenewRole", source.account, region, identity, ip, additional)

    def exit(self, at: datetime, session: Session, region: str, ip: str) -> CloudTrailRecord:
        """Return an ExitRole: presumed as a whole."""
        additional = {"RedirectTo": _console(region)}
        identity = session.bare_identity()
        return self.sign_in(at, "ExitRole", session.account, region, identity, ip, additional)

    def assume_role(
        self,
        at: datetime,
        caller: Session,
        session: Session,
        region: str,
        *,
        console: bool,
        ip: str = AWS_INTERNAL,
        hours: int = 1,
        serial: str | None = None,
    ) -> list[CloudTrailRecord]:
        """Return the copies of an AssumeRole: the caller's, and the role's in another account."""
        if not isinstance(session.principal, Role):
            raise TypeError("only a role can be assumed")
        request: dict[str, Any] = {
            "roleArn": session.principal.arn,
            "roleSessionName": session.name,
        }
        if not console:
            request["durationSeconds"] = hours * 3600
        if serial:
            request["serialNumber"] = serial
        if session.source_identity and session.source_identity != caller.source_identity:
            request["sourceIdentity"] = session.source_identity
        shared = {
            "requestParameters": request,
            "responseElements": {
                "credentials": {
                    "accessKeyId": session.access_key_id,
                    "sessionToken": f"IQoJb3JpZ2luX2VjE{self.ids.file_id() * 4}==",
                    "expiration": java_date(at + timedelta(hours=hours)),
                },
                "assumedRoleUser": {"assumedRoleId": session.principal_id, "arn": session.arn},
            },
        }
        resources = [
            {
                "accountId": session.account,
                "type": "AWS::IAM::Role",
                "ARN": session.principal.arn,
            }
        ]
        agent = AWS_INTERNAL if console else CLI
        identity = caller.identity() | ({"invokedBy": AWS_INTERNAL} if console else {})
        common: dict[str, Any] = {
            "requestID": self.ids.uuid(),
            "resources": resources,
            "ip": ip,
            "agent": agent,
            "read_only": True,
            "before": shared,
        }
        if session.account != caller.account:
            common["sharedEventID"] = self.ids.uuid()
        records = [self.record(at, "sts", "AssumeRole", caller.account, region, identity, **common)]
        if session.account != caller.account:
            seen = {
                "type": "AWSAccount",
                "principalId": caller.principal_id,
                "accountId": caller.account,
            }
            records.append(
                self.record(at, "sts", "AssumeRole", session.account, region, seen, **common)
            )
        return records

    def refused_assume_role(
        self,
        at: datetime,
        caller: Session,
        role: Role,
        region: str,
        ip: str = AWS_INTERNAL,
        *,
        console: bool = False,
    ) -> CloudTrailRecord:
        """Return an AssumeRole that was refused: without parameters, in the caller's account."""
        return self.record(
            at,
            "sts",
            "AssumeRole",
            caller.account,
            region,
            caller.identity() | ({"invokedBy": AWS_INTERNAL} if console else {}),
            ip=ip,
            agent=AWS_INTERNAL if console else CLI,
            read_only=True,
            before={
                "errorCode": "AccessDenied",
                "errorMessage": f"User: {caller.arn} is not authorized to perform:"
                f" sts:AssumeRole on resource: {role.arn}",
            },
            requestID=self.ids.uuid(),
        )

    def service_assume_role(
        self, at: datetime, service: str, session: Session, region: str
    ) -> CloudTrailRecord:
        """Return an AssumeRole by an AWS service."""
        identity = {"type": "AWSService", "invokedBy": f"{service}.amazonaws.com"}
        assumed = Session(User("", session.account, ""), "", at, False, "")
        copies = self.assume_role(
            at, assumed, session, region, console=False, ip=f"{service}.amazonaws.com"
        )
        return copies[0] | {
            "userIdentity": identity,
            "userAgent": f"{service}.amazonaws.com",
            "sharedEventID": self.ids.uuid(),
        }

    def service_delivery(
        self, at: datetime, service: str, session: Session, region: str, asked_name: str
    ) -> CloudTrailRecord:
        """Return an AssumeRole by Lambda, ECS or EC2: the response has credentials alone.

        The session name that is asked for may be another than the one that acts.
        """
        record = self.service_assume_role(at, service, session, region)
        request = {"roleArn": record["requestParameters"]["roleArn"], "roleSessionName": asked_name}
        response = {"credentials": record["responseElements"]["credentials"]}
        return record | {"requestParameters": request, "responseElements": response}

    def assume_root(
        self,
        at: datetime,
        caller: Session,
        session: Session,
        region: str,
        ip: str,
        *,
        target: str | None = None,
    ) -> CloudTrailRecord:
        """Return the AssumeRoot of ``session``, the member account's; ``target``: an ARN or id."""
        identity = caller.identity()
        # It stands in the call of an ordinary caller too: IAM user guide, "Privileged tasks".
        identity["sessionContext"]["assumedRoot"] = "true"
        policy = "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"
        return self.record(
            at,
            "sts",
            "AssumeRoot",
            caller.account,
            region,
            identity,
            ip=ip,
            agent=CLI,
            before={
                "requestParameters": {
                    "targetPrincipal": target or session.account,
                    "taskPolicyArn": {"arn": policy},
                },
                "responseElements": {
                    "credentials": {
                        "accessKeyId": session.access_key_id,
                        "sessionToken": f"IQoJb3JpZ2luX2VjE{self.ids.file_id() * 4}==",
                        "expiration": java_date(at + timedelta(minutes=15)),
                    }
                },
            },
            requestID=self.ids.uuid(),
        )

    def identity_center_sign_in(
        self,
        at: datetime,
        account: str,
        region: str,
        ip: str,
        user: str,
        on_behalf_of: dict[str, str],
        *,
        factors: tuple[str, ...] = ("PASSWORD", "TOTP"),
        names_user: str | None = None,
        is_refused: bool = False,
    ) -> list[CloudTrailRecord]:
        """Return the steps of a sign-in to Identity Center, by default with an authenticator.

        ``names_user`` is the one step that has ``UserName``; without it all have it, and there is
        no challenge. A refused sign-in ends with the last factor.
        """
        workflow = self.ids.uuid()
        identity = {
            "type": "IdentityCenterUser",
            "accountId": account,
            "onBehalfOf": on_behalf_of,
            "credentialId": self.ids.file_id() * 2,
        }
        steps = [("CredentialChallenge", factors[0])] if names_user else []
        steps += [("CredentialVerification", factor) for factor in factors]
        if not is_refused:
            steps.append(("UserAuthentication", ",".join(factors)))
        records = []
        seconds = -9
        for number, (name, credential) in enumerate(steps, start=1):
            seconds += 1 if name == "UserAuthentication" else 9
            additional = {"AuthWorkflowID": workflow}
            if names_user in (None, name):
                additional["UserName"] = user
            outcome = "Failure" if is_refused and number == len(steps) else "Success"
            records.append(
                self.record(
                    at + timedelta(seconds=seconds),
                    "signin",
                    name,
                    account,
                    region,
                    identity,
                    ip=ip,
                    agent=BROWSER,
                    event_type="AwsServiceEvent",
                    before={"additionalEventData": additional | {"CredentialType": credential}},
                    requestID=self.ids.uuid(),
                    serviceEventDetails={name: outcome},
                )
            )
        return records

    def federate(
        self,
        at: datetime,
        account: str,
        region: str,
        ip: str,
        on_behalf_of: dict[str, str],
        to_account: str,
        permission_set: str,
    ) -> CloudTrailRecord:
        """Return the choice of an account and a permission set in the access portal."""
        identity = {
            "type": "IdentityCenterUser",
            "accountId": account,
            "onBehalfOf": on_behalf_of,
            "credentialId": self.ids.file_id() * 2,
        }
        return self.record(
            at,
            "sso",
            "Federate",
            account,
            region,
            identity,
            ip=ip,
            agent=BROWSER,
            event_type="AwsServiceEvent",
            requestID=self.ids.uuid(),
            serviceEventDetails={"role_name": permission_set, "account_id": to_account},
        )

    def role_credentials(
        self,
        at: datetime,
        account: str,
        region: str,
        ip: str,
        on_behalf_of: dict[str, str],
        to_account: str,
        permission_set: str,
    ) -> CloudTrailRecord:
        """Return the GetRoleCredentials of a terminal that was signed in through the portal."""
        record = self.federate(at, account, region, ip, on_behalf_of, to_account, permission_set)
        return record | {"eventName": "GetRoleCredentials", "userAgent": CLI, "readOnly": True}

    def assume_role_with_web_identity(
        self,
        at: datetime,
        session: Session,
        region: str,
        ip: str,
        provider: str,
        subject: str,
        hours: int = 1,
    ) -> CloudTrailRecord:
        """Return the AssumeRoleWithWebIdentity of a job or user with a token of ``provider``."""
        if not isinstance(session.principal, Role):
            raise TypeError("only a role can be assumed")
        identity = {
            "type": "WebIdentityUser",
            "principalId": f"{provider}:sts.amazonaws.com:{subject}",
            "userName": subject,
            "identityProvider": provider,
        }
        response = {
            "subjectFromWebIdentityToken": subject,
            "assumedRoleUser": {"assumedRoleId": session.principal_id, "arn": session.arn},
            "credentials": {
                "accessKeyId": session.access_key_id,
                "sessionToken": f"IQoJb3JpZ2luX2VjE{self.ids.file_id() * 4}==",
                "expiration": java_date(at + timedelta(hours=hours)),
            },
            "provider": provider,
            "audience": "sts.amazonaws.com",
        }
        request = {"roleArn": session.principal.arn, "roleSessionName": session.name}
        return self.record(
            at,
            "sts",
            "AssumeRoleWithWebIdentity",
            session.account,
            region,
            identity,
            ip=ip,
            agent=CLI,
            read_only=True,
            before={"requestParameters": request, "responseElements": response},
            requestID=self.ids.uuid(),
        )

    def assume_role_with_saml(
        self, at: datetime, session: Session, region: str, hours: int = 12
    ) -> CloudTrailRecord:
        """Return the AssumeRoleWithSAML of an entry through Identity Center, at AWS's address."""
        if not isinstance(session.principal, Role):
            raise TypeError("only a role can be assumed")
        qualifier = "/nQTosBbaHrvuioiTKQkrbl3/WM="
        provider = (
            f"arn:aws:iam::{session.account}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"
        )
        return self.record(
            at,
            "sts",
            "AssumeRoleWithSAML",
            session.account,
            region,
            {
                "type": "SAMLUser",
                "principalId": f"{qualifier}:{session.name}",
                "userName": session.name,
                "identityProvider": qualifier,
            },
            ip="13.239.101.254",
            agent="aws-sdk-java/2.46.14 ua/2.1 api/STS#2.46.x",
            read_only=True,
            before={
                "requestParameters": {
                    "sAMLAssertionID": f"_{self.ids.uuid()}",
                    "roleSessionName": session.name,
                    "roleArn": session.principal.arn,
                    "principalArn": provider,
                    "durationSeconds": hours * 3600,
                },
                "responseElements": {
                    "credentials": {
                        "accessKeyId": session.access_key_id,
                        "sessionToken": f"IQoJb3JpZ2luX2VjE{self.ids.file_id() * 4}==",
                        "expiration": java_date(at + timedelta(hours=hours)),
                    },
                    "assumedRoleUser": {"assumedRoleId": session.principal_id, "arn": session.arn},
                    "subject": session.name,
                    "subjectType": "persistent",
                    "issuer": f"https://portal.sso.{region}.amazonaws.com/saml/assertion/Zm9v",
                    "audience": "https://signin.aws.amazon.com/saml",
                    "nameQualifier": qualifier,
                },
            },
            requestID=self.ids.uuid(),
            resources=[
                {
                    "accountId": session.account,
                    "type": "AWS::IAM::Role",
                    "ARN": session.principal.arn,
                },
                {
                    "accountId": session.account,
                    "type": "AWS::IAM::SAMLProvider",
                    "ARN": provider,
                },
            ],
        )


@dataclass
class TrailWriter:
    """Records on their way into log files, each file one delivery for one account and region."""

    ids: Ids
    organization: str | None = None
    minutes_per_file: int = 5
    _deliveries: dict[tuple[str, str, datetime], list[CloudTrailRecord]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def deliver(
        self,
        records: Iterable[CloudTrailRecord],
        *,
        after: timedelta = timedelta(minutes=5),
        region: str | None = None,
        account: str | None = None,
    ) -> None:
        """Put each record into the file that is delivered ``after`` its time.

        ``region`` is for a copy that arrives in another region's file, ``account`` for what lies
        in the folder of another account.
        """
        for record in records:
            at = datetime.fromisoformat(record["eventTime"]) + after
            slot = at.replace(
                minute=at.minute - at.minute % self.minutes_per_file, second=0, microsecond=0
            )
            in_account = account or record["recipientAccountId"]
            key = (in_account, region or record["awsRegion"], slot)
            self._deliveries[key].append(record)

    def pending(self, account: str, region: str) -> list[CloudTrailRecord]:
        """Return the records on their way into files of one account and region."""
        return [
            record
            for (to_account, to_region, _), records in self._deliveries.items()
            if (to_account, to_region) == (account, region)
            for record in records
        ]

    def files(self) -> Iterable[tuple[str, list[CloudTrailRecord]]]:
        """Yield key and records of each file, in the order of the keys' first parts."""
        prefix = f"AWSLogs/{self.organization}" if self.organization else "AWSLogs"
        for (account, region, at), records in sorted(
            self._deliveries.items(), key=lambda item: item[0]
        ):
            name = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{self.ids.file_id()}.json.gz"
            yield f"{prefix}/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{name}", records

    def write(self, folder: Path) -> list[Path]:
        """Write all files below ``folder`` and return their paths."""
        paths = []
        for key, records in self.files():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed(records))
            paths.append(path)
        return paths


def corrected(record: CloudTrailRecord, event_id: str, fields: dict[str, Any]) -> CloudTrailRecord:
    """Return the correction of a record: it names its original, and what was updated."""
    addendum = {
        "reason": "UPDATED_DATA",
        "updatedFields": ",".join(fields),
        "originalRequestID": record.get("requestID"),
        "originalEventID": record["eventID"],
    }
    return record | fields | {"eventID": event_id, "addendum": addendum}


def before_2021(record: CloudTrailRecord) -> CloudTrailRecord:
    """Return a record as version 1.05 had it, in which nothing says what only reads."""
    later = ("readOnly", "managementEvent", "eventCategory", "tlsDetails")
    old = {name: value for name, value in record.items() if name not in later}
    return old | {"eventVersion": "1.05"}


def packed(records: Iterable[CloudTrailRecord]) -> bytes:
    """Return the bytes of a log file, the same for the same records."""
    text = json.dumps({"Records": list(records)}, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def iso(at: datetime) -> str:
    """Return a time as CloudTrail writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def java_date(at: datetime) -> str:
    """Return a time as STS writes the expiration of credentials."""
    return f"{at:%b} {at.day}, {at:%Y}, {at.hour % 12 or 12}:{at:%M:%S %p}"


def _console(region: str) -> str:
    return f"https://{region}.console.aws.amazon.com/console/home?region={region}#"
