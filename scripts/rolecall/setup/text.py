"""What ``rolecall setup`` prints: what it found, what it makes, what that costs."""

from __future__ import annotations

from collections.abc import Sequence

from rolecall.aws.answer import scan_price
from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.aws.trail_bucket import RegionFolder
from rolecall.settings import Settings
from rolecall.setup.cost import DAYS_A_MONTH, TrailSize, first_refresh, refresh
from rolecall.setup.plan import ArchivedPeriod, SetupPlan
from rolecall.sizes import price_text, size_text
from rolecall.text import first_of, plural

_FIRST_LOAD_DAYS = 90
_NAMED_AT_MOST = 10


def plan_lines(plan: SetupPlan, settings: Settings, region: str) -> list[str]:
    """Return what was found and is to be made; ``region`` is the one that Athena is asked in."""
    lines = [_trail_line(plan), _logs_line(plan)]
    if plan.archived is not None:
        lines.append(_archived_line(plan.archived))
    if plan.passed_over:
        lines.append(f"Passed over, for a table of its own: {_some(plan.passed_over)}.")
    if plan.bucket_region not in (None, region):
        lines.append(
            f"The bucket is in {plan.bucket_region} and Athena in {region}: AWS asks for the"
            f" transfer. ROLECALL_REGION={plan.bucket_region} avoids it."
        )
    lines.append(cost_text(plan.day_bytes, settings.price_per_tb))
    lines += _table_lines(plan)
    for statement in plan.statements:
        lines += ["", *f"{statement};".split("\n")]
    return [*lines, ""] if plan.statements else lines


def cost_text(day_bytes: int, price_per_tb: float) -> str:
    """Return what loads will scan and cost, told from the bytes of logs that a day brought."""
    if not day_bytes:
        return "Yesterday brought no logs, which would tell what a refresh will scan."
    loaded = TrailSize(day_bytes * DAYS_A_MONTH, _FIRST_LOAD_DAYS / DAYS_A_MONTH)
    first, daily = (
        f"{size_text(round(cost.scanned_bytes))} for {price_text(cost.scan_at(price_per_tb))}"
        for cost in (first_refresh(loaded), refresh(loaded, 1))
    )
    return (
        f"Yesterday brought {size_text(day_bytes)} of logs: a first load of {_FIRST_LOAD_DAYS} days"
        f" will scan about {first}, logs and tables together, and a daily refresh after it {daily},"
        " more as more is loaded (docs/cost.md)."
    )


def done_lines(plan: SetupPlan, is_dry_run: bool) -> list[str]:
    """Return what was made, or in a dry run would be, and the settings for the other commands."""
    made = []
    if not plan.has_workgroup:
        made.append(
            f"the workgroup {plan.workgroup}, in which a query stops at"
            f" {size_text(plan.cutoff)} ({price_text(scan_price(plan.cutoff))})"
        )
    if not plan.has_database:
        made.append(f"the database {plan.table.name.partition('.')[0]}")
    if plan.existing is None:
        made.append(f"the table {plan.table.name}")
    elif plan.statements:
        made.append(f"changes to the table {plan.table.name}")
    verb = "Would make" if is_dry_run else "Made"
    # AWS asks for what queries scan, and for nothing here.
    lines = [f"{verb} {_and(made)}, at no cost."] if made else ["Nothing is left to make."]
    if plan.has_workgroup:
        lines.append(f"The workgroup {plan.workgroup} was there, and stays as it is.")
    lines += [
        "Settings for rolecall.toml:",
        "",
        'target = "athena"',
        f'table = "{plan.table.name}"',
        f'results = "{plan.results}"',
        f'workgroup = "{plan.workgroup}"',
    ]
    return lines


def folders_text(folders: Sequence[RegionFolder]) -> str:
    """Return folders for a person, the first ones by name."""
    return _some([f"{each.account} in {each.region}" for each in folders])


def _trail_line(plan: SetupPlan) -> str:
    trail = plan.trail
    name = "The logs" if trail.name is None else f"The trail {trail.name}"
    if trail.is_of_organization:
        name += " of the organization"
    are = "are in" if trail.name is None else "writes to"
    key = f", encrypted with {trail.key_arn}" if trail.key_arn else ""
    return f"{name} {are} {plan.table.location}{key}."


def _logs_line(plan: SetupPlan) -> str:
    table = plan.table
    return (
        f"It has logs of {plural(len(table.accounts), 'account')} in"
        f" {plural(len(table.regions), 'region')} ({_some(table.regions)}) since"
        f" {table.first_day}."
    )


def _archived_line(archived: ArchivedPeriod) -> str:
    folder = archived.folder
    return (
        f"Those delivered before {archived.until} are archived in Glacier, where Athena passes them"
        f" over without a word (told by {folder.account} in {folder.region}): restore them, or"
        f" begin with `rolecall refresh --from {archived.until}`."
    )


def _table_lines(plan: SetupPlan) -> list[str]:
    if plan.existing is None:
        return []
    if not plan.is_own_table:
        return [_other_table_line(plan.existing)]
    lines = []
    for what, names in (("account", plan.new_accounts), ("region", plan.new_regions)):
        if names:
            lines.append(f"New {what}{'s' if len(names) > 1 else ''}: {_some(names)}.")
    return lines


def _other_table_line(table: CatalogueTable) -> str:
    keys = ", ".join(name for name, _ in table.partition_keys)
    partitions = f"partitions by {keys}" if keys else "no partitions"
    all_of_it = "" if table.day_columns else ", so that a refresh scans all of it, for more"
    is_what = "is a view" if table.is_view else f"reads {table.location}"
    return (
        f"The table {table.name} was not made by Rolecall and stays as it is: it {is_what}, with"
        f" {plural(len(table.columns), 'column')} and {partitions}{all_of_it}. Another --table"
        " makes one beside it."
    )


def _some(names: Sequence[str]) -> str:
    return first_of(names, _NAMED_AT_MOST)


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
