"""`rolecall setup`: finds the trail, makes table, database and workgroup, changes nothing else.

S3, Glue and CloudTrail are moto's; the statements, which are DDL, need no Trino.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from click.testing import CliRunner

from local_athena.engine import Addresses, aws
from local_athena.server import ApiError, Athena, Server, WorkGroup
from local_athena.warehouse import QueryFailedError, Warehouse
from rolecall.aws.athena_client import Athena as AthenaClient
from rolecall.aws.glue_catalogue import catalogue_table
from rolecall.aws.trail_bucket import REGION, TrailBucket
from rolecall.commands.main import cli
from rolecall.days import Days
from rolecall.errors import RolecallError, UsageError
from rolecall.names import Workspace
from rolecall.settings import load_settings
from rolecall.setup.new_folders import add_new_folders
from support.logs import log_key

_NUMBERS = count()
_RESULTS = "s3://results/rolecall/"
_ORGANIZATION = "o-a1b2c3d4e5"
_FOLDER_NAMES = (
    r"cannot be a place in S3: .* with a-z, A-Z, digits and !\.\*\(\)=\+@,:_- in the"
    r" names of folders\.$"
)
_KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0f0e0d0c"


@dataclass
class Cloud:
    """The account of one test: ``athena`` is the service itself, ``folder`` a trail's prefix."""

    athena: Athena
    bucket: str

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        return boto3.client(service)  # type: ignore[call-overload]

    def deliver(
        self,
        account: str,
        region: str,
        day: str,
        prefix: str = f"AWSLogs/{_ORGANIZATION}/",
        **stored: str,
    ) -> None:
        """Put an object where CloudTrail puts a log."""
        key = log_key(account, region, day, logs=prefix)
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=b"x" * 1000, **stored)

    def put(self, *keys: str) -> None:
        """Put objects without a byte, as the S3 console's "Create folder" does."""
        for key in keys:
            self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=b"")

    def setup(self, *options: str) -> str:
        """Run `rolecall setup` and return what it printed. Raises what it raises."""
        arguments = ["setup", "--results", _RESULTS, *options]
        done = CliRunner().invoke(cli, arguments, standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done.output

    def table(self, name: str = "cloudtrail_logs", database: str = "rolecall") -> dict[str, Any]:
        """Return a table of the catalogue."""
        found: dict[str, Any] = self.client("glue").get_table(DatabaseName=database, Name=name)[
            "Table"
        ]
        return found

    def change(self, properties: dict[str, str], columns: slice = slice(None)) -> None:
        """Give the table other properties and fewer columns."""
        table = self.table()
        kept = ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
        changed = {key: table[key] for key in kept}
        changed["Parameters"] |= properties
        storage = changed["StorageDescriptor"]
        storage["Columns"] = storage["Columns"][columns]
        self.client("glue").update_table(DatabaseName="rolecall", TableInput=changed)

    def writes(self) -> list[str]:
        """Return what was done to the account since it was empty, but for S3."""
        made = [f"database {each['Name']}" for each in self._glue("get_databases", "DatabaseList")]
        made += [f"workgroup {name}" for name in self.athena.workgroups]
        return made + [execution.sql for execution in self.athena.executions.values()]

    def _glue(self, operation: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = getattr(self.client("glue"), operation)()[key]
        return found


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[Addresses, Athena]]:
    """Return an account without an engine."""
    with ExitStack() as stack:
        # What AWS's clients read goes back to what it was.
        stack.enter_context(patch.dict(os.environ))
        aws_url = stack.enter_context(aws())
        athena = Athena(Warehouse("http://127.0.0.1:1"), [])
        server = Server(athena)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Addresses(aws_url, server.url, ""), athena


@pytest.fixture
def cloud(
    services: tuple[Addresses, Athena],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Cloud:
    """Return an account with nothing but an organization's logs of two accounts."""
    addresses, athena = services
    monkeypatch.chdir(tmp_path)
    for name, value in addresses.environment().items():
        monkeypatch.setenv(name, value)
    glue = boto3.client("glue")
    for database in glue.get_databases()["DatabaseList"]:
        if database["Name"] != "default":
            for table in glue.get_tables(DatabaseName=database["Name"])["TableList"]:
                glue.delete_table(DatabaseName=database["Name"], Name=table["Name"])
            glue.delete_database(Name=database["Name"])
    for trail in boto3.client("cloudtrail").describe_trails()["trailList"]:
        boto3.client("cloudtrail").delete_trail(Name=trail["Name"])
    athena.workgroups = {"primary": WorkGroup("primary")}
    athena.executions.clear()
    athena.requests.clear()
    cloud = Cloud(athena, f"logs-{next(_NUMBERS)}")
    cloud.client("s3").create_bucket(Bucket=cloud.bucket)
    cloud.deliver("111122223333", "us-east-1", "2026/03/01")
    cloud.deliver("111122223333", "eu-central-1", "2026/03/05")
    cloud.deliver("444455556666", "us-east-1", "2026/04/01")
    return cloud


def _trail(cloud: Cloud, name: str = "management-events", **members: Any) -> None:
    cloud.client("cloudtrail").create_trail(
        Name=name, S3BucketName=cloud.bucket, **{"IsOrganizationTrail": True} | members
    )


def _added_by_refresh(cloud: Cloud) -> list[tuple[str, str]]:
    """Return the accounts and regions that a refresh adds to the table of `setup`."""
    settings = load_settings(table="rolecall.cloudtrail_logs")
    table = catalogue_table(settings.table, settings)
    folders = add_new_folders(table, settings, AthenaClient(Workspace("rolecall", "rolecall")))
    return [(folder.account, folder.region) for folder in folders]


def test_the_trail_s_accounts_regions_and_days_become_the_table(cloud: Cloud) -> None:
    _trail(cloud, KmsKeyId=_KEY_ARN)
    printed = cloud.setup()
    place = f"s3://{cloud.bucket}/AWSLogs/{_ORGANIZATION}/"
    assert printed.startswith(
        f"The trail management-events of the organization writes to {place}, encrypted with"
        f" {_KEY_ARN}.\n"
        "It has logs of 2 accounts in 2 regions (eu-central-1, us-east-1) since 2026-03-01.\n"
        "Yesterday brought no logs"
    )
    assert (
        "Made the workgroup rolecall, in which a query stops at 1 TB ($5.00), the database rolecall"
        " and the table rolecall.cloudtrail_logs, at no cost.\n"
    ) in printed
    assert printed.endswith(
        'target = "athena"\ntable = "rolecall.cloudtrail_logs"\n'
        f'results = "{_RESULTS}"\nworkgroup = "rolecall"\n'
    )
    table = cloud.table()
    assert [key["Name"] for key in table["PartitionKeys"]] == ["account", "region", "dt"]
    assert table["StorageDescriptor"]["Location"] == place
    told = {key: value for key, value in table["Parameters"].items() if "." in key}
    assert told == {
        "rolecall.setup": "1",
        "projection.enabled": "true",
        "projection.account.type": "enum",
        "projection.account.values": "111122223333,444455556666",
        "projection.region.type": "enum",
        "projection.region.values": "eu-central-1,us-east-1",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy/MM/dd",
        "projection.dt.range": "2026/03/01,NOW",
        "projection.dt.interval": "1",
        "projection.dt.interval.unit": "DAYS",
        "storage.location.template": place + "${account}/CloudTrail/${region}/${dt}/",
    }


def test_the_workgroup_has_the_cutoff_and_the_place_of_results(cloud: Cloud) -> None:
    cloud.setup("--bucket", cloud.bucket, "--cutoff", "50GB", "--workgroup", "audit")
    made = cloud.athena.workgroups["audit"]
    assert (made.scan_limit, made.output_location) == (50_000_000_000, f"{_RESULTS}results/")
    (asked,) = (request for name, request in cloud.athena.requests if name == "CreateWorkGroup")
    encryption = asked["Configuration"]["ResultConfiguration"]["EncryptionConfiguration"]
    assert encryption == {"EncryptionOption": "SSE_S3"}
    assert {execution.workgroup for execution in cloud.athena.executions.values()} == {"audit"}


def test_a_dry_run_shows_everything_and_touches_nothing(cloud: Cloud) -> None:
    before = cloud.writes()
    printed = cloud.setup("--bucket", cloud.bucket, "--dry-run")
    assert "CREATE EXTERNAL TABLE IF NOT EXISTS `rolecall`.`cloudtrail_logs` (" in printed
    assert "Would make the workgroup rolecall" in printed
    assert cloud.writes() == before
    asked = {name for name, _ in cloud.athena.requests}
    assert asked == {"GetWorkGroup"}


def test_run_again_it_makes_nothing(cloud: Cloud) -> None:
    cloud.setup("--bucket", cloud.bucket)
    before = cloud.writes()
    printed = cloud.setup("--bucket", cloud.bucket)
    assert "Nothing is left to make.\n" in printed
    assert "The workgroup rolecall was there, and stays as it is.\n" in printed
    assert cloud.writes() == before


def test_run_again_it_adds_accounts_and_regions_and_takes_none_away(cloud: Cloud) -> None:
    cloud.setup("--bucket", cloud.bucket)
    cloud.deliver("777788889999", "ap-south-1", "2026/02/10")
    gone = f"AWSLogs/{_ORGANIZATION}/444455556666/"
    s3 = cloud.client("s3")
    for entry in s3.list_objects_v2(Bucket=cloud.bucket, Prefix=gone)["Contents"]:
        s3.delete_object(Bucket=cloud.bucket, Key=entry["Key"])
    printed = cloud.setup("--bucket", cloud.bucket)
    assert "New account: 777788889999.\nNew region: ap-south-1.\n" in printed
    assert "Made changes to the table rolecall.cloudtrail_logs, at no cost.\n" in printed
    told = cloud.table()["Parameters"]
    assert told["projection.account.values"] == "111122223333,444455556666,777788889999"
    assert told["projection.region.values"] == "ap-south-1,eu-central-1,us-east-1"
    assert told["projection.dt.range"] == "2026/02/10,NOW"
    assert told["rolecall.added"] == (
        "account=777788889999:2026-02-10/2026-02-10,region=ap-south-1:2026-02-10/2026-02-10"
    )


def test_what_was_added_is_remembered_with_the_first_and_the_last_of_its_days(cloud: Cloud) -> None:
    cloud.setup("--bucket", cloud.bucket)
    for day in ("2025/12/31", "2026/02/10", "2026/10/09", "2026/09/30"):
        cloud.deliver("777788889999", "us-east-1", day)
    cloud.deliver("777788889999", "eu-central-1", "2026/10/11")
    cloud.setup("--bucket", cloud.bucket)
    assert cloud.table()["Parameters"]["rolecall.added"] == (
        "account=777788889999:2025-12-31/2026-10-11"
    )
    # What begins today is in every load's window.
    cloud.deliver("888899990000", "us-east-1", f"{datetime.now(UTC):%Y/%m/%d}")
    cloud.setup("--bucket", cloud.bucket)
    told = cloud.table()["Parameters"]
    assert "888899990000" in told["projection.account.values"]
    assert told["rolecall.added"] == "account=777788889999:2025-12-31/2026-10-11"


def test_the_size_of_some_accounts_and_regions_is_that_of_their_logs(cloud: Cloud) -> None:
    cloud.deliver("777788889999", "us-east-1", "2026/03/01")
    bucket = TrailBucket(cloud.client("s3"), cloud.bucket)
    folders = bucket.region_folders(f"AWSLogs/{_ORGANIZATION}/")
    day = date(2026, 3, 1), date(2026, 3, 5)

    def size(*only: str) -> int:
        return bucket.folder_bytes(folders, Days(*day, only))

    assert (size(), size("777788889999"), size("eu-central-1", "777788889999")) == (
        *(3000, 1000, 2000),
    )


def test_a_refresh_adds_new_accounts_and_regions_to_the_table_before_it_reads(
    cloud: Cloud,
) -> None:
    cloud.setup("--bucket", cloud.bucket)
    cloud.change({"projection.dt.range": "2026/03/01,NOW+1DAY"})
    assert _added_by_refresh(cloud) == []
    cloud.deliver("444455556666", "ap-south-1", "2026/04/10")
    cloud.deliver("777788889999", "us-east-1", "2026/04/12")
    assert _added_by_refresh(cloud) == [
        ("444455556666", "ap-south-1"),
        ("777788889999", "us-east-1"),
    ]
    assert _added_by_refresh(cloud) == []
    # Loads look at their days until they have them, whatever they have of others.
    assert cloud.table()["Parameters"]["rolecall.added"] == (
        "region=ap-south-1:2026-04-10/2026-04-10,account=777788889999:2026-04-12/2026-04-12"
    )
    # No load goes on without them.
    cloud.deliver("888899990000", "us-east-1", "2026/04/12")
    refused = QueryFailedError("AccessDeniedException: not authorized to perform: glue:UpdateTable")
    with (
        patch.object(cloud.athena.engine, "run", side_effect=refused),
        pytest.raises(RolecallError, match="lacks 888899990000 in us-east-1: AWS does not allow"),
    ):
        _added_by_refresh(cloud)
    told = cloud.table()["Parameters"]
    assert told["projection.account.values"] == "111122223333,444455556666,777788889999"
    assert told["projection.region.values"] == "ap-south-1,eu-central-1,us-east-1"
    assert told["projection.dt.range"] == "2026/03/01,NOW+1DAY"


def test_a_table_of_an_older_release_gets_the_fields_it_lacks(cloud: Cloud) -> None:
    cloud.setup("--bucket", cloud.bucket)
    made = cloud.table()
    cloud.change({"projection.account.values": "999999999999"}, slice(-1))
    cloud.setup("--bucket", cloud.bucket)
    after = cloud.table()
    assert after["StorageDescriptor"]["Columns"] == made["StorageDescriptor"]["Columns"]
    accounts = after["Parameters"]["projection.account.values"]
    assert accounts == "111122223333,444455556666,999999999999"


def test_a_table_that_it_did_not_make_is_described_and_kept(cloud: Cloud) -> None:
    place = "s3://elsewhere/AWSLogs/111122223333/"
    cloud.client("glue").create_table(
        DatabaseName="default",
        TableInput={
            "Name": "by_hand",
            "PartitionKeys": [{"Name": "region", "Type": "string"}],
            "StorageDescriptor": {
                "Location": place,
                "Columns": [{"Name": "eventtime", "Type": "string"}],
            },
        },
    )
    before = cloud.table("by_hand", "default")
    printed = cloud.setup("--bucket", cloud.bucket, "--table", "default.by_hand")
    assert (
        "The table default.by_hand was not made by Rolecall and stays as it is: it reads"
        f" {place}, with 1 column and partitions by region, so that a refresh scans all of it, for"
        " more."
    ) in printed
    assert "TABLE" not in printed
    assert cloud.table("by_hand", "default") == before
    assert not cloud.athena.executions


def test_a_view_is_described_as_one(cloud: Cloud) -> None:
    cloud.client("glue").create_table(
        DatabaseName="default",
        TableInput={
            "Name": "some_logs",
            "TableType": "VIRTUAL_VIEW",
            "StorageDescriptor": {"Columns": [{"Name": "eventtime", "Type": "string"}]},
        },
    )
    printed = cloud.setup("--bucket", cloud.bucket, "--table", "default.some_logs")
    assert (
        "The table default.some_logs was not made by Rolecall and stays as it is: it is a view,"
        " with 1 column and no partitions, so that a refresh scans all of it, for more."
    ) in printed


def test_a_table_over_other_logs_is_not_turned_to_these(cloud: Cloud) -> None:
    cloud.setup("--bucket", cloud.bucket)
    cloud.deliver("111122223333", "us-east-1", "2026/03/01", "moved/AWSLogs/")
    with pytest.raises(UsageError, match="name another table with --table"):
        cloud.setup("--bucket", cloud.bucket, "--prefix", "moved")


def test_yesterday_s_logs_tell_what_loads_will_cost_of_logs_and_tables(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    for back in (1, 1, 2):
        cloud.deliver("444455556666", "us-east-1", f"{now - timedelta(days=back):%Y/%m/%d}")
    cloud.deliver("111122223333", "eu-central-1", f"{now - timedelta(days=1):%Y/%m/%d}")
    assert (
        "Yesterday brought 2 kB of logs: a first load of 90 days will scan about 1.83 MB for"
        " $0.013, logs and tables together, and a daily refresh after it 488 kB for $0.011, more"
        " as more is loaded (docs/cost.md).\n"
    ) in cloud.setup("--bucket", cloud.bucket, "--dry-run")
    monkeypatch.setenv("ROLECALL_PRICE_PER_TB", "10")
    assert "1.83 MB for $0.026," in cloud.setup("--bucket", cloud.bucket, "--dry-run")


def test_the_organization_s_trail_is_meant_and_others_can_be_named(cloud: Cloud) -> None:
    cloud.deliver("111122223333", "us-west-2", "2025/01/01", "old/AWSLogs/")
    _trail(cloud)
    _trail(cloud, "of-one-account", IsOrganizationTrail=False, S3KeyPrefix="old")
    printed = cloud.setup("--dry-run")
    assert "The trail management-events of the organization writes to" in printed
    printed = cloud.setup("--dry-run", "--trail", "of-one-account")
    assert f"The trail of-one-account writes to s3://{cloud.bucket}/old/AWSLogs/." in printed
    assert "1 account in 1 region (us-west-2) since 2025-01-01." in printed
    with pytest.raises(RolecallError, match="There is no trail nobody-s in this account"):
        cloud.setup("--trail", "nobody-s")


def test_what_trail_is_meant_must_be_clear(cloud: Cloud) -> None:
    with pytest.raises(RolecallError, match="There is no trail in this account and region"):
        cloud.setup()
    for name in ("first", "second"):
        _trail(cloud, name, IsOrganizationTrail=False)
    with pytest.raises(UsageError, match=r"There are several trails \(first, second\)"):
        cloud.setup()
    with pytest.raises(UsageError, match="Both --trail and --bucket"):
        cloud.setup("--trail", "first", "--bucket", cloud.bucket)


def test_logs_beside_the_organization_s_are_named(cloud: Cloud) -> None:
    cloud.deliver("111122223333", "us-east-1", "2024/01/01", "AWSLogs/")
    printed = cloud.setup("--bucket", cloud.bucket, "--dry-run")
    passed_over = f"s3://{cloud.bucket}/AWSLogs/111122223333/"
    assert f"Passed over, for a table of its own: {passed_over}.\n" in printed
    assert "since 2026-03-01" in printed
    _trail(cloud, IsOrganizationTrail=False)
    printed = cloud.setup("--dry-run")
    assert f"for a table of its own: s3://{cloud.bucket}/AWSLogs/{_ORGANIZATION}/.\n" in printed
    assert "1 account in 1 region (us-east-1) since 2024-01-01" in printed


def test_a_new_trail_is_not_shown_the_logs_of_others(cloud: Cloud) -> None:
    cloud.deliver("111122223333", "us-east-1", "2024/01/01", "old/AWSLogs/")
    _trail(cloud, S3KeyPrefix="old")
    with pytest.raises(RolecallError) as caught:
        cloud.setup()
    assert str(caught.value) == (
        "The trail management-events of the organization has no log in"
        f" s3://{cloud.bucket}/old/AWSLogs/ yet, which has folders of single accounts alone: wait"
        " some minutes for its first log, or name the others' with"
        f" --bucket {cloud.bucket} --prefix old."
    )
    printed = cloud.setup("--bucket", cloud.bucket, "--prefix", "old", "--dry-run")
    assert "since 2024-01-01" in printed
    _trail(cloud, "of-one-account", IsOrganizationTrail=False)
    with pytest.raises(RolecallError) as caught:
        cloud.setup("--trail", "of-one-account")
    assert str(caught.value) == (
        f"The trail of-one-account has no log in s3://{cloud.bucket}/AWSLogs/ yet, which has"
        " folders of an organization alone: wait some minutes for its first log, or name the"
        f" others' with --bucket {cloud.bucket}."
    )


def test_several_organizations_must_be_told_apart(cloud: Cloud) -> None:
    cloud.deliver("111122223333", "us-east-1", "2024/01/01", "AWSLogs/o-zzzzzzzzzz/")
    with pytest.raises(UsageError, match=r"\(o-a1b2c3d4e5, o-zzzzzzzzzz\): name one with"):
        cloud.setup("--bucket", cloud.bucket)
    printed = cloud.setup("--bucket", cloud.bucket, "--organization", "o-zzzzzzzzzz", "--dry-run")
    assert "since 2024-01-01" in printed


def test_digests_and_insights_are_not_regions(cloud: Cloud) -> None:
    account = f"AWSLogs/{_ORGANIZATION}/111122223333"
    for folder in (
        "CloudTrail-Digest/us-west-1",
        "CloudTrail/notes",
        "CloudTrail-Insight/sa-east-1",
    ):
        cloud.client("s3").put_object(
            Bucket=cloud.bucket, Key=f"{account}/{folder}/2026/01/01/x.gz", Body=b"x"
        )
    assert "in 2 regions (eu-central-1, us-east-1) since 2026-03-01" in cloud.setup(
        "--bucket", cloud.bucket, "--dry-run"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--bucket", "UPPER"), "'UPPER' cannot be a bucket"),
        (("--table", "rolecall.x`; drop"), "cannot be a table"),
        (("--workgroup", "a b"), "cannot be a workgroup"),
        (("--organization", "o-'"), "is not an id of an organization"),
        *((("--prefix", prefix), _FOLDER_NAMES) for prefix in ("it's", "it is", "a&b", "lög")),
        (("--cutoff", "9MB"), "10 MB or more"),
        (("--cutoff", "much"), "--cutoff: 'much' is not an amount of data"),
        (("--results", ""), "ROLECALL_RESULTS|cannot be a place"),
    ],
)
def test_what_cannot_be_a_name_is_refused(
    cloud: Cloud, options: tuple[str, ...], message: str
) -> None:
    if "--prefix" in options:
        cloud.deliver("111122223333", "us-east-1", "2026/03/01", f"{options[1]}/AWSLogs/")
    before = cloud.writes()
    named = () if "--bucket" in options else ("--bucket", cloud.bucket)
    with pytest.raises(UsageError, match=message):
        cloud.setup(*named, *options)
    assert cloud.writes() == before


def test_what_is_not_there_is_named(cloud: Cloud) -> None:
    with pytest.raises(RolecallError, match="list s3://no-such-bucket-at-all/AWSLogs/"):
        cloud.setup("--bucket", "no-such-bucket-at-all")
    with pytest.raises(RolecallError, match=r"no CloudTrail log below s3://\S+/other/AWSLogs/"):
        cloud.setup("--bucket", cloud.bucket, "--prefix", "/other/")
    with pytest.raises(RolecallError, match="There is no bucket nowhere-at-all for the results"):
        cloud.setup("--bucket", cloud.bucket, "--results", "s3://nowhere-at-all/x/")


Deny = Callable[[str, str], None]


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Deny:
    """Return a function that has AWS refuse an operation, such as ``s3.GetObject``."""
    refused: dict[str, str] = {}
    make: Any = boto3.Session.client

    def client(session: boto3.Session, service: str, *arguments: Any, **options: Any) -> Any:
        made = make(session, service, *arguments, **options)
        for operation, message in refused.items():
            answer = {"Error": {"Code": "AccessDenied", "Message": message}}

            def refuse(answer: Any = answer, **_: Any) -> Any:
                return SimpleNamespace(status_code=403), answer

            made.meta.events.register(f"before-call.{operation}", refuse)
        return made

    monkeypatch.setattr(boto3.Session, "client", client)

    def add(operation: str, message: str) -> None:
        refused[operation] = message

    return add


def test_access_denied_to_the_bucket_is_named(cloud: Cloud, deny: Deny) -> None:
    deny("s3.ListObjectsV2", "not authorized to perform: s3:ListBucket")
    with pytest.raises(RolecallError) as caught:
        cloud.setup("--bucket", cloud.bucket)
    assert str(caught.value) == (
        f"AWS does not allow you to list s3://{cloud.bucket}/AWSLogs/, which takes s3:ListBucket:"
        " ask for this permission."
    )


def test_logs_in_glacier_are_told_with_the_first_day_after_them(cloud: Cloud) -> None:
    """And none of them is read to see whether logs can be."""
    for day, storage_class in (
        ("2025/11/01", "DEEP_ARCHIVE"),
        ("2025/12/30", "GLACIER"),
        ("2026/02/01", "GLACIER_IR"),
    ):
        cloud.deliver("111122223333", "us-east-1", day, StorageClass=storage_class)
    printed = cloud.setup("--bucket", cloud.bucket, "--dry-run")
    assert (
        " since 2025-11-01.\n"
        "Those delivered before 2025-12-31 are archived in Glacier, where Athena passes them over"
        " without a word (told by 111122223333 in us-east-1): restore them, or"
        " begin with `rolecall refresh --from 2025-12-31`.\n"
    ) in printed
    assert "'read_restored_glacier_objects' = 'true'" in printed


def test_logs_that_are_read_at_once_are_not_told_to_be_in_glacier(cloud: Cloud) -> None:
    for storage_class in ("GLACIER_IR", "INTELLIGENT_TIERING", "STANDARD_IA"):
        cloud.deliver("111122223333", "us-east-1", "2025/11/01", StorageClass=storage_class)
    assert "Glacier, where" not in cloud.setup("--bucket", cloud.bucket, "--dry-run")


def test_where_all_logs_are_in_glacier_the_table_is_made_all_the_same(cloud: Cloud) -> None:
    for account, region, day in (
        ("111122223333", "us-east-1", "2026/03/01"),
        ("111122223333", "eu-central-1", "2026/03/05"),
        ("444455556666", "us-east-1", "2026/04/01"),
    ):
        cloud.deliver(account, region, day, StorageClass="GLACIER")
    assert "Those delivered before 2026-03-02 are archived in Glacier" in cloud.setup(
        "--bucket", cloud.bucket
    )
    assert cloud.table()


def test_a_folder_that_was_made_by_hand_is_not_a_log(cloud: Cloud) -> None:
    logs = f"AWSLogs/{_ORGANIZATION}/"
    for region in ("eu-central-1", "us-east-1", "us-west-1"):
        folder = f"{logs}111122223333/CloudTrail/{region}/"
        cloud.put(folder, f"{folder}2025/", f"{folder}2025/01/", f"{folder}2025/01/01/")
    # More of them than a page has.
    cloud.put(*(f"{logs}444455556666/CloudTrail/us-east-1/2025/01/{day:02}/" for day in range(30)))
    assert (
        "It has logs of 2 accounts in 2 regions (eu-central-1, us-east-1) since 2026-03-01.\n"
    ) in cloud.setup("--bucket", cloud.bucket)
    folder = f"{logs}777788889999/CloudTrail/us-east-1/"
    cloud.put(folder, f"{folder}2026/", f"{folder}2026/03/01/", f"{folder}2026/12/", f"{folder}x")
    assert _added_by_refresh(cloud) == []
    cloud.deliver("777788889999", "us-east-1", "2026/04/12")
    cloud.deliver("777788889999", "us-east-1", "2026/04/14")
    cloud.put(f"{folder}2026/04/15/", f"{folder}2027/")
    assert _added_by_refresh(cloud) == [("777788889999", "us-east-1")]
    assert cloud.table()["Parameters"]["rolecall.added"] == (
        "account=777788889999:2026-04-12/2026-04-14"
    )


def test_a_folder_of_no_day_of_the_calendar_tells_none(cloud: Cloud) -> None:
    folder = f"AWSLogs/{_ORGANIZATION}/111122223333/CloudTrail/us-east-1/"
    cloud.put(f"{folder}2026/02/30/x", f"{folder}2026/13/01/x", f"{folder}0000/01/01/x")
    assert "since 2026-03-01" in cloud.setup("--bucket", cloud.bucket)
    cloud.deliver("777788889999", "us-east-1", "2026/04/12")
    cloud.put(f"{folder.replace('111122223333', '777788889999')}2026/04/31/x")
    assert _added_by_refresh(cloud) == [("777788889999", "us-east-1")]
    assert cloud.table()["Parameters"]["rolecall.added"] == (
        "account=777788889999:2026-04-12/2026-04-12"
    )


def test_access_denied_to_the_logs_is_named(cloud: Cloud, deny: Deny) -> None:
    deny("s3.GetObject", "not authorized to perform: s3:GetObject")
    with pytest.raises(RolecallError, match=rf"allow you to read s3://{cloud.bucket}/AWSLogs/o-"):
        cloud.setup("--bucket", cloud.bucket)


def test_access_denied_to_the_key_is_named(cloud: Cloud, deny: Deny) -> None:
    _trail(cloud, KmsKeyId=_KEY_ARN)
    deny("s3.GetObject", f"not authorized to perform: kms:Decrypt on resource: {_KEY_ARN}")
    before = cloud.writes()
    with pytest.raises(RolecallError) as caught:
        cloud.setup()
    assert str(caught.value) == (
        f"The logs in s3://{cloud.bucket}/ are encrypted with the key {_KEY_ARN}, which you may"
        " not use: ask for kms:Decrypt on it."
    )
    assert cloud.writes() == before


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("glue.GetDatabase", "AWS does not allow you to look up the database rolecall"),
        ("glue.GetTable", "AWS does not allow you to look up the table rolecall.cloudtrail_logs"),
        ("athena.GetWorkGroup", "AWS does not allow you to look up the workgroup rolecall"),
        ("athena.CreateWorkGroup", "AWS does not allow you to make the workgroup rolecall"),
        ("cloudtrail.DescribeTrails", "look for the trail.*name its bucket with --bucket"),
    ],
)
def test_every_other_denial_is_named_too(
    cloud: Cloud, deny: Deny, operation: str, message: str
) -> None:
    _trail(cloud)
    deny(operation, "not authorized")
    with pytest.raises(RolecallError, match=message):
        cloud.setup()


@pytest.mark.parametrize(
    "reason",
    [
        "AccessDeniedException: not authorized to perform: glue:CreateDatabase",
        "Insufficient Lake Formation permission(s): Required Create Table on rolecall",
    ],
)
def test_access_denied_to_the_database_is_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """Athena tells it when the statement has failed."""

    def refused(*arguments: Any) -> Any:
        raise QueryFailedError(reason)

    monkeypatch.setattr(cloud.athena.engine, "run", refused)
    with pytest.raises(RolecallError) as caught:
        cloud.setup("--bucket", cloud.bucket)
    assert str(caught.value) == (
        "AWS does not allow you to make rolecall.cloudtrail_logs in the database rolecall:"
        f" {reason}; ask for glue:CreateDatabase, glue:CreateTable and glue:UpdateTable on it."
    )


def test_a_workgroup_that_somebody_makes_meanwhile_is_kept(cloud: Cloud) -> None:
    cloud.athena.workgroups["rolecall"] = WorkGroup("rolecall", _RESULTS, scan_limit=20_000_000)
    not_found = ApiError("InvalidRequestException", "WorkGroup is not found.")
    cloud.athena.refuse("GetWorkGroup", not_found)
    cloud.setup("--bucket", cloud.bucket)
    assert cloud.athena.workgroups["rolecall"].scan_limit == 20_000_000
    assert cloud.table()


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "eusc-de-east-1"])
def test_regions_of_every_partition_of_aws_are_known(region: str) -> None:
    assert REGION.fullmatch(region)
