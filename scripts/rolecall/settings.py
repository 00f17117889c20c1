"""Settings: a flag wins over ``ROLECALL_*`` in the environment, that over ``rolecall.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, Field, PositiveInt, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rolecall.errors import UsageError
from rolecall.memory import DEFAULT_MEMORY_BYTES, MIN_MEMORY_BYTES
from rolecall.names import Workspace, valid_folder, valid_name, valid_table
from rolecall.parameters import amount, day, dollars
from rolecall.sizes import size_bytes

CONFIG_FILE = Path("rolecall.toml")

_Input = TypeVar("_Input")
_Value = TypeVar("_Value")

_MOST_SECONDS = 86_400
_MOST_DAYS = 36_500


class Settings(BaseSettings):
    """What every command may be told; no account, bucket or database stands in code."""

    model_config = SettingsConfigDict(
        env_prefix="ROLECALL_", env_ignore_empty=True, toml_file=CONFIG_FILE, extra="forbid"
    )

    target: Literal["local", "athena"] = "local"
    """Where the models run: DuckDB on this machine, or Amazon Athena."""

    database: Path = Path("rolecall.duckdb")
    """The DuckDB file of the local target."""

    logs: Path | None = None
    """The folder that the local target reads logs from."""

    add_logs: bool = False
    """Whether a folder that the database does not know yet may be read into it."""

    strict: bool = False
    """Whether a skipped file or record makes a refresh exit with 3."""

    audit: bool = False
    """Whether a refresh tests the whole store, and not only what it loaded."""

    skip_unreadable: bool = False
    """Whether a refresh on Athena goes on without the log files that Athena cannot read."""

    slice_bytes: PositiveInt = 100_000_000
    """How much of the logs the local target loads at a time, in packed bytes."""

    memory: int = Field(DEFAULT_MEMORY_BYTES, ge=MIN_MEMORY_BYTES)
    """How much memory a refresh on the local target may take, in bytes or as 2GB."""

    slice_days: int | None = Field(None, ge=1, le=_MOST_DAYS)
    """How many days of delivery the Athena target loads at a time; without it the project's
    variable of that name says it."""

    timezone: str = "UTC"
    """The time zone of days and times, by its IANA name."""

    wait_seconds: float = 5
    """How long a reader waits for a refresh that holds the database, in seconds."""

    # pydantic has a `schema` of its own.
    schema_name: str = Field("rolecall", validation_alias=AliasChoices("schema", "ROLECALL_SCHEMA"))
    """The database of the Glue catalogue in which the tables are made on Athena."""

    table: str = "default.cloudtrail_logs"
    """The CloudTrail table on Athena, as DATABASE.TABLE."""

    partitions: dict[str, str] | None = None
    """The partition columns of the table that tell the day of delivery, each with the form of its
    values (``{"dt": "yyyy/MM/dd"}``), where the catalogue does not say it."""

    workgroup: str = "primary"
    """The workgroup in which queries run on Athena."""

    results: str | None = None
    """The place in S3 for results and tables, such as ``s3://bucket/rolecall/``."""

    region: str | None = None
    """The AWS region of Athena; without one, AWS's own settings say it."""

    first_delivered_date: str | None = None
    """The first day of delivery that a load on Athena looks at: earlier than what is loaded, it
    fills in the past."""

    max_scan: int | None = Field(None, ge=0)
    """How many bytes a command may scan on Athena."""

    price_per_tb: float = 5.0
    """What Athena asks for a terabyte scanned, in US dollars: 5 in most regions."""

    deadline_seconds: float = 1800.0
    """How long a question to Athena may take, its time in the queue included, in seconds."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from None
        return name

    @field_validator("schema_name")
    @classmethod
    def _a_schema(cls, name: str) -> str:
        return _valid_name("database", name)

    @field_validator("workgroup")
    @classmethod
    def _a_workgroup(cls, name: str) -> str:
        return _valid_name("workgroup", name)

    @field_validator("table")
    @classmethod
    def _a_table(cls, name: str) -> str:
        return ".".join(_run_check(valid_table, name))

    @field_validator("results")
    @classmethod
    def _a_folder(cls, folder: str | None) -> str | None:
        return None if folder is None else _run_check(valid_folder, folder)

    @field_validator("first_delivered_date")
    @classmethod
    def _a_day(cls, text: str | None) -> str | None:
        return None if text is None else _run_check(day, text).isoformat()

    @field_validator("price_per_tb", mode="before")
    @classmethod
    def _in_dollars(cls, price: object) -> float:
        return _run_check(dollars, price)

    @field_validator("wait_seconds", "deadline_seconds", mode="before")
    @classmethod
    def _in_seconds(cls, seconds: object) -> float:
        return _run_check(lambda value: amount(value, 0, _MOST_SECONDS), seconds)

    @field_validator("max_scan", "memory", mode="before")
    @classmethod
    def _in_bytes(cls, size: object) -> object:
        return size_bytes(size) if isinstance(size, str) else size

    @field_validator("database", "logs")
    @classmethod
    def _home_expanded(cls, path: Path | None) -> Path | None:
        if path is not None and "\0" in str(path):
            raise ValueError(f"{str(path)!r} cannot be the name of a file")
        try:
            return None if path is None else path.expanduser()
        except RuntimeError as error:  # ~nobody
            raise ValueError(str(error).rstrip(".")) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read flags, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def workspace(self) -> Workspace:
        """Where questions run on Athena."""
        results = None if self.results is None else f"{self.results}results/"
        return Workspace(self.schema_name, self.workgroup, results)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of days and times."""
        return ZoneInfo(self.timezone)


def _valid_name(kind: str, name: str) -> str:
    return _run_check(lambda value: valid_name(kind, value), name)


def _run_check(check: Callable[[_Input], _Value], value: _Input) -> _Value:
    """Return what a check makes of a value; raise its error as pydantic takes it."""
    try:
        return check(value)
    except UsageError as error:
        raise ValueError(str(error).rstrip(".")) from None


def load_settings(**flags: Any) -> Settings:
    """Return the settings; flags that are None were not given. Raises UsageError."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).removesuffix("_name") or "settings"
        if first["type"] == "extra_forbidden":
            raise UsageError(
                f"{CONFIG_FILE} has {name}, which is not a setting of Rolecall."
            ) from None
        reason = first["msg"].removeprefix("Value error, ")
        raise UsageError(
            f"The setting {name} is wrong: {reason} (ROLECALL_{name.upper()}, {name} in"
            f" {CONFIG_FILE}, or the option of that name)."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{CONFIG_FILE} is not TOML: {error}.") from None
    except (RecursionError, ValueError) as error:
        # No UTF-8, numbers of thousands of digits, brackets in brackets without end.
        reason = str(error).split(";")[0]
        raise UsageError(
            f"{CONFIG_FILE}, or a setting of the environment, cannot be read: {reason}."
        ) from None
    except OSError as error:
        raise UsageError(f"{CONFIG_FILE} cannot be read: {error.strerror or error}.") from None
