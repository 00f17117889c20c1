"""The statements that make Rolecall's own CloudTrail table, and keep it up to date.

Athena works the partitions out from the table's properties, so that none has to be entered (Amazon
Athena User Guide, "Partition projection").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rolecall.aws.glue_catalogue import READ_RESTORED, CatalogueTable
from rolecall.aws.trail_bucket import ACCOUNT, REGION
from rolecall.names import valid_name
from rolecall.record_fields import athena_columns

MARK = "rolecall.setup"
"""The property by which a table shows that Rolecall made it."""

ADDED = "rolecall.added"
"""The property with what was added later, and its days, which loads read: the macro
``partitions_left_alone`` too."""

_LAYOUT = "1"
# Athena takes a statement of 256 kB, and what was added a thousand additions ago is loaded.
_MOST_ADDED = 1000
_ADDED = re.compile(r"(account|region)=([a-z0-9-]+):(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)")
_RANGE = re.compile(r"(?P<first>\d{4}/\d{2}/\d{2}),(?P<end>[\w/+-]+)")


@dataclass(frozen=True, slots=True)
class AddedPartition:
    """A value that was added to a partition column, with the days of delivery it had by then.

    Its text is as the property has it, in a list with commas.
    """

    column: str
    value: str
    first_day: date
    last_day: date

    def __str__(self) -> str:
        return f"{self.column}={self.value}:{self.first_day}/{self.last_day}"


@dataclass(frozen=True, slots=True)
class TrailTable:
    """The table as it is to be: ``name`` is DATABASE.TABLE, ``location`` ends in a slash.

    ``accounts`` and ``regions`` are those whose logs it has, ``first_day`` is the first of delivery
    and ``end`` the last one, as "Partition projection" has it. ``added`` is what it has not had
    from the beginning and what loads may owe yet, the latest last.
    """

    name: str
    location: str
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    first_day: date
    end: str = "NOW"
    added: tuple[AddedPartition, ...] = ()

    def statements(self, existing: CatalogueTable | None) -> list[str]:
        """Return what makes the table of an ``existing`` one: none if it is as it should be.

        That must have been made by Rolecall, over the same location.
        """
        if existing is None:
            return [self._create()]
        table = self.with_what_has(existing)
        if _plain(existing.columns) != re.sub(r"\s", "", athena_columns()).lower():
            # A table like this one is a description: no log is touched.
            return [f"DROP TABLE {table._quoted()}", table._create()]
        changed = {
            key: value
            for key, value in table._properties().items()
            if existing.properties.get(key) != value
        }
        if changed:
            return [f"ALTER TABLE {table._quoted()} SET TBLPROPERTIES ({_pairs(changed)})"]
        return []

    def with_what_has(self, existing: CatalogueTable) -> TrailTable:
        """Return the table with the accounts, regions and days of one that is there besides."""
        match = _RANGE.fullmatch(existing.properties.get("projection.dt.range", ""))
        first = date.fromisoformat(match["first"].replace("/", "-")) if match else self.first_day
        end = match["end"] if match else self.end
        return TrailTable(
            self.name,
            self.location,
            _union(
                self.accounts, ACCOUNT, existing.properties.get("projection.account.values", "")
            ),
            _union(self.regions, REGION, existing.properties.get("projection.region.values", "")),
            min(first, self.first_day),
            end,
            (*added_partitions(existing), *self.added)[-_MOST_ADDED:],
        )

    def _create(self) -> str:
        return f"""\
CREATE EXTERNAL TABLE IF NOT EXISTS {self._quoted()} (
{athena_columns()}
)
COMMENT 'CloudTrail logs by account, region and day of delivery'
PARTITIONED BY (account STRING, region STRING, dt STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '{valid_name("s3_url", self.location)}'
TBLPROPERTIES ({_pairs(self._properties())})"""

    def _properties(self) -> dict[str, str]:
        added = {ADDED: ",".join(map(str, self.added))} if self.added else {}
        return {
            "classification": "cloudtrail",
            MARK: _LAYOUT,
            READ_RESTORED: "true",
            "projection.enabled": "true",
            "projection.account.type": "enum",
            "projection.account.values": ",".join(self.accounts),
            "projection.region.type": "enum",
            "projection.region.values": ",".join(self.regions),
            "projection.dt.type": "date",
            "projection.dt.format": "yyyy/MM/dd",
            "projection.dt.range": f"{self.first_day:%Y/%m/%d},{self.end}",
            "projection.dt.interval": "1",
            "projection.dt.interval.unit": "DAYS",
            "storage.location.template": (
                f"{valid_name('s3_url', self.location)}${{account}}/CloudTrail/${{region}}/${{dt}}/"
            ),
            **added,
        }

    def _quoted(self) -> str:
        database, _, table = self.name.partition(".")
        return f"`{valid_name('database', database)}`.`{valid_name('table', table)}`"


def added_partitions(table: CatalogueTable) -> list[AddedPartition]:
    """Return what a table's properties say was added to it."""
    return [
        AddedPartition(column, value, date.fromisoformat(first), date.fromisoformat(last))
        for column, value, first, last in _ADDED.findall(table.properties.get(ADDED, ""))
    ]


def _union(values: Sequence[str], kind: re.Pattern[str], joined: str) -> tuple[str, ...]:
    return tuple(sorted({*values, *filter(kind.fullmatch, joined.split(","))}))


def _plain(columns: Sequence[tuple[str, str]]) -> str:
    """Return columns of the catalogue without a space, as ``athena_columns`` are compared."""
    return re.sub(r"\s", "", ",".join(f"{name}{type_}" for name, type_ in columns)).lower()


def _pairs(properties: Mapping[str, str]) -> str:
    lines = (f"\n    '{key}' = '{value}'" for key, value in properties.items())
    return ",".join(lines) + "\n"
