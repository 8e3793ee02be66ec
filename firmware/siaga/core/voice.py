"""When the button telephones, whom it answers, and when it hangs up. Pure: events and time in, one action out.

A call is made for a press of this run: once the press is acknowledged, or after 30 s without that. It is tried again
while nobody answers, and it ends with the incident; a forced cancel ends it just as any other does. An incident that
an earlier run left is not called for: a call that browns the button out would else be made again at every start.

    (STATE, state)      the alarm's state, after each of its steps
    (RING,)             somebody calls
    (CALLER, number)    and this is who, as the network tells
    (MISSED,)           that caller gave up
    (BEGIN,)            the other side is there
    (OVER,)             no call is up any more: ended, busy, no answer, refused
    (FAILED,)           the modem did not do what was asked of it
    (LOST,)             every call is gone, and nobody ended it: the modem started anew
    (TICK, ready)       a few times a second; ready: there is a network to call in

The actions are DIAL, ANSWER, HANG_UP (which also rejects who rings) and NOTHING. A later action replaces one that is
not done yet. Times are milliseconds of a clock that only grows.
"""

from micropython import const
from siaga.core import alarm

STATE = "state"
RING = "ring"
CALLER = "caller"
MISSED = "missed"
BEGIN = "begin"
OVER = "over"
FAILED = "failed"
LOST = "lost"
TICK = "tick"

NOTHING = ""
DIAL = "dial"
ANSWER = "answer"
HANG_UP = "hang_up"

IDLE = const(0)
RINGING = const(1)  # nobody knows yet who it is
DIALLING = const(2)
ANSWERING = const(3)
UP = const(4)
ENDING = const(5)

# Without an acknowledgement for so long, the voice goes before the data.
WAIT_MS = const(30000)
# A press is called for so often, and no longer than this after it.
TRIES = const(3)
ROUND_MS = const(900000)
# Between two tries, so that frames and the centre's own call get through.
PAUSE_MS = const(20000)
# So long it rings at the other side; so long who rings here may take to say who it is.
RING_OUT_MS = const(45000)
WHO_MS = const(6000)
# A call is longer than this, or it is tried again. Some networks say that a call began when it only rings, so that a
# call which nobody ends is ended at some time.
SHORT_MS = const(5000)
LONGEST_MS = const(600000)
ANSWERED_MS = const(10000)
ENDED_MS = const(5000)
# After a cancel of either kind nobody is answered for so long, or until the next press: as long as an incident lasts,
# so that a forced cancel sounds as any other.
QUIET_MS = alarm.INCIDENT_MS


def is_same_number(told: str, full: str) -> bool:
    """Whether the number that the network tells is the one set in full (+62812...). It may come in full, with 00 or
    nothing for the plus, or in national form (0812...), where the country's one to three digits are missing."""
    plus = told[:1] == "+"
    digits = told[1:] if plus else told
    wanted = full[1:]
    if not digits.isdigit() or full[:1] != "+":
        return False
    if plus or digits[:1] != "0":
        return digits == wanted
    if digits[:2] == "00":
        return digits[2:] == wanted
    return 1 <= len(wanted) - len(digits) + 1 <= 3 and wanted.endswith(digits[1:])


class Calls:
    """dials: whether there is a number to call. answers: the numbers that are answered, in full. allowed: whether
    there may be any call at all; a silent button has none unless it is set. percent: of the telephone network's times
    that everything takes, for a simulated modem in compressed time. phase: IDLE to ENDING."""

    def __init__(self, dials: bool, answers: "list[str]", allowed: bool, percent: int = 100) -> None:
        self.wait_ms = WAIT_MS
        self.phase = IDLE
        self._dials = dials and allowed
        self._answers = answers if allowed else []
        self._percent = percent
        self._known = False
        self._opening = 0
        self._newest = 0
        self._waiting = False
        self._since_ms = 0
        self._duress = False
        self._forced = False
        self._cancelled = False
        self._quiet = False
        self._quiet_ms = 0
        self._tries = 0
        self._due_ms = 0
        self._round_ms = 0
        self._dialled_ms = -RING_OUT_MS
        self._until_ms = 0
        self._began_ms = 0

    @property
    def busy(self) -> bool:
        """Whether a call is under way or still to be made: the button stays awake."""
        return self.phase != IDLE or self._tries > 0

    def step(self, event: tuple, now_ms: int) -> str:
        """What is to be done now. Never raises for the events above, in any order."""
        what = event[0]
        if what == TICK:
            return self._tick(event[1], now_ms)
        if what == STATE:
            return self._incident(event[1], now_ms)
        if what == RING:
            if self.phase == IDLE:
                self._enter(RINGING, WHO_MS, now_ms)
        elif what == CALLER:
            return self._caller(event[1], now_ms)
        elif what == BEGIN:
            return self._begin(now_ms)
        elif what == FAILED:
            if self.phase in (DIALLING, ANSWERING):
                return self._end(now_ms)
        elif what == MISSED:
            if self.phase == RINGING:
                self.phase = IDLE
        else:
            self._over(what == LOST, now_ms)
        return NOTHING

    def _enter(self, phase: int, ms: int, now_ms: int) -> None:
        self.phase = phase
        self._until_ms = now_ms + self._scaled(ms)

    def _scaled(self, ms: int) -> int:
        return ms * self._percent // 100

    def _end(self, now_ms: int) -> str:
        self._enter(ENDING, ENDED_MS, now_ms)
        return HANG_UP

    # The alarm.

    def _incident(self, state: "alarm.State", now_ms: int) -> str:
        opening = state.opening if alarm.is_open(state) else 0
        newest = max(opening, state.waiting) if opening else 0
        cancelled = alarm.state_name(state) == "cancelled"
        if cancelled and not self._cancelled:
            self._quiet, self._quiet_ms = True, now_ms
        if opening and opening != self._opening:
            # The press after a forced cancel is forced too, though it opens an incident of its own.
            self._forced = self._duress
            self._quiet = False
        if newest > self._newest and self._known and self._dials and not self._forced:
            self._tries = TRIES
            self._round_ms = self._due_ms = now_ms
        ended = self._opening != 0 and opening == 0
        self._known = True
        self._opening = opening
        self._newest = max(newest, self._newest)
        self._waiting = state.waiting != 0
        self._since_ms = state.waiting_ms
        self._duress = state.duress and state.opening != 0
        self._cancelled = cancelled
        if not opening:
            self._tries = 0
        if ended and self.phase in (DIALLING, ANSWERING, UP):
            return self._end(now_ms)
        return NOTHING

    def _may_answer(self, number: str, now_ms: int) -> bool:
        if self._duress or (self._forced and self._opening):
            return False
        if self._quiet and now_ms - self._quiet_ms < QUIET_MS:
            return False
        for full in self._answers:
            if is_same_number(number, full):
                return True
        return False

    # The telephone.

    def _caller(self, number: str, now_ms: int) -> str:
        if self.phase not in (IDLE, RINGING):
            return NOTHING
        if not self._may_answer(number, now_ms):
            return self._end(now_ms)
        self._enter(ANSWERING, ANSWERED_MS, now_ms)
        return ANSWER

    def _begin(self, now_ms: int) -> str:
        if self.phase == IDLE and self._opening and now_ms < self._dialled_ms + self._scaled(RING_OUT_MS):
            # A network that changes to 2G or 3G for the call may say NO CARRIER first, and go on.
            self.phase = DIALLING
        if self.phase in (DIALLING, ANSWERING):
            self._began_ms = now_ms
            self._enter(UP, LONGEST_MS, now_ms)
        elif self.phase != UP and self.phase != ENDING:
            return self._end(now_ms)  # nobody here asked for it
        return NOTHING

    def _over(self, lost: bool, now_ms: int) -> None:
        phase, self.phase = self.phase, IDLE
        if phase == UP and not lost and now_ms - self._began_ms >= self._scaled(SHORT_MS):
            self._tries = 0  # they have talked
        elif phase != IDLE:
            self._due_ms = max(self._due_ms, now_ms + self._scaled(PAUSE_MS))

    def _tick(self, ready: bool, now_ms: int) -> str:
        phase = self.phase
        if phase != IDLE:
            if now_ms < self._until_ms:
                return NOTHING
            if phase == UP:
                self._tries = 0
            return self._end(now_ms)
        if not self._tries:
            return NOTHING
        if now_ms - self._round_ms >= ROUND_MS:
            self._tries = 0
        elif ready and now_ms >= self._due_ms and self._may_dial(now_ms):
            self._tries -= 1
            self._dialled_ms = now_ms
            self._enter(DIALLING, RING_OUT_MS, now_ms)
            return DIAL
        return NOTHING

    def _may_dial(self, now_ms: int) -> bool:
        """A call may cost the modem its data: a press that waits has them to itself for a while."""
        return not self._waiting or now_ms - self._since_ms >= self.wait_ms
