"""The scheduled refresh as CodeBuild runs it: the build commands of the release, on Athena."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_athena.account import COMPLETE, Account, Warehouse
from local_athena.engine import RESULT_BUCKET, WORKGROUP
from pack_release import LAMBDA, REFRESH, locked_for, pack_refresh
from rolecall.aws.answer import scan_price
from rolecall.setup.cost import STATEMENTS, Cost, table_bytes
from support.cloudformation import ACCOUNT, REGION, Statement, allowed, cloud, template
from support.command_line import SAMPLE
from support.logs import event, log_key

pytestmark = pytest.mark.xdist_group("athena")

_NAME, _TRAIL, _RELEASE = "deployed", "deployed-trail", "0.1.0-0123456789ab"
# A workgroup that stops at 10 MB.
_ASKING = "tight"
_NEW_LOG = log_key("444455556666", "us-east-1", "2026/05/01", logs="AWSLogs/")
_PARAMETERS = {
    "TrailBucket": _TRAIL,
    "CloudTrailTable": f"default.{_NAME}",
    "Database": _NAME,
    "Workgroup": WORKGROUP,
    "AnswersWorkgroup": _ASKING,
    "ResultsBucket": RESULT_BUCKET,
    "Release": _RELEASE,
    "FirstDay": "2026-03-01",
}
# Notes what a process asks of AWS, one line a request.
_RECORDER = """\
import json
import os
from botocore.client import BaseClient

_made = BaseClient._make_api_call


def _noted(self, operation, parameters):
    with open(os.environ["NOTED_CALLS"], "a", encoding="utf-8") as notes:
        call = [self.meta.service_model.service_name, operation, parameters]
        notes.write(json.dumps(call, default=str) + "\\n")
    return _made(self, operation, parameters)


BaseClient._make_api_call = _noted
"""

Call = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Deployment:
    """What a deployed stack has: what its refresh and who asks are told, and what they may do."""

    environment: dict[str, str]
    asking: dict[str, str]
    refresh: list[Statement]
    answers: list[Statement]


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """Return the deployment of a stack over the test engine's buckets."""
    with cloud() as stack:
        where = {"LocationConstraint": REGION}
        stack.client("s3").create_bucket(Bucket=RESULT_BUCKET, CreateBucketConfiguration=where)
        stack.put_release(RESULT_BUCKET, _RELEASE, {LAMBDA: _empty_zip()})
        outputs = stack.deploy(**_PARAMETERS)
        name = outputs["RefreshProjectName"]
        (project,) = stack.client("codebuild").batch_get_projects(names=[name])["projects"]
        variables = project["environment"]["environmentVariables"]
        return Deployment(
            {variable["name"]: variable["value"] for variable in variables},
            {
                "ROLECALL_WORKGROUP": outputs["AnswersWorkgroupName"],
                "ROLECALL_RESULTS": outputs["Results"],
            },
            stack.statements("RefreshRole"),
            stack.statements("AnswersRole"),
        )


def _empty_zip() -> bytes:
    return b"PK\x05\x06" + bytes(18)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Python that has the locked packages and nothing else.

    They stand for what pip would fetch: it sees that they are there, and asks no index.
    """
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, symlinks=True)
    libraries = folder / "locked"
    libraries.mkdir()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = [line.partition("==")[0] for line in locked_for(version)]
    for name in [*names, "pip"]:
        for top in _top_names(name):
            place = libraries / top.name
            if not place.exists():
                place.symlink_to(top)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "locked.pth").write_text(f"{libraries}\nimport noted_calls\n")
    (libraries / "noted_calls.py").write_text(_RECORDER)
    return folder


def _top_names(name: str) -> Iterator[Path]:
    """Yield the files and folders that a package has in site-packages."""
    found = distribution(name)
    for file in found.files or []:
        if file.parts[0] not in ("..", "__pycache__"):
            yield Path(str(found.locate_file(file.parts[0])))


@dataclass(frozen=True)
class Built:
    """Two builds that have run: what they printed, what they asked of AWS, and what Athena ran.

    ``log_bytes`` is the size of all log files, before each of them.
    """

    warehouse: Warehouse
    python: Path
    environment: dict[str, str]
    printed: list[str]
    log_bytes: list[int]
    calls: list[Call]
    executions: list[dict[str, Any]]


@pytest.fixture(scope="module")
def built(
    account: Account,
    deployment: Deployment,
    python: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Built:
    """Return what came of the build commands, run as they stand in a folder with the release.

    They run twice, the second time with one log file more.
    """
    account.upload(SAMPLE, _TRAIL)
    account.create_table(f"default.{_NAME}", _TRAIL, COMPLETE)
    # As the stack makes it: the refresh may not.
    account.client("glue").create_database(DatabaseInput={"Name": _NAME})
    folder = tmp_path_factory.mktemp("build")
    pack_refresh(folder / REFRESH, has_wheels=False)
    notes = folder / "calls.jsonl"
    environment = (
        account.environment
        | deployment.environment
        | {
            "PATH": f"{python / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "NOTED_CALLS": str(notes),
            # What is missing is an error, and nothing to fetch.
            "PIP_NO_INDEX": "1",
        }
    )
    log_bytes = [_log_bytes(account)]
    printed = [_build(folder / REFRESH, folder / "first", environment)]
    account.put_log(_TRAIL, _NEW_LOG, [event(901, eventTime="2026-05-01T00:00:00Z")])
    log_bytes.append(_log_bytes(account))
    printed.append(_build(folder / REFRESH, folder / "second", environment))
    return Built(
        Warehouse(account, _NAME, _NAME, folder),
        python,
        environment,
        printed,
        log_bytes,
        _calls(notes),
        _executions(account, deployment.environment["ROLECALL_RESULTS"]),
    )


def _log_bytes(account: Account) -> int:
    pages = account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=_TRAIL)
    return sum(entry["Size"] for page in pages for entry in page["Contents"])


def _executions(account: Account, results: str) -> list[dict[str, Any]]:
    """Return what Athena ran, newest first, for whoever keeps results in a place."""
    athena = account.client("athena")
    pages = athena.get_paginator("list_query_executions").paginate(WorkGroup=WORKGROUP)
    found = [
        execution
        for page in pages
        if page["QueryExecutionIds"]
        for execution in athena.batch_get_query_execution(
            QueryExecutionIds=page["QueryExecutionIds"]
        )["QueryExecutions"]
    ]
    return [
        execution
        for execution in found
        if execution["ResultConfiguration"]["OutputLocation"].startswith(results)
    ]


def _build(release: Path, source: Path, environment: dict[str, str]) -> str:
    """Run the build commands as they stand in the unpacked release; return what they print."""
    with zipfile.ZipFile(release) as packed:
        packed.extractall(source)
    buildspec = yaml.safe_load((source / "buildspec.yml").read_bytes())
    phases = [buildspec["phases"][name]["commands"] for name in ("install", "build")]
    done = subprocess.run(
        ["sh", "-ec", "\n".join(command for commands in phases for command in commands)],
        cwd=source,
        env=environment | buildspec["env"]["variables"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _calls(notes: Path) -> list[Call]:
    return [tuple(json.loads(line)) for line in notes.read_text().splitlines()]


def test_the_build_commands_load_the_logs(built: Built) -> None:
    first, second = built.printed
    assert "Loaded 77 log files: 129 new events." in first
    assert "Loaded 1 log file: 1 new event." in second
    assert built.warehouse.rows("select count(*) from role_switches") == [["15"]]


def test_the_build_ran_the_wheel_and_no_checkout(built: Built) -> None:
    command = "import rolecall.project.location; print(rolecall.project.location.project_dir())"
    done = subprocess.run(
        [built.python / "bin" / "python", "-c", command],
        env=built.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(built.python)


def test_the_alarm_on_silence_knows_what_a_refresh_prints(built: Built) -> None:
    filter_ = template()["Resources"]["NewLogs"]["Properties"]["FilterPattern"]
    terms = re.findall(r'"([^"]+)"', filter_)
    assert len(terms) == 2
    for printed in built.printed:
        matching = [line for line in printed.splitlines() if all(term in line for term in terms)]
        assert len(matching) == 1
    assert not all(term in "Nothing new to load." for term in terms)


def test_everything_stays_in_the_folder_of_the_stack(built: Built, deployment: Deployment) -> None:
    written = {
        f"s3://{parameters['Bucket']}/{parameters['Key']}"
        for service, operation, parameters in built.calls
        if (service, operation) == ("s3", "PutObject")
    }
    assert written
    place = deployment.environment["ROLECALL_RESULTS"]
    assert all(each.startswith(place) for each in written)
    for table in built.warehouse.account.client("glue").get_tables(DatabaseName=_NAME)["TableList"]:
        location = table["StorageDescriptor"].get("Location", "")
        assert not location or location.startswith(f"{place}tables/"), table["Name"]


def test_the_refresh_s_role_allows_what_a_refresh_asks(
    built: Built, deployment: Deployment
) -> None:
    refused = {
        (action, resource)
        for call in built.calls
        for action, resource in needed(call)
        if not allowed(deployment.refresh, action, resource)
    }
    assert not refused
    asked = {f"{service}:{operation}" for service, operation, _ in built.calls}
    assert asked >= {"athena:StartQueryExecution", "glue:UpdateTable", "s3:PutObject"}
    lease = f"rolecall/state/{_NAME}.lease.json"
    of_lease = [name for _, name, told in built.calls if told.get("Key") == lease]
    assert {"PutObject", "DeleteObject"} <= set(of_lease)


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "glue:UpdateTable"])
def test_a_permission_taken_away_is_missed(
    built: Built, deployment: Deployment, action: str
) -> None:
    less = [
        {**statement, "Action": [each for each in statement["Action"] if each != action]}
        for statement in deployment.refresh
    ]
    assert any(
        not allowed(less, needed_action, resource)
        for call in built.calls
        for needed_action, resource in needed(call)
    )


def test_the_answers_policy_allows_what_an_answer_asks(
    built: Built, deployment: Deployment, tmp_path: Path
) -> None:
    notes = tmp_path / "calls.jsonl"
    done = subprocess.run(
        [built.python / "bin" / "python", "-m", "rolecall", "history", "--from", "2026-03-01"],
        cwd=tmp_path,
        env=built.environment | deployment.asking | {"NOTED_CALLS": str(notes)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls = _calls(notes)
    started = [told for _, operation, told in calls if operation == "StartQueryExecution"]
    assert {told["WorkGroup"] for told in started} == {_ASKING}
    refused = {
        (action, resource)
        for call in calls
        for action, resource in needed(call, _ASKING)
        if not allowed(deployment.answers, action, resource)
    }
    assert not refused


# --- what it costs ----------------------------------------------------------------------------


def _scanned(execution: dict[str, Any]) -> int:
    return int(execution["Statistics"].get("DataScannedInBytes", 0))


def test_the_raw_logs_are_scanned_once_a_refresh(built: Built) -> None:
    source = f'"default"."{_NAME}"'
    scanned = sum(_scanned(each) for each in built.executions if source in each["Query"])
    assert 0.9 <= scanned / sum(built.log_bytes) <= 1.1


def test_the_cost_formula_is_never_less_than_what_was_scanned(built: Built) -> None:
    asked = [each for each in built.executions if each["StatementType"] == "DML"]
    assert STATEMENTS / 2 < len(asked) / 2 <= STATEMENTS
    price = sum(scan_price(_scanned(each)) for each in asked)
    formula = sum(
        Cost(logs, table_bytes(logs, logs, logs), STATEMENTS).scan for logs in built.log_bytes
    )
    assert price <= formula <= 2 * price


def test_the_ad_hoc_query_scans_every_log(built: Built) -> None:
    account = built.warehouse.account
    sql = f"select eventtime from default.{_NAME} where eventname = 'SwitchRole'"
    account.query(sql)
    athena = account.client("athena")
    newest = athena.list_query_executions(WorkGroup=WORKGROUP)["QueryExecutionIds"][0]
    execution = athena.get_query_execution(QueryExecutionId=newest)["QueryExecution"]
    assert execution["Query"] == sql
    assert 0.9 <= _scanned(execution) / built.log_bytes[-1] <= 1.1


# --- who may do it ----------------------------------------------------------------------------

# What Athena does in the name of whoever asks (Athena User Guide, "Control access to Amazon S3
# from Athena" and "Configure access to databases and tables in the AWS Glue Data Catalog").
_TABLE_FILE = f"arn:aws:s3:::{RESULT_BUCKET}/rolecall/tables/events/1.parquet"
_RESULT_FILE = f"arn:aws:s3:::{RESULT_BUCKET}/rolecall/results/id.csv"
_ANSWER_FILE = f"arn:aws:s3:::{RESULT_BUCKET}/rolecall/answers/results/id.csv"
_LOG_FILE = f"arn:aws:s3:::{_TRAIL}/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/a.json.gz"
_CATALOGUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:"
_FOR_A_RESULT = ("GetObject", "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts")
_FOR_QUERIES = [
    ("s3:GetBucketLocation", f"arn:aws:s3:::{RESULT_BUCKET}"),
    ("s3:ListBucket", f"arn:aws:s3:::{RESULT_BUCKET}"),
    ("s3:GetObject", _TABLE_FILE),
    ("glue:GetDatabase", _CATALOGUE + "database/default"),
    ("glue:GetDatabase", _CATALOGUE + f"database/{_NAME}"),
    ("glue:GetTable", _CATALOGUE + f"table/{_NAME}/role_switches"),
    ("glue:GetPartitions", _CATALOGUE + f"table/{_NAME}/role_switches"),
]
_FOR_ANSWERS = [*_FOR_QUERIES, *((f"s3:{each}", _ANSWER_FILE) for each in _FOR_A_RESULT)]
_FOR_REFRESH = [
    *_FOR_QUERIES,
    *((f"s3:{each}", _RESULT_FILE) for each in _FOR_A_RESULT),
    ("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{RESULT_BUCKET}"),
    ("s3:PutObject", _TABLE_FILE),
    ("s3:DeleteObject", _TABLE_FILE),
    ("s3:AbortMultipartUpload", _TABLE_FILE),
    ("s3:ListBucket", f"arn:aws:s3:::{_TRAIL}"),
    ("s3:GetObject", _LOG_FILE),
    ("glue:GetTable", _CATALOGUE + f"table/default/{_NAME}"),
    ("glue:GetPartitions", _CATALOGUE + f"table/default/{_NAME}"),
    ("glue:CreateTable", _CATALOGUE + f"table/{_NAME}/events"),
    ("glue:UpdateTable", _CATALOGUE + f"table/{_NAME}/events"),
]


def test_the_roles_allow_what_athena_does_in_their_name(deployment: Deployment) -> None:
    for action, resource in _FOR_REFRESH:
        assert allowed(deployment.refresh, action, resource), (action, resource)
    for action, resource in _FOR_ANSWERS:
        assert allowed(deployment.answers, action, resource), (action, resource)


def needed(call: Call, workgroup: str = WORKGROUP) -> Iterator[tuple[str, str]]:
    """Yield what a request needs: an action and a resource of an account's policy.

    Sources: the Service Authorization Reference of Athena, Glue and S3; a resource of the
    catalogue needs those above it too.
    """
    service, operation, parameters = call
    if service == "athena":
        yield f"athena:{operation}", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{workgroup}"
    elif service == "glue":
        for resource in _catalogue(operation, parameters):
            yield f"glue:{operation}", f"arn:aws:glue:{REGION}:{ACCOUNT}:{resource}"
    elif service == "s3":
        yield from _needed_in_s3(operation, parameters)
    else:  # whoever has credentials may ask whose they are
        assert (service, operation) == ("sts", "GetCallerIdentity")


def _catalogue(operation: str, parameters: dict[str, Any]) -> Iterator[str]:
    yield "catalog"
    if operation == "GetDatabases":
        yield "database/any"
        return
    database = parameters["DatabaseName"]
    yield f"database/{database}"
    if operation == "GetTables":
        yield f"table/{database}/any"
        return
    table = (
        parameters.get("Name") or parameters.get("TableName") or parameters["TableInput"]["Name"]
    )
    yield f"table/{database}/{table}"


def _needed_in_s3(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    if operation in ("ListObjects", "ListObjectsV2"):
        yield "s3:ListBucket", bucket
    elif operation == "DeleteObjects":
        for deleted in parameters["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{bucket}/{deleted['Key']}"
    else:
        action = "GetObject" if operation == "HeadObject" else operation
        yield f"s3:{action}", f"{bucket}/{parameters['Key']}"
        if "IfMatch" in parameters:
            yield "s3:GetObject", f"{bucket}/{parameters['Key']}"
