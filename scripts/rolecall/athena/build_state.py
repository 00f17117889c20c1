"""The note in S3 that says of what the last build was made."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from rolecall.aws.clients import aws_in
from rolecall.aws.errors import doing, error_code
from rolecall.aws.glue_catalogue import bucket_and_key
from rolecall.project.location import project_digest
from rolecall.settings import Settings

# Which rules for secrets the store was last cleaned by: raise it where a new version knows more.
_CLEANING = 4


class BuildState:
    """A note in S3 beside the tables: of which load and version the last build was whole.

    It also says by which rules the store was last cleaned of secrets.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.results is not None
        self._bucket, folder = bucket_and_key(settings.results)
        self._key = f"{folder}state/{settings.schema_name}.json"
        self._s3 = aws_in(settings.region).s3
        # The lease keeps others from writing it meanwhile.
        self._noted = self._read()

    def is_complete(self, newest_load: str | None) -> bool:
        """Return whether everything was built from ``newest_load`` by this version."""
        whole = {"version": project_digest(), "newest_load": newest_load}
        return whole.items() <= self._noted.items()

    def begin(self) -> None:
        """Note that what is there may be in part from now on."""
        self._write({"version": project_digest(), "newest_load": "building"})

    def complete(self, newest_load: str | None) -> None:
        """Note that everything is built from ``newest_load``."""
        self._write({"version": project_digest(), "newest_load": newest_load})

    def is_clean(self) -> bool:
        """Return whether the rules for secrets of this version have been over the store."""
        return self._noted.get("cleaning") == _CLEANING

    def clean(self) -> None:
        """Note that they have."""
        self._write({"cleaning": _CLEANING})

    def _read(self) -> dict[str, Any]:
        with doing(f"read s3://{self._bucket}/{self._key}"):
            try:
                body = self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
            except ClientError as error:
                if error_code(error) in ("NoSuchKey", "404"):
                    return {}
                raise
        with suppress(ValueError):
            noted = json.loads(body)
            if isinstance(noted, dict):
                return noted
        return {}

    def _write(self, changes: dict[str, Any]) -> None:
        self._noted |= changes
        body = json.dumps(self._noted).encode()
        with doing(f"write s3://{self._bucket}/{self._key}"):
            self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=body)
