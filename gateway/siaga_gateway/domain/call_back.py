"""What comes of ringing the holder back, and the two words that he and the police have agreed on. Pure.

The code word calls off. The duress word sounds like it to whoever listens, and means: I am being forced. "All is well"
without the code word may be somebody else's, and raises the alarm level like a call that nobody answers. After two
wrong words no code word is taken any more for this incident; the duress word always is.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.errors import Refused

TRIES: Final = 2  # wrong words within one incident
SHORTEST: Final = 4  # letters and digits
LONGEST: Final = 60  # characters as typed


class CallBack(StrEnum):
    """What came of calling the holder back."""

    NOT_TRIED = "not_tried"
    CONFIRMED = "confirmed"  # somebody answered, and help is needed
    UNANSWERED = "unanswered"
    CUT = "cut"  # the line was silent, or cut
    CALLED_OFF = "called_off"  # with the holder's code word
    NO_WORD = "no_word"  # called off, without it
    DURESS_WORD = "duress_word"  # the second code word: the holder is forced


class Said(StrEnum):
    """What the operator heard."""

    NEEDS_HELP = "needs_help"
    CALLS_OFF = "calls_off"
    UNANSWERED = "unanswered"
    CUT = "cut"


class Heard(StrEnum):
    """Which of the holder's words was said."""

    CODE = "code"
    DURESS = "duress"
    NEITHER = "neither"


class CodeWordError(Refused):
    """Words that cannot be agreed on; the text says why."""


_RESULTS: Final = {
    Said.NEEDS_HELP: CallBack.CONFIRMED,
    Said.UNANSWERED: CallBack.UNANSWERED,
    Said.CUT: CallBack.CUT,
}


def normal(word: str) -> str:
    """Return what two ways of typing one word have in common: no case, accents, blanks or signs."""
    letters = unicodedata.normalize("NFKD", word[:LONGEST]).casefold()
    return "".join(each for each in letters if each.isalnum())


def long_enough(word: str) -> str:
    """Return the word as it is. Raises: CodeWordError."""
    if len(word) > LONGEST or len(normal(word)) < SHORTEST:
        raise CodeWordError("code_word.length", shortest=SHORTEST, longest=LONGEST)
    return word


def checked(code: str, duress: str) -> tuple[str, str]:
    """Return both words in their normal form. Raises: CodeWordError."""
    one, other = (normal(long_enough(word)) for word in (code, duress))
    if one in other or other in one:
        raise CodeWordError("code_word.alike")
    return one, other


def outcome(said: Said, heard: Heard, wrong: int) -> tuple[CallBack, int]:
    """Return what came of it, and how many wrong words there have been.

    heard: counts for CALLS_OFF. wrong: before.
    """
    if said is not Said.CALLS_OFF:
        return _RESULTS[said], wrong
    if heard is Heard.DURESS:
        return CallBack.DURESS_WORD, wrong
    if heard is Heard.CODE and wrong < TRIES:
        return CallBack.CALLED_OFF, wrong
    return CallBack.NO_WORD, min(TRIES, wrong + 1)
