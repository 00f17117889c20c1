"""The marts tell of simulated trails what docs/rules.md lets one know, and nothing else.

Seeds are fixed here; ``make soak`` adds random ones. A seed that fails is in the test's name.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from simulator.knowledge import Knowledge, Way, began_at
from simulator.organisation import Organisation
from support.command_line import Rolecall

SEEDS = (11, 2026)
# Of fixed seeds all is known: among hundreds of answers a rare kind would hide in one in a hundred.
LEAST, LEAST_OF_FIXED = 0.99, 1.0

SWITCH_COLUMNS = """
    role_switch_id, switched_at, outcome, seen_in, role_account_id, role_name, role_session_name,
    role_arn, source_account_id, source_arn, source_name, actor_arn, actor_name, actor_type,
    actor_method, actor_confidence, source_ip_address, address_evidence, mfa, mfa_evidence,
    session_id, role_event_id, source_event_id, assume_role_event_id, source_identity
"""
SESSION_COLUMNS = """
    session_id, principal_id, started_at, start_method, role_switch_id, assume_role_event_id,
    role_account_id, role_name, role_arn, role_session_name, parent_session_id, chain_depth,
    actor_arn, actor_name, actor_type, actor_method, actor_confidence, mfa, mfa_evidence,
    source_ip_address, address_evidence, first_action_at, last_action_at, action_count,
    write_count, denied_count, source_ip_count, expires_at, exited_at, renewal_count,
    source_identity
"""
_OF_THE_LEADING_ENTRY = (
    *("start_method", "role_switch_id", "assume_role_event_id", "expires_at"),
    *("source_ip_address", "address_evidence", "source_identity"),
)
ENTRY_COLUMNS = """
    entry_id, entered_at, how, outcome, role_account_id, role_name, role_arn, actor_arn,
    actor_name, actor_type, actor_method, actor_confidence, mfa, mfa_evidence, source_ip_address,
    address_evidence, source_identity, parent_session_id, chain_depth, session_id, role_switch_id,
    role_assumption_id, action_count, write_count, denied_count, exited_at
"""
_OF_AN_ENTRY = {name.strip() for name in ENTRY_COLUMNS.split(",")}
GROUPS = {
    "actor": ("actor_arn", "actor_name", "actor_type", "actor_method", "actor_confidence"),
    "mfa": ("mfa", "mfa_evidence"),
    "chain": ("parent_session_id", "chain_depth"),
    "address": ("source_ip_address", "address_evidence"),
    "counts": ("action_count", "write_count", "denied_count", "source_ip_count"),
}


@dataclass
class Score:
    """How many answers were right, and which were not."""

    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def compare(self, group: str, name: str, expected: Any, found: Any) -> None:
        """Count one answer."""
        self.asked[group] += 1
        if expected == found:
            self.right[group] += 1
        else:
            self.misses.append(f"{group}: {name}: expected {expected!r}, found {found!r}")

    def of(self, group: str) -> float:
        """Return the part of a group's answers that is right."""
        return self.right[group] / self.asked[group] if self.asked[group] else 1.0


@dataclass
class Simulated:
    """A simulated trail that was loaded."""

    organisation: Organisation
    knowledge: Knowledge
    rolecall: Rolecall
    logs: Path
    files: list[Path]
    forged: list[Path]
    least: float


def rows(rolecall: Rolecall, columns: str, table: str, key: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a mart by their key."""
    names = [name.strip() for name in columns.split(",")]
    answers = rolecall.query(f"select {columns} from {table}")
    by_key = {row[key]: row for row in (dict(zip(names, each, strict=True)) for each in answers)}
    assert len(by_key) == len(answers)
    return by_key


@pytest.fixture(scope="module")
def simulated(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Return a simulated trail, loaded."""
    folder = tmp_path_factory.mktemp(f"seed-{seed}")
    organisation = Organisation(seed)
    organisation.live()
    files = organisation.write(folder / "logs")
    forged = organisation.forge(folder / "logs")
    rolecall = Rolecall(folder)
    rolecall.refresh(folder / "logs")
    least = LEAST_OF_FIXED if seed in SEEDS else LEAST
    return Simulated(
        organisation, Knowledge(organisation), rolecall, folder / "logs", files, forged, least
    )


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=None)


def _actor(knowledge: Knowledge, way: Way) -> dict[str, Any]:
    actor = knowledge.actor(way)
    return {
        "actor_arn": actor.arn,
        "actor_name": actor.name,
        "actor_type": actor.type,
        "actor_method": actor.method,
        "actor_confidence": actor.confidence,
    }


def expected_switches(knowledge: Knowledge) -> dict[str, dict[str, Any]]:
    """Return the rows of role_switches that can be known."""
    rows = {}
    for way in knowledge.ways:
        row = way.switch
        if row is None:
            continue
        role_half = row.role.role_half if row.role else None
        source_half = row.source.source_half if row.source else None
        lead, stay = role_half or source_half, row.stay
        assert lead is not None
        assumed = knowledge.assumption(row.assumed) if row.assumed else None
        # The two halves of a burst may be of different switches: of one role all the same.
        named = row.role or row.assumed
        mfa, evidence = knowledge.mfa(way)
        rows[lead.id] = {
            "role_switch_id": lead.id,
            "switched_at": _naive(lead.at),
            "outcome": "success" if stay.session else "failure",
            "seen_in": (
                "both accounts"
                if role_half and source_half
                else "role account"
                if role_half
                else "source account"
            ),
            "role_account_id": stay.role.account,
            "role_name": stay.role.name,
            "role_session_name": named.session.name if named and named.session else None,
            "role_arn": knowledge.role_arn(way),
            "source_account_id": stay.source_arn.split(":")[4],
            "source_arn": stay.source_arn,
            "source_name": stay.source_arn.rpartition("/")[2] if "/" in stay.source_arn else "root",
            "source_ip_address": lead.record["sourceIPAddress"],
            "address_evidence": "switch record",
            "source_identity": knowledge.known_source_identity(way),
            "mfa": mfa,
            "mfa_evidence": evidence,
            "session_id": None if knowledge.is_led_by_other(way) else knowledge.session_id(way),
            "role_event_id": role_half.id if role_half else None,
            "source_event_id": source_half.id if source_half else None,
            "assume_role_event_id": assumed.id if assumed else None,
        } | _actor(knowledge, way)
    return rows


def expected_sessions(knowledge: Knowledge) -> dict[str, dict[str, Any]]:
    """Return the rows of role_sessions that can be known, services' left out."""
    rows = {}
    for key, ways in knowledge.sessions.items():
        way = ways[0]
        stay, row = way.stay, way.switch
        assert stay is not None and stay.session is not None
        if knowledge.is_service_session(ways):
            continue
        assumed = knowledge.assumption(row.assumed if row and row.assumed else stay)
        if row and not row.assumed:
            assumed = None
        lead = (row.role.role_half if row.role else row.stay.source_half) if row else None
        mfa, evidence = knowledge.mfa(way)
        actor = _actor(knowledge, way)
        address, address_evidence = knowledge.address(way)
        if knowledge.is_contested(key):
            mfa, evidence = "unknown", None
            actor = dict.fromkeys(actor, None) | {"actor_type": "unknown"}
        expected = {
            "session_id": key,
            "principal_id": key.rpartition("@")[0],
            "started_at": _naive(began_at(key)),
            "start_method": knowledge.start_method(way),
            "role_switch_id": lead.id if lead else None,
            "assume_role_event_id": assumed.id if assumed else None,
            "role_account_id": stay.role.account,
            "role_name": stay.role.name,
            "role_arn": knowledge.role_arn(way),
            "role_session_name": stay.session.name or None,
            "parent_session_id": knowledge.parent_id(way),
            "chain_depth": knowledge.depth(way),
            "mfa": mfa,
            "mfa_evidence": evidence,
            "source_ip_address": address,
            "address_evidence": address_evidence,
            "source_identity": knowledge.known_source_identity(way),
            "expires_at": _naive(stay.expires_at) if assumed else None,
            "exited_at": _naive(knowledge.exits.get(key)),
            "renewal_count": knowledge.renewals.get(key, 0),
        }
        counts = knowledge.counts(ways)
        rows[key] = expected | actor | counts
        for name in ("first_action_at", "last_action_at"):
            rows[key][name] = _naive(counts[name])
        if len(ways) > 1 and not knowledge.told_by_key(ways):
            # Which of two entries of one second leads its session is not promised.
            for name in _OF_THE_LEADING_ENTRY:
                del rows[key][name]
            if knowledge.is_contested(key):
                rows[key]["source_identity"] = None
    return rows


def expected_entries(knowledge: Knowledge) -> dict[str, dict[str, Any]]:
    """Return the rows of role_entries that can be known, by the id of what tells most of each."""
    rows = {}
    for key, row in expected_switches(knowledge).items():
        same = {name: row[name] for name in _OF_AN_ENTRY if name in row}
        rows[key] = same | {"how": "console switch", "entered_at": row["switched_at"]}
        rows[key]["role_assumption_id"] = row["assume_role_event_id"]
    for key, row in expected_sessions(knowledge).items():
        # What two people entered is not the switch of one alone.
        if knowledge.sessions[key][0].switch is None or knowledge.is_contested(key):
            same = {name: row[name] for name in _OF_AN_ENTRY if name in row}
            rows[key] = same | {"outcome": "success", "entered_at": row["started_at"]}
            if "start_method" in row:
                rows[key] |= {"how": row["start_method"], "role_switch_id": None}
            if "assume_role_event_id" in row:
                rows[key]["role_assumption_id"] = row["assume_role_event_id"]
    for way in (*knowledge.refusals, *knowledge.sharers):
        assert way.stay is not None
        assumed = knowledge.assumption(way.stay)
        assert assumed is not None
        mfa, evidence = knowledge.mfa(way)
        rows[assumed.id] = {
            "how": knowledge.start_method(way),
            "entered_at": _naive(assumed.at),
            "outcome": "success" if way.stay.session else "failure",
            "role_account_id": way.stay.role.account,
            "role_name": way.stay.role.name,
            "role_arn": way.stay.role.arn,
            "session_id": None if knowledge.is_led_by_other(way) else knowledge.session_id(way),
            "role_switch_id": None,
            "role_assumption_id": assumed.id,
            "action_count": None,
            "parent_session_id": knowledge.parent_id(way),
            "chain_depth": knowledge.depth(way),
            "mfa": mfa,
            "mfa_evidence": evidence,
            "source_identity": knowledge.known_source_identity(way),
        } | _actor(knowledge, way)
    return rows


def score(
    expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]], exact: str
) -> Score:
    """Compare the rows of a mart with those that were expected; ``exact`` is their own group."""
    result = Score()
    result.compare(exact, "keys", sorted(expected), sorted(found))
    for key in sorted(expected.keys() & found.keys()):
        for name, value in expected[key].items():
            if name == "role_arn" and value is None:
                continue  # another record of the role may show its path
            group = next((g for g, names in GROUPS.items() if name in names), exact)
            result.compare(group, f"{key} {name}", value, found[key][name])
    return result


def assert_switches(knowledge: Knowledge, rolecall: Rolecall) -> None:
    """Hold the switches to what can be known: all that is told of each."""
    found = rows(rolecall, SWITCH_COLUMNS, "role_switches", "role_switch_id")
    assert score(expected_switches(knowledge), found, "row").misses == []


def assert_sessions(knowledge: Knowledge, rolecall: Rolecall, least: float) -> None:
    """Hold the sessions to what can be known: there are these, and so much of each group."""
    expected = expected_sessions(knowledge)
    found = rows(rolecall, SESSION_COLUMNS, "role_sessions", "session_id")
    result = score(expected, found, "session")
    print("\n".join(result.misses))
    assert set(expected) == set(found)
    for group in ("session", *GROUPS):
        assert result.of(group) >= least, result.misses


def test_switches_are_exact(simulated: Simulated) -> None:
    assert len(expected_switches(simulated.knowledge)) > 60
    assert_switches(simulated.knowledge, simulated.rolecall)


def test_sessions_actors_and_mfa_are_what_can_be_known(simulated: Simulated) -> None:
    assert len(expected_sessions(simulated.knowledge)) > 120
    assert_sessions(simulated.knowledge, simulated.rolecall, simulated.least)


def test_every_way_into_a_role_is_an_entry(simulated: Simulated) -> None:
    """Of a session that two people lead to, each is one."""
    expected = expected_entries(simulated.knowledge)
    found = rows(simulated.rolecall, ENTRY_COLUMNS, "role_entries", "entry_id")
    result = score(expected, found, "entry")
    print("\n".join(result.misses))
    assert set(expected) == set(found)
    refused = {row["how"] for row in expected.values() if row["outcome"] == "failure"}
    assert refused == {"console switch", "assume role", "assume root", "web identity"}
    for group in ("entry", *GROUPS):
        assert result.of(group) >= simulated.least, result.misses


def test_no_record_hides_another_in_silence(simulated: Simulated) -> None:
    """Unlike records of one key are conflicts; what took another's place is listed."""
    conflicts = simulated.rolecall.query(
        "select event_id, recipient_account_id from event_conflicts"
    )
    assert sorted(conflicts) == sorted(simulated.organisation.forged)
    replaced = simulated.rolecall.query("select original_event_id, event_id from event_corrections")
    assert sorted(replaced) == sorted(simulated.organisation.replacements())


def test_the_trail_is_as_hard_as_it_should_be(simulated: Simulated) -> None:
    """Every kind of difficulty is really in it."""
    knowledge = simulated.knowledge
    switches, sessions = expected_switches(knowledge), expected_sessions(knowledge)
    assert {row["seen_in"] for row in switches.values()} == {
        "both accounts",
        "role account",
        "source account",
    }
    assert {row["outcome"] for row in switches.values()} == {"success", "failure"}
    assert {row["mfa"] for row in sessions.values()} == {"yes", "no", "not asserted", "unknown"}
    methods = {row.get("start_method") for row in sessions.values()} - {None}
    assert methods == {
        *("console switch", "assume role", "assume root", "identity center", "saml"),
        *("web identity", "observed"),
    }
    methods = {row["actor_method"] for row in sessions.values()}
    assert methods >= {
        *("source identity", "saml subject", "saml session name", "web identity subject"),
        *("session name", "identity center user", "assumed by user", "chain"),
    }
    assert {row["mfa_evidence"] for row in sessions.values()} >= {
        *("assume role", "session activity", "identity center sign-in"),
    }
    assert {row.get("address_evidence") for row in sessions.values()} >= {
        *("switch record", "assume role", "portal", "role credentials", "first action"),
    }
    assert simulated.organisation.forged
    assert simulated.organisation.replacements()
    assert max(row["chain_depth"] for row in sessions.values()) >= 3
    assert any(len(ways) > 1 for ways in knowledge.sessions.values())
    assert any(map(knowledge.is_led_by_other, knowledge.ways))


def _marts(rolecall: Rolecall) -> dict[str, list[Any]]:
    """Return what the answers say, in one order."""
    return {
        "role_switches": sorted(
            rolecall.query(f"select {SWITCH_COLUMNS} from role_switches"), key=str
        ),
        "role_sessions": sorted(
            rolecall.query(f"select {SESSION_COLUMNS} from role_sessions"), key=str
        ),
        "role_assumptions": sorted(rolecall.query("select * from role_assumptions"), key=str),
        "console_sign_ins": sorted(rolecall.query("select * from console_sign_ins"), key=str),
    }


def test_any_order_of_arrival_ends_in_the_same_marts(
    simulated: Simulated, seed: int, tmp_path: Path
) -> None:
    """Each part tells what it lets one know; in the end it is as if all had come at once."""
    files, organisation = list(simulated.files), simulated.organisation
    random.Random(seed).shuffle(files)
    rolecall, logs = Rolecall(tmp_path), tmp_path / "logs"
    part = len(files) // 3 + 1
    for first in range(0, len(files), part):
        _copy(files[first : first + part], simulated.logs, logs)
        if first + part >= len(files):
            # Of two unlike records the one that is stored stays.
            _copy(simulated.forged, simulated.logs, logs)
        rolecall.refresh(logs)
        organisation.arrive(files[: first + part])
        knowledge = Knowledge(organisation)
        assert_switches(knowledge, rolecall)
        assert_sessions(knowledge, rolecall, simulated.least)
    assert _marts(rolecall) == _marts(simulated.rolecall)


def _copy(files: list[Path], source: Path, target: Path) -> None:
    for file in files:
        path = target / file.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
