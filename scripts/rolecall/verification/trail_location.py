"""Which files of a trail a command looks at: folders, a bucket, or where the table on Athena is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from rolecall.aws.clients import aws_in
from rolecall.days import Days
from rolecall.errors import UsageError
from rolecall.local.database import open_database, open_memory_database
from rolecall.local.log_roots import known_log_roots, readable_log_roots
from rolecall.names import valid_name
from rolecall.settings import Settings
from rolecall.verification.trail_files import BucketFiles, FolderFiles

# A path has one slash where the user wrote two.
_BUCKET = re.compile(r"s3:/+(?P<bucket>[^/]+)(?:/(?P<folder>.*))?", re.DOTALL)
_DAYS_IN_S3 = timedelta(days=7)


def trail_files(settings: Settings) -> FolderFiles | BucketFiles:
    """Return the files that the user means: of ``--logs``, else of what the target was loaded from.

    Raises RolecallError.
    """
    location = None if settings.logs is None else str(settings.logs)
    if location is None and settings.target == "athena":
        from rolecall.aws.glue_catalogue import catalogue_table

        location = catalogue_table(settings.table, settings).location
    match = None if location is None else _BUCKET.fullmatch(location)
    if match is not None:
        try:
            bucket = valid_name("bucket", match["bucket"])
        except UsageError as error:
            raise UsageError(f"--logs: {error}") from None
        folder = (match["folder"] or "").strip("/")
        return BucketFiles(aws_in(settings.region).s3, bucket, f"{folder}/" if folder else "")
    if settings.logs is not None:
        return FolderFiles(readable_log_roots([], settings.logs))
    if not settings.database.exists():
        with open_memory_database() as nothing:
            return FolderFiles(readable_log_roots(known_log_roots(nothing), None))
    with open_database(settings.database, settings.wait_seconds) as ledger:
        return FolderFiles(readable_log_roots(known_log_roots(ledger), None))


def trail_days(files: FolderFiles | BucketFiles, first: date | None, last: date | None) -> Days:
    """Return the days to look at: all in a folder, the last ones in a bucket unless told."""
    if isinstance(files, FolderFiles):
        return Days(first, last)
    last = last or datetime.now(UTC).date()
    return Days(first or last - _DAYS_IN_S3, last)
