"""When the button places a call, whose calls it answers, and when it hangs up. Pure: events and time in, an action out.

A call is made for a press of this run: once the press is acknowledged, or after 30 s without that. It is retried while
nobody answers, and it ends with the incident; a forced cancel ends it like any other. An incident that an earlier run
left triggers no call: a call that browns the button out would otherwise be made again at every start.

The actions are DIAL, ANSWER, HANG_UP (which also rejects an incoming call) and NOTHING. A later action replaces one
that is still pending. Times are monotonic milliseconds.
"""

from micropython import const
from siaga.core import alarm

NOTHING = const(0)
DIAL = const(1)
ANSWER = const(2)
HANG_UP = const(3)

IDLE = const(0)
RINGING = const(1)  # the caller is not known yet
DIALLING = const(2)
ANSWERING = const(3)
UP = const(4)
_ENDING = const(5)

# Without an acknowledgement for this long, the voice call goes before the data.
WAIT_MS = const(30000)
# Attempts per press, and how long after it they may be made.
_TRIES = const(3)
_ROUND_MS = const(900000)
# Between two attempts, so that frames and the centre's own call get through.
_PAUSE_MS = const(20000)
# How long to ring at the other side, and how long an incoming call may take to name its caller.
_RING_OUT_MS = const(45000)
_WHO_MS = const(6000)
# A shorter call is retried. Some networks report a call as begun when it only rings, so a call that nobody ends is
# ended at some time.
_SHORT_MS = const(5000)
_LONGEST_MS = const(600000)
_ANSWERED_MS = const(10000)
_ENDED_MS = const(5000)
# After a cancel of either kind nobody is answered for this long, or until the next press: as long as an incident lasts,
# so that a forced cancel sounds like any other.
_QUIET_MS = const(12 * 3600 * 1000)


def is_same_number(told: str, full: str) -> bool:
    """Return whether the number reported by the network is the configured full one (+62812...). It may come in full,
    with 00 or nothing for the plus, or in national form (0812...), without the country's one to three digits."""
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
    """The state machine of calls. Nothing here raises, in whatever order things happen.

    dials: whether there is a number to call
    answers: the numbers that are answered, in full
    allowed: whether there may be any call at all; a silent button has none unless set otherwise
    percent: scale of the network's times, for a simulated modem in compressed time
    phase: IDLE to UP, and one more while it ends
    """

    def __init__(self, dials: bool, answers: "list[str]", allowed: bool, percent: int = 100) -> None:
        self.wait_ms = WAIT_MS
        self.phase = IDLE
        self._dials = dials and allowed
        self._answers = answers if allowed else []
        self._percent = percent
        self._opening = 0
        self._newest = -1  # press; -1 = nothing is known of the alarm yet
        self._free_ms = 0  # until then the press has the modem to itself
        self._forced = False
        self._cancelled = False
        self._quiet_ms = 0
        self._tries = 0
        self._due_ms = 0
        self._round_ms = 0
        self._late_ms = 0
        self._until_ms = 0
        self._talked_ms = 0

    @property
    def busy(self) -> bool:
        """Return whether a call is in progress or still to be made: the button stays awake."""
        return self.phase != IDLE or self._tries > 0

    def _after(self, ms: int, now_ms: int) -> int:
        return now_ms + ms * self._percent // 100

    def _enter(self, phase: int, ms: int, now_ms: int) -> None:
        self.phase = phase
        self._until_ms = self._after(ms, now_ms)

    def _end(self, now_ms: int) -> int:
        self._enter(_ENDING, _ENDED_MS, now_ms)
        return HANG_UP

    def alarm(self, state: "alarm.State", now_ms: int) -> int:
        """Take the alarm's state, after each step."""
        opening = state.opening if alarm.is_open(state) else 0
        newest = max(opening, state.waiting) if opening else 0
        # Until the incident ends, so that a press after a forced cancel stays silent too.
        self._forced = state.opening != 0 and state.duress
        if state.cancelled and not self._cancelled:
            self._quiet_ms = now_ms + _QUIET_MS
        self._cancelled = state.cancelled
        if newest > self._newest >= 0:
            self._quiet_ms = 0
            if self._dials and not self._forced:
                self._tries = _TRIES
                self._due_ms = now_ms
                self._round_ms = now_ms + _ROUND_MS
        ended = self._opening and not opening
        self._opening = opening
        self._newest = max(newest, self._newest)
        # A call may cost the modem its data: a pending press has them to itself for a while.
        self._free_ms = state.waiting_ms + self.wait_ms if state.waiting else 0
        if not opening:
            self._tries = 0
        if ended and DIALLING <= self.phase <= UP:
            return self._end(now_ms)
        return NOTHING

    def rings(self, now_ms: int) -> None:
        """Note an incoming call."""
        if self.phase == IDLE:
            self._enter(RINGING, _WHO_MS, now_ms)

    def caller(self, number: str, now_ms: int) -> int:
        """Take the caller's number, as the network reports it."""
        if self.phase > RINGING:
            return NOTHING
        if not self._forced and now_ms >= self._quiet_ms:
            for full in self._answers:
                if is_same_number(number, full):
                    self._enter(ANSWERING, _ANSWERED_MS, now_ms)
                    return ANSWER
        return self._end(now_ms)

    def gave_up(self) -> None:
        """Note that the caller gave up."""
        if self.phase == RINGING:
            self.phase = IDLE

    def began(self, now_ms: int) -> int:
        """Note that the other side has answered."""
        phase = self.phase
        # A network that falls back to 2G or 3G for the call may report NO CARRIER first, and continue.
        late = phase == IDLE and self._opening and now_ms < self._late_ms
        if late or phase == DIALLING or phase == ANSWERING:
            self._talked_ms = self._after(_SHORT_MS, now_ms)
            self._enter(UP, _LONGEST_MS, now_ms)
        elif phase < DIALLING:
            return self._end(now_ms)  # not requested by this side
        return NOTHING

    def failed(self, now_ms: int) -> int:
        """Note that the modem failed to do what was asked."""
        return self._end(now_ms) if DIALLING <= self.phase < UP else NOTHING

    def over(self, lost: bool, now_ms: int) -> None:
        """Note that no call is up: ended, busy, no answer, refused. lost: nobody ended it (the modem restarted)."""
        phase, self.phase = self.phase, IDLE
        if phase == UP and not lost and now_ms >= self._talked_ms:
            self._tries = 0
        elif phase:
            self._due_ms = max(self._due_ms, self._after(_PAUSE_MS, now_ms))

    def tick(self, ready: bool, now_ms: int) -> int:
        """Advance; call it a few times a second. ready: there is a network to call in."""
        if self.phase:
            if now_ms < self._until_ms:
                return NOTHING
            if self.phase == UP:
                self._tries = 0
            return self._end(now_ms)
        if now_ms >= self._round_ms:
            self._tries = 0
        if self._tries and ready and now_ms >= self._due_ms and now_ms >= self._free_ms:
            self._tries -= 1
            self._late_ms = self._after(_RING_OUT_MS, now_ms)
            self._enter(DIALLING, _RING_OUT_MS, now_ms)
            return DIAL
        return NOTHING
