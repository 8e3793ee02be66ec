"""A question on the telephone that is answered by a key, and when a key is an answer. Pure.

Nobody has answered because somebody or something picked up: voicemail, a call screener, a child. Only the key that the
voice has just named is 'yes', and it is drawn anew for each call. A fixed '1' would be pressed by whatever sends tones:
an exchange that looks for a menu, a recording whose speech a detector takes for a tone, a thumb in a pocket. Of six
keys a stray tone hits the right one in one case of six, and not at all

- before the voice has named it,
- together with others: a key counts once no other has followed for a moment, so a machine that sends all of them says
  nothing,
- after three wrong ones: then it is taken for a machine, and hung up.

One digit and no more, since whoever is woken at three in the morning has to manage it. 'No' and 'again' are always the
same keys and never 'yes'; so is 1, which hands and machines press by habit.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

YES_KEYS: Final = "345678"
NO_KEY: Final = "2"
AGAIN_KEY: Final = "9"
ALONE_S: Final = 0.8
MOST_WRONG: Final = 3


class Question(StrEnum):
    """What is asked."""

    DESK = "desk"  # do you have this call? Yes acknowledges it
    RESPONDER = "responder"  # are you coming?
    WELL = "well"  # are you well? No: back-up is needed
    PROOF = "proof"  # does this number reach you? There is no 'no'
    HEARD = "heard"  # has a person heard this? Likewise


WITH_NO: Final = frozenset({Question.DESK, Question.RESPONDER, Question.WELL})


class Said(StrEnum):
    YES = "yes"
    NO = "no"


class Taken(StrEnum):
    """What became of an answer."""

    TAKEN = "taken"  # durable
    OVER = "over"  # nobody has to come any more
    ANEW = "anew"  # it was about a call that has rung anew since, for another reason
    UNSTORED = "unstored"  # not now: press again


class Standing(StrEnum):
    """Whether a call is still worth making, or going on with."""

    WANTED = "wanted"
    OVER = "over"  # its reason is gone
    ANSWERED = "answered"  # on another way, or by another one for the same desk


class Press(StrEnum):
    """What a key, or several, were."""

    YES = "yes"
    NO = "no"
    AGAIN = "again"
    WRONG = "wrong"
    MACHINE = "machine"


class KeyReader:
    """Reads the keys of one call. Times are seconds of one clock that does not jump, passed in."""

    def __init__(self, yes: str, question: Question, alone_s: float = ALONE_S) -> None:
        """yes: one of YES_KEYS."""
        self._alone_s = alone_s
        self._meanings = {yes: Press.YES, AGAIN_KEY: Press.AGAIN}
        if question in WITH_NO:
            self._meanings[NO_KEY] = Press.NO
        self._named = False
        self._keys = ""  # pressed and not read yet, each once
        self._since_s = 0.0  # the last key that was another than those before it
        self._wrong = 0

    def name(self) -> None:
        """Record that the voice begins to say which key to press. What was pressed before is nothing."""
        if not self._named:
            self._named = True
            self._keys = ""

    def press(self, key: str, at_s: float) -> None:
        """The same key again and again is one: people are impatient."""
        if self._named and key not in self._keys:
            self._keys += key
            self._since_s = at_s

    def read(self, at_s: float, *, ended: bool = False) -> Press | None:
        """Return what was pressed, once it is known to stand alone; None: nothing, or not yet.

        ended: the call is over, and no other key can follow: who presses and hangs up has answered.
        """
        if not self._keys or not (ended or at_s - self._since_s >= self._alone_s):
            return None
        keys, self._keys = self._keys, ""
        found = self._meanings.get(keys, Press.WRONG)
        if found is Press.WRONG:
            self._wrong += 1
            if self._wrong >= MOST_WRONG:
                return Press.MACHINE
        return found
