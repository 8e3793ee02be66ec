"""What a responder writes back by text message: an answer to a call, or a code that proves a way. Pure.

It is understood as the whole message only: "rapat sampai jam 1" is no answer. Nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.value import record
from siaga_gateway.domain.way_proof import CODE_DIGITS

KEPT_MS: Final = 7 * 86_400_000  # so long a code means nothing else to its number
_DIGITS: Final = (2, 3)  # of a code; three where all of two are in use
_LONGEST: Final = 40  # characters that are looked at
_AROUND: Final = " \"'`“”„‘’«»"
_SAID: Final = {"1": FactKind.ACCEPTED, "2": FactKind.DECLINED, "3": FactKind.ARRIVED, "4": FactKind.WITHDREW}
# What the buttons under an exercise's messages stand for ends with it; nobody is told to write it.
OF_EXERCISE: Final = " *"
_ANSWER: Final = re.compile(r"([1234])(?:\s+([0-9]{2,3})(\s+\*)?)?")
_CODE: Final = re.compile(rf"[0-9](?:[\s-]?[0-9]){{{CODE_DIGITS - 1}}}")


@record
class TextAnswer:
    """An answer to a call. code: of the call; None: he wrote none. exercise: to a message that said that it is one."""

    said: FactKind  # ACCEPTED, DECLINED, ARRIVED or WITHDREW
    code: str | None = None
    exercise: bool = False


@record
class WayCode:
    """A code that proves the way by which it was sent. digits: nothing else."""

    digits: str


def parsed(text: str) -> TextAnswer | WayCode | None:
    """Return what a text says; None: nothing that is understood.

    Blanks and quotation marks around it and a full stop at its end do not count.
    """
    if len(text) > _LONGEST:
        return None
    bare = "".join(map(_plain, text)).strip(_AROUND).removesuffix(".").strip(_AROUND)
    if match := _ANSWER.fullmatch(bare):
        return TextAnswer(_SAID[match[1]], match[2], match[3] is not None)
    if _CODE.fullmatch(bare):
        return WayCode(re.sub(r"[\s-]", "", bare))
    return None


def _plain(letter: str) -> str:
    """Return a decimal digit of any script as ASCII, any blank as a space; nothing for an invisible character."""
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    return " " if letter.isspace() else "" if category == "Cf" else letter


def free_codes(in_use: frozenset[str]) -> list[str]:
    """Return the codes from which to draw one: of two digits while there are any, then of three; at last none."""
    for digits in _DIGITS:
        if free := [code for number in range(10**digits) if (code := f"{number:0{digits}d}") not in in_use]:
            return free
    return []
