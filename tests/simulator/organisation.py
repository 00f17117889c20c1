"""Plans what happens in an invented organisation, and writes the log files of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from trail_writer import (
    AWS_INTERNAL,
    CLI,
    CloudTrailRecord,
    Ids,
    Role,
    Session,
    Shapes,
    TrailWriter,
    User,
    before_2021,
    corrected,
    packed,
)

VIRGINIA, FRANKFURT, TOKYO = "us-east-1", "eu-central-1", "ap-northeast-1"
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 12
IDENTITY, SECOND, PRODUCTION, DEVELOPMENT = (
    "111122223333",
    "222233334444",
    "333344445555",
    "000055556666",
)
OUTSIDE, OUTSIDE_ROLES = "999900001111", "999900002222"  # their logs are not here
CHINA, CHINA_ROLES = "444455550000", "444455550001"
LOGGED = {IDENTITY, SECOND, PRODUCTION, DEVELOPMENT, CHINA, CHINA_ROLES}
_CALLS = (
    ("ec2", "DescribeInstances", True),
    ("ec2", "StopInstances", False),
    ("iam", "CreateUser", False),
    ("s3", "ListBuckets", True),
    ("lambda", "UpdateFunctionCode20150331v2", False),
    ("rds", "DescribeDBInstances", True),
    ("apigateway", "TestInvokeMethod", False),
    ("dynamodb", "BatchGetItem", True),
    ("sts", "DecodeAuthorizationMessage", True),
    ("config", "SelectResourceConfig", True),
    ("servicecatalog", "ScanProvisionedProducts", True),
    ("route53", "TestDNSAnswer", True),
    ("ecr", "BatchDeleteImage", False),
)
_REFUSALS = (
    *("AccessDenied", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
    *("Client.UnauthorizedOperation", "VpceAccessDenied"),
    *("NoSuchEntityException", "Client.InvalidInstanceID.NotFound"),
)
FACTORS = (
    *(("PASSWORD", "TOTP"), ("PASSWORD", "EMAIL_OTP"), ("WEBAUTHN",)),
    *(("PASSWORD",), ("EMAIL_OTP",), ("EXTERNAL_IDP",), ("PASSWORD", "RADIUS")),
)
_CI_SUBJECT = "repo:example/app:ref:refs/heads/main"


class Sent:
    """A record that AWS wrote, with its corrections, each of which corrects the one before.

    Whether any was ever delivered is told by its key; ``record`` is the newest that was.
    """

    def __init__(self, record: CloudTrailRecord) -> None:
        self.versions = [record]
        self.at = datetime.fromisoformat(record["eventTime"])
        self._stands = 0

    @property
    def record(self) -> CloudTrailRecord:
        """The record that stands."""
        return self.versions[self._stands]

    @property
    def key(self) -> tuple[str, str]:
        """What tells it apart."""
        return _key(self.record)

    @property
    def id(self) -> str:
        """Its event id."""
        event_id: str = self.record["eventID"]
        return event_id

    def arrive(self, delivered: set[tuple[str, str]]) -> None:
        """Let the newest version stand that was delivered."""
        there = [i for i, version in enumerate(self.versions) if _key(version) in delivered]
        self._stands = max(there, default=0)


@dataclass(frozen=True)
class RootUser(Role):
    """The root user of a member account, where a session is of a role elsewhere."""

    @property
    def arn(self) -> str:
        """The ARN of the account's root."""
        return f"arn:{self.partition}:iam::{self.account}:root"


@dataclass(eq=False)
class Stay:
    """A role session of the plan, or an entry that was refused (``session`` None)."""

    how: str
    """`switch`, `assume`, `root`, `portal`, `saml`, `web`, `service`, `unseen` or `refused`."""

    role: Role
    session: Session | None
    at: datetime
    parent: Stay | None = None
    user: User | None = None
    mfa: bool | None = None
    ip: str = ""
    serial: bool = False
    has_caller_session: bool = True
    source_arn: str = ""
    source_identity: str | None = None
    subject: str | None = None
    has_transient_subject: bool = False
    issued_key: str | None = None
    """The key that its AssumeRole shows, where what is done in it is done by that key."""

    expires_at: datetime | None = None
    role_half: Sent | None = None
    source_half: Sent | None = None
    caller_copy: Sent | None = None
    role_copy: Sent | None = None
    entry: Sent | None = None
    door: Sent | None = None
    """The Federate or GetRoleCredentials that it was entered by."""

    actions: list[Sent] = field(default_factory=list)
    renewals: list[tuple[Sent, Sent]] = field(default_factory=list)
    exits: list[Sent] = field(default_factory=list)
    in_burst: bool = False
    twin: Stay | None = None


@dataclass
class Login:
    """A login to the console, or to the portal (``user`` a name)."""

    user: User | str
    sent: Sent
    """What tells that it succeeded."""

    ip: str
    mfa: bool | None = None
    factors: tuple[str, ...] = ()
    steps: list[Sent] = field(default_factory=list)


class Organisation:
    """What happened, by a seed; ``stays`` and ``logins`` are the truth."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids = Ids(seed + 1)
        self.shapes = Shapes(self.ids)
        self.stays: list[Stay] = []
        self.logins: list[Login] = []
        self.sent: list[Sent] = []
        self.delivered: set[tuple[str, str]] = set()
        self.forged: set[tuple[str, str]] = set()
        self._keys_of_files: dict[Path, set[tuple[str, str]]] = {}
        self._taken: set[tuple[str, int]] = set()
        self._turns: Counter[str] = Counter()
        self._people()

    def _people(self) -> None:
        user, role = self._user, self._role
        names = ("alice", "bob", "carol", "dave@example.com", "erin", "frank")
        self.users = [user(name, IDENTITY) for name in names[:4]]
        self.users += [user("erin", IDENTITY, "/operations/"), user("frank", SECOND)]
        self.users.append(user("i-0fedcba9876543210", SECOND))
        # The same names in another account.
        self.twins = [(self.users[0], user("alice", SECOND)), (self.users[1], user("bob", SECOND))]
        self.outsider = user("vendor", OUTSIDE)
        self.chinese = user("li", CHINA, partition="aws-cn")
        self.roles = [
            role("Admin", PRODUCTION),
            role("ReadOnly", PRODUCTION),
            role("Deploy", PRODUCTION, "/delivery/team/"),
            role("Developer", DEVELOPMENT),
            role("Auditor", IDENTITY),
            role("Hub", SECOND, "/hub/"),
        ]
        self.other_admin = role("Admin", DEVELOPMENT)
        self.chinese_role = role("Ops", CHINA_ROLES, "/cn/", partition="aws-cn")
        self.outside_role = role("Partner", OUTSIDE_ROLES, "/x/")
        self.portal_roles = [
            role(
                f"AWSReservedSSO_{name}_{self.random.getrandbits(64):016x}",
                account,
                f"/aws-reserved/sso.amazonaws.com/{FRANKFURT}/",
            )
            for name, account in (("Operations", IDENTITY), ("View_Only", PRODUCTION))
        ]
        self.portal_users = {
            name: {
                "userId": self.ids.uuid(),
                "identityStoreArn": f"arn:aws:identitystore::{IDENTITY}:identitystore/d-1234567890",
            }
            for name in ("dana@example.com", "gus", "hana", "kim", "lou@example.com")
        }
        self.instance_role = role("Instance", DEVELOPMENT)
        # Anybody may call a role like those of Identity Center; only AWS makes their path.
        self.look_alike = role("AWSReservedSSO_Admin_0123456789abcdef", PRODUCTION)
        self.function_role = role("nightly-report-role", DEVELOPMENT, "/service-role/")
        self.task_role = role("Worker", PRODUCTION, "/tasks/")
        self.build_role = role("CodeBuild-project", IDENTITY, "/service-role/")
        self.service_role = role(
            "AWSServiceRoleForConfig", PRODUCTION, "/aws-service-role/config.amazonaws.com/"
        )

    def _user(self, name: str, account: str, path: str = "/", partition: str = "aws") -> User:
        return User(name, account, self.ids.unique_id("AIDA"), path, partition)

    def _role(self, name: str, account: str, path: str = "/", partition: str = "aws") -> Role:
        return Role(name, account, self.ids.unique_id("AROA"), path, partition)

    # --- the plan ------------------------------------------------------------------------------

    def live(self, size: int = 3) -> None:
        """Let things happen, ``size`` times each, in an order that the times alone tell."""
        for _ in range(size):
            for _ in range(6):
                self.switch(self.random.choice(self.users), self.random.choice(self.roles))
            self.switch(self.outsider, self.random.choice(self.roles[:4]))
            self.switch(self.random.choice(self.users), self.outside_role)
            self.switch(self.chinese, self.chinese_role)
            self.burst()
            self.twins_switch()
            self.refusal_and_retry()
            for length in (1, 2, self.random.randint(3, 10)):
                self.chain(length)
            self.portal_visits()
            for _ in range(2):
                self.program()
            self.parallel_programs()
            self.switch_and_program()
            self.roles_of_one_name()
            self.long_stay()
            self.job()
            self.federated()
            self.services()
            self.function_or_task()
            self.seen_only()
            self.seen_only()
            self.root_switch()
            self.named_like_an_instance()
            self.one_key_acts()
            self.takes_root()
            self.refused_programs()
            self.refused_job()
            self.made_by_aws_internally()
            self.hides_behind_an_instance()
            self.borrows_a_name()
        self.loop()
        self.made_again()
        self.noise(40 * size)
        self.corrections(8 * size)

    def _turn(self, kind: str) -> int:
        """Return how often that was asked before: kinds that take turns are in every trail."""
        self._turns[kind] += 1
        return self._turns[kind] - 1

    def moment(self, *principals: str) -> datetime:
        """Return a second of the days that is at least a minute from any other of these."""
        while True:
            second = self.random.randrange(3600, DAYS * 86400 - 7200)
            slots = {(name, second // 60 + step) for name in principals for step in range(-4, 5)}
            if not slots & self._taken:
                self._taken |= {(name, second // 60) for name in principals}
                return FIRST_DAY + timedelta(seconds=second)

    def soon(self, at: datetime, *principals: str) -> datetime:
        """Return the first moment from ``at`` on that is at least a minute from any of these."""
        while True:
            minute = int((at - FIRST_DAY).total_seconds()) // 60
            slots = {(name, minute + step) for name in principals for step in range(-2, 3)}
            if not slots & self._taken:
                self._taken |= {(name, minute) for name in principals}
                return at
            at += timedelta(seconds=61)

    def console_session(self, user: User, at: datetime) -> Session:
        """Log a user in some time before, and return the session; some logins are not there."""
        mfa = self.random.random() < 0.5
        began = at - timedelta(minutes=self.random.randint(3, 600))
        began = max(began, FIRST_DAY)
        self._log_in(user, began, mfa)
        return Session(user, user.name, began, mfa, self.ids.unique_id("ASIA"))

    def switch(
        self,
        source: User | Stay,
        role: Role,
        at: datetime | None = None,
        caller: Session | None = None,
        *,
        jitter: bool = True,
    ) -> Stay:
        """Let a user, or who is in a role, switch into a role in the console."""
        rng = self.random
        if isinstance(source, Stay):
            assert source.session is not None
            caller = source.session
        name = caller.name if caller else source.name  # type: ignore[union-attr]
        principal = f"{role.principal_id}:{name}"
        if at is None:
            at = self.moment(principal, f"{name}>{role.arn}")
        elif isinstance(source, Stay):
            at = self.soon(at, principal, f"{name}>{role.arn}")
        if caller is None:
            assert isinstance(source, User)
            caller = self.console_session(source, at)
        mfa = caller.mfa if isinstance(source, User) else rng.random() < 0.3
        region, ip = rng.choice((VIRGINIA, FRANKFURT, TOKYO)), self._ip()
        session = Session(
            role, name, at, mfa, self.ids.unique_id("ASIA"), source_identity=caller.source_identity
        )
        copies = self.shapes.assume_role(at, caller, session, region, console=True)
        # The console acts by keys of its own.
        session = replace(session, access_key_id=self.ids.unique_id("ASIA"))
        skew = timedelta(seconds=rng.choice((0, 0, 1, 2, 30, 60)))
        stay = Stay("switch", role, session, at, mfa=caller.mfa, ip=ip, source_arn=caller.arn)
        stay.parent = source if isinstance(source, Stay) else None
        stay.user = source if isinstance(source, User) else None
        stay.source_identity = caller.source_identity
        stay.expires_at = at + timedelta(hours=1)
        # The record may be a second behind the session.
        behind = timedelta(seconds=rng.choice((0, 0, 0, 1)) if jitter else 0)
        stay.role_half = self._send(
            self.shapes.switch_in_role_account(at + behind, session, caller.arn, region, ip)
        )
        stay.source_half = self._send(
            self.shapes.switch_in_source_account(
                at - skew, caller, role, rng.choice((region, VIRGINIA)), ip
            )
        )
        self._send_copies(stay, copies)
        self._work(stay, keys=True)
        self._renew_and_exit(stay, caller)
        self.stays.append(stay)
        return stay

    def burst(self) -> None:
        """Let somebody switch into one role a few times within two minutes."""
        user, role = self.random.choice(self.users), self.random.choice(self.roles)
        at = self.moment(f"{role.principal_id}:{user.name}", f"{user.name}>{role.arn}")
        caller = self.console_session(user, at)
        for number in range(self.random.choice((2, 2, 3))):
            at += timedelta(seconds=self.random.randint(5, 50) if number else 0)
            self.switch(user, role, at, caller).in_burst = True

    def twins_switch(self) -> None:
        """Let two people of one name switch into roles in the same second."""
        one, other = self.random.choice(self.twins)
        role = self.random.choice(self.roles[:4])
        also = role if self.random.random() < 0.5 else self.random.choice(self.roles[:4])
        at = self.moment(
            *(f"{each.principal_id}:{one.name}" for each in (role, also)), f"{one.name}>{role.arn}"
        )
        first = self.switch(one, role, at, jitter=False)
        second = self.switch(other, also, at, jitter=False)
        if role is also:
            first.twin, second.twin = second, first

    def refusal_and_retry(self) -> None:
        """Let somebody be refused, and try again with success."""
        user, role = self.random.choice(self.users), self.random.choice(self.roles)
        at = self.moment(f"{role.principal_id}:{user.name}", f"{user.name}>{role.arn}")
        caller = self.console_session(user, at)
        refused = Stay(
            "switch",
            role,
            None,
            at,
            user=user,
            mfa=caller.mfa,
            source_arn=caller.arn,
            ip=self._ip(),
        )
        refused.source_half = self._send(
            self.shapes.switch_in_source_account(
                at, caller, role, FRANKFURT, refused.ip, failure="Failed authentication"
            )
        )
        refused.caller_copy = self._send(
            self.shapes.refused_assume_role(
                at + timedelta(seconds=self.random.choice((0, 0, 1))),
                caller,
                role,
                FRANKFURT,
                console=True,
            )
        )
        self.stays.append(refused)
        self.switch(user, role, at + timedelta(seconds=self.random.randint(4, 50)), caller)

    def chain(self, length: int) -> None:
        """Let somebody go on from role to role, in the console or by program."""
        rng = self.random
        kind = rng.choice(("user", "program", "portal", "saml"))
        if kind == "user":
            stay = self.switch(rng.choice(self.users), rng.choice(self.roles))
        elif kind == "program":
            stay = self.assume(rng.choice(self.users), rng.choice(self.roles))
        elif kind == "portal":
            stay = self.portal()
        else:
            stay = self.saml()
        for _ in range(length):
            at = stay.at + timedelta(seconds=rng.randint(60, 300))
            role = rng.choice(self.roles)
            if rng.random() < 0.5:
                stay = self.switch(stay, role, at)
            else:
                stay = self.assume(stay, role, at)

    def assume(
        self,
        source: User | Stay,
        role: Role,
        at: datetime | None = None,
        name: str | None = None,
        *,
        is_plain: bool = False,
        identity: str | None = None,
        acts: bool = True,
        by_aws: bool = False,
    ) -> Stay:
        """Let a user, or who is in a role, assume a role by program.

        ``identity`` is the source identity that they pass, ``by_aws`` a service of AWS that asks
        for them, as the console does.
        """
        rng = self.random
        if name is None:
            name = rng.choice(("release-4711", "terraform", "cli", "i-van"))
            name = f"{name}-{rng.randrange(10**6)}"
        if at is None:
            at = self.moment(f"{role.principal_id}:{name}")
        serial = False
        if isinstance(source, User):
            mfa = rng.random() < 0.5
            began = at - timedelta(minutes=rng.randint(1, 60))
            caller = Session(source, source.name, began, mfa, self.ids.unique_id("AKIA"))
            serial = rng.random() < 0.3 and not by_aws
            # Anybody may pass the name of somebody else.
            identity = identity or rng.choice((None, None, "frank.real", "alice"))
            if is_plain:
                mfa, serial, identity = False, False, None
                caller = Session(source, source.name, began, mfa, caller.access_key_id)
        else:
            assert source.session is not None
            caller = source.session
            identity = caller.source_identity or identity
            mfa = rng.random() < 0.2
        said_mfa = caller.mfa or serial if isinstance(source, User) else mfa
        ip = self._ip()
        session = Session(
            role, name, at, said_mfa, self.ids.unique_id("ASIA"), source_identity=identity
        )
        device = f"arn:aws:iam::{caller.account}:mfa/{caller.name}" if serial else None
        copies = self.shapes.assume_role(
            at,
            caller,
            session,
            FRANKFURT,
            console=by_aws,
            ip=AWS_INTERNAL if by_aws else ip,
            serial=device,
        )
        stay = Stay("assume", role, session, at, mfa=said_mfa, ip=ip, serial=serial)
        stay.issued_key = session.access_key_id
        stay.parent = source if isinstance(source, Stay) else None
        stay.user = source if isinstance(source, User) else None
        if isinstance(source, User) and rng.random() < 0.3 and not is_plain:
            # Long-term keys have no session to speak of.
            stay.has_caller_session = False
            del copies[0]["userIdentity"]["sessionContext"]
        stay.source_identity = identity
        stay.expires_at = at + timedelta(hours=1)
        self._send_copies(stay, copies)
        if acts:
            self._work(stay)
        self.stays.append(stay)
        return stay

    def program(self) -> None:
        """Let a user assume a role by program."""
        self.assume(self.random.choice(self.users), self.random.choice(self.roles))

    def parallel_programs(self) -> None:
        """Let one user's program assume a role twice in the same second, under one name."""
        user, role = self.random.choice(self.users), self.random.choice(self.roles)
        at = self.moment(f"{role.principal_id}:parallel")
        for _ in range(2):
            self.assume(user, role, at, "parallel", is_plain=True)

    def one_key_acts(self) -> None:
        """Let a role be assumed twice in one second under one name, and one of the keys be used.

        It may be by two people.
        """
        rng, role = self.random, self.random.choice(self.roles)
        at = self.moment(f"{role.principal_id}:twice")
        callers = [rng.choice(self.users), rng.choice(self.users)]
        used = rng.randrange(2)
        for number, user in enumerate(callers):
            stay = self.assume(user, role, at, "twice", acts=False)
            if number == used:
                self._work(stay, least=1)

    def named_like_an_instance(self) -> None:
        """Let a program call its session what instances are called, and go on from it."""
        rng = self.random
        name = f"i-{rng.getrandbits(68):017x}"
        stay = self.assume(rng.choice(self.users), rng.choice(self.roles), name=name)
        self.assume(stay, rng.choice(self.roles), stay.at + timedelta(minutes=5))

    def made_by_aws_internally(self) -> None:
        """Let AWS assume a role of a service for a user who works in the console."""
        name = f"AWSCodeBuild-{self.random.randrange(10**6)}"
        user = self.random.choice(self.users)
        self.assume(user, self.build_role, name=name, is_plain=True, by_aws=True)

    def refused_programs(self) -> None:
        """Let a user, who is in a role, and a service be refused a role; and a user to be root."""
        rng = self.random
        inside = self.switch(rng.choice(self.users), rng.choice(self.roles))
        for source in (rng.choice(self.users), inside):
            self.refused(source, rng.choice(self.roles))
        self.refused(rng.choice(self.users[:5]), RootUser("root", PRODUCTION, PRODUCTION))
        # In the console, from one role to the next.
        assert inside.session is not None
        role, caller = rng.choice(self.roles), inside.session
        at = inside.at + timedelta(minutes=rng.randint(10, 14))
        stay = Stay("switch", role, None, at, parent=inside, source_arn=caller.arn, ip=self._ip())
        stay.source_half = self._send(
            self.shapes.switch_in_source_account(
                at, caller, role, FRANKFURT, stay.ip, failure="Failed authentication"
            )
        )
        stay.source_identity = caller.source_identity
        self._send_copies(
            stay, [self.shapes.refused_assume_role(at, caller, role, FRANKFURT, console=True)]
        )
        self.stays.append(stay)
        service = Session(self.service_role, "AWSConfig", at, False, self.ids.unique_id("ASIA"))
        record = self.shapes.service_assume_role(at, "config", service, VIRGINIA)
        self._send(record | {"responseElements": None, "errorCode": "AccessDenied"})

    def refused(self, source: User | Stay, role: Role, at: datetime | None = None) -> None:
        """Let a program that acts for somebody be refused a role."""
        rng, ip = self.random, self._ip()
        if isinstance(source, User):
            at = at or self.moment(f"refused {source.arn}")
            mfa = rng.random() < 0.5
            key = self.ids.unique_id("AKIA")
            caller = Session(source, source.name, at - timedelta(minutes=7), mfa, key)
        else:
            assert source.session is not None
            at, caller = at or source.at + timedelta(minutes=rng.randint(2, 9)), source.session
        is_root = isinstance(role, RootUser)
        stay = Stay("root" if is_root else "refused", role, None, at, source_arn=caller.arn, ip=ip)
        stay.source_identity, stay.mfa = caller.source_identity, caller.mfa
        stay.user = source if isinstance(source, User) else None
        stay.parent = source if isinstance(source, Stay) else None
        record = self.shapes.refused_assume_role(at, caller, role, VIRGINIA, ip)
        if is_root:  # presumed
            message = record["errorMessage"].replace("AssumeRole", "AssumeRoot")
            record |= {"eventName": "AssumeRoot", "errorMessage": message}
        self._send_copies(stay, [record])
        self.stays.append(stay)

    def refused_job(self) -> None:
        """Let a job of another repository be refused a role."""
        role, provider = self.random.choice(self.roles), "token.actions.githubusercontent.com"
        subject = "repo:elsewhere/app:ref:refs/heads/main"
        at, ip = self.moment("refused job"), self._ip()
        session = Session(role, "GitHubActions", at, False, self.ids.unique_id("ASIA"))
        record = self.shapes.assume_role_with_web_identity(
            at,
            session,
            VIRGINIA,
            ip,
            f"arn:aws:iam::{role.account}:oidc-provider/{provider}",
            subject,
        )
        record |= {
            "errorCode": "AccessDenied",
            "errorMessage": "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "responseElements": None,
        }
        stay = Stay("web", role, None, at, ip=ip, subject=subject)
        stay.entry = self._send(record)
        self.stays.append(stay)

    def hides_behind_an_instance(self) -> None:
        """Let somebody assume an instance's role under its name, in the second of its start."""
        rng, name = self.random, f"i-{self.random.getrandbits(68):017x}"
        at = self.moment(f"{self.instance_role.principal_id}:{name}")
        delivery = "2.0" if rng.random() < 0.5 else None
        session = Session(
            self.instance_role,
            name,
            at,
            False,
            self.ids.unique_id("ASIA"),
            ec2_role_delivery=delivery,
        )
        stay = Stay("service", self.instance_role, session, at)
        stay.entry = self._send(self.shapes.service_delivery(at, "ec2", session, VIRGINIA, name))
        self._work(stay, least=1)
        self.stays.append(stay)
        hidden = rng.choice((*self.users, self.outsider))
        self.assume(hidden, self.instance_role, at, name)

    def borrows_a_name(self) -> None:
        """Let somebody's program go by the name of whoever switches, in the same second."""
        rng, role = self.random, self.random.choice(self.roles)
        scapegoat, borrower = rng.sample(self.users, 2)
        at = self.moment(f"{role.principal_id}:{scapegoat.name}", f"{scapegoat.name}>{role.arn}")
        self.switch(scapegoat, role, at, jitter=False)
        self.assume(borrower, role, at, scapegoat.name)

    def takes_root(self) -> None:
        """Let a user, and who is in a role, act as root of member accounts; one is only seen."""
        rng = self.random
        inside = rng.choice((self.assume, self.switch))(
            rng.choice(self.users[:5]), rng.choice(self.roles)
        )
        for source in (rng.choice(self.users[:5]), inside, None):
            account = rng.choice((SECOND, PRODUCTION, DEVELOPMENT))
            root = RootUser("root", account, account)
            at, ip = self.moment(f"root {account}"), self._ip()
            if isinstance(source, Stay):
                at = source.at + timedelta(minutes=rng.randint(3, 9))
            for _ in range(rng.choice((1, 2))):
                # Each of them is a session of its own, told by its key.
                key = self.ids.unique_id("ASIA")
                session = Session(
                    User("root", account, account), "", at, False, key, is_assumed_root=True
                )
                stay = Stay("root", root, session, at, ip=ip, issued_key=key)
                if source is not None:
                    self._ask_for_root(stay, source)
                self._work(stay, least=source is None)
                self.stays.append(stay)

    def _ask_for_root(self, stay: Stay, source: User | Stay) -> None:
        assert stay.session is not None
        stay.user = source if isinstance(source, User) else None
        stay.parent = source if isinstance(source, Stay) else None
        if isinstance(source, User):
            began = stay.at - timedelta(minutes=9)
            stay.mfa = self.random.random() < 0.5
            caller = Session(source, source.name, began, stay.mfa, self.ids.unique_id("AKIA"))
        else:
            assert source.session is not None
            caller = source.session
        stay.source_identity = caller.source_identity
        target = self.random.choice((stay.session.account, stay.role.arn))
        record = self.shapes.assume_root(
            stay.at, caller, stay.session, VIRGINIA, stay.ip, target=target
        )
        stay.expires_at = stay.at + timedelta(minutes=15)
        self._send_copies(stay, [record])

    def switch_and_program(self) -> None:
        """Let somebody switch into a role, and their program assume it soon before or after."""
        user, role = self.random.choice(self.users), self.random.choice(self.roles)
        at = self.moment(f"{role.principal_id}:{user.name}", f"{user.name}>{role.arn}")
        self.switch(user, role, at)
        self.assume(user, role, at + timedelta(seconds=self.random.randint(-90, 90)))

    def roles_of_one_name(self) -> None:
        """Let somebody switch into two roles of one name, one after the other."""
        user, roles = self.random.choice(self.users), [self.roles[0], self.other_admin]
        at = self.moment(
            *(f"{role.principal_id}:{user.name}" for role in roles),
            *(f"{user.name}>{role.arn}" for role in roles),
        )
        self.random.shuffle(roles)
        for number, role in enumerate(2 * roles):
            self.switch(user, role, at + number * timedelta(seconds=20))

    def long_stay(self) -> None:
        """Let somebody act, and switch on, after the first credentials of their session expired."""
        stay = self.switch(self.random.choice(self.users), self.random.choice(self.roles))
        assert stay.session is not None
        at = stay.at + timedelta(minutes=self.random.randint(62, 80))
        if self.random.random() < 0.3:
            # `aws login` renews a session for longer than anything is inferred from it.
            at = stay.at + timedelta(hours=self.random.randint(13, 20))
        action = self.shapes.call(
            at + timedelta(minutes=9),
            stay.session,
            "ec2",
            "DescribeInstances",
            FRANKFURT,
            stay.ip,
            read_only=True,
            key=self.ids.unique_id("ASIA"),
            agent=CLI,
        )
        stay.actions.append(self._send(action))
        self.assume(stay, self.random.choice(self.roles), at + timedelta(minutes=10))
        self._lose_assumption(self.switch(stay, self.random.choice(self.roles), at))

    def portal(self, at: datetime | None = None, name: str | None = None) -> Stay:
        """Let a user of Identity Center enter an account, by the portal or from a terminal."""
        rng = self.random
        name = name or rng.choice(list(self.portal_users))
        user, role = self.portal_users[name], rng.choice(self.portal_roles)
        at = at or self.moment(f"{role.principal_id}:{name}", f"portal>{role.arn}")
        turn = self._turn("portal")
        by_terminal = turn % 2 == 1
        # Now and then nothing near tells from where.
        is_untold = turn % 5 == 3
        # The browser that signed in need not be where the terminal is.
        signed_in_from = ip = self._ip()
        if by_terminal:
            ip = self._ip()
        session = Session(
            role,
            name,
            at,
            rng.random() < 0.2,
            self.ids.unique_id("ASIA"),
            on_behalf_of=user if rng.random() < 0.8 else None,
        )
        stay = Stay("portal", role, session, at, ip=ip)
        if rng.random() < 0.8:
            hours = 12 if rng.random() < 0.85 else 20
            self._sign_in_to_portal(
                at - timedelta(minutes=rng.randint(1, hours * 60 - 10)), name, signed_in_from
            )
        permission_set = role.name.removeprefix("AWSReservedSSO_").rpartition("_")[0]
        enter = self.shapes.role_credentials if by_terminal else self.shapes.federate
        before = timedelta(seconds=rng.randint(0, 1 if by_terminal else 5))
        if is_untold:
            before = timedelta(seconds=rng.randint(121, 200))  # not of this entry
        place = (IDENTITY, FRANKFURT)
        chosen = (role.account, permission_set)
        stay.door = self._send(enter(at - before, *place, ip, user, *chosen))
        if rng.random() < 0.3:
            # Somebody else's, and one that was refused.
            other = self.portal_users[
                rng.choice([each for each in self.portal_users if each != name])
            ]
            moment = at - timedelta(seconds=rng.randint(0, 60))
            self._send(self.shapes.role_credentials(moment, *place, self._ip(), other, *chosen))
            refused = self.shapes.role_credentials(at, *place, self._ip(), user, *chosen)
            self._send(refused | {"errorCode": "ForbiddenException", "errorMessage": "No access"})
        stay.entry = self._send(self.shapes.assume_role_with_saml(at, session, FRANKFURT))
        stay.expires_at = at + timedelta(hours=12)
        if by_terminal:
            stay.issued_key = session.access_key_id
        else:
            stay.session = replace(session, access_key_id=self.ids.unique_id("ASIA"))
        self._work(stay, keys=not by_terminal, is_late=is_untold)
        self.stays.append(stay)
        return stay

    def _sign_in_to_portal(self, at: datetime, name: str, ip: str) -> None:
        """Let a user sign in to Identity Center; now and then somebody else fails as them."""
        rng, user = self.random, self.portal_users[name]
        factors = FACTORS[self._turn("factors") % len(FACTORS)]
        steps = self.shapes.identity_center_sign_in(
            at,
            IDENTITY,
            FRANKFURT,
            ip,
            name,
            user,
            factors=factors,
            names_user=rng.choice((None, "CredentialChallenge", "CredentialChallenge")),
        )
        sent = [self._send(step) for step in steps]
        self.logins.append(Login(name, sent[-1], ip, factors=factors, steps=sent))
        if rng.random() < 0.3:
            for step in self.shapes.identity_center_sign_in(
                at + timedelta(seconds=rng.randint(40, 300)),
                IDENTITY,
                FRANKFURT,
                self._ip(),
                name,
                user,
                factors=rng.choice(FACTORS),
                names_user="CredentialChallenge",
                is_refused=True,
            ):
                self._send(step)

    def portal_visits(self) -> None:
        """Let one user of Identity Center enter a few times, and switch on from there."""
        name = self.random.choice(list(self.portal_users))
        for _ in range(2):
            stay = self.portal(name=name)
        at = stay.at + timedelta(minutes=self.random.randint(2, 9))
        self.switch(stay, self.random.choice(self.roles), at)

    def saml(self) -> Stay:
        """Let somebody enter through the company's own identity provider."""
        rng, role = self.random, self.random.choice(self.roles)
        name, subject = rng.choice((("ivy", "ivy@example.com"), ("jon", "jon")))
        at, ip = self.moment(f"{role.principal_id}:{name}"), self._ip()
        identity = f"{name}.smith" if self._turn("asserted") % 3 == 2 else None
        session = Session(
            role, name, at, False, self.ids.unique_id("ASIA"), source_identity=identity
        )
        record = self.shapes.assume_role_with_saml(at, session, VIRGINIA, hours=1)
        is_transient = self._turn("saml") % 2 == 0
        if is_transient:
            subject = f"_{rng.getrandbits(128):032x}"
            record["responseElements"]["subjectType"] = "transient"
            record["userIdentity"]["principalId"] = f"/nQTosBbaHrvuioiTKQkrbl3/WM=:{subject}"
        if identity:
            record["responseElements"]["sourceIdentity"] = identity
        record["sourceIPAddress"] = ip
        record["requestParameters"]["principalArn"] = (
            f"arn:aws:iam::{role.account}:saml-provider/corp"
        )
        record["responseElements"] |= {"subject": subject, "issuer": "https://idp.example.com"}
        record["userIdentity"]["userName"] = subject
        stay = Stay("saml", role, session, at, ip=ip, subject=subject)
        stay.has_transient_subject, stay.source_identity = is_transient, identity
        stay.entry, stay.expires_at = self._send(record), at + timedelta(hours=1)
        self._work(stay, keys=True)
        self.stays.append(stay)
        return stay

    def federated(self) -> None:
        """Let somebody enter by SAML, and go on."""
        stay = self.saml()
        self.assume(stay, self.random.choice(self.roles), stay.at + timedelta(minutes=4))

    def job(self) -> None:
        """Let a CI job and a user of a web identity provider take roles, and the job go on."""
        github = "token.actions.githubusercontent.com"
        google = "104040404040404040404"
        asserted = (None, "nora")[self._turn("job") % 2]
        for provider, subject, name, identity in (
            (
                f"arn:aws:iam::{PRODUCTION}:oidc-provider/{github}",
                *(_CI_SUBJECT, "GitHubActions", None),
            ),
            ("accounts.google.com", google, "web-app", asserted),
        ):
            role = self.random.choice(self.roles)
            at, ip = self.moment(f"{role.principal_id}:{name}"), self._ip()
            session = Session(
                role, name, at, False, self.ids.unique_id("ASIA"), source_identity=identity
            )
            stay = Stay("web", role, session, at, ip=ip, subject=subject)
            record = self.shapes.assume_role_with_web_identity(
                at, session, VIRGINIA, ip, provider, subject
            )
            if identity:
                record["responseElements"]["sourceIdentity"] = identity
            stay.entry, stay.source_identity = self._send(record), identity
            stay.expires_at, stay.issued_key = at + timedelta(hours=1), session.access_key_id
            self._work(stay)
            self.stays.append(stay)
            passed = (None, "alice")[self._turn("passed") % 2]
            self.assume(
                stay, self.random.choice(self.roles), at + timedelta(minutes=6), identity=passed
            )

    def services(self) -> None:
        """Let a service and an instance act, and a program on the instance go on."""
        rng = self.random
        at = self.moment(f"{self.service_role.principal_id}:AWSConfig")
        session = Session(self.service_role, "AWSConfig", at, False, self.ids.unique_id("ASIA"))
        stay = Stay("service", self.service_role, session, at)
        stay.entry = self._send(self.shapes.service_assume_role(at, "config", session, VIRGINIA))
        self._work(stay)
        self.stays.append(stay)
        name = f"i-{rng.getrandbits(68):017x}"
        at = self.moment(f"{self.instance_role.principal_id}:{name}")
        session = Session(
            self.instance_role,
            name,
            at,
            False,
            self.ids.unique_id("ASIA"),
            ec2_role_delivery=rng.choice(("2.0", "1.0", None)),
        )
        self._deliver_to("ec2", session, name)

    def function_or_task(self) -> None:
        """Let a function or a task act, and go on; the function acts under its own name."""
        rng, task = self.random, f"{self.random.getrandbits(128):032x}"
        kinds = (
            (
                *("lambda", self.function_role, "AWS::Lambda::Function"),
                *(f"awslambda_{rng.randrange(1000)}_{rng.randrange(10**9)}", "nightly-report"),
            ),
            ("ecs-tasks", self.task_role, "AWS::ECS::Task", task, task),
        )
        turn = self._turn("function or task")
        service, role, scope, asked, name = kinds[turn % 2]
        at = self.moment(f"{role.principal_id}:{name}")
        arn = f"arn:aws:{service.partition('-')[0]}:{VIRGINIA}:{role.account}:any:{name}"
        scoped = {"issuerType": scope, "credentialsIssuedTo": arn}
        session = Session(
            role,
            name,
            at,
            False,
            self.ids.unique_id("ASIA"),
            # What was delivered is told by newer records alone.
            in_scope_of=scoped if turn > 1 else None,
        )
        self._deliver_to(service, session, asked)

    def _deliver_to(self, service: str, session: Session, asked_name: str) -> None:
        """Let a service hand credentials to what it runs, which acts, goes on, and is a broker."""
        rng, role = self.random, session.principal
        assert isinstance(role, Role)
        stay = Stay("service", role, session, session.created_at)
        if service != "ec2" or rng.random() < 0.7:
            asked_at = session.created_at + timedelta(seconds=rng.choice((0, 0, 1)))
            stay.entry = self._send(
                self.shapes.service_delivery(asked_at, service, session, VIRGINIA, asked_name)
            )
        self._work(stay, least=1)
        self.stays.append(stay)
        for minute, identity in ((9, None), (11, "mia")):
            at = stay.at + timedelta(minutes=minute)
            child = self.assume(stay, rng.choice(self.roles), at, identity=identity)
            if rng.random() < 0.5:
                self.assume(child, rng.choice(self.roles), at + timedelta(minutes=5))
        if rng.random() < 0.3:
            self.refused(stay, rng.choice(self.roles))

    def seen_only(self) -> None:
        """Let a session act whose start lies before the logs."""
        rng = self.random
        kinds = (
            (self.look_alike, "hana"),
            (rng.choice(self.portal_roles), "gus"),
            (rng.choice(self.roles), f"i-{rng.getrandbits(68):017x}"),
            (rng.choice(self.roles), "zoe"),
            (rng.choice(self.portal_roles), "hana"),
        )
        role, name = kinds[self._turn("only seen") % len(kinds)]
        at = self.moment(f"{role.principal_id}:{name}", f"portal>{role.arn}")
        identity = None
        if role in self.portal_roles:
            if rng.random() < 0.5:
                self._sign_in_to_portal(
                    at - timedelta(minutes=rng.randint(5, 700)), name, self._ip()
                )
        elif rng.random() < 0.3:
            identity = "pat"
        session = Session(
            role,
            name,
            at,
            rng.random() < 0.5,
            self.ids.unique_id("ASIA"),
            source_identity=identity,
        )
        stay = Stay("unseen", role, session, at, mfa=session.mfa, source_identity=identity)
        self._work(stay, least=1)
        self.stays.append(stay)
        if rng.random() < 0.5:
            self.switch(stay, rng.choice(self.roles), stay.actions[-1].at)

    def root_switch(self) -> None:
        """Let the root user of an account switch; no public record shows one."""
        root = User("root", SECOND, SECOND)
        self.switch(root, self.random.choice(self.roles[:4]))

    def loop(self) -> None:
        """Write two sessions each of which says that it was entered from the other."""
        one, other = self.roles[0], self.roles[3]
        at = self.moment("loop")
        later = at + timedelta(seconds=self.random.choice((0, 40)))
        first = Session(one, "loop", at, False, self.ids.unique_id("ASIA"))
        second = Session(other, "loop", later, False, self.ids.unique_id("ASIA"))
        stays = []
        for began, session, caller in ((at, first, second), (later, second, first)):
            assert isinstance(session.principal, Role)
            stay = Stay("loop", session.principal, session, began, ip=self._ip())
            copies = self.shapes.assume_role(
                began, caller, session, VIRGINIA, console=False, ip=stay.ip
            )
            stay.expires_at = began + timedelta(hours=1)
            self._send_copies(stay, copies)
            stays.append(stay)
        first_stay, second_stay = stays
        first_stay.parent, second_stay.parent = second_stay, first_stay
        for stay in stays:
            assert stay.parent is not None and stay.caller_copy is not None
            stay.parent.actions.append(stay.caller_copy)
        self.stays += stays

    def made_again(self) -> None:
        """Let a role and a user be deleted and made again under the same name."""
        old, user = self.roles[1], self.users[0]
        new = self._role(old.name, old.account, "/new/")
        for role in (old, new):
            for _ in range(2):
                self.switch(user, role)
        again = self._user(user.name, user.account)
        self.switch(again, old)
        self.assume(again, new)
        for _ in range(4):
            self.namesakes_go_on(old, new)

    def namesakes_go_on(self, old: Role, new: Role) -> None:
        """Let two people of one name switch out of an old role and the new one of that name."""
        (one, other), rng = self.twins[0], self.random
        at = self.moment(
            *(f"{role.principal_id}:{one.name}" for role in (old, new)), f"{one.name}>{old.arn}"
        )
        stays = [
            self.switch(one, old, at),
            self.switch(other, new, at + timedelta(seconds=rng.randint(0, 200))),
        ]
        rng.shuffle(stays)
        for stay in stays:
            later = at + timedelta(seconds=rng.randint(210, 600))
            entered = self.switch(stay, rng.choice(self.roles), later)
            if rng.random() < 0.5:
                self._lose_assumption(entered)

    def noise(self, count: int) -> None:
        """Let users and services do what has nothing to do with roles."""
        for _ in range(count):
            user = self.random.choice(self.users)
            at = FIRST_DAY + timedelta(seconds=self.random.randrange(DAYS * 86400))
            session = Session(user, user.name, at, False, self.ids.unique_id("AKIA"))
            service, name, read_only = self.random.choice(_CALLS)
            self._send(
                self.shapes.call(
                    at, session, service, name, FRANKFURT, self._ip(), read_only=read_only
                )
            )
        for _ in range(count // 4):
            user = self.random.choice(self.users)
            at = FIRST_DAY + timedelta(seconds=self.random.randrange(DAYS * 86400))
            self._send(
                self.shapes.console_login(at, user, VIRGINIA, self._ip(), mfa=True, failed=True)
            )

    # --- records -------------------------------------------------------------------------------

    def _log_in(self, user: User, at: datetime, mfa: bool) -> None:
        ip = self._ip()
        record = self.shapes.console_login(at, user, VIRGINIA, ip, mfa=mfa)
        if self.random.random() < 0.3:
            record["additionalEventData"]["MFAUsed"] = "YES" if mfa else "NO"
        self.logins.append(Login(user, self._send(record), ip, mfa=mfa))

    def _send_copies(self, stay: Stay, copies: list[CloudTrailRecord]) -> None:
        if self.random.random() < 0.1 and stay.how != "root":
            copies = [before_2021(copy) for copy in copies]
        stay.caller_copy = self._send(copies[0])
        if len(copies) > 1:
            stay.role_copy = self._send(copies[1])
        # It is an action of the session that it was made from.
        if stay.parent is not None and stay.how != "loop":
            stay.parent.actions.append(stay.caller_copy)

    def _work(
        self, stay: Stay, *, keys: bool = False, least: int = 0, is_late: bool = False
    ) -> None:
        """Let something be done in a session; the console mints keys of its own (``keys``)."""
        assert stay.session is not None
        rng = self.random
        ip = stay.ip or self._ip()
        is_old = rng.random() < 0.1
        for number in range(rng.choice((least, 1, 2, 5)) or least):
            service, name, read_only = rng.choice(_CALLS)
            by_service = rng.random() < 0.15
            record = self.shapes.call(
                stay.session.created_at
                + timedelta(seconds=20 + rng.randint(900 if is_late else 0, 1500) + number),
                stay.session,
                service,
                name,
                FRANKFURT,
                "cloudformation.amazonaws.com" if by_service else ip,
                read_only=read_only,
                denied=(denied := rng.random() < 0.2),
                key=self.ids.unique_id("ASIA") if keys else None,
                agent=CLI,
            )
            if denied:
                record["errorCode"] = rng.choice(_REFUSALS)
            if is_old:
                record = before_2021(record)
            elif rng.random() < 0.1:
                del record["readOnly"]
            if rng.random() < 0.1:
                record["eventVersion"] = "2.07"
            stay.actions.append(self._send(record))
        stay.actions.sort(key=lambda sent: sent.at)

    def _renew_and_exit(self, stay: Stay, caller: Session) -> None:
        rng = self.random
        assert stay.session is not None
        at = stay.at
        if rng.random() < 0.2:
            for _ in range(rng.choice((1, 2))):
                at += timedelta(seconds=rng.randint(60, 200))
                self._taken.add((stay.session.principal_id, int(at.timestamp()) // 60))
                region, ip = FRANKFURT, stay.ip
                stay.renewals.append(
                    (
                        self._send(self.shapes.renewal(at, stay.session, caller.arn, region, ip)),
                        self._send(
                            self.shapes.renewal_in_source_account(
                                at - timedelta(seconds=1), caller, stay.role, region, ip
                            )
                        ),
                    )
                )
        if rng.random() < 0.2:
            at += timedelta(seconds=rng.randint(1, 40))
            self._leave(stay, at)
        if rng.random() < 0.15:
            # A browser that was left open; by then nothing may tell which session it was.
            late = rng.choice((timedelta(hours=12), timedelta(weeks=3)))
            self._leave(stay, stay.at + late + timedelta(seconds=rng.randint(-300, 300)))

    def _leave(self, stay: Stay, at: datetime) -> None:
        assert stay.session is not None
        stay.exits.append(self._send(self.shapes.exit(at, stay.session, FRANKFURT, stay.ip)))

    def _ip(self) -> str:
        if self.random.random() < 0.1:
            return f"2001:db8::{self.random.randrange(1, 65535):x}"
        return f"203.0.113.{self.random.randrange(1, 255)}"

    def _lose_assumption(self, stay: Stay) -> None:
        """Let no copy of a session's AssumeRole be delivered: who was alive then is to tell."""
        for sent in (stay.caller_copy, stay.role_copy):
            if sent is not None:
                self.sent.remove(sent)

    def corrections(self, count: int) -> None:
        """Let AWS correct some records, a few of them twice."""
        rng = self.random
        known = [stay for stay in self.stays if stay.session is not None]
        for stay in rng.sample(known, min(count, len(known))):
            calls = [sent for sent in stay.actions if "Assume" not in sent.record["eventName"]]
            asked = stay.caller_copy if stay.how == "assume" else None
            sent = rng.choice([stay.role_half, stay.source_half, asked, *calls][:5])
            if sent is None or len(sent.versions) > 1:
                continue
            for _ in range(rng.choice((1, 1, 2))):
                fields = {"sourceIPAddress": self._ip()}
                if sent in calls:
                    fields = {"errorCode": "AccessDenied", "errorMessage": "Not allowed"}
                sent.versions.append(corrected(sent.versions[-1], self.ids.uuid(), fields))
        # What says that it corrects a record of somebody else does not.
        switched = [stay for stay in known if stay.role_half]
        for stay in rng.sample(switched, 6):
            for other in switched:
                assert stay.role_half and other.role_half and stay.session and other.session
                if (
                    other.session.account == stay.session.account
                    and other.session.principal_id != stay.session.principal_id
                    and len(stay.role_half.versions) == 1
                ):
                    stay.role_half.versions[0]["addendum"] = {
                        "reason": "UPDATED_DATA",
                        "updatedFields": "sourceIPAddress",
                        "originalEventID": other.role_half.versions[0]["eventID"],
                    }
                    break
        for stay in rng.sample([stay for stay in known if stay.actions], 4):
            other = rng.choice(switched)
            action = stay.actions[-1]
            if other is not stay and other.role_half and len(action.versions) == 1:
                action.versions[0]["addendum"] = {
                    "reason": "UPDATED_DATA",
                    "updatedFields": "sourceIPAddress",
                    "originalEventID": other.role_half.id,
                }

    def _send(self, record: CloudTrailRecord) -> Sent:
        sent = Sent(record)
        self.sent.append(sent)
        return sent

    # --- delivery ------------------------------------------------------------------------------

    def write(self, folder: Path, lost: float = 0.06) -> list[Path]:
        """Write the log files below ``folder``: records come late, twice, or never (``lost``)."""
        trail = TrailWriter(self.ids, organization="o-a1b2c3d4e5")
        rng = self.random
        for sent in self.sent:
            original, *corrections = sent.versions
            if original["recipientAccountId"] not in LOGGED:
                continue
            # Corrections come in any order, but none without the one that it corrects.
            for records in ([original], corrections):
                if not records or rng.random() < lost / 2:
                    continue
                late = rng.random()
                after = timedelta(minutes=rng.randint(2, 15))
                if late < 0.05 or records is corrections:
                    after = timedelta(hours=rng.randint(1, 90))
                trail.deliver(records, after=after)
                if rng.random() < 0.08:
                    trail.deliver(records, after=timedelta(minutes=40), region=VIRGINIA)
        for key, records in trail.files():
            if rng.random() < lost / 2:
                continue  # the file never arrives
            path = self._write(folder, key, records)
            self._keys_of_files[path] = {_key(record) for record in records}
        self.arrive(self._keys_of_files)
        return list(self._keys_of_files)

    def arrive(self, paths: Iterable[Path]) -> None:
        """Let these log files be all that was delivered so far."""
        self.delivered = {key for path in paths for key in self._keys_of_files[path]}
        for sent in self.sent:
            sent.arrive(self.delivered)

    def forge(self, folder: Path, count: int = 12) -> list[Path]:
        """Write files in folders of other accounts, with unlike copies of what was delivered.

        They are about other things, or the same with another address.
        """
        trail, rng = TrailWriter(self.ids, organization="o-a1b2c3d4e5"), self.random
        there = [sent for sent in self.sent if sent.key in self.delivered]
        halves = [sent for sent in there if sent.record["eventName"] == "SwitchRole"]
        stranger = Session(self.users[1], "bob", FIRST_DAY, False, self.ids.unique_id("AKIA"))
        for sent in dict.fromkeys((*rng.sample(there, count), *rng.sample(halves, count))):
            original = sent.record
            forged = original | {"sourceIPAddress": "198.51.100.99"}
            if rng.random() < 0.5:
                forged = self.shapes.call(
                    sent.at, stranger, "ec2", "DescribeRegions", VIRGINIA, self._ip()
                ) | {name: original[name] for name in ("eventID", "recipientAccountId")}
            others = (LOGGED | {OUTSIDE}) - {original["recipientAccountId"]}
            account = rng.choice(sorted(others))
            # It may be there days before the genuine one.
            trail.deliver([forged], after=timedelta(hours=rng.randint(-40, 40)), account=account)
            self.forged.add(sent.key)
        return [self._write(folder, key, records) for key, records in trail.files()]

    def replacements(self) -> list[tuple[str, str]]:
        """Return the event ids of what was corrected, and of what took its place, as delivered."""
        steps = (step for sent in self.sent for step in pairwise(sent.versions))
        return [
            (one["eventID"], other["eventID"])
            for one, other in steps
            if {_key(one), _key(other)} <= self.delivered
        ]

    def _write(self, folder: Path, key: str, records: list[CloudTrailRecord]) -> Path:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(self._shuffled(records)))
        return path

    def _shuffled(self, records: list[CloudTrailRecord]) -> list[dict[str, Any]]:
        shuffled = list(records)
        self.random.shuffle(shuffled)
        return shuffled


def _key(record: CloudTrailRecord) -> tuple[str, str]:
    """Return what tells a record apart."""
    return record["eventID"], record["recipientAccountId"]
