"""Responders in memory, as the store keeps them; held to the contract by sql/test_sql_responders.py. All people are
invented."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Contact, ContactWay, Point
from siaga_gateway.domain.responders import Responder, ResponderKind, ResponderPosition, Transport
from siaga_gateway.domain.shifts import DutyState, SelfDeclared, Shift
from siaga_gateway.domain.way_proof import ProvenWay

NOW_MS = 1_796_059_200_000  # Tuesday 1 December 2026, 00:20 WIB
SEA: Point = (-60_000_000, 1_030_000_000)  # off Lampung; nobody lives there


def chat(number: int) -> Contact:
    return Contact(ContactWay.TELEGRAM, f"1000000{number:02d}")


BUDI = Responder(
    "budi",
    ResponderKind.OFFICER,
    "Contoh Budi",
    station="polsek-ne",
    language="en",
    transport=Transport.CAR,
    skills=("first aid", "boat"),
    ways=(
        ProvenWay(chat(1), NOW_MS, NOW_MS - 1),
        ProvenWay(Contact(ContactWay.SMS, "+6281200000001"), None, NOW_MS, "012345", 2),
    ),
    quiet=parsed("22:00-05:00"),
    home=SEA,
    token_hash="ab" * 32,
    added_ms=NOW_MS - 5,
)
PATROL = Responder("patroli-1", ResponderKind.PATROL, "Patroli Contoh 1", ways=(ProvenWay(chat(2), NOW_MS),))
WATI = Responder("wati", ResponderKind.OFFICER, "Contoh Wati", home=SEA)
POSITION = ResponderPosition("budi", *SEA, 12, NOW_MS - 60_000, True, NOW_MS, *SEA, NOW_MS - 90_000)
NIGHT = Shift("budi", DutyState.ON_DUTY, parsed("22:00-06:00"), 739_000, 740_000)
ALWAYS = Shift("budi", DutyState.AVAILABLE, ())
SAID = SelfDeclared("budi", DutyState.OFF, NOW_MS, NOW_MS + 60_000)


class ListedResponders:
    """service.store.responders, both halves; a transaction is all or nothing."""

    def __init__(self, responders: Collection[Responder] = (), shifts: Sequence[Shift] = ()) -> None:
        self._responders = {each.key: each for each in responders}
        self._shifts: dict[str, list[Shift]] = {}
        for each in shifts:
            self._shifts.setdefault(each.responder, []).append(each)
        self._declared: dict[str, SelfDeclared] = {}
        self._positions: dict[str, ResponderPosition] = {}
        self._versions = {"responders": 0, "duty": 0}
        self.assigned: set[str] = set()
        self.entries: list[tuple[str, Mapping[str, Any]]] = []
        self.failing: Exception | None = None

    @contextmanager
    def transaction(self) -> Iterator[ListedResponders]:
        if self.failing is not None:
            raise self.failing
        before = copy.deepcopy(self.__dict__)
        try:
            yield self
        except BaseException:
            self.__dict__.update(before)
            raise

    def note(self, kind: str, at_ms: int, facts: Mapping[str, Any] | None = None, **_more: object) -> None:
        self.entries.append((kind, facts or {}))

    def change_responders(self) -> int:
        self._versions["responders"] += 1
        return self._versions["responders"] - 1

    def responder(self, key: str) -> Responder | None:
        return self._responders.get(key)

    def put_responders(self, responders: Collection[Responder]) -> None:
        self._responders.update((each.key, each) for each in responders)

    def remove_responders(self, keys: Collection[str]) -> int:
        for kept in (self._shifts, self._declared, self._positions):
            for key in keys:
                kept.pop(key, None)
        return sum(self._responders.pop(key, None) is not None for key in keys)

    def set_shifts(self, responder: str, shifts: Sequence[Shift]) -> None:
        self._shifts[responder] = list(shifts)

    def declare(self, declared: SelfDeclared) -> None:
        self._versions["duty"] += 1
        self._declared[declared.responder] = declared

    def undeclare(self, responder: str) -> None:
        self._versions["duty"] += 1
        self._declared.pop(responder, None)

    def position(self, responder: str) -> ResponderPosition | None:
        return self._positions.get(responder)

    def positions_of(self, responders: Collection[str]) -> Mapping[str, ResponderPosition]:
        return {key: self._positions[key] for key in responders if key in self._positions}

    def put_position(self, position: ResponderPosition) -> None:
        there = self._positions.get(position.responder)
        if there is None or (position.fix_ms, position.heard_ms) > (there.fix_ms, there.heard_ms):
            self._positions[position.responder] = position

    def forget_position(self, responder: str) -> None:
        self._positions.pop(responder, None)

    def forget_positions(self, before_ms: int) -> int:
        ended = [key for key, each in self._declared.items() if each.until_ms < before_ms]
        for key in ended:
            self.undeclare(key)
        old = [key for key, each in self._positions.items() if each.heard_ms < before_ms]
        for key in old:
            del self._positions[key]
        return len(old)

    def responders_version(self) -> int:
        if self.failing is not None:
            raise self.failing
        return self._versions["responders"]

    def duty_version(self) -> int:
        return self._versions["duty"]

    def places_version(self) -> int:
        return 0  # there are none here

    def list_versions(self) -> tuple[int, int, int]:
        return self.responders_version(), self.places_version(), self.duty_version()

    def responders(self) -> Sequence[Responder]:
        return [self._responders[key] for key in sorted(self._responders)]

    def responder_keys(self) -> Mapping[str, int]:
        return {key: each.added_ms for key, each in self._responders.items()}

    def token_hashes(self) -> Mapping[str, str]:
        return {key: each.token_hash for key, each in self._responders.items() if each.token_hash is not None}

    def shifts(self) -> Sequence[Shift]:
        return [each for key in sorted(self._shifts) for each in self._shifts[key]]

    def declared(self) -> Mapping[str, SelfDeclared]:
        return dict(self._declared)

    def positions(self, since_ms: int, within: tuple[Point, Point] | None = None) -> Sequence[ResponderPosition]:
        found = [each for each in self._positions.values() if each.fix_ms >= since_ms]
        if within is None:
            return found
        (south, west), (north, east) = within
        return [each for each in found if south <= each.latitude <= north and west <= each.longitude <= east]

    def assigned_responders(self) -> frozenset[str]:
        return frozenset(self.assigned)
