"""Settings: a flag wins over ``ROLECALL_*`` in the environment, that over ``rolecall.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import PositiveInt, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rolecall.errors import UsageError

CONFIG_FILE = Path("rolecall.toml")


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

    slice_bytes: PositiveInt = 100_000_000
    """How much of the logs the local target loads at a time, in packed bytes."""

    timezone: str = "UTC"
    """The time zone of days and times, by its IANA name."""

    wait_seconds: float = 5
    """How long a reader waits for a refresh that holds the database, in seconds."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            raise ValueError(f"{name!r} is no time zone such as Europe/Berlin") from None
        return name

    @field_validator("database", "logs")
    @classmethod
    def _home_expanded(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser()

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
    def zone(self) -> ZoneInfo:
        """The time zone of days and times."""
        return ZoneInfo(self.timezone)


def load_settings(**flags: Any) -> Settings:
    """Return the settings; flags that are None were not given. Raises UsageError."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        reason = first["msg"].removeprefix("Value error, ")
        raise UsageError(
            f"The setting {name} is wrong: {reason}"
            f" (--{name.replace('_', '-')}, ROLECALL_{name.upper()} or {CONFIG_FILE})."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{CONFIG_FILE} is not TOML: {error}.") from None
