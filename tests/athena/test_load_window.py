"""What a load asks about the days that it looks at: without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from local_athena.scripted import Service, serving, table
from local_athena.statements import Statement
from local_athena.warehouse import Outcome, Request
from rolecall.athena import load_window as load_window_module
from rolecall.athena.load_days import Window
from rolecall.athena.load_window import load_window
from rolecall.aws.athena_client import Athena
from rolecall.aws.clients import make_client
from rolecall.aws.glue_catalogue import CatalogueTable
from rolecall.days import Span
from rolecall.names import Workspace
from rolecall.settings import load_settings

_TODAY = date(2026, 11, 24)
_RECENT = Span(date(2026, 11, 23), date(2026, 11, 25))
_ACCOUNT, _REGION = "111122223333", "eu-west-1"
_KEYS = (("account", "string"), ("region", "string"), ("dt", "string"))
_PROJECTED = {
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy/MM/dd",
    "projection.dt.range": "2026/09/01,NOW",
    "rolecall.added": (
        f"account={_ACCOUNT}:2026-09-10/2026-10-09,region={_REGION}:2026-10-01/2026-10-09"
    ),
}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return a running Athena."""
    with serving() as service:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL_ATHENA", service.server.url)
        yield service


class _Ledger:
    """Plays Athena with a ledger of some days, and the newest day of accounts and regions."""

    def __init__(self, days: list[str], newest: dict[str, str]) -> None:
        self.days = days
        self.newest = newest
        self.asked: list[str] = []

    def __call__(self, statement: Statement, request: Request) -> Outcome:
        self.asked.append(statement.text)
        if "partition_value" in statement.text:
            return table(["value", "day"], [[*each] for each in self.newest.items()])
        return table(["day"], [[day] for day in self.days])


def _window(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    ledger: _Ledger,
    properties: dict[str, str],
    first_day: str | None = None,
    *,
    has_archive: bool = False,
) -> Window:
    service.engine.script = ledger
    monkeypatch.setattr(load_window_module, "has_own_table", lambda table, settings: has_archive)
    settings = load_settings(region="us-east-1", first_delivered_date=first_day)
    athena = Athena(
        Workspace("rolecall", "primary", "s3://results/athena/"), make_client("athena", "us-east-1")
    )
    raw_table = CatalogueTable("default.logs", "", (), _KEYS, properties)
    return load_window(athena, raw_table, settings, _TODAY, has_ledger=bool(ledger.days))


def test_the_first_load_asks_nothing_and_begins_with_the_table(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = _Ledger([], {})
    window = _window(service, monkeypatch, ledger, _PROJECTED, "2000-01-01")
    assert window == (Span(date(2026, 9, 1), date(2026, 11, 25)),)
    assert ledger.asked == []


def test_a_load_asks_once_what_the_ledger_has(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = _Ledger(["2026-11-22", "2026-11-24"], {})
    assert _window(service, monkeypatch, ledger, {}) == (_RECENT,)
    (asked,) = ledger.asked
    assert "archived" not in asked


def test_days_with_archived_logs_are_told_apart_where_some_are_known(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = _Ledger(["2026-11-24"], {})
    _window(service, monkeypatch, ledger, {}, has_archive=True)
    (asked,) = ledger.asked
    assert "archived_logs" in asked


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ({}, [Span(date(2026, 9, 12), date(2026, 10, 9), (_ACCOUNT, _REGION))]),
        (
            {_ACCOUNT: "2026-10-03"},
            [Span(date(2026, 10, 1), date(2026, 10, 9), (_ACCOUNT, _REGION))],
        ),
        (
            {_ACCOUNT: "2026-10-03", _REGION: "2026-10-09"},
            [Span(date(2026, 10, 3), date(2026, 10, 9), (_ACCOUNT,))],
        ),
        ({_ACCOUNT: "2026-11-24", _REGION: "2026-10-09"}, []),
    ],
)
def test_of_what_was_added_the_days_are_left_that_the_ledger_lacks(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    newest: dict[str, str],
    expected: list[Span],
) -> None:
    ledger = _Ledger(["2026-09-12", "2026-11-24"], newest)
    window = _window(service, monkeypatch, ledger, _PROJECTED)
    assert window == (*expected, _RECENT)
    assert len(ledger.asked) == 2
