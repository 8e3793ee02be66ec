"""Officers and patrols: who they are, when they are on duty, and where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.places import Point
from siaga_gateway.domain.responders import Responder, ResponderPosition
from siaga_gateway.domain.shifts import SelfDeclared, Shift

Box = tuple[Point, Point]  # the south-western and the north-eastern corner


class ResponderWriting(Protocol):
    """Writes the lists, and what comes from the people themselves."""

    def change_responders(self) -> int:
        """Count one more change of responders or shifts, and return how many there were before.

        Call it first: until this transaction ends nobody else changes them.
        """
        ...

    def responder(self, key: str) -> Responder | None:
        """Return one, as this transaction sees it. None too if the store cannot read it."""
        ...

    def put_responders(self, responders: Collection[Responder]) -> None:
        """Add responders, or change those with these keys. Raises: PersonalKeyError without the key."""
        ...

    def remove_responders(self, keys: Collection[str]) -> int:
        """Erase these people: their ways, shifts, positions, and what lets their phones in. Returns how many."""
        ...

    def set_shifts(self, responder: str, shifts: Sequence[Shift]) -> None:
        """Replace somebody's shifts."""
        ...

    def declare(self, declared: SelfDeclared) -> None:
        """Replace what somebody said of himself."""
        ...

    def undeclare(self, responder: str) -> None: ...
    def position(self, responder: str) -> ResponderPosition | None:
        """Return somebody's last position, as this transaction sees it."""
        ...

    def put_position(self, position: ResponderPosition) -> None:
        """Replace somebody's position, unless another worker has stored a later fix, or a later sign of life."""
        ...

    def forget_position(self, responder: str) -> None: ...
    def forget_positions(self, before_ms: int) -> int:
        """Erase positions of whom nothing was heard since before_ms, and what people said that ended before it.

        Returns how many positions.
        """
        ...


class ResponderReading(Protocol):
    """Reads the lists."""

    def responders_version(self) -> int:
        """A number that grows with every change of responders or shifts."""
        ...

    def duty_version(self) -> int:
        """A number that grows whenever somebody says something of himself."""
        ...

    def list_versions(self) -> tuple[int, int, int]:
        """Return those of responders, places (`places_version`) and duty, in one go: each call asks for them."""
        ...

    def responders(self) -> Sequence[Responder]:
        """Return all that can be read, by their keys."""
        ...

    def responder_keys(self) -> Mapping[str, int]:
        """Return when each was added, also of those that cannot be read."""
        ...

    def token_hashes(self) -> Mapping[str, str]:
        """Return what lets phones in, by responder; nothing of it is decrypted."""
        ...

    def shifts(self) -> Sequence[Shift]:
        """Return all, by responder, in the order in which they were set."""
        ...

    def declared(self) -> Mapping[str, SelfDeclared]:
        """Return what people said of themselves, by responder; also what has ended."""
        ...

    def positions(self, since_ms: int, within: Box | None = None) -> Sequence[ResponderPosition]:
        """Return positions whose fix is from since_ms or later, in a box or everywhere."""
        ...

    def positions_of(self, responders: Collection[str]) -> Mapping[str, ResponderPosition]:
        """Return the last positions of these people, of whatever age, by responder."""
        ...

    def assigned_responders(self) -> frozenset[str]:
        """Return the keys of those who are assigned to an open incident."""
        ...
