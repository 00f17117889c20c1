"""What a table of the Glue catalogue says of its days of delivery."""

from __future__ import annotations

from datetime import date

import pytest

from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.errors import RolecallError

_SHORT = {"y": "yyyy", "m": "MM", "d": "dd"}


def _table(
    keys: str, properties: dict[str, str] | None = None, told: dict[str, str] | None = None
) -> CatalogueTable:
    """Return a table with partition keys, by their names."""
    types = tuple((key, "string") for key in keys.split())
    return CatalogueTable("default.logs", "", (), types, properties or {}, told)


def _projected(key: str, form: str, days: str = "") -> dict[str, str]:
    return {
        "projection.enabled": "true",
        f"projection.{key}.type": "date",
        f"projection.{key}.format": form,
        f"projection.{key}.range": days,
    }


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (_table(""), {}),
        (_table("region"), {}),
        (_table("region dt"), {}),
        (_table("region dt", _projected("dt", "yyyy/MM/dd")), {"dt": "yyyy/MM/dd"}),
        (_table("dt", _projected("dt", "yyyyMMdd")), {"dt": "yyyyMMdd"}),
        (_table("dt", _projected("dt", "yyyy/MM")), {}),
        (_table("day month year"), {"year": "yyyy", "month": "MM", "day": "dd"}),
        (_table("year month day", _projected("year", "yyyy")), {}),
        (_table("year month"), {}),
        (_table("dt", told={"dt": "yyyy-MM-dd"}), {"dt": "yyyy-MM-dd"}),
        (_table("y m d", told=_SHORT), _SHORT),
        (_table("year month day", told={}), {"year": "yyyy", "month": "MM", "day": "dd"}),
    ],
)
def test_the_columns_that_tell_the_day(table: CatalogueTable, expected: dict[str, str]) -> None:
    assert table.day_columns == expected


@pytest.mark.parametrize("told", [{"day": "yyyy-MM-dd"}, {"dt": "MM/dd"}, {"dt": "dd/MM/yyyy"}])
def test_columns_that_do_not_tell_the_day_are_refused(told: dict[str, str]) -> None:
    with pytest.raises(RolecallError, match="the partition columns of logs are dt: name one that"):
        _ = _table("dt", told=told).day_columns


@pytest.mark.parametrize(
    ("table", "first_day"),
    [
        (_table("dt", _projected("dt", "yyyy/MM/dd", "2026/03/01,NOW")), date(2026, 3, 1)),
        (_table("dt", _projected("dt", "yyyyMMdd", "20260301,NOW")), date(2026, 3, 1)),
        (_table("dt", _projected("dt", "yyyy/MM/dd", "NOW-1YEARS,NOW")), None),
        (_table("dt", told={"dt": "yyyy/MM/dd"}), None),
        (_table("year month day"), None),
    ],
)
def test_the_first_day_that_a_projected_table_has(
    table: CatalogueTable, first_day: date | None
) -> None:
    assert table.first_projected_day == first_day


def test_a_scan_may_span_as_many_days_as_athena_lists_partitions() -> None:
    accounts = {
        "projection.account.type": "enum",
        "projection.account.values": ",".join(f"{number:012}" for number in range(5_000)),
    }
    regions = {"projection.region.type": "enum", "projection.region.values": "a,b,c,d"}
    day = _projected("dt", "yyyy/MM/dd")
    assert _table("dt", day).most_days_in_a_scan == 1_000_000
    assert _table("account region dt", accounts | regions | day).most_days_in_a_scan == 50
