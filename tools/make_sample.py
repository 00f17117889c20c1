"""Write the sample trail, the same one each time: ``python tools/make_sample.py``.

An invented organisation in March and April 2026: three accounts, two regions, one log file that
is cut short. Account ids are those of AWS's documentation, addresses those of RFC 5737.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from trail_writer import CLI, Ids, Role, Session, Shapes, TrailWriter, User, iso

SAMPLE = Path(__file__).resolve().parent.parent / "sample"

IDENTITY, PRODUCTION, DEVELOPMENT = "111122223333", "444455556666", "777788889999"
VENDOR = "123456789012"  # outside the organisation: its logs are not here
VIRGINIA, FRANKFURT = "us-east-1", "eu-central-1"
OFFICE, HOME, VENDOR_OFFICE = "192.0.2.17", "203.0.113.48", "198.51.100.200"
PORTAL_USER = {
    "userId": "906712a6-4071-7041-9a5c-3b1f2f5e6d7c",
    "identityStoreArn": f"arn:aws:identitystore::{IDENTITY}:identitystore/d-9067642ac7",
}


class Sample:
    """The story that the sample tells."""

    def __init__(self) -> None:
        ids = Ids(seed=20260430)
        self.ids = ids
        self.shapes = Shapes(ids)
        self.trail = TrailWriter(ids, organization="o-a1b2c3d4e5")
        self.alice = User("alice", IDENTITY, ids.unique_id("AIDA"))
        self.bob = User("bob", IDENTITY, ids.unique_id("AIDA"))
        self.carol = User("carol", IDENTITY, ids.unique_id("AIDA"), path="/operations/")
        self.vendor = User("support", VENDOR, ids.unique_id("AIDA"))
        self.admin = Role("Admin", PRODUCTION, ids.unique_id("AROA"))
        self.read_only = Role("ReadOnly", PRODUCTION, ids.unique_id("AROA"))
        self.deploy = Role("Deploy", PRODUCTION, ids.unique_id("AROA"), path="/delivery/")
        self.developer = Role("Developer", DEVELOPMENT, ids.unique_id("AROA"))
        self.vendor_role = Role("PartnerAccess", VENDOR, ids.unique_id("AROA"))
        self.operations = Role(
            "AWSReservedSSO_Operations_0a1b2c3d4e5f6071",
            IDENTITY,
            ids.unique_id("AROA"),
            path=f"/aws-reserved/sso.amazonaws.com/{FRANKFURT}/",
        )
        self.config = Role(
            "AWSServiceRoleForConfig",
            PRODUCTION,
            ids.unique_id("AROA"),
            path="/aws-service-role/config.amazonaws.com/",
        )

    def tell(self) -> None:
        """Put every record of the story into the trail."""
        for day in (date(2026, 3, 2) + timedelta(days=n) for n in range(0, 59, 4)):
            self.ordinary_day(day)
        self.switches_of_alice()
        self.switches_of_bob()
        self.switches_of_carol()
        self.switch_through_identity_center()
        self.chain()
        self.switch_from_outside()
        self.switch_to_outside()
        self.last_switch()

    def log_in(self, user: User, at: datetime, ip: str, *, mfa: bool) -> Session:
        """Log a user in to the console."""
        self.trail.deliver([self.shapes.console_login(at, user, VIRGINIA, ip, mfa=mfa)])
        return Session(user, user.name, at, mfa, self.ids.unique_id("ASIA"))

    def switch(
        self,
        source: Session,
        role: Role,
        at: datetime,
        ip: str,
        *,
        region: str = FRANKFURT,
        source_delivered: bool = True,
        role_delivered: bool = True,
        source_after: timedelta = timedelta(minutes=6),
        role_after: timedelta = timedelta(minutes=4),
        skew: timedelta = timedelta(seconds=1),
    ) -> Session:
        """Switch from a session to a role in the console, logged in both accounts."""
        key = self.ids.unique_id("ASIA")
        session = Session(role, source.name, at, source.mfa, key)
        copies = self.shapes.assume_role(at, source, session, region, console=True)
        source_half = self.shapes.switch_in_source_account(at - skew, source, role, region, ip)
        role_half = self.shapes.switch_in_role_account(at, session, source.arn, region, ip)
        if source_delivered:
            self.trail.deliver([copies[0], source_half], after=source_after)
        if role_delivered:
            self.trail.deliver([*copies[1:], role_half], after=role_after)
        return session

    def work(
        self,
        session: Session,
        ip: str,
        calls: list[tuple[int, str, str, str]],
        region: str = FRANKFURT,
    ) -> None:
        """Make calls in a session: minutes after its start, service, name and manner."""
        key = self.ids.unique_id("ASIA")  # the console mints keys of its own
        self.trail.deliver(
            self.shapes.call(
                session.created_at + timedelta(minutes=minutes),
                session,
                service,
                name,
                region,
                ip,
                key=key,
                read_only=manner == "read",
                denied=manner == "denied",
            )
            for minutes, service, name, manner in calls
        )

    def ordinary_day(self, day: date) -> None:
        """Log what happens every day: services take roles, scripts read."""
        morning = datetime(day.year, day.month, day.day, 6, 12, 3, tzinfo=UTC)
        session = Session(
            self.config, "AWSConfig-Describe", morning, False, self.ids.unique_id("ASIA")
        )
        self.trail.deliver([self.shapes.service_assume_role(morning, "config", session, VIRGINIA)])
        for minutes, name in ((1, "DescribeInstances"), (2, "DescribeSecurityGroups")):
            self.trail.deliver(
                [
                    self.shapes.call(
                        morning + timedelta(minutes=minutes),
                        session,
                        "ec2",
                        name,
                        FRANKFURT,
                        "config.amazonaws.com",
                        read_only=True,
                        agent="config.amazonaws.com",
                    )
                ]
            )

    def switches_of_alice(self) -> None:
        """Let alice, with MFA, work in two roles: both halves of each switch are there."""
        alice = self.log_in(self.alice, at(3, 3, 8, 2, 11), OFFICE, mfa=True)
        session = self.switch(alice, self.admin, at(3, 3, 8, 5, 40), OFFICE)
        self.work(
            session,
            OFFICE,
            [
                (1, "ec2", "DescribeInstances", "read"),
                (4, "iam", "CreateUser", "write"),
                (5, "iam", "AttachUserPolicy", "write"),
                (9, "ec2", "StopInstances", "write"),
            ],
        )
        self.trail.deliver(
            [self.shapes.renewal(at(3, 3, 9, 4, 2), session, alice.arn, FRANKFURT, OFFICE)]
        )
        self.trail.deliver([self.shapes.exit(at(3, 3, 9, 20, 55), session, FRANKFURT, OFFICE)])
        session = self.switch(
            alice, self.deploy, at(3, 3, 9, 31, 8), OFFICE, skew=timedelta(seconds=47)
        )
        self.work(session, OFFICE, [(2, "cloudformation", "UpdateStack", "write")])
        # Two quick switches into one role: a second browser tab.
        alice = self.log_in(self.alice, at(4, 14, 12, 40, 1), HOME, mfa=True)
        for second in (10, 31):
            session = self.switch(alice, self.read_only, at(4, 14, 12, 45, second), HOME)
        self.work(session, HOME, [(3, "s3", "ListBuckets", "read")])

    def switches_of_bob(self) -> None:
        """Let bob, without MFA, switch, be refused, and switch again."""
        bob = self.log_in(self.bob, at(3, 9, 13, 20, 0), HOME, mfa=False)
        session = self.switch(bob, self.read_only, at(3, 9, 13, 21, 30), HOME)
        self.work(
            session,
            HOME,
            [
                (2, "s3", "ListBuckets", "read"),
                (6, "s3", "DeleteBucket", "denied"),
                (7, "iam", "ListUsers", "read"),
            ],
        )
        bob = self.log_in(self.bob, at(4, 2, 7, 58, 30), HOME, mfa=False)
        refused = self.shapes.switch_in_source_account(
            at(4, 2, 8, 1, 12), bob, self.admin, FRANKFURT, HOME, failure="Failed authentication"
        )
        self.trail.deliver(
            [
                refused,
                self.shapes.refused_assume_role(
                    at(4, 2, 8, 1, 12), bob, self.admin, FRANKFURT, console=True
                ),
            ]
        )
        self.switch(bob, self.read_only, at(4, 2, 8, 2, 3), HOME)

    def switches_of_carol(self) -> None:
        """Let the role's half of one switch of carol's arrive three days late, and one never."""
        carol = self.log_in(self.carol, at(3, 12, 15, 0, 0), OFFICE, mfa=True)
        session = self.switch(
            carol,
            self.developer,
            at(3, 12, 15, 10, 22),
            OFFICE,
            role_after=timedelta(days=3, minutes=4),
        )
        self.work(session, OFFICE, [(5, "lambda", "UpdateFunctionCode20150331v2", "write")])
        carol = self.log_in(self.carol, at(4, 21, 9, 0, 0), OFFICE, mfa=True)
        session = self.switch(
            carol, self.developer, at(4, 21, 9, 14, 5), OFFICE, role_delivered=False
        )
        self.work(session, OFFICE, [(1, "lambda", "ListFunctions", "read")])

    def switch_through_identity_center(self) -> None:
        """Let dana come through Identity Center and switch on: AWS asserts no MFA."""
        shapes, dana = self.shapes, "dana@example.com"
        self.trail.deliver(
            shapes.identity_center_sign_in(
                at(3, 24, 7, 30, 0), IDENTITY, FRANKFURT, OFFICE, dana, PORTAL_USER
            )
        )
        entered_at = at(3, 24, 7, 30, 41)
        self.trail.deliver(
            [
                shapes.federate(
                    entered_at - timedelta(seconds=1),
                    IDENTITY,
                    FRANKFURT,
                    OFFICE,
                    PORTAL_USER,
                    IDENTITY,
                    "Operations",
                )
            ]
        )
        entry = Session(
            self.operations,
            dana,
            entered_at,
            False,
            self.ids.unique_id("ASIA"),
            on_behalf_of=PORTAL_USER,
        )
        self.trail.deliver([shapes.assume_role_with_saml(entered_at, entry, FRANKFURT)])
        self.work(entry, OFFICE, [(1, "organizations", "ListAccounts", "read")], VIRGINIA)
        session = self.switch(entry, self.admin, at(3, 24, 7, 36, 15), OFFICE)
        self.work(
            session,
            OFFICE,
            [(2, "rds", "DescribeDBInstances", "read"), (8, "rds", "ModifyDBInstance", "write")],
        )

    def chain(self) -> None:
        """Let alice switch to a role, and from its session on to another, then by CLI further."""
        alice = self.log_in(self.alice, at(4, 8, 10, 0, 0), OFFICE, mfa=True)
        first = self.switch(alice, self.developer, at(4, 8, 10, 6, 19), OFFICE)
        second = self.switch(first, self.read_only, at(4, 8, 10, 9, 44), OFFICE)
        self.work(second, OFFICE, [(3, "cloudwatch", "DescribeAlarms", "read")])
        third = Session(
            self.deploy,
            "release-4711",
            at(4, 8, 10, 20, 0),
            second.mfa,
            self.ids.unique_id("ASIA"),
        )
        self.trail.deliver(
            self.shapes.assume_role(
                third.created_at, second, third, FRANKFURT, console=False, ip=OFFICE
            )
        )
        self.trail.deliver(
            [
                self.shapes.call(
                    third.created_at + timedelta(minutes=1),
                    third,
                    "cloudformation",
                    "CreateChangeSet",
                    FRANKFURT,
                    OFFICE,
                    agent=CLI,
                )
            ]
        )

    def switch_from_outside(self) -> None:
        """Let a user of the vendor's account switch in: the source account is not ours."""
        vendor = Session(
            self.vendor, "support", at(4, 16, 3, 0, 0), True, self.ids.unique_id("ASIA")
        )
        session = self.switch(
            vendor, self.admin, at(4, 16, 3, 12, 50), VENDOR_OFFICE, source_delivered=False
        )
        self.work(session, VENDOR_OFFICE, [(2, "support", "DescribeCases", "read")], VIRGINIA)

    def switch_to_outside(self) -> None:
        """Let alice switch to a role of the vendor's account: the role's account is not ours."""
        alice = self.log_in(self.alice, at(4, 23, 14, 0, 0), OFFICE, mfa=True)
        self.switch(alice, self.vendor_role, at(4, 23, 14, 7, 7), OFFICE, role_delivered=False)

    def last_switch(self) -> None:
        """Let bob switch late on the last day, and deliver his switch twice."""
        bob = self.log_in(self.bob, at(4, 30, 21, 30, 0), HOME, mfa=False)
        session = self.switch(bob, self.read_only, at(4, 30, 21, 47, 19), HOME)
        switched_at = iso(session.created_at)
        copies = [
            record
            for record in self.trail.pending(PRODUCTION, FRANKFURT)
            if record["eventTime"] == switched_at
        ]
        self.trail.deliver(copies, after=timedelta(minutes=34))
        self.trail.deliver(copies[:1], after=timedelta(minutes=34), region=VIRGINIA)


def at(month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    """Return a moment of 2026, UTC."""
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


def main() -> None:
    """Write the sample anew."""
    sample = Sample()
    sample.tell()
    shutil.rmtree(SAMPLE / "AWSLogs", ignore_errors=True)
    paths = sample.trail.write(SAMPLE)
    # One file is cut short on its way: the last one of an ordinary day in March.
    cut = next(path for path in paths if "/2026/03/18/" in path.as_posix())
    cut.write_bytes(cut.read_bytes()[:-40])


if __name__ == "__main__":
    main()
