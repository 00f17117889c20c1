"""What docs/rules.md lets one know of a plan from what was delivered.

Written from the rules, on the plan's own objects: who came from where is known here, and asked is
only whether the records that would tell it have arrived.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from simulator.organisation import Login, Organisation, Sent, Stay
from trail_writer import CloudTrailRecord, Role, User, iso

PAIRING = timedelta(seconds=120)
SIGN_IN_WINDOW = timedelta(hours=12)
INFERENCE = timedelta(hours=12)
NEAR = timedelta(minutes=15)
DEEP = 8
_DENIED = {
    *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
    *("Client.UnauthorizedOperation", "VpceAccessDenied"),
}
_READING = re.compile(
    r"(Get|List|Describe|Head|Lookup|BatchGet|Search|Query|Scan|Select|Check|Simulate|Validate"
    r"|Preview|Estimate|Test(?!Invoke)|View|Download|Verify|Decode|Assume)([A-Z]|$)"
)
_RANK = {"certain": 3, "likely": 2, "guess": 1}
_NAME = {rank: name for name, rank in _RANK.items()}


@dataclass(frozen=True)
class Actor:
    """Who is behind a session, and how that is known."""

    name: str | None
    type: str = "unknown"
    arn: str | None = None
    method: str | None = None
    confidence: str | None = None

    @property
    def who(self) -> tuple[str | None, str, str | None]:
        """Return what tells two actors apart."""
        return self.name, self.type, self.arn


NOBODY = Actor(None)


def guess(name: str | None) -> Actor:
    """Return the actor that a session's name suggests."""
    return Actor(name, "unknown", None, "session name", "guess") if name else NOBODY


@dataclass(eq=False)
class Switch:
    """A row of role_switches: the stays that its halves and its AssumeRole are of."""

    role: Stay | None
    source: Stay | None
    assumed: Stay | None = None

    @property
    def stay(self) -> Stay:
        """Return the stay whose half leads."""
        stay = self.role or self.source
        assert stay is not None
        return stay


@dataclass(eq=False)
class Way:
    """A way into a session: a switch, an assumption of a role, or the session itself."""

    switch: Switch | None
    stay: Stay | None
    """Whose AssumeRole or activity it is; None for a switch that led to nothing known."""

    @property
    def at(self) -> datetime:
        """Return when it was taken."""
        if self.switch and self.switch.role:
            assert self.switch.role.role_half is not None
            return self.switch.role.role_half.at
        if self.switch:
            assert self.switch.source is not None and self.switch.source.source_half is not None
            return self.switch.source.source_half.at
        assert self.stay is not None
        return self.stay.at


def mutually_nearest(
    ones: Sequence[tuple[datetime, str, Any]],
    others: Sequence[tuple[datetime, str, Any]],
    within: timedelta,
    rounds: int,
) -> list[tuple[Any, Any]]:
    """Return pairs by RULES 1: each the other's nearest; ties: the earlier ``other``, the id."""
    left, right, pairs = list(ones), list(others), []
    for _ in range(rounds):
        first = {
            one[1]: min((abs(one[0] - other[0]), other[0], other[1]) for other in near)[2]
            for one in left
            if (near := [other for other in right if abs(one[0] - other[0]) <= within])
        }
        choice = {
            other[1]: min((abs(one[0] - other[0]), one[1]) for one in near)[1]
            for other in right
            if (near := [one for one in left if abs(one[0] - other[0]) <= within])
        }
        made = {(one, other) for one, other in first.items() if choice.get(other) == one}
        if not made:
            break
        by_one = {one[1]: one for one in left}
        by_other = {other[1]: other for other in right}
        pairs += [(by_one[one][2], by_other[other][2]) for one, other in sorted(made)]
        left = [one for one in left if one[1] not in {pair[0] for pair in made}]
        right = [other for other in right if other[1] not in {pair[1] for pair in made}]
    return pairs


class Knowledge:
    """Answers about an organisation from what was delivered of it."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.delivered = organisation.delivered

    def has(self, sent: Sent | None) -> bool:
        """Return whether a record was delivered."""
        return sent is not None and sent.key in self.delivered

    def seen(self, sent: Iterable[Sent]) -> list[Sent]:
        """Return those that were delivered, oldest first."""
        return sorted((each for each in sent if self.has(each)), key=lambda each: each.at)

    # --- switches ------------------------------------------------------------------------------

    @cached_property
    def switches(self) -> list[Switch]:
        """The rows of role_switches."""
        stays = [stay for stay in self.organisation.stays if stay.how == "switch"]
        rows: list[Switch] = []
        groups: dict[Any, list[Stay]] = defaultdict(list)
        for stay in stays:
            if stay.session is None:
                if self.has(stay.source_half):
                    rows.append(Switch(None, stay))
                continue
            groups[(stay.source_arn, stay.role.account, stay.role.name)].append(stay)
        for group in groups.values():
            sources = [
                (stay.source_half.at, stay.source_half.id, stay)
                for stay in group
                if stay.source_half and self.has(stay.source_half)
            ]
            roles = [
                (stay.role_half.at, stay.role_half.id, stay)
                for stay in group
                if stay.role_half and self.has(stay.role_half)
            ]
            pairs = mutually_nearest(sources, roles, PAIRING, rounds=3)
            rows += [Switch(role, source) for source, role in pairs]
            paired_sources = {id(source) for source, _ in pairs}
            paired_roles = {id(role) for _, role in pairs}
            rows += [Switch(role, None) for *_, role in roles if id(role) not in paired_roles]
            rows += [Switch(None, src) for *_, src in sources if id(src) not in paired_sources]
        self._find_assumptions(rows)
        return rows

    def _find_assumptions(self, rows: list[Switch]) -> None:
        """Give each switch the AssumeRole of its session, then the single source halves theirs."""
        taken = set()
        for row in rows:
            if row.role is not None and self.assumption(row.role):
                row.assumed = row.role
                taken.add(id(row.role))
            if row.stay.session is None and self.assumption(row.stay):
                row.assumed = row.stay
        groups: dict[Any, list[Switch]] = defaultdict(list)
        for row in rows:
            if row.role is None and row.stay.session is not None:
                user = row.stay.user or row.stay.parent
                groups[(id(user), row.stay.role.principal_id)].append(row)
        for (user, role), singles in groups.items():
            sources = [
                (row.source.source_half.at, row.source.source_half.id, row)
                for row in singles
                if row.source and row.source.source_half
            ]
            assumed = [
                (stay.at, stay.caller_copy.id, stay)
                for stay in self.organisation.stays
                if stay.how == "switch"
                and stay.session
                and stay.caller_copy
                and self.has(stay.caller_copy)
                and id(stay) not in taken
                and stay.role.principal_id == role
                and id(stay.user or stay.parent) == user
            ]
            for row, stay in mutually_nearest(sources, assumed, PAIRING, rounds=5):
                row.assumed = stay

    def assumption(self, stay: Stay) -> Sent | None:
        """Return the record of an assumption that names it: the caller's copy, else the other."""
        for sent in (stay.caller_copy, stay.role_copy, stay.entry):
            if self.has(sent):
                return sent
        return None

    # --- sessions ------------------------------------------------------------------------------

    @cached_property
    def ways(self) -> list[Way]:
        """Every way into a session that is known, and every switch that led to nothing."""
        ways, found = [], set()
        for row in self.switches:
            stay = row.role or row.assumed
            if stay is not None:
                found.add(id(stay))
            ways.append(Way(row, stay))
        for stay in self.organisation.stays:
            if self.is_known(stay) and id(stay) not in found:
                ways.append(Way(None, stay))
        return ways

    def is_known(self, stay: Stay) -> bool:
        """Return whether a session is known: what a service began alone names no principal."""
        if stay.session is None:
            return False
        acted = bool(self.seen(stay.actions))
        is_named = self.assumption(stay) is not None and not _is_unnamed(stay.entry)
        return acted or is_named

    def session_id(self, way: Way) -> str | None:
        """Return the key of the session, None where none is known."""
        stay = way.stay
        if stay is None or stay.session is None:
            return None
        began = stay.session.created_at
        acted = self.seen(stay.actions) or (stay.twin and self.seen(stay.twin.actions))
        if not acted and way.switch and way.switch.role:
            began = way.at
        key = f"{stay.session.principal_id}@{iso(began)}"
        return f"{key}#{stay.issued_key}" if stay.how == "root" else key

    @cached_property
    def _ways_of_sessions(self) -> dict[str, list[Way]]:
        found: dict[str, list[Way]] = defaultdict(list)
        for way in self.ways:
            key = self.session_id(way)
            if key is not None:
                found[key].append(way)
        return found

    @cached_property
    def sessions(self) -> dict[str, list[Way]]:
        """The known sessions, each with the ways into it: the one that tells most first."""
        found = self._ways_of_sessions
        for ways in found.values():
            telling = self.told_by_key(ways)
            ways.sort(
                key=lambda way, telling=telling: (  # type: ignore[misc]
                    way is not telling,
                    not self.started(way),
                    self._served(way),
                    way.switch is None,
                    self.named(way) is None,
                    not self.caller_is_known(way),
                )
            )
        return found

    def told_by_key(self, ways: Sequence[Way]) -> Way | None:
        """Return the way whose issued key acts, where that tells one of several.

        The console acts by keys that nobody was issued.
        """
        used = {
            sent.record["userIdentity"].get("accessKeyId")
            for way in ways
            if way.stay
            for sent in self.seen(way.stay.actions)
        }
        acting = [
            way
            for way in ways
            if way.stay
            and self.assumption(way.stay)
            and way.stay.issued_key in used
            and not self._served(way)
        ]
        if len(acting) != 1 or acting[0].stay is None:
            return None
        is_any_console = any(
            way.switch or (way.stay and self.start_method(way) == "console switch") for way in ways
        )
        return None if is_any_console and used - {acting[0].stay.issued_key} else acting[0]

    def started(self, way: Way) -> bool:
        """Return whether a record tells that the session began so."""
        return way.switch is not None or (
            way.stay is not None and self.assumption(way.stay) is not None
        )

    def is_service_session(self, ways: Sequence[Way]) -> bool:
        """Return whether a session is a service's: nobody else is known to have entered it."""
        if self.started(ways[0]):
            return self._served(ways[0])
        return any(self._served(way) for way in ways)

    @cached_property
    def refusals(self) -> list[Way]:
        """The refused assumptions that are not part of a refused switch."""
        folded = {id(row.assumed) for row in self.switches}
        return [
            Way(None, stay)
            for stay in self.organisation.stays
            if stay.session is None and self.assumption(stay) and id(stay) not in folded
        ]

    @cached_property
    def id_of_stay(self) -> dict[int, str]:
        """The session id of each stay that is known."""
        keys = ((way.stay, self.session_id(way)) for way in self.ways)
        return {id(stay): key for stay, key in keys if key is not None}

    def alive_until(self, stay: Stay) -> datetime:
        """Return until when a session was alive, as far as is known."""
        assert stay.session is not None
        ends = [stay.session.created_at, *(sent.at for sent in self.seen(stay.actions))]
        if self.assumption(stay) and stay.expires_at:
            ends.append(stay.expires_at)
        return max(ends)

    def acted(self, way: Way) -> list[Sent]:
        """Return what was seen done in the session, by all who are in one with this."""
        key = self.session_id(way)
        ways = self._ways_of_sessions[key] if key else []
        stays = {id(each.stay): each.stay for each in ways}
        return self.seen(sent for stay in stays.values() if stay for sent in stay.actions)

    def is_service(self, stay: Stay) -> bool:
        """Return whether a session is a service's or an instance's by what is known.

        By its start, by what it acts with, or by the path of a service's own role; never by name.
        """
        if stay.how != "service":
            return False
        acted = self.seen(stay.actions)
        if self.has(stay.entry) and (acted or not _is_unnamed(stay.entry)):
            return True
        identities = [sent.record["userIdentity"] for sent in acted]
        return any(
            "inScopeOf" in identity or "ec2RoleDelivery" in identity["sessionContext"]
            for identity in identities
        ) or (bool(acted) and stay.role.path.startswith("/aws-service-role/"))

    # --- actors and MFA ------------------------------------------------------------------------

    def candidates(self, way: Way) -> list[Stay]:
        """Return the sessions that were alive of who switched: of their id where it was delivered.

        Else of SwitchFrom's ARN, which roles that were made again under one name share.
        """
        own = self.session_id(way)
        assert way.switch is not None
        arn = way.switch.stay.source_arn
        principal_id = self._entrant_id(way.switch)
        found = {}
        for key, ways in self.sessions.items():
            stay = ways[0].stay
            assert stay is not None and stay.session is not None
            if key == own or stay.session.arn != arn:
                continue
            if principal_id not in (None, stay.session.principal_id):
                continue
            began = began_at(key)
            ends = max(self.alive_until(each.stay) for each in ways if each.stay)
            is_near = way.at - INFERENCE <= began <= way.at
            if is_near and way.at <= max(ends, began):
                found[key] = stay
        return list(found.values())

    def _entrant_id(self, switch: Switch) -> str | None:
        """Return the principal id of the session that was left, if a delivered record tells it."""
        for stay, told_by in (
            (switch.assumed, switch.assumed.role_copy if switch.assumed else None),
            (switch.source, switch.source.source_half if switch.source else None),
        ):
            if stay and stay.parent and stay.parent.session and self.has(told_by):
                return stay.parent.session.principal_id
        return None

    def caller_is_known(self, way: Way) -> bool:
        """Return whether the caller's copy of the AssumeRole is there."""
        stay = way.switch.assumed if way.switch else way.stay
        return stay is not None and self.has(stay.caller_copy)

    def parents(self, way: Way) -> tuple[list[Stay], bool] | None:
        """Return the possible parents and whether that is exact; None for an entry by no role."""
        stay = way.switch.stay if way.switch else way.stay
        assert stay is not None
        if stay.parent is None:
            return None
        if self.caller_is_known(way):
            assumed = way.switch.assumed if way.switch else way.stay
            assert assumed is not None and assumed.parent is not None
            return [assumed.parent], True
        if way.switch:
            return self.candidates(way), False
        return ([], True) if self.has(stay.role_copy) else None

    def way_of(self, stay: Stay) -> Way:
        """Return the way that leads a stay's session."""
        return self.sessions[self.id_of_stay[id(stay)]][0]

    def named_user(self, user: User) -> bool:
        """Return whether any record names that user's id."""
        return any(
            self.has(sent)
            and sent.record["userIdentity"].get("type") == "IAMUser"
            and sent.record["userIdentity"].get("principalId") == user.principal_id
            and "arn" in sent.record["userIdentity"]
            for sent in self.organisation.sent
        )

    def own_actor(self, way: Way) -> Actor:
        """Return who it is by the entry's own records, chains aside."""
        switch, stay = way.switch, way.stay
        if switch and isinstance(switch.stay.user, User):
            return user_actor(switch.stay.user, "switch from user")
        if switch:
            left = switch.stay.source_arn.rpartition("/")[2]
            is_portal = "AWSReservedSSO_" in switch.stay.source_arn
            return portal_actor(left, "likely") if is_portal else guess(left)
        assert stay is not None
        name = stay.session.name if stay.session else None
        if self.is_service(stay):
            return Actor(name, "workload", None, "session name", "likely")
        if stay.user and self.has(stay.caller_copy):
            return user_actor(stay.user, "assumed by user")
        if stay.user and self.has(stay.role_copy):
            known = self.named_user(stay.user)
            return user_actor(stay.user, "assumed by user") if known else guess(name)
        if self.has(stay.entry):
            if stay.how == "portal" and name:
                return portal_actor(name, "certain")
            if stay.how == "saml" and stay.has_transient_subject:
                return Actor(name, "federated user", None, "saml session name", "certain")
            if stay.how == "saml":
                return Actor(stay.subject, "federated user", None, "saml subject", "certain")
            if stay.how == "web":
                is_job = str(stay.subject).startswith("repo:")
                kind = "workload" if is_job else "federated user"
                return Actor(stay.subject, kind, None, "web identity subject", "certain")
        return portal_actor(name, "likely") if is_portal_role(stay.role) and name else guess(name)

    def source_identity(self, way: Way) -> str | None:
        """Return the source identity that the records of an entry show, or of what was done."""
        stay = way.stay
        if stay is None:
            return None
        had = stay.parent.session.source_identity if stay.parent and stay.parent.session else None
        asked = stay.source_identity != had and self.has(stay.role_copy)
        if stay.source_identity and (self.has(stay.caller_copy) or self.has(stay.entry) or asked):
            return stay.source_identity
        if not self._is_of_session(way):
            return None
        contexts = [sent.record["userIdentity"]["sessionContext"] for sent in self.acted(way)]
        return max((c["sourceIdentity"] for c in contexts if "sourceIdentity" in c), default=None)

    def known_source_identity(self, way: Way) -> str | None:
        """Return the source identity of a session: it stays the same all along a chain."""
        end, _, _, _, inherited = self.chain(way)
        return self.source_identity(way) or inherited or self.source_identity(end)

    def named(self, way: Way) -> Any:
        """Return who a way certainly names: a person, or the session that it came from."""
        assumed = way.switch.assumed if way.switch else way.stay
        if assumed and assumed.parent and self.has(assumed.caller_copy):
            return self.id_of_stay.get(id(assumed.parent))
        actor = self.own_actor(way)
        is_nobody = actor.type == "unknown" or self._served(way) or not self.started(way)
        return None if is_nobody else actor.arn or actor.who

    def is_contested(self, key: str) -> bool:
        """Return whether two people are known to have entered what the logs show as one session."""
        ways = self.sessions[key]
        if self.told_by_key(ways):
            return False
        names = {self.named(way) for way in ways} - {None}
        return len(names) > 1

    def is_led_by_other(self, way: Way) -> bool:
        """Return whether what a way leads to is the session of another, whose key acts in it."""
        key = self.session_id(way)
        leading = self.told_by_key(self.sessions[key]) if key else None
        if leading is None or self._served(way) or not self.started(way):
            return False
        return self._entrant_user(way) != self._entrant_user(leading)

    @cached_property
    def sharers(self) -> list[Way]:
        """The assumptions that led to another's session, or to one that is nobody's alone.

        One of each user, and none of who switched, too.
        """
        sharers = []
        for key, ways in self.sessions.items():
            found = [
                way
                for way in ways
                if self.started(way)
                and not self._served(way)
                and self._entrant_user(way) is not None
                and (self.is_contested(key) or self.is_led_by_other(way))
            ]
            found.sort(key=lambda way: (way.switch is None, self._assumption_key(way)))
            by_user: dict[str | None, Way] = {}
            for way in found:
                by_user.setdefault(self._entrant_user(way), way)
            sharers += [way for way in by_user.values() if way.switch is None]
        return sharers

    def _assumption_key(self, way: Way) -> str:
        assumed = self.assumption(way.stay) if way.stay else None
        return assumed.id if assumed else ""

    def _entrant_user(self, way: Way) -> str | None:
        """Return the user who took a way, as far as its records tell."""
        stay = way.switch.stay if way.switch else way.stay
        user = stay.user if stay else None
        if user is None or stay is None:
            return None
        is_named = way.switch or self.has(stay.caller_copy) or self.named_user(user)
        return user.arn if is_named else user.principal_id

    def chain(self, way: Way) -> tuple[Way, int, bool, bool, str | None]:
        """Return where a chain ends, how far up, whether cut, whether likely, the identity set."""
        path = [self.session_id(way)]
        end, hops, likely, identity = way, 0, False, None
        while True:
            found = self.parents(end)
            if not found or len(found[0]) != 1 or (end is not way and self._contested(end)):
                return end, hops, False, likely, identity
            parent, exact = found[0][0], found[1]
            key = self.id_of_stay.get(id(parent))
            if key is None:
                return end, hops, False, likely, identity
            if hops == DEEP or key in path:
                return end, hops, True, likely, identity
            if end is not way:
                identity = identity or self.source_identity(end)
            path.append(key)
            end, hops, likely = self.sessions[key][0], hops + 1, likely or not exact

    def _is_of_session(self, way: Way) -> bool:
        """Return whether what is done in the session is of who took this way."""
        key = self.session_id(way)
        return key is not None and not self.is_contested(key) and self.sessions[key][0] is way

    def _contested(self, way: Way) -> bool:
        key = self.session_id(way)
        return key is not None and self.is_contested(key)

    def actor(self, way: Way, depth: int = 0) -> Actor:
        """Return who is behind a way into a session."""
        end, hops, cut, likely, inherited = self.chain(way)
        if hops == 0:
            actor = self._of_several(way, depth) or self.own_actor(way)
        elif cut:
            assert end.stay is not None and end.stay.session is not None
            actor = guess(end.stay.session.name)
        elif self._contested(end):
            actor = NOBODY
        else:
            actor = self._of_several(end, depth) or self.own_actor(end)
        own = self.source_identity(way)
        told = own or inherited or self.source_identity(end)
        is_asserted = False
        if told and not cut and not self._contested(end):
            is_asserted = self.has(end.stay.entry if end.stay else None) and (
                self.source_identity(end) is not None
            )
        if told and is_asserted:
            actor = Actor(told, "federated user", None, "source identity", "certain")
        elif told and (actor.type == "unknown" or self._is_broker(end)):
            actor = Actor(told, "unknown", None, "source identity", "likely")
        if hops:
            rank = _RANK.get(actor.confidence or "", 0)
            rank = min(rank, 2) if likely else rank
            if actor.method != "source identity" or is_asserted or not own:
                served = hops == 1 and self._served(end) and not told
                method = "session name" if served else "chain"
                actor = replace(actor, method=method)
            actor = replace(actor, confidence=_NAME.get(rank))
        return actor if actor.name else NOBODY

    def _is_broker(self, way: Way) -> bool:
        """Return whether an instance or a function, which may act for people, is at the end."""
        return self._served(way)

    def _of_several(self, way: Way, depth: int) -> Actor | None:
        """Return the one actor behind all sessions that were alive; None if there was no choice."""
        found = self.parents(way)
        if not found or len(found[0]) < 2:
            return None
        if depth > 2:
            return NOBODY
        ways = [self.way_of(stay) for stay in found[0]]
        actors = [NOBODY if self._contested(each) else self.actor(each, depth + 1) for each in ways]
        if len({actor.who for actor in actors}) > 1 or actors[0].name is None:
            return NOBODY
        rank = min([2, *(_RANK[actor.confidence or "guess"] for actor in actors)])
        first = actors[0]
        return Actor(first.name, first.type, first.arn, "chain", _NAME[rank])

    def depth(self, way: Way) -> int:
        """Return how many roles were passed through."""
        end, hops, cut, _, _ = self.chain(way)
        if cut:
            return hops + 1
        return hops + (self.parents(end) is not None and not self._served(end))

    def _served(self, way: Way) -> bool:
        return way.switch is None and way.stay is not None and self.is_service(way.stay)

    def parent_id(self, way: Way) -> str | None:
        """Return the session that it was entered from, if it is one."""
        found = self.parents(way)
        if not found or len(found[0]) != 1:
            return None
        key = self.id_of_stay.get(id(found[0][0]))
        return key if key != self.session_id(way) else None

    def mfa(self, way: Way) -> tuple[str, str | None]:
        """Return MFA and what it rests on."""
        end, hops, cut, _, _ = self.chain(way)
        if cut or (hops and self._contested(end)):
            return "unknown", None
        return self._own_mfa(end)

    def _own_mfa(self, way: Way) -> tuple[str, str | None]:
        stay, switch = way.stay, way.switch
        actor = self.own_actor(way)
        if actor.type == "identity center user":
            assert actor.name is not None
            return self._portal_mfa(actor.name, way.at)
        if self.parents(way) is not None:
            return "unknown", None
        if stay is not None and self.is_service(stay) and not switch:
            return "unknown", None
        if actor.type == "federated user" or actor.method == "web identity subject":
            return "not asserted", None
        # What is done in a session that others lead, or that two entered, tells nothing of this.
        acted = self.acted(way) if self._is_of_session(way) else []
        contexts = [sent.record["userIdentity"]["sessionContext"] for sent in acted]
        said = {context["attributes"]["mfaAuthenticated"] for context in contexts}
        active = "true" if "true" in said else "false" if said else None
        started = switch is not None or (stay is not None and self.assumption(stay) is not None)
        user = stay.user if stay else None
        if not switch and user and user.name == "root" and stay and not self.has(stay.caller_copy):
            started = False  # the role account's copy tells no unique id of a user
        if not started:
            if stay is not None and stay.serial and self.assumption(stay):
                return "yes", "assume role"
            return ("yes", "session activity") if active == "true" else ("unknown", None)
        assumed = switch.assumed if switch else stay
        if assumed is not None:
            if assumed.serial and self.assumption(assumed):
                return "yes", "assume role"
            if self.has(assumed.caller_copy) and assumed.has_caller_session:
                assert assumed.caller_copy is not None
                context = assumed.caller_copy.record["userIdentity"]["sessionContext"]
                yes = context["attributes"]["mfaAuthenticated"] == "true"
                return ("yes" if yes else "no"), "assume role"
        if active is not None:
            return ("yes" if active == "true" else "no"), "session activity"
        is_console = switch is not None or (
            stay is not None and stay.how == "switch" and self.has(stay.caller_copy)
        )
        user = switch.stay.user if switch else stay.user if stay else None
        if is_console and user is not None:
            latest = self._latest_login(user, way)
            if latest is not None:
                return ("yes" if latest else "no"), "console sign-in"
        return "unknown", None

    def _portal_mfa(self, name: str, at: datetime) -> tuple[str, str | None]:
        login = self._latest_portal_login(name, at)
        factors = set(login.factors) if login else set()
        if "WEBAUTHN" in factors or ("PASSWORD" in factors and factors & {"TOTP", "EMAIL_OTP"}):
            return "yes", "identity center sign-in"
        if factors in ({"PASSWORD"}, {"EMAIL_OTP"}):
            return "no", "identity center sign-in"
        return "not asserted", None

    def _latest_portal_login(self, name: str, at: datetime) -> Login | None:
        """Return the latest login that succeeded and of which is told whose it was."""
        logins = [
            (login.sent.at, login.sent.id, login)
            for login in self.organisation.logins
            if login.user == name
            and self.has(login.sent)
            and at - SIGN_IN_WINDOW <= login.sent.at <= at
            and (any(_names_user(step) for step in self.seen(login.steps)) or self.knows_id(name))
        ]
        return max(logins, key=lambda each: each[:2])[2] if logins else None

    def knows_id(self, name: str) -> bool:
        """Return whether it is told which user id a user of the portal has.

        By a step of any sign-in, by what they chose before AWS entered a role for them, or by what
        they did there.
        """
        return any(
            any(_names_user(step) for step in self.seen(login.steps))
            for login in self.organisation.logins
            if login.user == name
        ) or any(
            stay.session is not None
            and stay.session.name == name
            and is_portal_role(stay.role)
            and (
                (self.has(stay.door) and self.has(stay.entry))
                or any("onBehalfOf" in s.record["userIdentity"] for s in self.seen(stay.actions))
            )
            for stay in self.organisation.stays
        )

    def _latest_login(self, user: User, way: Way) -> bool | None:
        logins = self._logins(user, way)
        if not logins:
            return None
        newest = max(login.sent.at for login in logins)
        latest = [login for login in logins if login.sent.at == newest]
        return min(latest, key=lambda login: login.sent.id).mfa

    def _logins(self, user: User, way: Way) -> list[Login]:
        """Return the logins before an entry, of that id where a record of the entry tells it."""
        assumed, source = way.switch.assumed if way.switch else way.stay, None
        if way.switch and way.switch.source:
            source = way.switch.source.source_half
        copies = (assumed.caller_copy, assumed.role_copy) if assumed else ()
        knows_id = any(self.has(sent) for sent in (*copies, source))
        return [
            login
            for login in self.organisation.logins
            if isinstance(login.user, User)
            and login.user.arn == user.arn
            and (login.user.principal_id == user.principal_id or not knows_id)
            and self.has(login.sent)
            and way.at - SIGN_IN_WINDOW <= login.sent.at <= way.at
        ]

    # --- the rest of a session -----------------------------------------------------------------

    def start_method(self, way: Way) -> str:
        """Return how a session began."""
        stay = way.stay
        assert stay is not None
        if way.switch or (stay.how == "switch" and self.has(stay.caller_copy)):
            return "console switch"
        if self.assumption(stay) is None and stay.how != "root":
            return "observed"
        named = {
            "portal": "identity center",
            "saml": "saml",
            "web": "web identity",
            "service": "service",
            "root": "assume root",
        }
        return named.get(stay.how, "assume role")

    def address(self, way: Way) -> tuple[str | None, str | None]:
        """Return where a session was entered from, and what tells it."""
        stay = way.stay
        assert stay is not None
        if way.switch:
            half = way.switch.role.role_half if way.switch.role else way.switch.stay.source_half
            assert half is not None
            return half.record["sourceIPAddress"], "switch record"
        door = self._door(stay) if is_portal_role(stay.role) else None
        if door is not None:
            by_portal = door.record["eventName"] == "Federate"
            evidence = "portal" if by_portal else "role credentials"
            return door.record["sourceIPAddress"], evidence
        assumed = self.assumption(stay)
        if assumed and stay.how != "portal" and _is_ip(assumed.record["sourceIPAddress"]):
            return assumed.record["sourceIPAddress"], "assume role"
        first = min(
            (
                (sent.at, sent.record["sourceIPAddress"])
                for sent in self.acted(way)
                if _is_ip(sent.record["sourceIPAddress"])
            ),
            default=None,
        )
        if first and first[0] <= stay.at + NEAR:
            return first[1], "first action"
        signed_in = self._signed_in_from(way)
        if signed_in:
            return signed_in, "sign-in"
        return (first[1], "first action") if first else (None, None)

    def _door(self, stay: Stay) -> Sent | None:
        """Return the choice of that account and permission set by that user just before."""
        assert stay.session is not None
        name, at = stay.session.name, stay.session.created_at
        chosen = [
            other.door
            for other in self.organisation.stays
            if other.door is not None
            and self.has(other.door)
            and other.session is not None
            and other.session.name == name
            and other.role is stay.role
            and at - PAIRING <= other.door.at <= at
        ]
        told = self.knows_id(name)
        return max(chosen, key=lambda door: door.at) if chosen and told else None

    def _signed_in_from(self, way: Way) -> str | None:
        """Return where the user last signed in whom the entry's own record names."""
        stay = way.stay
        assert stay is not None
        entered = stay
        if stay.parent and self.has(stay.caller_copy):
            entered = stay.parent
        if is_portal_role(entered.role) and entered.session:
            login = self._latest_portal_login(entered.session.name, stay.at)
            return login.ip if login else None
        if stay.how != "switch" or stay.user is None or not self.has(stay.caller_copy):
            return None
        before = self._logins(stay.user, way)
        return max(before, key=lambda login: login.sent.at).ip if before else None

    def counts(self, ways: Sequence[Way]) -> dict[str, Any]:
        """Return the counts of a session's actions."""
        sent = self.acted(ways[0])
        records = [each.record for each in sent]
        return {
            "action_count": len(records),
            "write_count": sum(is_write(record) for record in records),
            "denied_count": sum(record.get("errorCode") in _DENIED for record in records),
            "source_ip_count": len(
                {r["sourceIPAddress"] for r in records if _is_ip(r["sourceIPAddress"])}
            ),
            "first_action_at": min((each.at for each in sent), default=None),
            "last_action_at": max((each.at for each in sent), default=None),
        }

    @cached_property
    def renewals(self) -> dict[str, int]:
        """How often each session was renewed, by the rule of the last start before."""
        told: dict[str, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
        for stay in self.organisation.stays:
            for role_side, source_side in stay.renewals:
                assert stay.session is not None
                if self.has(role_side):
                    key = self._started_last(role_side.at, stay.session.principal_id)
                    if key:
                        told[key][0].append((role_side.at, role_side.id, role_side))
                if self.has(source_side):
                    key = self._entered_last(source_side.at, stay)
                    if key:
                        told[key][1].append((source_side.at, source_side.id, source_side))
        return {
            key: len(roles) + len(sources) - len(mutually_nearest(roles, sources, PAIRING, 3))
            for key, (roles, sources) in told.items()
        }

    @cached_property
    def exits(self) -> dict[str, datetime]:
        """When each session was left."""
        left: dict[str, datetime] = {}
        for stay in self.organisation.stays:
            for sent in self.seen(stay.exits):
                assert stay.session is not None
                key = self._started_last(sent.at, stay.session.principal_id)
                if key:
                    left[key] = min(left.get(key, sent.at), sent.at)
        return left

    def _started_last(self, at: datetime, principal_id: str) -> str | None:
        keys = [key for key in self.sessions if key.rpartition("@")[0] == principal_id]
        return max(
            (key for key in keys if at - INFERENCE <= began_at(key) <= at),
            key=lambda key: (began_at(key) < at, began_at(key)),
            default=None,
        )

    def _entered_last(self, at: datetime, renewed: Stay) -> str | None:
        """Return the session of who is in it, and the role: named alike if nobody is known."""
        assert renewed.session is not None
        keys = []
        for key, ways in self.sessions.items():
            stay = ways[0].stay
            assert stay is not None and stay.session is not None
            known = {self._entrant(way) for way in ways}
            if (
                (stay.role.account, stay.role.name) == (renewed.role.account, renewed.role.name)
                and stay.session.name == renewed.session.name
                and known & {None, renewed.source_arn}
                and at - INFERENCE <= began_at(key) <= at
            ):
                keys.append(key)
        return max(
            keys,
            key=lambda key: (began_at(key) < at, began_at(key), [-ord(c) for c in key]),
            default=None,
        )

    def _entrant(self, way: Way) -> str | None:
        """Return the ARN of who took a way into a session, if a record shows it."""
        stay = way.stay
        if way.switch:
            return way.switch.stay.source_arn
        assert stay is not None
        if self.has(stay.caller_copy):
            assert stay.caller_copy is not None
            arn: str | None = stay.caller_copy.record["userIdentity"].get("arn")
            return arn
        if stay.user and self.has(stay.role_copy) and self.named_user(stay.user):
            return stay.user.arn
        return None

    def role_arn(self, way: Way) -> str | None:
        """Return the role's ARN as far as this session's own records show it, else None."""
        stay = way.stay if way.stay else way.switch.stay if way.switch else None
        assert stay is not None
        shown = (
            self.assumption(stay) is not None
            or self.seen(stay.actions)
            or (way.switch is not None and way.switch.source is not None)
        )
        return stay.role.arn if shown else None


def is_portal_role(role: Role) -> bool:
    """Return whether Identity Center made a role: the path is AWS's alone, the name is not."""
    return role.path.startswith("/aws-reserved/sso.amazonaws.com/")


def user_actor(user: User, method: str) -> Actor:
    """Return a user of IAM, or root, as an actor."""
    if user.name == "root":
        return Actor("root", "root", user.arn, "root", "certain")
    return Actor(user.name, "iam user", user.arn, method, "certain")


def portal_actor(name: str, confidence: str) -> Actor:
    """Return a user of Identity Center as an actor."""
    return Actor(name, "identity center user", None, "identity center user", confidence)


def began_at(key: str) -> datetime:
    """Return the time that a session's key tells."""
    return datetime.fromisoformat(key.rpartition("@")[2].partition("#")[0])


def _is_unnamed(start: Sent | None) -> bool:
    """Return whether a start shows credentials alone, so that it names no principal."""
    return start is not None and "assumedRoleUser" not in start.record["responseElements"]


def is_write(record: CloudTrailRecord) -> bool:
    """Return whether an event changes something, by its name where it does not say."""
    reads = record.get("readOnly", bool(_READING.match(record["eventName"])))
    return reads is False


def _names_user(step: Sent) -> bool:
    return "UserName" in step.record["additionalEventData"]


def _is_ip(address: str) -> bool:
    return address[0].isdigit() and address[-1].isalnum() and address != "AWS Internal"
