"""``rolecall setup``."""

from __future__ import annotations

from typing import Any

import click

from rolecall.aws.clients import aws_in
from rolecall.errors import UsageError
from rolecall.settings import load_settings
from rolecall.setup.carry_out import carry_out
from rolecall.setup.plan import plan_setup
from rolecall.setup.text import done_lines, plan_lines
from rolecall.setup.trail import SetupRequest
from rolecall.sizes import size_bytes
from rolecall.text import say


@click.command()
@click.option("--trail", metavar="NAME", help="The trail, by name or ARN [the organization's].")
@click.option("--bucket", metavar="NAME", help="The bucket with the logs, instead of a trail.")
@click.option("--prefix", metavar="FOLDER", help="The folder of the bucket that has AWSLogs/.")
@click.option("--organization", metavar="ID", help="The organization, if a bucket has several.")
@click.option("--results", metavar="S3_URL", help="Where results and tables go in S3.")
@click.option(
    "--table", metavar="DATABASE.TABLE", help="The table to make [rolecall.cloudtrail_logs]."
)
@click.option("--workgroup", metavar="NAME", help="The workgroup to make [rolecall].")
@click.option("--cutoff", metavar="SIZE", default="1TB", help="What a query in it may scan [1TB].")
@click.option("--dry-run", is_flag=True, help="Show what would be made, and make nothing.")
def setup(
    trail: str | None,
    bucket: str | None,
    prefix: str | None,
    organization: str | None,
    cutoff: str,
    dry_run: bool,
    **flags: Any,
) -> None:
    """Make the CloudTrail table, its database and a workgroup on Athena.

    The trail is looked up, its accounts and regions are found in its bucket. What is not set is
    named rolecall. Run again, it adds accounts and regions that are new. A table that it did not
    make is never changed.
    """
    settings = load_settings(**flags)
    try:
        request = SetupRequest(trail, bucket, prefix, organization, size_bytes(cutoff))
    except ValueError as error:
        raise UsageError(f"--cutoff: {error}.") from None
    plan = plan_setup(settings, request)
    region = aws_in(settings.region).athena.meta.region_name
    say(*plan_lines(plan, settings, region))
    if not dry_run:
        carry_out(plan, settings)
    say(*done_lines(plan, dry_run))
