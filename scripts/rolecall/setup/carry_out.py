"""Make what a plan says: the database, the CloudTrail table and the workgroup."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing
from rolecall.aws.failed_queries import QueryFailedError
from rolecall.aws.refusals import refusal
from rolecall.errors import RolecallError
from rolecall.names import Workspace, valid_name
from rolecall.settings import Settings
from rolecall.setup.plan import SetupPlan


def carry_out(plan: SetupPlan, settings: Settings) -> None:
    """Make what a plan says. Raises RolecallError; what was made until then is kept."""
    client = aws_in(settings.region).athena
    if not plan.has_workgroup:
        _create_workgroup(client, plan)
    database = plan.table.name.partition(".")[0]
    workspace = Workspace("default", plan.workgroup, f"{plan.results}results/")
    athena = Athena(workspace, client, price_per_tb=settings.price_per_tb)
    if not plan.has_database:
        statement = f"CREATE DATABASE IF NOT EXISTS `{valid_name('database', database)}`"
        run_statement(athena, statement, plan.table.name)
    for statement in plan.statements:
        run_statement(athena, statement, plan.table.name)


def run_statement(athena: Athena, statement: str, table: str) -> None:
    """Run a statement that makes a table. Raises RolecallError, which says what to ask for."""
    try:
        athena.run(statement)
    except QueryFailedError as error:
        if refusal(error.reason) is None:
            raise
        database = table.partition(".")[0]
        raise RolecallError(
            f"AWS does not allow you to make {table} in the database {database}:"
            f" {error.reason.rstrip('.')}; ask for glue:CreateDatabase, glue:CreateTable and"
            " glue:UpdateTable on it."
        ) from None


def _create_workgroup(client: Any, plan: SetupPlan) -> None:
    configuration = {
        "ResultConfiguration": {
            "OutputLocation": f"{plan.results}results/",
            "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
        },
        # dbt puts each table into a folder of its own, which an enforced place would forbid.
        "EnforceWorkGroupConfiguration": False,
        "BytesScannedCutoffPerQuery": plan.cutoff,
        "PublishCloudWatchMetricsEnabled": True,
    }
    with doing(f"make the workgroup {plan.workgroup}"):
        try:
            client.create_work_group(
                Name=plan.workgroup,
                Description="Rolecall: who switched into which role",
                Configuration=configuration,
            )
        except ClientError as error:
            if "already created" not in str(error) and "already exists" not in str(error):
                raise
