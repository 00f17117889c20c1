"""`rolecall session` tells of a simulated trail what the plan of it says, by whatever id."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from simulator.organisation import Organisation, Sent, Stay
from support.command_line import Rolecall


@dataclass
class PlannedStays:
    """A trail of what is hard to tell, loaded whole, with its plan by the kind of difficulty."""

    rolecall: Rolecall
    namesakes: tuple[Stay, Stay]
    parallel: list[Stay]
    chain: list[Stay]
    loop: list[Stay]

    def answer_to(self, given: str | Sent | None) -> dict[str, Any]:
        """Return what the command tells as JSON."""
        assert given is not None
        id_ = given.id if isinstance(given, Sent) else given
        done = self.rolecall.run("session", id_, "--format", "json")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def _planned(organisation: Organisation, happen: Any) -> list[Stay]:
    """Return the stays of something that is let happen."""
    before = len(organisation.stays)
    happen()
    return organisation.stays[before:]


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> PlannedStays:
    folder = tmp_path_factory.mktemp("planned")
    organisation = Organisation(3)
    namesakes = _planned(organisation, organisation.twins_switch)
    while namesakes[0].twin is None:
        namesakes = _planned(organisation, organisation.twins_switch)
    parallel = _planned(organisation, organisation.parallel_programs)
    chain = _planned(organisation, lambda: organisation.chain(11))
    loop = _planned(organisation, organisation.loop)
    organisation.write(folder / "logs", lost=0)
    rolecall = Rolecall(folder)
    rolecall.refresh(folder / "logs")
    one, other = namesakes
    return PlannedStays(rolecall, (one, other), parallel, chain, loop)


@pytest.mark.parametrize("number", [0, 1])
def test_each_of_two_namesakes_is_told_by_the_records_of_their_own_switch(
    trail: PlannedStays, number: int
) -> None:
    """They are in one session, where nobody can be named; each switch and AssumeRole can."""
    stay = trail.namesakes[number]
    assert stay.user is not None and stay.role_half is not None
    for sent in (stay.role_half, stay.source_half, stay.caller_copy, stay.role_copy):
        if sent is None:  # one account has one copy
            continue
        session = trail.answer_to(sent)["session"]
        assert session["role_event_id"] == stay.role_half.id
        assert session["actor_arn"] == stay.user.arn
        assert session["source_arn"] == stay.source_arn
        assert session["action_count"] == sum(len(each.actions) for each in trail.namesakes)
    assert trail.answer_to(session["session_id"])["session"]["actor_name"] is None


def test_every_assumption_of_a_session_finds_it(trail: PlannedStays) -> None:
    found = {
        trail.answer_to(sent)["session"]["session_id"]
        for stay in trail.parallel
        for sent in (stay.caller_copy, stay.role_copy)
        if sent is not None
    }
    assert len(found) == 1


def test_a_chain_that_is_cut_is_shown_whole(trail: PlannedStays) -> None:
    """It is followed eight deep; what is known of its links is shown beyond that."""
    assert len(trail.chain) == 12
    expected = {stay.session.principal_id for stay in trail.chain if stay.session}
    for number in (0, 5, 11):
        stay = trail.chain[number]
        linked = trail.answer_to(stay.role_half or stay.caller_copy or stay.entry)["chain"]
        assert {row["session_id"].rpartition("@")[0] for row in linked} == expected


def test_a_loop_is_shown_from_either_of_its_ends(trail: PlannedStays) -> None:
    for stay in trail.loop:
        answer = trail.answer_to(stay.caller_copy)
        assert len(answer["chain"]) == 2
        assert answer["session"]["session_id"] in {row["session_id"] for row in answer["chain"]}
