"""When a watcher calls the administrators, and when it says that it is over. Pure.

A fault is told once it has lasted a minute, and is over once it was absent for half of that, so that neither a
restart nor a line that comes and goes makes the telephone ring in vain. Then the calls come again with growing pauses.
Times are milliseconds of a clock that does not jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from siaga_gateway.domain.value import copied, record

UNREACHABLE: Final = "unreachable"  # no answer: the machine, its internet line, its proxy
NO_GATEWAY: Final = "no_gateway"  # an answer that no gateway gives: a proxy whose gateway is gone
OWN_LINE: Final = "own_line"  # neither the gateway nor the second address can be reached: the watcher's line
WATCHERS: Final = "watchers"  # another watcher has not asked the gateway lately
NOT_WATCHED: Final = frozenset({OWN_LINE, WATCHERS})  # nothing is wrong with the gateway

PAUSES_MS: Final = tuple(minutes * 60_000 for minutes in (2, 4, 8, 16, 32, 60))
_LOOKS: Final = 3  # a fault seen twice with a long gap between proves nothing about the gap


@record
class Look:
    """What one look has found."""

    faults: Mapping[str, str]  # detail by name; empty: all is well

    @property
    def blind(self) -> bool:
        """Whether it tells nothing at all about the gateway."""
        return OWN_LINE in self.faults

    @property
    def complete(self) -> bool:
        """Whether the gateway itself has answered: only then is a fault that it does not name gone."""
        return self.faults.keys().isdisjoint((UNREACHABLE, NO_GATEWAY, OWN_LINE))


@record
class Fault:
    """One that lasts, or was seen just now."""

    since_ms: int
    seen_ms: int  # last
    detail: str = ""
    looks: int = 1
    told: bool = False


@record
class Outage:
    """What the watcher remembers between two looks."""

    faults: Mapping[str, Fault]
    began_ms: int | None = None  # of the first fault that was told; None: nothing is told
    told: tuple[str, ...] = ()  # every fault that was told in this outage
    calls: int = 0
    next_ms: int | None = None  # of the next call

    def moved(self, by_ms: int) -> Outage:
        """Return the same on a clock that shows `by_ms` more."""
        return copied(
            self,
            faults={
                name: copied(each, since_ms=each.since_ms + by_ms, seen_ms=each.seen_ms + by_ms)
                for name, each in self.faults.items()
            },
            began_ms=None if self.began_ms is None else self.began_ms + by_ms,
            next_ms=None if self.next_ms is None else self.next_ms + by_ms,
        )


SOUND: Final = Outage(faults={})


@record
class Call:
    """To be told now: these faults last."""

    faults: Mapping[str, Fault]
    number: int  # from 1, anew with each new fault
    next_ms: int

    @property
    def urgent(self) -> bool:
        """Whether it is about the gateway; that nobody watches is worth a note."""
        return not NOT_WATCHED.issuperset(self.faults)


@record
class Over:
    """To be told now: everything that was told has ended."""

    began_ms: int
    ended_ms: int
    faults: tuple[str, ...]

    @property
    def urgent(self) -> bool:
        return False


def step(outage: Outage, look: Look, now_ms: int, after_ms: int) -> tuple[Outage, Call | Over | None]:
    """Return what is remembered after a look, and what is to be told. after_ms: how long a fault must last."""
    faults = _seen(outage.faults, look, now_ms, after_ms // 2)
    ripe = {
        name
        for name, each in faults.items()
        if not each.told and name in look.faults and each.looks >= _LOOKS and now_ms - each.since_ms >= after_ms
    }
    faults = {name: copied(each, told=True) if name in ripe else each for name, each in faults.items()}
    lasting = {name: each for name, each in faults.items() if each.told and name in look.faults}
    due = outage.next_ms is not None and now_ms >= outage.next_ms
    if lasting and (ripe or due):
        number = 1 if ripe else outage.calls + 1
        next_ms = now_ms + PAUSES_MS[min(number, len(PAUSES_MS)) - 1]
        begun = min(each.since_ms for each in lasting.values())
        began_ms = begun if outage.began_ms is None else min(begun, outage.began_ms)
        told = (*outage.told, *sorted(ripe.difference(outage.told)))
        return Outage(faults, began_ms, told, number, next_ms), Call(lasting, number, next_ms)
    if outage.began_ms is not None and not any(each.told for each in faults.values()):
        ended_ms = max((each.seen_ms for each in outage.faults.values() if each.told), default=now_ms)
        return Outage(faults), Over(outage.began_ms, ended_ms, outage.told)
    return copied(outage, faults=faults), None


def _seen(known: Mapping[str, Fault], look: Look, now_ms: int, over_ms: int) -> dict[str, Fault]:
    found = {}
    for name, each in known.items():
        if name in look.faults:
            found[name] = copied(each, seen_ms=now_ms, looks=each.looks + 1, detail=look.faults[name])
        elif each.told and not look.complete and name != OWN_LINE:
            found[name] = copied(each, seen_ms=now_ms)  # nobody could tell whether it lasts: it is not called over
        elif now_ms - each.seen_ms < over_ms:
            found[name] = each
    for name in look.faults.keys() - known.keys():
        found[name] = Fault(now_ms, now_ms, look.faults[name])
    # What was not told yet is not counted on while nothing can be seen.
    return {name: each for name, each in found.items() if each.told or not look.blind or name == OWN_LINE}
