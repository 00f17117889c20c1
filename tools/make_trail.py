"""Write a CloudTrail trail of a given size: ``python tools/make_trail.py FOLDER --days 30``.

An invented organisation: five accounts, two regions, eleven deliveries a day to each, about 20,000
events a day. Most of them are what workloads and AWS services do; people sign in, switch roles in
the console, chain them and work in them. Some events are delivered twice, some late. A day depends
on the seed and the day alone, so that a longer trail begins with a shorter one.
"""

from __future__ import annotations

import argparse
import gzip
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from trail_writer import (
    BROWSER,
    CLI,
    CloudTrailRecord,
    Ids,
    Role,
    Session,
    Shapes,
    TrailWriter,
    User,
)

FIRST_DAY = date(2025, 9, 1)
DAYS = 30
EVENTS_PER_DAY = 20_000

ACCOUNTS = ("111122223333", "222233334444", "333344445555", "444455556666", "555566667777")
REGIONS = ("eu-central-1", "us-east-1")
_PEOPLE_ACCOUNT = ACCOUNTS[0]
ORGANIZATION = "o-a1b2c3d4e5"
# Deliveries a day to each account and region.
_DELIVERIES = 11
_BETWEEN_DELIVERIES = timedelta(days=1) / _DELIVERIES
_GZIP_LEVEL = 5

_SDK = "Boto3/1.40.11 md/Botocore#1.40.11 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.13.2"
_TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.13.1 aws-sdk-go-v2/1.38.3 ua/2.1 os/linux lang/go"

# Service, event, whether it reads, what is asked: with the share of a busy account's log.
_WORKLOAD_CALLS: tuple[tuple[int, str, str, bool, dict[str, Any] | None], ...] = (
    (14, "kms", "Decrypt", True, {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
    (6, "kms", "GenerateDataKey", True, {"keySpec": "AES_256", "keyId": "alias/app"}),
    (9, "s3", "GetBucketAcl", True, {"bucketName": "app-data", "Host": "s3.amazonaws.com"}),
    (4, "s3", "ListBuckets", True, {"Host": "s3.eu-central-1.amazonaws.com"}),
    (12, "ec2", "DescribeInstances", True, {"instancesSet": {}, "filterSet": {}}),
    (5, "ec2", "DescribeNetworkInterfaces", True, {"networkInterfaceIdSet": {}}),
    (3, "ec2", "CreateTags", False, {"tagSet": {"items": [{"key": "owner", "value": "x"}]}}),
    (7, "dynamodb", "DescribeTable", True, {"tableName": "orders"}),
    (8, "logs", "CreateLogStream", False, {"logGroupName": "/aws/lambda/orders"}),
    (6, "ssm", "GetParameter", True, {"name": "/app/config", "withDecryption": True}),
    (5, "secretsmanager", "GetSecretValue", True, {"secretId": "app/database"}),
    (4, "ecr", "BatchGetImage", True, {"repositoryName": "app", "imageIds": []}),
    (5, "sts", "GetCallerIdentity", True, None),
    (3, "cloudwatch", "DescribeAlarms", True, {"maxRecords": 100}),
    (4, "elasticloadbalancing", "DescribeTargetHealth", True, {"targetGroupArn": "app"}),
)
_PEOPLE_CALLS = (
    ("ec2", "DescribeInstances", True),
    ("ec2", "DescribeSecurityGroups", True),
    ("iam", "ListRoles", True),
    ("iam", "GetRole", True),
    ("s3", "GetBucketLocation", True),
    ("s3", "PutBucketPolicy", False),
    ("cloudwatch", "GetMetricData", True),
    ("lambda", "UpdateFunctionCode20150331v2", False),
    ("rds", "DescribeDBInstances", True),
    ("ec2", "StopInstances", False),
)
_SERVICES = ("config", "ec2", "lambda", "ssm", "autoscaling", "ecs-tasks")


@dataclass(frozen=True)
class Cast:
    """Who acts in the trail: the same for every day."""

    people: tuple[User, ...]
    human_roles: tuple[Role, ...]
    workload_roles: tuple[Role, ...]
    service_roles: tuple[tuple[str, Role], ...]


def cast(seed: int) -> Cast:
    """Return the people and roles of a seed."""
    ids = Ids(seed)
    people = tuple(User(f"person{n:02}", _PEOPLE_ACCOUNT, ids.unique_id("AIDA")) for n in range(24))
    human_roles = tuple(
        Role(name, account, ids.unique_id("AROA"), path)
        for account in ACCOUNTS
        for name, path in (("Admin", "/"), ("ReadOnly", "/"), ("Deploy", "/delivery/"))
    )
    workload_roles = tuple(
        Role(f"app-{n:02}-task", account, ids.unique_id("AROA"))
        for account in ACCOUNTS
        for n in range(12)
    )
    service_roles = tuple(
        (
            service,
            Role(
                f"AWSServiceRoleFor{service.title()}",
                account,
                ids.unique_id("AROA"),
                f"/aws-service-role/{service}.amazonaws.com/",
            ),
        )
        for account in ACCOUNTS
        for service in _SERVICES
    )
    return Cast(people, human_roles, workload_roles, service_roles)


class Day:
    """The records of one day."""

    def __init__(self, seed: int, day: date) -> None:
        self.start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        self.ids = Ids(seed * 1_000_003 + day.toordinal())
        self.random: random.Random = self.ids.random
        self.shapes = Shapes(self.ids)
        self.cast = cast(seed)
        self.trail = TrailWriter(self.ids, ORGANIZATION, minutes_per_file=1)

    def tell(self, events: int) -> None:
        """Put about ``events`` records into the trail."""
        for _ in range(events // 400):
            self.person_at_work()
        for _ in range(events // 9):
            self.service()
        slots = len(self.cast.workload_roles) * 6
        for number in range(slots):
            role = self.cast.workload_roles[number % len(self.cast.workload_roles)]
            self.workload(role, self.calls_of(number, slots, events))

    def calls_of(self, number: int, slots: int, events: int) -> int:
        """Return how many calls a workload's session makes, so that the day has its events."""
        left = events - events // 400 * 24 - events // 9
        return left * (number + 1) // slots - left * number // slots

    def moment(self, hours: float = 24) -> datetime:
        """Return a second of the day's first ``hours``."""
        return self.start + timedelta(seconds=self.random.randrange(int(hours * 3600)))

    def address(self) -> str:
        """Return an address for documentation (RFC 5737)."""
        return f"198.51.100.{self.random.randrange(1, 255)}"

    def workload(self, role: Role, calls: int) -> None:
        """Let an instance's role work for hours on the same credentials."""
        begun = self.moment(20)
        name = f"i-{self.random.getrandbits(68):017x}"
        session = Session(role, name, begun, False, self.ids.unique_id("ASIA"))
        address, agent = self.address(), self.random.choice((_SDK, _TERRAFORM, CLI))
        region = self.random.choice(REGIONS)
        chosen = self.random.choices(
            _WORKLOAD_CALLS, weights=[call[0] for call in _WORKLOAD_CALLS], k=calls
        )
        self.deliver(
            (
                self.shapes.call(
                    begun + timedelta(seconds=self.random.randrange(4 * 3600)),
                    session,
                    service,
                    event,
                    region,
                    address,
                    read_only=reads,
                    denied=self.random.random() < 0.01,
                    agent=agent,
                    request=None
                    if asked is None
                    else asked | {"clientRequestToken": self.ids.uuid()},
                )
                | self.details(service, session, region)
                for _, service, event, reads, asked in chosen
            )
        )

    def details(self, service: str, session: Session, region: str) -> dict[str, Any]:
        """Return what newer records say of the resource and the connection."""
        resource = (
            f"arn:aws:{service}:{region}:{session.account}:thing/{self.random.randrange(400)}"
        )
        return {
            "resources": [
                {"accountId": session.account, "type": f"AWS::{service}::Thing", "ARN": resource}
            ],
            "tlsDetails": {
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": f"{service}.{region}.amazonaws.com",
            },
        }

    def service(self) -> None:
        """Let an AWS service assume a role of its own."""
        service, role = self.random.choice(self.cast.service_roles)
        at = self.moment()
        session = Session(role, f"{service}-session", at, False, self.ids.unique_id("ASIA"))
        region = self.random.choice(REGIONS)
        self.deliver([self.shapes.service_assume_role(at, service, session, region)])

    def person_at_work(self) -> None:
        """Let a person sign in, switch, work, and sometimes go on to another role."""
        person, address = self.random.choice(self.cast.people), self.address()
        region, at = self.random.choice(REGIONS), self.moment(22)
        mfa = self.random.random() < 0.9
        if self.random.random() < 0.05:
            failed = self.shapes.console_login(at, person, region, address, mfa=mfa, failed=True)
            self.deliver([failed])
        self.deliver(
            [
                self.shapes.console_login(
                    at + timedelta(seconds=20), person, region, address, mfa=mfa
                )
            ]
        )
        source = Session(person, person.name, at, mfa, self.ids.unique_id("ASIA"))
        session = self.switch(source, at + timedelta(minutes=2), region, address)
        self.work(session, region, address, 14)
        if self.random.random() < 0.3:
            chained = self.switch(session, at + timedelta(minutes=40), region, address)
            self.work(chained, region, address, 6)
        elif self.random.random() < 0.3:
            self.assume(session, at + timedelta(minutes=30), region, address)

    def switch(self, source: Session, at: datetime, region: str, address: str) -> Session:
        """Switch in the console; both accounts log it."""
        role = self.random.choice(self.cast.human_roles)
        session = Session(role, source.name, at, source.mfa, self.ids.unique_id("ASIA"))
        shapes = self.shapes
        self.deliver(shapes.assume_role(at, source, session, region, console=True))
        before = at - timedelta(seconds=self.random.randrange(3))
        self.deliver([shapes.switch_in_source_account(before, source, role, region, address)])
        self.deliver([shapes.switch_in_role_account(at, session, source.arn, region, address)])
        return session

    def assume(self, source: Session, at: datetime, region: str, address: str) -> None:
        """Go on to another role with the command line."""
        role = self.random.choice(self.cast.human_roles)
        session = Session(role, "cli", at, source.mfa, self.ids.unique_id("ASIA"))
        self.deliver(
            self.shapes.assume_role(at, source, session, region, console=False, ip=address)
        )
        self.work(session, region, address, 6, CLI)

    def work(
        self, session: Session, region: str, address: str, calls: int, agent: str = BROWSER
    ) -> None:
        """Make calls in a person's session."""
        self.deliver(
            self.shapes.call(
                session.created_at + timedelta(seconds=self.random.randrange(5, 3000)),
                session,
                service,
                event,
                region,
                address,
                read_only=reads,
                denied=self.random.random() < 0.05,
                agent=agent,
            )
            for service, event, reads in self.random.choices(_PEOPLE_CALLS, k=calls)
        )

    def deliver(self, records: Iterator[CloudTrailRecord] | list[CloudTrailRecord]) -> None:
        """Deliver records within minutes; a few twice, a few the day after."""
        for record in records:
            self.deliver_after(record, timedelta(minutes=self.random.randrange(2, 15)))
            chance = self.random.random()
            if chance < 0.002:
                self.deliver_after(record, timedelta(hours=3))
            elif chance < 0.0025:
                self.deliver_after(record, timedelta(hours=20))

    def deliver_after(self, record: CloudTrailRecord, delay: timedelta) -> None:
        """Put a record into the first delivery that leaves ``delay`` after its time."""
        at = datetime.fromisoformat(record["eventTime"])
        number = (at + delay - self.start) // _BETWEEN_DELIVERIES + 1
        leaves = self.start + number * _BETWEEN_DELIVERIES
        self.trail.deliver([record], after=leaves - at)


def write_day(folder: Path, seed: int, events: int, day: date) -> int:
    """Write the log files of one day and return the number of their records."""
    told = Day(seed, day)
    told.tell(events)
    written = 0
    for key, records in told.trail.files():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(records))
        written += len(records)
    return written


def packed(records: list[CloudTrailRecord]) -> bytes:
    """Return the bytes of a log file, packed as tightly as AWS's are."""
    return gzip.compress(msgspec.json.encode({"Records": records}), _GZIP_LEVEL, mtime=0)


def write_trail(
    folder: Path,
    days: int,
    first_day: date = FIRST_DAY,
    events_per_day: int = EVENTS_PER_DAY,
    seed: int = 1,
) -> int:
    """Write ``days`` days below ``folder``, on all cores; return the number of records."""
    all_days = [first_day + timedelta(days=number) for number in range(days)]
    with ProcessPoolExecutor() as workers:
        return sum(workers.map(partial(write_day, folder, seed, events_per_day), all_days))


def main() -> None:
    """Write the trail that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=DAYS, help="how many days [%(default)s]")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    written = write_trail(arguments.folder, arguments.days, seed=arguments.seed)
    print(f"{written:,} records in {arguments.folder}")


if __name__ == "__main__":
    main()
