"""An AWS account on the local Athena: trail buckets, CloudTrail tables, and clients of both."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from local_athena.engine import RESULT_BUCKET, WORKGROUP, Addresses, athena_form
from rolecall.local.json_parts import UnreadableLogError
from rolecall.local.log_files import find_log_files
from rolecall.local.log_reader import read_records
from support import forked

_QUERY_SECONDS = 120
_ANSWER_SECONDS = 30
# As many as Athena tells of in one call.
_BATCH = 50

# The table that one click in CloudTrail's console made in 2020.
CONSOLE_2020 = """\
CREATE EXTERNAL TABLE {table} (
    eventVersion STRING,
    userIdentity STRUCT<
        type: STRING,
        principalId: STRING,
        arn: STRING,
        accountId: STRING,
        invokedBy: STRING,
        accessKeyId: STRING,
        userName: STRING,
        sessionContext: STRUCT<
            attributes: STRUCT<
                mfaAuthenticated: STRING,
                creationDate: STRING>,
            sessionIssuer: STRUCT<
                type: STRING,
                principalId: STRING,
                arn: STRING,
                accountId: STRING,
                userName: STRING>>>,
    eventTime STRING,
    eventSource STRING,
    eventName STRING,
    awsRegion STRING,
    sourceIpAddress STRING,
    userAgent STRING,
    errorCode STRING,
    errorMessage STRING,
    requestParameters STRING,
    responseElements STRING,
    additionalEventData STRING,
    requestId STRING,
    eventId STRING,
    resources ARRAY<STRUCT<
        arn: STRING,
        accountId: STRING,
        type: STRING>>,
    eventType STRING,
    apiVersion STRING,
    readOnly STRING,
    recipientAccountId STRING,
    serviceEventDetails STRING,
    sharedEventID STRING,
    vpcEndpointId STRING
)
COMMENT 'CloudTrail table for {bucket} bucket'
ROW FORMAT SERDE 'com.amazon.emr.hive.serde.CloudTrailSerde'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '{location}'
TBLPROPERTIES ('classification'='cloudtrail');
"""

# The one that it makes today: more fields, another SerDe (Athena User Guide, "Create a table for
# CloudTrail logs").
CONSOLE_PRESENT = """\
CREATE EXTERNAL TABLE {table} (
    eventVersion STRING,
    userIdentity STRUCT<
        type: STRING,
        principalId: STRING,
        arn: STRING,
        accountId: STRING,
        invokedBy: STRING,
        accessKeyId: STRING,
        userName: STRING,
        onBehalfOf: STRUCT<
            userId: STRING,
            identityStoreArn: STRING>,
        sessionContext: STRUCT<
            attributes: STRUCT<
                mfaAuthenticated: STRING,
                creationDate: STRING>,
            sessionIssuer: STRUCT<
                type: STRING,
                principalId: STRING,
                arn: STRING,
                accountId: STRING,
                userName: STRING>,
            ec2RoleDelivery: STRING,
            webIdFederationData: STRUCT<
                federatedProvider: STRING,
                attributes: map<string,string>>>>,
    eventTime STRING,
    eventSource STRING,
    eventName STRING,
    awsRegion STRING,
    sourceIpAddress STRING,
    userAgent STRING,
    errorCode STRING,
    errorMessage STRING,
    requestParameters STRING,
    responseElements STRING,
    additionalEventData STRING,
    requestId STRING,
    eventId STRING,
    readOnly STRING,
    resources ARRAY<STRUCT<
        arn: STRING,
        accountId: STRING,
        type: STRING>>,
    eventType STRING,
    apiVersion STRING,
    recipientAccountId STRING,
    serviceEventDetails STRING,
    sharedEventId STRING,
    vpcEndpointId STRING,
    vpcEndpointAccountId STRING,
    eventCategory STRING,
    addendum STRUCT<
        reason: STRING,
        updatedFields: STRING,
        originalRequestId: STRING,
        originalEventId: STRING>,
    sessionCredentialFromConsole STRING,
    edgeDeviceDetails STRING,
    tlsDetails STRUCT<
        tlsVersion: STRING,
        cipherSuite: STRING,
        clientProvidedHostHeader: STRING>
)
COMMENT 'CloudTrail table for {bucket} bucket'
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '{location}'
TBLPROPERTIES ('classification'='cloudtrail');
"""

# With every field that a record of today may have.
COMPLETE = (
    CONSOLE_PRESENT.replace(
        "        userName: STRING,\n        onBehalfOf",
        """\
        userName: STRING,
        identityProvider: STRING,
        credentialId: STRING,
        inScopeOf: STRUCT<
            sourceArn: STRING,
            sourceAccount: STRING,
            issuerType: STRING,
            credentialsIssuedTo: STRING>,
        onBehalfOf""",
    )
    .replace(
        "            ec2RoleDelivery: STRING,",
        """\
            ec2RoleDelivery: STRING,
            sourceIdentity: STRING,
            assumedRoot: STRING,
            signInSessionArn: STRING,""",
    )
    .replace("    eventCategory STRING,", "    eventCategory STRING,\n    managementEvent STRING,")
)


@dataclass
class Account:
    """What a test does in the account; ``addresses`` are those of a running engine."""

    addresses: Addresses
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = self.addresses.environment()

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.addresses.athena_url
            if service == "athena"
            else self.addresses.aws_url,
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def upload(self, logs: Path, bucket: str) -> None:
        """Put the log files below a folder into a bucket, as CloudTrail's input format reads them.

        A file that cannot be read is left out: Athena fails on it as a whole.
        """
        for file in find_log_files(logs):
            try:
                records = [json.loads(bytes(record)) for record in read_records(file)]
            except UnreadableLogError:
                continue
            self.put_log(bucket, file.log_file, records)

    def put_log(self, bucket: str, key: str, records: Iterable[Any]) -> None:
        """Put one log file with these records into a bucket, made if it is not there."""
        self.client("s3").create_bucket(Bucket=bucket)
        body = athena_form(list(records))
        if key.endswith(".gz"):
            body = gzip.compress(body, mtime=0)
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def create_table(self, table: str, bucket: str, ddl: str = CONSOLE_2020) -> None:
        """Run the statement that makes a CloudTrail table over a bucket."""
        self.query(ddl.format(table=table, bucket=bucket, location=f"s3://{bucket}/"))

    def query(self, sql: str, schema: str = "default") -> list[list[str | None]]:
        """Run a statement to its end and return its rows as text, without a header."""
        athena = self.client("athena")
        query_id = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": schema, "Catalog": "awsdatacatalog"},
            WorkGroup=WORKGROUP,
        )["QueryExecutionId"]
        deadline = time.monotonic() + _QUERY_SECONDS
        while True:
            execution = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            state = execution["Status"]["State"]
            if state not in ("QUEUED", "RUNNING"):
                break
            assert time.monotonic() < deadline, sql
            time.sleep(0.05)
        assert state == "SUCCEEDED", execution["Status"].get("StateChangeReason")
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
        if execution["StatementType"] == "DML":
            rows = rows[1:]
        return [[datum.get("VarCharValue") for datum in row] for row in rows]

    def statements(self, since: int = 0) -> list[str]:
        """Return the statements that were started, oldest first, from number ``since`` on."""
        return [execution["Query"] for execution in self._executions(since)]

    def scanned_bytes(self, naming: str, since: int = 0) -> int:
        """Return what the statements with this text in them scanned, from number ``since`` on."""
        return sum(
            execution["Statistics"]["DataScannedInBytes"]
            for execution in self._executions(since)
            if naming in execution["Query"]
        )

    def states(self, of: str, since: int = 0) -> set[str]:
        """Return the states of the statements that name a schema, from number ``since`` on."""
        return {
            execution["Status"]["State"]
            for execution in self._executions(since)
            if of in execution["Query"]
        }

    @contextmanager
    def holding(self, pattern: str, when: str = "before") -> Iterator[None]:
        """Hold the statements that a pattern is found in, ``before`` or ``after`` they run."""
        with self._fault("HoldStatements", Pattern=pattern, When=when):
            yield

    @contextmanager
    def failing(self, pattern: str, reason: str) -> Iterator[None]:
        """Let the statements that a pattern is found in fail for a reason."""
        with self._fault("FailStatements", Pattern=pattern, Reason=reason):
            yield

    @contextmanager
    def naming_no_file(self, pattern: str) -> Iterator[None]:
        """Let failures of the statements that a pattern is found in name no file.

        So Athena tells of a record that is cut short, where Trino names the file.
        """
        with self._fault("NameNoFiles", Pattern=pattern):
            yield

    @contextmanager
    def _fault(self, operation: str, **members: str) -> Iterator[None]:
        fault = self._ask(operation, **members)
        try:
            yield
        finally:
            self._ask("EndFault", **fault)

    def held(self) -> dict[str, str]:
        """Return the statements that are held, by their ids."""
        held: dict[str, str] = self._ask("HeldStatements")["Held"]
        return held

    def let_go(self, query_ids: Iterable[str]) -> None:
        """Let held statements go on."""
        self._ask("LetStatementsGo", QueryExecutionIds=list(query_ids))

    def state(self, query_id: str) -> str:
        """Return the state of a statement."""
        execution = self.client("athena").get_query_execution(QueryExecutionId=query_id)
        return str(execution["QueryExecution"]["Status"]["State"])

    def _ask(self, operation: str, **members: object) -> Any:
        """Ask the test server for something that Athena does not have."""
        request = urllib.request.Request(
            self.addresses.athena_url,
            json.dumps(members).encode(),
            {"X-Amz-Target": f"Tests.{operation}"},
        )
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:
            return json.load(answer)

    def _executions(self, since: int = 0) -> list[dict[str, Any]]:
        athena = self.client("athena")
        pages = athena.get_paginator("list_query_executions").paginate(WorkGroup=WORKGROUP)
        ids = [query_id for page in pages for query_id in page["QueryExecutionIds"]][::-1]
        return [
            execution
            for start in range(since, len(ids), _BATCH)
            for execution in athena.batch_get_query_execution(
                QueryExecutionIds=ids[start : start + _BATCH]
            )["QueryExecutions"]
        ]


@dataclass
class Warehouse:
    """One schema of the account and one CloudTrail table, with what runs dbt and Rolecall on them.

    ``schema`` and ``table`` are names in the catalogue, ``folder`` holds dbt's artifacts.
    """

    account: Account
    schema: str
    table: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command: nothing of a developer's own."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ROLECALL_", "DBT_", "AWS_", "COLUMNS"))
        }
        return (
            kept
            | self.account.environment
            | {
                "ROLECALL_TARGET": "athena",
                "ROLECALL_SCHEMA": self.schema,
                "ROLECALL_TABLE": f"default.{self.table}",
                "ROLECALL_WORKGROUP": WORKGROUP,
                "ROLECALL_RESULTS": f"s3://{RESULT_BUCKET}/{self.schema}",
                "ROLECALL_FIRST_DELIVERED_DATE": "2000-01-01",
                # dbt parses the project anew for each other table.
                "DBT_TARGET_PATH": str(self.folder / "state"),
            }
        )

    def dbt(self, project: Path, *arguments: str, seconds: float = 900, **variables: object) -> str:
        """Run dbt on the athena target and return what it printed; it must succeed."""
        options = self._options(project, variables)
        done = forked.run(
            "dbt",
            *(*arguments, *options),
            folder=project,
            environment=self.environment,
            seconds=seconds,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    @property
    def variables(self) -> dict[str, object]:
        """What dbt is told by variables."""
        schema, _, table = self.environment["ROLECALL_TABLE"].partition(".")
        return {
            "cloudtrail_schema": schema,
            "cloudtrail_table": table,
            "first_delivered_date": "2000-01-01",
        }

    def _options(self, project: Path, more: dict[str, object]) -> list[str]:
        return [
            *("--target", "athena", "--vars", json.dumps(self.variables | more)),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(self.folder / "target"), "--no-version-check"),
            *("--log-path", str(self.folder / "logs"), "--no-use-colors"),
            # What nobody reads takes seconds to write.
            *("--no-write-json", "--log-level-file", "warn"),
        ]

    def running(self, program: str, *arguments: str) -> AbstractContextManager[forked.Process]:
        """Run a program on the athena target beside the test; it does not outlive it."""
        return forked.started(program, *arguments, folder=self.folder, environment=self.environment)

    def rolecall(
        self, *arguments: str, exit_code: int = 0, seconds: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``rolecall`` on the athena target and check its exit code."""
        done = forked.run(
            "rolecall",
            *arguments,
            folder=self.folder,
            environment=self.environment | environment,
            seconds=seconds,
        )
        assert done.returncode == exit_code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def started_by_shell(self, command: str, environment: dict[str, str]) -> str:
        """Run a line of a document in the folder and return what it printed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def rows(self, sql: str) -> list[list[str | None]]:
        """Return the rows of a query on the schema, as text."""
        return self.account.query(sql, self.schema)


def printed_counts(text: str) -> dict[str, int]:
    """Return what dbt says at its end: ``PASS=106 WARN=0 ...`` by name."""
    found = re.findall(r"(PASS|WARN|ERROR|SKIP|TOTAL)=(\d+)", text)
    return {name: int(number) for name, number in found}
