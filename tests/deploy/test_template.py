"""The template of deploy/ and the release that it runs, as far as they can be tried without AWS."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pack_release import BUILDSPEC, LAMBDA, REFRESH, REQUIREMENTS, locked_for, pack_refresh
from rolecall.settings import load_settings
from rolecall.setup.plan import DEFAULT_NAME
from support.cloudformation import (
    ACCOUNT,
    REGION,
    STACK,
    TEMPLATE,
    TRAIL,
    Stack,
    allowed,
    as_list,
    cloud,
    template,
)
from support.command_line import PROJECT, run_script

BUCKET, RELEASE = "our-results", "0.1.0-0123456789ab"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
LOGS_KEY, FILES_KEY, CATALOG_KEY = KEY + "logs", KEY + "files", KEY + "catalogue"
LOG_FILE = f"arn:aws:s3:::{TRAIL}/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/a.json.gz"


def _file(place: str, bucket: str = BUCKET) -> str:
    return f"arn:aws:s3:::{bucket}/rolecall/{place}"


def _glue(place: str) -> str:
    return f"arn:aws:glue:{REGION}:{ACCOUNT}:{place}"


def _queries(workgroup: str) -> str:
    return f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{workgroup}"


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        written.writestr("rolecall/lambda_handler.py", "")
    return packed.getvalue()


FILES = {name: _zip() for name in (REFRESH, LAMBDA)}


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Return an empty account to deploy in, with a bucket that has a release."""
    with cloud() as stack:
        where = {"LocationConstraint": REGION}
        stack.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        stack.put_release(BUCKET, RELEASE, FILES)
        yield stack


# --- the template as it stands ----------------------------------------------------------------


def test_cfn_lint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", TEMPLATE],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _statements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every statement below a part of the template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for part in value.values():
            yield from _statements(part)
    elif isinstance(value, list):
        for part in value:
            yield from _statements(part)


@pytest.mark.parametrize("name", template()["Resources"])
def test_a_wildcard_in_a_policy_has_its_reason(name: str) -> None:
    """No action has one, no resource is one, and each that is part of a resource is explained."""
    resource = template()["Resources"][name]
    # In the policy of a key `*` is the key itself, whose ARN nobody knows yet.
    is_key = resource["Type"] == "AWS::KMS::Key"
    reasons = resource.get("Metadata", {}).get("Wildcards", {})
    with_wildcard = set()
    for statement in _statements(resource.get("Properties")):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys()
        resources = as_list(statement.get("Resource", []))
        if statement["Effect"] == "Allow":
            assert is_key or "*" not in str(statement["Action"]), statement
            assert "*" not in str(statement.get("Principal", "")), statement
            # lakeformation:GetDataAccess takes no resource.
            is_open = is_key or statement["Action"] == ["lakeformation:GetDataAccess"]
            assert is_open or "*" not in resources, statement
        if "*" in str(resources):
            with_wildcard.add(statement["Sid"])
    assert with_wildcard == reasons.keys()
    assert all(len(reason) > 30 for reason in reasons.values())


def test_what_is_kept_when_the_stack_goes_is_the_store_and_no_more() -> None:
    kept = {
        name
        for name, resource in template()["Resources"].items()
        if "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    }
    assert kept == {"Bucket", "BucketPolicy", "TablesDatabase"}


def test_only_results_expire() -> None:
    """The place of results and that of tables are what the settings and the profile make them."""
    rules = template()["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = [rule["Prefix"] for rule in rules if "ExpirationInDays" in rule]
    results = load_settings(results="s3://bucket/rolecall/").workspace.output_location
    answers = load_settings(results="s3://bucket/rolecall/answers/").workspace.output_location
    assert expiring == ["rolecall/results/", "rolecall/answers/"]
    assert results == f"s3://bucket/{expiring[0]}"
    assert answers is not None and answers.startswith(f"s3://bucket/{expiring[1]}")
    profile = (PROJECT / "profiles.yml").read_text(encoding="utf-8")
    (tables,) = re.findall(r"s3_data_dir: .*}}(.*)\"", profile)
    assert not f"rolecall{tables}".startswith(tuple(expiring))


def test_the_key_of_the_logs_encrypts_the_logs_of_the_stack_alone() -> None:
    properties = template()["Resources"]["LogKey"]["Properties"]
    assert properties["EnableKeyRotation"] is True
    account, logs = properties["KeyPolicy"]["Statement"]
    assert account["Principal"] == {
        "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    }
    assert logs["Principal"] == {"Service": {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}}
    (context,) = logs["Condition"]["ArnLike"].values()
    # CloudFormation names a log group after its stack.
    assert context["Fn::Sub"].endswith(":${AWS::AccountId}:log-group:${AWS::StackName}-*")


def test_the_bucket_refuses_what_is_not_encrypted_on_the_way() -> None:
    properties = template()["Resources"]["BucketPolicy"]["Properties"]
    (refusal,) = properties["PolicyDocument"]["Statement"]
    assert refusal["Effect"] == "Deny" and refusal["Action"] == "s3:*"
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# --- the stack --------------------------------------------------------------------------------


def test_the_bucket_comes_first_and_the_release_makes_the_rest(stack: Stack) -> None:
    outputs = stack.deploy()
    assert outputs["Results"] == f"s3://{outputs['BucketName']}/rolecall/answers/"
    assert outputs["AnswersWorkgroupName"] == "rolecall-answers"
    assert not stack.client("codebuild").list_projects()["projects"]
    assert not stack.client("lambda").list_functions()["Functions"]
    stack.put_release(outputs["BucketName"], RELEASE, FILES)
    after = stack.deploy(Release=RELEASE)
    assert after["BucketName"] == outputs["BucketName"]
    assert stack.client("codebuild").list_projects()["projects"] == [after["RefreshProjectName"]]
    (function,) = stack.client("lambda").list_functions()["Functions"]
    assert function["Handler"] == "rolecall.lambda_handler.handler"


def test_the_stack_is_made_changed_and_removed(stack: Stack) -> None:
    given = {"ResultsBucket": BUCKET, "Release": RELEASE, "NotificationAddress": "us@example.com"}
    stack.deploy(**given)
    resources = stack.client("cloudformation").describe_stack_resources(StackName=STACK)
    made = {resource.get("LogicalResourceId") for resource in resources["StackResources"]}
    assert made >= template()["Resources"].keys() - {"Bucket", "BucketPolicy"}

    workgroup = _workgroup(stack, "rolecall")
    assert workgroup["BytesScannedCutoffPerQuery"] == 10**12
    # Else dbt's tables would lie where results expire.
    assert workgroup["EnforceWorkGroupConfiguration"] is False
    assert workgroup["ResultConfiguration"] == {
        "OutputLocation": f"s3://{BUCKET}/rolecall/results/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
    # A rate would start the first refresh at the deployment.
    assert _schedule(stack)["ScheduleExpression"] == "cron(15 5 * * ? *)"
    assert _schedule(stack)["State"] == "ENABLED"
    (subscription,) = stack.client("sns").list_subscriptions()["Subscriptions"]
    assert subscription["Endpoint"] == "us@example.com"

    changed = {"Schedule": "cron(5 4 * * ? *)", "ScheduleState": "DISABLED"}
    stack.deploy(**given, **changed, ScanLimit="20000000")
    for name in ("rolecall", "rolecall-answers"):
        assert _workgroup(stack, name)["BytesScannedCutoffPerQuery"] == 20_000_000
    assert _schedule(stack)["ScheduleExpression"] == "cron(5 4 * * ? *)"
    assert _schedule(stack)["State"] == "DISABLED"

    stack.delete()
    assert not stack.client("scheduler").list_schedules()["Schedules"]
    assert not stack.client("codebuild").list_projects()["projects"]
    assert not stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert not stack.client("iam").list_roles()["Roles"]
    databases = stack.client("glue").get_databases()["DatabaseList"]
    assert [database["Name"] for database in databases] == ["rolecall"]


def _workgroup(stack: Stack, name: str) -> dict[str, Any]:
    found = stack.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]
    configuration: dict[str, Any] = found["Configuration"]
    return configuration


def _function(stack: Stack) -> dict[str, Any]:
    client = stack.client("lambda")
    (function,) = client.list_functions()["Functions"]
    found: dict[str, Any] = client.get_function(FunctionName=function["FunctionName"])
    return found


def _schedule(stack: Stack) -> dict[str, Any]:
    (found,) = stack.client("scheduler").list_schedules()["Schedules"]
    schedule: dict[str, Any] = stack.client("scheduler").get_schedule(Name=found["Name"])
    (project,) = stack.client("codebuild").list_projects()["projects"]
    assert schedule["Target"]["Arn"].endswith(f":project/{project}")
    return schedule


def test_what_setup_made_is_taken_up(stack: Stack) -> None:
    stack.client("glue").create_database(DatabaseInput={"Name": DEFAULT_NAME})
    stack.client("athena").create_work_group(Name=DEFAULT_NAME)
    stack.deploy(CreateDatabase="no", CreateWorkgroup="no", ResultsBucket=BUCKET, Release=RELEASE)
    assert len(stack.client("glue").get_databases()["DatabaseList"]) == 1
    variables = _function(stack)["Configuration"]["Environment"]["Variables"]
    assert variables["ROLECALL_WORKGROUP"] == f"{DEFAULT_NAME}-answers"
    # A refresh adds new accounts and regions to setup's table.
    (name, _, table) = variables["ROLECALL_TABLE"].partition(".")
    assert name == DEFAULT_NAME
    refresh = stack.statements("RefreshRole")
    assert allowed(refresh, "glue:UpdateTable", _glue(f"table/{name}/{table}"))


def test_alarms_are_raised_on_failure_and_on_silence(stack: Stack) -> None:
    outputs = stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, StaleHours="3")
    alarms = {
        alarm["MetricName"]: alarm
        for alarm in stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    }
    failed = alarms["FailedBuilds"]
    (dimension,) = failed["Dimensions"]
    assert dimension["Value"] == outputs["RefreshProjectName"]
    assert failed["TreatMissingData"] == "notBreaching"
    stale = alarms["RefreshesWithNewLogs"]
    assert stale["Period"] * stale["EvaluationPeriods"] == 3 * 3600
    # No refresh at all is as bad as one that finds nothing.
    assert stale["TreatMissingData"] == "breaching"
    (topic,) = stack.client("sns").list_topics()["Topics"]
    assert all(alarm["AlarmActions"] == [topic["TopicArn"]] for alarm in alarms.values())
    (filter_,) = stack.client("logs").describe_metric_filters()["metricFilters"]
    (metric,) = filter_["metricTransformations"]
    assert (metric["metricNamespace"], metric["metricName"]) == (
        stale["Namespace"],
        stale["MetricName"],
    )


def test_every_log_is_kept_for_as_long_as_said(stack: Stack) -> None:
    stack.deploy(LogDays="365")
    groups = stack.client("logs").describe_log_groups()["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [365, 365]


@pytest.mark.parametrize(
    ("given", "key"), [("", "of the stack"), ("none", None), (LOGS_KEY, LOGS_KEY)]
)
def test_logs_are_encrypted_with_the_key_that_is_said(
    stack: Stack, given: str, key: str | None
) -> None:
    stack.deploy(LogKeyArn=given)
    made = stack.client("kms").list_keys()["Keys"]
    assert len(made) == (key == "of the stack")
    used = {
        group.get("kmsKeyId") for group in stack.client("logs").describe_log_groups()["logGroups"]
    }
    assert used == {made[0]["KeyArn"] if made else key}


@pytest.mark.parametrize(("at_once", "reserved"), [({}, 5), ({"AnswersAtOnce": "0"}, None)])
def test_the_function_answers_as_many_at_a_time_as_said(
    stack: Stack, at_once: dict[str, str], reserved: int | None
) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, **at_once)
    name = _function(stack)["Configuration"]["FunctionName"]
    found = stack.client("lambda").get_function_concurrency(FunctionName=name)
    assert found.get("ReservedConcurrentExecutions") == reserved


def test_an_event_may_name_what_the_stack_says(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE)
    assert "ROLECALL_ALLOWED" not in _function(stack)["Configuration"]["Environment"]["Variables"]
    allowed = '{"database": ["rolecall_of_last_year"]}'
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, AnswersAllowed=allowed)
    variables = _function(stack)["Configuration"]["Environment"]["Variables"]
    assert variables["ROLECALL_ALLOWED"] == allowed


def test_who_reads_the_bucket_is_written_down_where_that_is_wanted(stack: Stack) -> None:
    name = stack.deploy()["BucketName"]
    assert "LoggingEnabled" not in stack.client("s3").get_bucket_logging(Bucket=name)
    logging = template()["Resources"]["Bucket"]["Properties"]["LoggingConfiguration"]
    condition, told, otherwise = logging["Fn::If"]
    assert (condition, otherwise) == ("HasAccessLog", {"Ref": "AWS::NoValue"})
    assert told["DestinationBucketName"] == {"Ref": "AccessLogBucket"}


# --- who may do what --------------------------------------------------------------------------


def test_the_refresh_writes_its_own_and_reads_the_trail(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, CloudTrailTable="default.cloudtrail_logs")
    refresh = stack.statements("RefreshRole")
    assert allowed(refresh, "s3:GetObject", LOG_FILE)
    assert allowed(refresh, "glue:GetTable", _glue("table/default/cloudtrail_logs"))
    assert allowed(refresh, "s3:PutObject", _file("tables/events/1.parquet"))
    assert allowed(refresh, "s3:DeleteObject", _file("tables/events/1.parquet"))
    # A lease is put and removed on a condition, for which S3 reads it too.
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert allowed(refresh, action, _file("state/rolecall.lease.json")), action
    assert allowed(refresh, "glue:UpdateTable", _glue("table/rolecall/role_switches"))
    for action, resource in [
        ("s3:PutObject", LOG_FILE),
        ("s3:DeleteObject", LOG_FILE),
        ("s3:GetObject", f"arn:aws:s3:::{TRAIL}/others/file"),
        ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/releases/{RELEASE}/{REFRESH}"),
        ("s3:DeleteObjectVersion", _file("tables/events/1.parquet")),
        ("glue:UpdateTable", _glue("table/default/cloudtrail_logs")),
        ("glue:DeleteTable", _glue("table/default/cloudtrail_logs")),
        ("glue:DeleteDatabase", _glue("database/rolecall")),
        ("glue:GetTable", _glue("table/payroll/salaries")),
        ("kms:Decrypt", LOGS_KEY),
    ]:
        assert not allowed(refresh, action, resource), (action, resource)


def test_the_answers_read_tables_and_write_results(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE)
    answers = stack.statements("AnswersRole")
    assert allowed(answers, "s3:GetObject", _file("tables/events/1.parquet"))
    assert allowed(answers, "s3:PutObject", _file("answers/results/id.csv"))
    assert allowed(answers, "s3:GetObject", _file("answers/results/id.csv"))
    assert allowed(answers, "glue:GetTable", _glue("table/rolecall/role_switches"))
    for action, resource in [
        ("s3:PutObject", _file("tables/events/1.parquet")),
        ("s3:DeleteObject", _file("answers/results/id.csv")),
        ("s3:PutObject", _file("state/rolecall.json")),
        ("s3:GetObject", LOG_FILE),
        ("glue:GetTable", _glue("table/default/cloudtrail_logs")),
        ("glue:CreateTable", _glue("table/rolecall/role_switches")),
        ("glue:DeleteTable", _glue("table/rolecall/role_switches")),
        ("athena:UpdateWorkGroup", _queries("rolecall-answers")),
        ("athena:StartQueryExecution", _queries("primary")),
    ]:
        assert not allowed(answers, action, resource), (action, resource)


@pytest.mark.parametrize("workgroup", ["", "our-questions"])
def test_who_asks_and_the_refresh_have_workgroups_and_results_apart(
    stack: Stack, workgroup: str
) -> None:
    given = {"AnswersWorkgroup": workgroup} if workgroup else {}
    outputs = stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, **given)
    asking = outputs["AnswersWorkgroupName"]
    assert asking == (workgroup or "rolecall-answers")
    answers, refresh = stack.statements("AnswersRole"), stack.statements("RefreshRole")
    for action in ("StartQueryExecution", "StopQueryExecution", "GetQueryResults"):
        assert allowed(answers, f"athena:{action}", _queries(asking))
        assert not allowed(answers, f"athena:{action}", _queries("rolecall"))
        assert allowed(refresh, f"athena:{action}", _queries("rolecall"))
        assert not allowed(refresh, f"athena:{action}", _queries(asking))
    for action in ("s3:GetObject", "s3:PutObject"):
        for place in ("results/id.csv", "state/rolecall.json", "answersheet/id.csv"):
            assert not allowed(answers, action, _file(place)), (action, place)
        assert not allowed(refresh, action, _file("answers/results/id.csv"))
    variables = _function(stack)["Configuration"]["Environment"]["Variables"]
    assert variables["ROLECALL_WORKGROUP"] == asking
    assert variables["ROLECALL_RESULTS"] == outputs["Results"]


def test_who_asks_cannot_send_a_result_elsewhere(stack: Stack) -> None:
    outputs = stack.deploy(ResultsBucket=BUCKET)
    workgroup = _workgroup(stack, "rolecall-answers")
    assert workgroup["EnforceWorkGroupConfiguration"] is True
    # The same place that the client names, by the settings that the stack puts out.
    place = load_settings(results=outputs["Results"]).workspace.output_location
    assert workgroup["ResultConfiguration"]["OutputLocation"] == place


def test_the_answers_read_raw_logs_where_that_is_wanted(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, AnswersReadLogs="yes", CloudTrailTable="audit.trail")
    answers = stack.statements("AnswersRole")
    assert allowed(answers, "s3:GetObject", LOG_FILE)
    assert allowed(answers, "glue:GetTable", _glue("table/audit/trail"))
    assert not allowed(answers, "kms:Decrypt", LOGS_KEY)


def test_keys_are_used_by_whoever_reads_what_they_encrypt(stack: Stack) -> None:
    keys = {"TrailKeyArn": LOGS_KEY, "ResultsKeyArn": FILES_KEY}
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, **keys)
    refresh, answers = stack.statements("RefreshRole"), stack.statements("AnswersRole")
    assert allowed(refresh, "kms:Decrypt", LOGS_KEY)
    assert not allowed(refresh, "kms:GenerateDataKey", LOGS_KEY)
    assert allowed(refresh, "kms:GenerateDataKey", FILES_KEY)
    assert allowed(answers, "kms:Decrypt", FILES_KEY)
    assert not allowed(answers, "kms:Decrypt", LOGS_KEY)
    for name in ("rolecall", "rolecall-answers"):
        result = _workgroup(stack, name)["ResultConfiguration"]
        encryption = result["EncryptionConfiguration"]
        assert encryption == {"EncryptionOption": "SSE_KMS", "KmsKey": FILES_KEY}


def test_a_key_of_the_catalogue_is_used_by_whoever_reads_it(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, CatalogKeyArn=CATALOG_KEY)
    refresh, answers = stack.statements("RefreshRole"), stack.statements("AnswersRole")
    for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"):
        assert allowed(refresh, action, CATALOG_KEY), action
    assert allowed(answers, "kms:Decrypt", CATALOG_KEY)
    assert not allowed(answers, "kms:Encrypt", CATALOG_KEY)
    assert not allowed(refresh, "kms:Decrypt", LOGS_KEY)


@pytest.mark.parametrize("is_used", ["yes", "no"])
def test_lake_formation_is_asked_where_it_governs(stack: Stack, is_used: str) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE, LakeFormation=is_used)
    for role in ("RefreshRole", "AnswersRole"):
        may_ask = allowed(stack.statements(role), "lakeformation:GetDataAccess", "*")
        assert may_ask == (is_used == "yes"), role


def test_a_prefix_of_the_trail_is_part_of_what_may_be_read(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, TrailPrefix="logs/org/")
    refresh = stack.statements("RefreshRole")
    assert allowed(refresh, "s3:GetObject", LOG_FILE.replace("AWSLogs", "logs/org/AWSLogs"))
    assert not allowed(refresh, "s3:GetObject", LOG_FILE)


def test_the_schedule_may_start_the_refresh_alone(stack: Stack) -> None:
    project = stack.deploy(ResultsBucket=BUCKET, Release=RELEASE)["RefreshProjectName"]
    (statement,) = stack.statements("ScheduleRole")
    assert statement["Action"] == ["codebuild:StartBuild"]
    assert statement["Resource"] == f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{project}"


# --- the release ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a release and what packing it printed."""
    output = tmp_path_factory.mktemp("releases")
    done = run_script(
        *("pack_release.py", "--without-wheels", "--output", output),
        *("--partitions", '{"dt": "yyyy/MM/dd"}'),
    )
    assert done.returncode == 0, done.stderr
    (folder,) = output.iterdir()
    return folder, done.stdout


def test_packing_says_how_the_release_gets_to_aws(printed: tuple[Path, str]) -> None:
    folder, text = printed
    assert re.fullmatch(r"\d+\.\d+\.\d+-[0-9a-f]{12}", folder.name)
    assert sorted(file.name for file in folder.iterdir()) == [LAMBDA, REFRESH]
    assert f"s3 cp --recursive {folder} s3://BUCKET/releases/{folder.name}\n" in text
    assert f"Release={folder.name}\n" in text
    parameters = template()["Parameters"]
    assert re.fullmatch(parameters["Release"]["AllowedPattern"], folder.name)


def test_the_function_of_a_release_reads_the_partitions_that_were_told(
    printed: tuple[Path, str],
) -> None:
    with zipfile.ZipFile(printed[0] / LAMBDA) as function:
        queries = json.loads(function.read("rolecall/lambda_queries.json"))
    assert "\"dt\" >= date_format(:from_day, '%Y/%m/%d')" in queries["preview_raw"]["sql"]


def test_the_template_looks_for_the_files_that_a_release_has(stack: Stack) -> None:
    stack.deploy(ResultsBucket=BUCKET, Release=RELEASE)
    codebuild = stack.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=codebuild.list_projects()["projects"])[
        "projects"
    ]
    assert project["source"]["location"] == f"{BUCKET}/releases/{RELEASE}/{REFRESH}"
    refresh = stack.statements("RefreshRole")
    assert allowed(refresh, "s3:GetObject", f"arn:aws:s3:::{project['source']['location']}")


def test_a_release_has_the_wheel_with_the_dbt_project_and_the_lock(
    printed: tuple[Path, str],
) -> None:
    with zipfile.ZipFile(printed[0] / REFRESH) as packed:
        assert packed.read("buildspec.yml") == BUILDSPEC.read_bytes()
        assert packed.read("requirements.txt") == REQUIREMENTS.read_bytes()
        (wheel,) = (name for name in packed.namelist() if name.endswith(".whl"))
        with zipfile.ZipFile(io.BytesIO(packed.read(wheel))) as inner:
            names = inner.namelist()
    assert "rolecall/dbt_project/dbt_project.yml" in names
    assert "rolecall/dbt_project/models/store/events.sql" in names


def test_the_same_sources_make_the_same_release(printed: tuple[Path, str], tmp_path: Path) -> None:
    pack_refresh(tmp_path / REFRESH, has_wheels=False)
    assert (tmp_path / REFRESH).read_bytes() == (printed[0] / REFRESH).read_bytes()


def test_the_wheels_brought_along_are_those_of_the_image_and_not_of_this_machine() -> None:
    version = str(
        yaml.safe_load(BUILDSPEC.read_bytes())["phases"]["install"]["runtime-versions"]["python"]
    )
    pinned = [line.partition(" ")[0] for line in locked_for(version)]
    names = [pin.partition("==")[0] for pin in pinned]
    assert len(names) == len(set(names))
    locked = REQUIREMENTS.read_text(encoding="utf-8")
    assert set(names) == set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", locked, re.MULTILINE))
    # Of the packages whose version hangs on the Python, the image's.
    other = set(re.findall(r"^(\S+==\S+) ; python_full_version < '3\.12'", locked, re.MULTILINE))
    assert not other & set(pinned)
    assert all("--hash=sha256:" in line for line in locked_for(version))


def test_the_links_of_the_readme_lead_somewhere() -> None:
    readme = PROJECT / "deploy" / "README.md"
    targets = re.findall(r"\]\(([^)#]+)", readme.read_text(encoding="utf-8"))
    assert targets
    assert all((readme.parent / target).exists() for target in targets)


def test_the_readme_names_every_parameter() -> None:
    text = (PROJECT / "deploy" / "README.md").read_text(encoding="utf-8")
    assert not [name for name in template()["Parameters"] if f"`{name}`" not in text]


def test_no_index_is_named() -> None:
    for file in (BUILDSPEC, TEMPLATE, REQUIREMENTS, PROJECT / "deploy" / "README.md"):
        text = file.read_text(encoding="utf-8").lower()
        assert not re.search(r"index[-_]url|extra[-_]index|pypi", text), file
