"""Decides whether a broker connection still delivers: when to request an echo, what silence means, how to recover.

A connection may answer every ping and deliver nothing: its subscription or session is gone at the broker, a rule was
changed, something in between blocks it. Then every press is lost silently. So after a period of silence we send
ourselves a message through the broker. Any delivered message counts.

If no echo was ever received, silence proves nothing: the broker's rules may forbid it (an upgraded gateway with old
rules). That is reported once, and tried again from time to time, apart from the connection that carries presses.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

QUIET_S: Final = 20.0  # silence until an echo is requested
ANSWER_S: Final = 5.0  # an echo takes milliseconds; seconds on a broker under load, or one that is saving its store
ASKS: Final = 2  # unanswered echoes on one connection that mean it is deaf
CUTS: Final = 3  # connections that end after an echo: the broker disconnects whoever sends one
CUT_S: Final = 2.0  # how soon it does
RETRY_S: Final = 600.0  # until a forbidden echo is tried again
HURRIED: Final = 2  # recoveries without a pause
LATER_S: Final = 60.0  # between later ones
_DISCARDS: Final = 10  # of this many recoveries the second discards the session, and loses what waits in it


class Step(Enum):
    """What to do next."""

    NONE = auto()
    TRY = auto()  # find out on another connection whether an echo is allowed; report by `tried`
    ASK = auto()  # subscribe to the echo again, and send one
    RECONNECT = auto()  # end the connection
    DISCARD = auto()  # end the connection and its session at the broker
    TELL = auto()  # report that no echo is allowed
    SUBSCRIBE = auto()  # subscribe again to what was refused


class EchoCheck:
    """Times are monotonic seconds. Not for several threads at a time; `deaf` may be read by any."""

    def __init__(self, quiet_s: float = QUIET_S, answer_s: float = ANSWER_S) -> None:
        self._quiet_s = quiet_s
        self._answer_s = answer_s
        self.deaf = False  # from a meaningful silence until something is heard
        self._stands = False  # connected and subscribed
        self._ending = False  # to be ended, and not ended yet
        self._refused_at: float | None = None  # when the subscription was refused, on a standing connection
        self._tried = False
        self._proven = False  # an echo comes back if all is well
        self._barred = False  # no echo is sent
        self._untold = True  # that there is none has not been reported
        self._mute = False  # an echo was not heard, and none since
        self._retry_at = self._due_at = self._mended_at = 0.0
        self._asked_at: float | None = None
        self._silences = 0  # on this connection, since something was heard
        self._cuts = self._mends = 0

    def subscribed(self, now: float) -> None:
        """A connection is subscribed."""
        self._stands, self._ending, self._refused_at = True, False, None
        self._asked_at, self._silences, self._due_at = None, 0, now

    def refused(self, now: float) -> None:
        """The broker refused the subscription; that is reported elsewhere."""
        self._stands, self._asked_at, self._refused_at = False, None, now

    def ended(self, now: float) -> None:
        """The connection ended."""
        if self._asked_at is not None and now - self._asked_at < CUT_S:
            self._cuts += 1
            if self._cuts >= CUTS:
                self._bar(now)
        self._stands, self._ending, self._asked_at, self._refused_at = False, False, None, None

    def heard(self, now: float, echo: bool) -> bool:
        """Something was delivered. Returns whether the link was deaf until now. echo: it was our own."""
        was_deaf, self.deaf = self.deaf, False
        self._due_at = now + self._quiet_s
        self._asked_at, self._silences, self._mends = None, 0, 0
        if echo:
            self._proven, self._mute, self._barred, self._untold, self._cuts = True, False, False, True, 0
        elif self._mute:  # a press arrives and an echo does not: the broker no longer allows the echo
            self._proven = False
        return was_deaf

    def tried(self, now: float, able: bool | None) -> None:
        """Take the result of the trial. able: whether another connection of ours heard its own echo; None: unknown."""
        self._tried = True
        if able:
            self._proven, self._barred, self._untold, self._mute, self._cuts = True, False, True, False, 0
            self._due_at = now
        elif able is False:
            self._bar(now)

    def look(self, now: float) -> Step:
        if self._refused_at is not None and now >= self._refused_at + self._quiet_s:
            self._refused_at = now
            return Step.SUBSCRIBE
        if not self._stands:
            if self.deaf and self._ending and now >= self._mended_at + LATER_S:  # the connection has not ended
                self._mended_at = now
                return Step.RECONNECT
            return Step.NONE
        if self._barred:
            return self._look_barred(now)
        if not self._tried:
            return Step.TRY
        if self._asked_at is None:
            return self._ask(now) if now >= self._due_at else Step.NONE
        if now < self._asked_at + self._answer_s:
            return Step.NONE
        return self._silent(now)

    def _look_barred(self, now: float) -> Step:
        if self._untold:
            self._untold = False
            return Step.TELL
        if now < self._retry_at:
            return Step.NONE
        self._retry_at = now + RETRY_S
        return Step.TRY

    def _ask(self, now: float) -> Step:
        self._asked_at = now
        return Step.ASK

    def _silent(self, now: float) -> Step:
        self._asked_at, self._mute = None, True
        self._silences += 1
        if self._silences % ASKS:
            return self._ask(now)
        self._due_at = now + self._quiet_s
        if not self._proven:
            self._bar(now)
            return self._look_barred(now)
        self.deaf = True
        if self._mends >= HURRIED and now < self._mended_at + LATER_S:
            return Step.NONE
        self._mends, self._mended_at, self._stands, self._ending = self._mends + 1, now, False, True
        return Step.DISCARD if self._mends % _DISCARDS == 2 else Step.RECONNECT

    def _bar(self, now: float) -> None:
        self._barred, self._proven, self.deaf, self._asked_at = True, False, False, None
        self._retry_at = now + RETRY_S
