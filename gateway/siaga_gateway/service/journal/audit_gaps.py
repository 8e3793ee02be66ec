"""Where an audit finds the store changed, and what a rescue has noted about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from siaga_gateway.domain.errors import SiagaError


class AuditBroken(SiagaError):
    """The data are not as written; the text says in one line what is wrong and where."""


Ranges = list[tuple[int, int]]  # inclusive
_FAR_OFF: Final = 1 << 30


@dataclass(slots=True)
class KnownLosses:
    """Where a store is known not to be as written, because a rescue noted it in the chain."""

    gone: Ranges = field(default_factory=list)  # entries
    changed: Ranges = field(default_factory=list)  # entries that are there and are not what was written
    batches: Ranges = field(default_factory=list)  # with some events, or their own entry, missing or changed
    signatures: bool = False  # signatures added later are missing, or their entries

    def __bool__(self) -> bool:
        return bool(self.gone or self.changed or self.batches or self.signatures)

    def facts(self) -> dict[str, object]:
        """Return the facts for a rescue's entry."""
        return {"gone": self.gone, "changed": self.changed, "batches": self.batches, "signatures": self.signatures}

    def add(self, noted: str) -> None:
        """Add the facts of a rescue's entry. noted: JSON; anything else is ignored."""
        try:
            facts: Any = json.loads(noted)
        except ValueError:
            return
        if not isinstance(facts, dict):
            return
        for mine, theirs in ((self.gone, "gone"), (self.changed, "changed"), (self.batches, "batches")):
            mine.extend((first, last) for first, last in facts.get(theirs, ()))
        self.signatures = self.signatures or bool(facts.get("signatures"))


class LossAccounting:
    """Decides what a fault means: it ends the audit, unless a rescue has noted it, or is about to."""

    def __init__(self, noted: KnownLosses, found: KnownLosses | None = None) -> None:
        self._noted = noted
        self._found = found
        self._batches: set[int] = set()
        self._changed: set[int] = set()

    def gone(self, first: int, last: int, broken: AuditBroken) -> None:
        if self._found is not None:
            self._found.gone.append((first, last))
        elif not any(one <= first and last <= other for one, other in self._noted.gone):
            raise broken

    def changed(self, entry: int, broken: AuditBroken) -> None:
        if self._found is not None:
            self._changed.add(entry)
        elif not within(self._noted.changed, entry):
            raise broken

    def batch(self, number: int, broken: AuditBroken) -> None:
        if self._found is not None:
            self._batches.add(number)
        elif not within(self._noted.batches, number):
            raise broken

    def signatures(self, broken: AuditBroken) -> None:
        if self._found is not None:
            self._found.signatures = True
        elif not self._noted.signatures:
            raise broken

    def new(self) -> KnownLosses:
        assert self._found is not None
        self._found.batches = ranges_of(self._batches)
        self._found.changed = ranges_of(self._changed)
        return self._found


def ranges_of(numbers: set[int]) -> Ranges:
    found: Ranges = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def spans(ranges: Ranges, most: int = 40) -> str:
    """Format ranges for a person: `3, 5-9`; only the first of many."""
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in sorted(ranges)]
    return ", ".join(shown[:most]) + (f", ... (+{len(shown) - most})" if len(shown) > most else "")


def within(ranges: Ranges, number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)


class NumberSet:
    """A set of numbers, one bit each; more only for numbers so far off that damage made them."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._others: set[int] = set()

    def add(self, number: int) -> None:
        if not 0 <= number < _FAR_OFF:
            self._others.add(number)
            return
        byte = number >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1024 - len(self._bits)))
        self._bits[byte] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        byte = number >> 3
        if not 0 <= byte < len(self._bits):
            return number in self._others
        return bool(self._bits[byte] >> (number & 7) & 1)
