"""The alarm level of a call, 0 to 4, and its reasons. Pure.

    0  no call: a signed test
    1  a call for help, and something speaks against it
    2  a call for help
    3  a call for help with a sign of danger
    4  a call for help with two signs of danger, or under duress

The level orders: who is shown first, whose wave goes first. It suppresses nothing: a verified press is never 0, and
each sign of danger outweighs every doubt. The scale is our own. ANSI/TMA-AVS-01 scores burglar alarms and means other
things by the same numbers: only an output that speaks it has that number.

A sign of danger raises. A doubt (the holder's pranks, a registration that was ended) lowers a single press that has
none, unless something is uncertain: where a position is bad or a button unwell, neither a second press nor a look from
the street can be relied on. A call is called off by voice only with the holder's code word; then only what the holder
cannot answer for still counts. "All is well" without the word may be somebody else's: it raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.triage_signs import FixQuality, Signs, TriageLimits
from siaga_gateway.domain.value import record

NO_CALL: Final = 0
DOUBTED: Final = 1
CALL: Final = 2
GRAVE: Final = 4
# Whoever is due for longer than this is called before those of a higher level: no level starves another.
LATE_MS: Final = 5_000


class Sign(StrEnum):
    """What a level rests on, the gravest first; its words are the catalogue's `dispatch.sign.<value>`."""

    DURESS = "duress"
    DURESS_WORD = "duress_word"
    NEIGHBOURS = "neighbours"
    CONFIRMED = "confirmed"
    UNANSWERED = "unanswered"
    CUT = "cut"
    NO_WORD = "no_word"
    PRESSES = "presses"
    TAMPER = "tamper"
    FELL_SILENT = "fell_silent"
    SILENT = "silent"
    CALLED_OFF = "called_off"
    SUSPENDED = "suspended"
    STOLEN = "stolen"
    REMOVED = "removed"
    PRANKS = "pranks"
    FIX_NONE = "fix_none"
    FIX_OLD = "fix_old"
    FIX_COARSE = "fix_coarse"
    UNWELL = "unwell"
    KEY_COPIED = "key_copied"
    EARLIER_NEED = "earlier_need"
    PENDING = "pending"
    EXPIRED = "expired"
    ACCIDENTS = "accidents"
    UNFOUNDED = "unfounded"
    TEST = "test"


class Effect(StrEnum):
    """What a sign did to this level."""

    RAISES = "raises"
    LOWERS = "lowers"
    HOLDS = "holds"  # keeps a doubt from lowering it
    NONE = "none"


@record
class Reason:
    """A sign that was there."""

    sign: Sign
    effect: Effect
    count: int = 1

    @property
    def message(self) -> Localized:
        return Localized(f"dispatch.sign.{self.sign}", count=self.count)


@record
class Alarm:
    """A level and why."""

    level: int
    reasons: tuple[Reason, ...]  # the gravest first

    @property
    def message(self) -> Localized:
        return Localized(f"dispatch.level.{self.level}")


_GRAVE: Final = frozenset({Sign.DURESS, Sign.DURESS_WORD})
# What a holder who says the code word cannot answer for.
_NOT_THE_HOLDERS: Final = frozenset({Sign.NEIGHBOURS, Sign.TAMPER})
_CALL_BACKS: Final = {
    CallBack.CONFIRMED: Sign.CONFIRMED,
    CallBack.UNANSWERED: Sign.UNANSWERED,
    CallBack.CUT: Sign.CUT,
    CallBack.NO_WORD: Sign.NO_WORD,
    CallBack.DURESS_WORD: Sign.DURESS_WORD,
}
_DOUBTFUL: Final = {
    RegistrationState.SUSPENDED: Sign.SUSPENDED,
    RegistrationState.STOLEN: Sign.STOLEN,
    RegistrationState.REMOVED: Sign.REMOVED,
}
# They say nothing of the need.
_NOTED: Final = {RegistrationState.PENDING: Sign.PENDING, RegistrationState.EXPIRED: Sign.EXPIRED}
_FIXES: Final = {
    FixQuality.NONE: Sign.FIX_NONE,
    FixQuality.OLD: Sign.FIX_OLD,
    FixQuality.COARSE: Sign.FIX_COARSE,
}


def judge(signs: Signs, limits: TriageLimits = TriageLimits()) -> Alarm:  # noqa: B008 - a value
    """Return the alarm level of a call, with every sign and what it did."""
    if signs.mode is Mode.TEST:
        return Alarm(NO_CALL, (Reason(Sign.TEST, Effect.NONE),))
    dangers, doubts = dict(_dangers(signs)), dict(_doubts(signs, limits))
    uncertain, noted = dict(_uncertain(signs)), dict(_noted(signs, limits))
    off = signs.call_back is CallBack.CALLED_OFF and not signs.pressed_since and not signs.duress
    if off:
        noted |= {sign: count for sign, count in dangers.items() if sign not in _NOT_THE_HOLDERS}
        dangers = {sign: count for sign, count in dangers.items() if sign in _NOT_THE_HOLDERS}
    level, doubted, held = CALL, Effect.NONE, Effect.NONE
    if not _GRAVE.isdisjoint(dangers):
        level = GRAVE
    elif off or dangers:
        # A second neighbour is a sign of its own: a street in danger.
        signs_of_danger = len(dangers) + (signs.neighbours > 1)
        level = min((DOUBTED if off else CALL) + signs_of_danger, GRAVE)
    elif doubts and uncertain:
        held = Effect.HOLDS
    elif doubts:
        level, doubted = DOUBTED, Effect.LOWERS
    if signs.call_back is CallBack.CALLED_OFF:
        doubts[Sign.CALLED_OFF] = 1
    effects = {
        **dict.fromkeys(noted, Effect.NONE),
        **dict.fromkeys(dangers, Effect.RAISES),
        **dict.fromkeys(doubts, doubted),
        **dict.fromkeys(uncertain, held),
    }
    if off:
        effects[Sign.CALLED_OFF] = Effect.LOWERS
    counts = noted | dangers | doubts | uncertain
    return Alarm(level, tuple(Reason(sign, effects[sign], counts[sign]) for sign in Sign if sign in counts))


def _dangers(signs: Signs) -> Iterator[tuple[Sign, int]]:
    if signs.duress:
        yield Sign.DURESS, 1
    if signs.neighbours > 0:
        yield Sign.NEIGHBOURS, signs.neighbours
    if signs.call_back in _CALL_BACKS:
        yield _CALL_BACKS[signs.call_back], 1
    if signs.presses > 1:
        yield Sign.PRESSES, signs.presses
    if signs.tamper:
        yield Sign.TAMPER, 1
    if signs.fell_silent:
        yield Sign.FELL_SILENT, 1
    if signs.silent:
        yield Sign.SILENT, 1


def _doubts(signs: Signs, limits: TriageLimits) -> Iterator[tuple[Sign, int]]:
    if signs.registration in _DOUBTFUL:
        yield _DOUBTFUL[signs.registration], 1
    if signs.history.abuse >= limits.pranks:
        yield Sign.PRANKS, signs.history.abuse


def _uncertain(signs: Signs) -> Iterator[tuple[Sign, int]]:
    """What keeps a doubt from counting."""
    if signs.fix in _FIXES:
        yield _FIXES[signs.fix], 1
    if signs.unwell:
        yield Sign.UNWELL, 1
    if signs.key_copied:
        yield Sign.KEY_COPIED, 1  # whose pranks they were, and who presses now, nobody knows
    if signs.history.verified > 0:
        yield Sign.EARLIER_NEED, signs.history.verified


def _noted(signs: Signs, limits: TriageLimits) -> Iterator[tuple[Sign, int]]:
    if signs.registration in _NOTED:
        yield _NOTED[signs.registration], 1
    if 0 < signs.history.abuse < limits.pranks:
        yield Sign.PRANKS, signs.history.abuse
    if signs.history.accidental > 0:
        yield Sign.ACCIDENTS, signs.history.accidental
    if signs.history.unfounded > 0:
        yield Sign.UNFOUNDED, signs.history.unfounded


def queue_order(level: int, opened_ms: int) -> tuple[int, int]:
    """Return a sort key: the highest level first, of one level the oldest."""
    return -level, opened_ms


def wave_order(level: int, due_ms: int, now_ms: int) -> tuple[int, int]:
    """Return a sort key for contacts that are due: what is late first, then by level, of one level the longest due."""
    return (-GRAVE - 1 if now_ms - due_ms > LATE_MS else -level), due_ms
