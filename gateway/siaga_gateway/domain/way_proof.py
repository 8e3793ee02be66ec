"""Which ways to a person count: those on which their owner has answered a code. Each shift and each month ask again.

A question that is not answered takes no way away, as somebody may lie in a hospital tomorrow whom it would have
reached: it is a fault of the installation, for a person to look into.
"""

from __future__ import annotations

import re
from typing import Final

from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied, record

DAY_MS: Final = 86_400_000
MONTH_MS: Final = 30 * DAY_MS
VALID_MS: Final = DAY_MS  # of a code
OVERDUE_MS: Final = 3 * DAY_MS  # after a month and this long a way is a fault
MOST_WRONG: Final = 5
CODE_DIGITS: Final = 6
LONGEST_TYPED: Final = 20  # a code with what people type between its digits


@record
class ProvenWay:
    """A way to a person, and what is known of whether it reaches him."""

    contact: Contact
    proven_ms: int | None = None  # when its owner last answered; None: never
    asked_ms: int | None = None  # when he was last asked
    code: str = ""  # which he is to answer; empty: nothing is asked
    wrong: int = 0  # answers to it

    @property
    def proven(self) -> bool:
        return self.proven_ms is not None

    def open_at(self, now_ms: int) -> bool:
        """Whether a code waits for its answer. One from the future is from before the clock was set back."""
        return bool(self.code) and self.asked_ms is not None and now_ms - self.asked_ms < VALID_MS


def is_due(way: ProvenWay, now_ms: int, shift_began_ms: int | None) -> bool:
    """Whether to ask now. shift_began_ms: of the shift under way; None: none is, or it is always."""
    if way.asked_ms is not None and 0 <= now_ms - way.asked_ms < VALID_MS:
        # Asked today; a new shift asks again only where the old question is from before it, and answered.
        return shift_began_ms is not None and not way.code and way.asked_ms < shift_began_ms <= now_ms
    if way.proven_ms is None or now_ms - way.proven_ms >= MONTH_MS or way.proven_ms > now_ms:
        return True
    return shift_began_ms is not None and way.proven_ms < shift_began_ms <= now_ms


def asked(way: ProvenWay, code: str, now_ms: int) -> ProvenWay:
    return copied(way, code=code, asked_ms=now_ms, wrong=0)


def answered(way: ProvenWay, answer: str, now_ms: int) -> tuple[ProvenWay, bool]:
    """Return the way after an answer, and whether it was right. After some wrong ones the code is void.

    answer: as a person types it: blanks and hyphens between the digits do not count.
    """
    if not way.open_at(now_ms):
        return way, False
    if re.sub(r"[\s-]", "", answer) == way.code:
        return copied(way, proven_ms=now_ms, code="", wrong=0), True
    wrong = way.wrong + 1
    return copied(way, wrong=wrong, code="" if wrong >= MOST_WRONG else way.code), False


def overdue_days(way: ProvenWay, now_ms: int) -> int:
    """Return since how many days its owner has not answered, if that is too long; else 0."""
    if way.proven_ms is None or now_ms - way.proven_ms < MONTH_MS + OVERDUE_MS:
        return 0
    return (now_ms - way.proven_ms) // DAY_MS


def kept_ways(before: tuple[ProvenWay, ...], contacts: tuple[Contact, ...]) -> tuple[ProvenWay, ...]:
    """Return these contacts as ways; an address that was there before keeps its proof, another one has none.

    A browser stays: its owner has added it himself, and no list knows it.
    """
    known = {way.contact: way for way in before}
    own = [way for way in before if way.contact.way is ContactWay.PUSH and way.contact not in contacts]
    return (*own, *(known.get(contact) or ProvenWay(contact) for contact in contacts))
