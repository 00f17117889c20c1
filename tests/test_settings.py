"""Settings that nobody means: each is refused in one sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.errors import UsageError
from rolecall.settings import Settings, load_settings
from support.command_line import PROJECT
from support.documents import documented

_HOSTILE = [
    ("price_per_tb", "nan", "'nan' is not a number from 0 to 1,000,000"),
    ("price_per_tb", "-inf", "'-inf' is not a number from 0"),
    ("price_per_tb", "1e309", "'1e309' is not a number from 0"),
    ("price_per_tb", "-0.01", "'-0.01' is not a number from 0"),
    ("price_per_tb", "1e7", "'1e7' is not a number from 0 to 1,000,000"),
    ("price_per_tb", "five", "'five' is not a number from 0"),
    ("wait_seconds", "nan", "'nan' is not a number from 0 to 86,400"),
    ("wait_seconds", "inf", "'inf' is not a number from 0 to 86,400"),
    ("wait_seconds", "-1", "'-1' is not a number from 0"),
    ("deadline_seconds", "NaN", "'NaN' is not a number from 0 to 86,400"),
    ("deadline_seconds", "Infinity", "'Infinity' is not a number from 0"),
    ("max_scan", "nan", "'nan' is not an amount of data such as 10 GB"),
    ("max_scan", "-5", "'-5' is not an amount of data such as 10 GB"),
    ("max_scan", "9" * 400, "is more data than there is"),
    ("max_scan", "10000000 TB", "'10000000 TB' is more data than there is"),
    ("slice_days", "0", "greater than or equal to 1"),
    ("slice_days", "999999999999", "less than or equal to 36500"),
    ("slice_days", "inf", "a valid integer"),
    ("slice_bytes", "-1", "greater than 0"),
    ("slice_bytes", "nan", "a valid integer"),
    ("timezone", "../../etc/passwd", "is not a time zone such as Europe/Berlin"),
    ("workgroup", "a b", "cannot be a workgroup"),
    ("results", "s3://b/x'; drop", "cannot be a place in S3"),
    ("table", "a", "'a' is not of the form DATABASE.TABLE"),
    ("table", 'a.b"; drop', "cannot be a table"),
    ("first_delivered_date", "2026-02-30", "is not a day of the calendar"),
    ("database", "~nobody-of-that-name/x", "Could not determine home directory"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder, which may get a ``rolecall.toml``."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _refused(name: str, message: str, **flags: object) -> None:
    with pytest.raises(UsageError) as refused:
        load_settings(**flags)
    told = str(refused.value)
    assert told.startswith(f"The setting {name} is wrong: ")
    assert message in told
    assert "\n" not in told


@pytest.mark.parametrize(("name", "value", "message"), _HOSTILE)
def test_a_setting_of_the_environment_that_nobody_means_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"ROLECALL_{name.upper()}", value)
    _refused(name, message)


@pytest.mark.parametrize(("name", "value", "message"), _HOSTILE)
def test_a_flag_that_nobody_means_is_refused(name: str, value: str, message: str) -> None:
    _refused(name, message, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        # TOML has these as numbers.
        ("price_per_tb", "nan", "nan is not a number from 0"),
        ("price_per_tb", "-inf", "-inf is not a number from 0"),
        ("price_per_tb", "true", "True is not a number from 0"),
        ("price_per_tb", "[5]", "[5] is not a number from 0"),
        ("wait_seconds", "inf", "inf is not a number from 0"),
        ("deadline_seconds", "-nan", "nan is not a number from 0"),
        ("max_scan", "-1", "greater than or equal to 0"),
        ("max_scan", "inf", "finite number"),
        ("slice_days", "9" * 18, "less than or equal to 36500"),
        ("database", '"a\\u0000b"', "cannot be the name of a file"),
        ("logs", '"\\u0000"', "cannot be the name of a file"),
    ],
)
def test_a_setting_of_the_file_that_nobody_means_is_refused(
    folder: Path, name: str, value: str, message: str
) -> None:
    (folder / "rolecall.toml").write_text(f"{name} = {value}\n")
    _refused(name, message)


@pytest.mark.parametrize(
    "content", [b"a = " + b"9" * 5_000, b"a = " + b"[" * 90_000, b"a = '\xff'", b"a = [", b"\0"]
)
def test_a_file_that_cannot_be_read_is_not_a_traceback(folder: Path, content: bytes) -> None:
    (folder / "rolecall.toml").write_bytes(content)
    with pytest.raises(
        UsageError, match=r"^rolecall\.toml[^\n]* (is not TOML|cannot be read): .*\.$"
    ):
        load_settings()


def test_an_environment_that_cannot_be_read_is_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in ("[" * 90_000, "9" * 5_000, '{"a": 9' + "9" * 5_000 + "}"):
        monkeypatch.setenv("ROLECALL_PARTITIONS", value)
        with pytest.raises(UsageError, match=r"cannot be read|The setting partitions is wrong"):
            load_settings()


def test_what_is_within_bounds_is_taken() -> None:
    settings = load_settings(
        price_per_tb="6.5", wait_seconds="0", deadline_seconds="86400", max_scan="1 TB"
    )
    assert (settings.price_per_tb, settings.wait_seconds) == (6.5, 0)
    assert (settings.deadline_seconds, settings.max_scan) == (86_400, 10**12)


def test_the_page_of_settings_has_each_of_them() -> None:
    page = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`ROLECALL_{name.removesuffix('_name').upper()}`" in page


def test_the_documented_file_is_read(folder: Path) -> None:
    (folder / "rolecall.toml").write_text(documented("docs/settings.md", "database ="))
    settings = load_settings()
    assert (settings.database, settings.timezone) == (Path("audit.duckdb"), "Europe/Berlin")
