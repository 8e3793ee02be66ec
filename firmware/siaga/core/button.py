"""Level samples of a push button, or of an alarm contact, -> what the hand meant. Pure: time is an argument,
milliseconds that only grow.

Doubt decides for the alarm. Where samples are missing (the processor was busy), a press and a forced cancel count as
held, a free cancel counts only what was seen. A worn contact opens for moments under a finger: that ends neither a
press nor a forced cancel, a free cancel has to be unbroken. Whatever is held for hold_ms with no incident open is a
press, also while the power comes on.
"""

from micropython import const

PRESS = "press"  # held for hold_ms, or let go between hold_ms and the cancel hold while an incident is open
TAPS = "taps"  # three short taps, where the setting allows them
CANCEL = "cancel"
DURESS = "duress"  # the other cancel: looks the same, and says that the holder is being forced
TEST = "test"  # held while the power came on, let go, and pressed briefly once more
TOUCH = "touch"  # it woke the button, and was too short for anything
STUCK = "stuck"  # held for a minute: the switch or something that lies on it
CLOSED = "closed"  # the alarm contact was closed
STAYS = "stays"  # and has been for a minute: until it opens it cannot tell of anything more

_DEBOUNCE_MS = const(25)
# A contact that stays open for longer has been let go. Worn, wet or cold ones open for 10 to 100 ms under a finger.
_OPENING_MS = const(150)
_TAP_MS = const(500)
# A tap so close to the next one that a worn contact could have made the gap is a quick one too.
_QUICK_TAP_MS = const(200)
_BETWEEN_TAPS_MS = const(600)
_BLIND_MS = const(500)
_STUCK_MS = const(60000)
_TEST_MS = const(10000)  # for so long after it was let go it may be pressed for a test
# An alarm contact hangs on a long cable: what is shorter may be interference; EN 50131-1 has 400 ms processed.
_CONTACT_MS = const(200)


class Button:
    """Feed it samples every 10 to 20 ms; it answers with one of the words above, or None.

    hold_ms: how long a press is held. cancel_hold_ms, duress_hold_ms: how long the two cancels are held while an
    incident is open; they may stand in either order, 0 = no duress cancel. The longer one counts when its time is
    reached, the shorter one when the button is let go before that. A hold that began before the incident was open
    never cancels it: somebody in panic holds on.
    power_up: the power has just come on, so that a button already held, let go early and touched again asks for a test.
    woken: the button woke the chip. The first sample is then the moment of the wake, and pressed.
    """

    def __init__(
        self,
        hold_ms: int = 2000,
        cancel_hold_ms: int = 5000,
        duress_hold_ms: int = 8000,
        triple_tap: bool = False,
        power_up: bool = False,
        woken: bool = False,
    ) -> None:
        self.hold_ms = hold_ms
        if 0 < duress_hold_ms < cancel_hold_ms:
            self._short, self._short_means = duress_hold_ms, DURESS
            self._long, self._long_means = cancel_hold_ms, CANCEL
        elif duress_hold_ms > cancel_hold_ms:
            self._short, self._short_means = cancel_hold_ms, CANCEL
            self._long, self._long_means = duress_hold_ms, DURESS
        else:
            self._short, self._short_means = cancel_hold_ms, CANCEL
            self._long, self._long_means = cancel_hold_ms, CANCEL
        self._triple_tap = triple_tap
        self._power_up = power_up
        self._woken = woken
        self._closed = None  # type: bool | None  # the contact, bounce aside
        self._last_ms = None  # type: int | None
        self._turned_ms = None  # type: int | None  # first sample that differs from _closed
        self._turned_after_ms = 0  # the last sample before that one
        self._open_ms = None  # type: int | None  # since when it is open, bounce and all
        self._open_after_ms = 0  # the last sample before that one
        self.held = False  # whether a hold goes on, the openings of a worn contact aside
        self._down_ms = 0
        self._seen_ms = 0  # since when it was watched to be closed, without a gap
        self._cancels = False
        self._said = False
        self._stuck = False
        self._first = False  # this hold was there at the very first sample
        self._witnessed = False  # and was seen at another one
        self._asks_ms = None  # type: int | None  # until when a touch asks for a test
        self._taps = 0
        self._tap_down_ms = 0
        self._tap_ms = 0

    @property
    def is_undecided(self) -> bool:
        """Whether a hold goes on of which nothing was said yet."""
        return self.held and not self._said

    def asks(self, now_ms: int) -> bool:
        """Whether a brief press would be a test now."""
        return self._asks_ms is not None and now_ms < self._asks_ms

    def sample(self, pressed: bool, now_ms: int, incident_open: bool) -> "str | None":
        """One sample of the contact. incident_open: whether a hold may cancel."""
        before = now_ms if self._last_ms is None else self._last_ms
        if self._last_ms is None and not pressed:
            self._closed = False  # only what is down at the very first look was down at power-up
        elif self._last_ms is None and self._woken:
            self._closed = True  # the wake was the moment in which it closed
            self._go_down(now_ms, incident_open, True)
        elif pressed:
            self._witnessed = True
        self._last_ms = now_ms
        blind = now_ms - before > _BLIND_MS
        if pressed:
            self._open_ms = None
        elif self._open_ms is None:
            self._open_ms = now_ms
            self._open_after_ms = before
        word = None
        if pressed == self._closed:
            self._turned_ms = None
        else:
            if self._turned_ms is None:
                self._turned_ms = now_ms
                self._turned_after_ms = before
            if now_ms - self._turned_ms >= _DEBOUNCE_MS:
                word = self._turn(pressed, self._turned_ms, incident_open)
                self._turned_ms = None
        if pressed and self._closed:
            if blind:
                self._seen_ms = now_ms
            return word or self._while_down(now_ms)
        if self.held and self._open_ms is not None and now_ms - self._open_ms >= _OPENING_MS:
            self.held = False
            return word or self._let_go(self._open_ms)
        return word

    def _turn(self, pressed: bool, turned_ms: int, incident_open: bool) -> "str | None":
        """The contact closed or opened, bounce aside."""
        first = self._closed is None
        self._closed = pressed
        if not pressed:
            return self._tap(turned_ms) if self._triple_tap and self.held else None
        if self.held:
            self._seen_ms = turned_ms
            if self._tap_ms - self._tap_down_ms > _QUICK_TAP_MS:
                self._taps = 0
        else:
            self._go_down(turned_ms, incident_open, first)
        self._tap_down_ms = turned_ms
        return None

    def _go_down(self, turned_ms: int, incident_open: bool, first: bool) -> None:
        self.held = True
        self._first = first
        if incident_open:
            self._asks_ms = None
        # The contact closed somewhere after the sample before: the earliest moment counts, but never for more
        # than half of the hold, so that a short touch in a blind second is no alarm.
        unseen = 0 if first else min(turned_ms - self._turned_after_ms, self.hold_ms // 2)
        self._down_ms = turned_ms - unseen
        self._seen_ms = self._tap_down_ms = turned_ms
        self._cancels = incident_open
        self._said = False
        self._stuck = False

    def _while_down(self, now_ms: int) -> "str | None":
        held = now_ms - self._down_ms
        if not self._said:
            if self._cancels:
                if self._reached(self._long, self._long_means, now_ms):
                    return self._say(self._long_means)
            elif held >= self.hold_ms:
                return self._say(PRESS)
        if held >= _STUCK_MS and not self._stuck:
            self._stuck = True
            return STUCK
        return None

    def _let_go(self, open_ms: int) -> "str | None":
        first, self._first = self._first, False
        if self._said:
            return None
        if first and self._woken and not self._witnessed:
            self._taps, self._tap_ms = 1, open_ms  # nobody knows for how long it was held
            return TOUCH
        # Up to the last sample that showed it down; a gap before the first one that did not is no holding.
        if self._cancels and self._reached(self._long, self._long_means, self._open_after_ms):
            return self._say(self._long_means)
        if self._cancels and self._reached(self._short, self._short_means, self._open_after_ms):
            return self._say(self._short_means)
        if open_ms - self._down_ms >= self.hold_ms:
            return self._say(PRESS)
        if self.asks(self._down_ms):
            self._asks_ms = None
            return TEST
        if first and self._power_up and not self._cancels:
            self._asks_ms = open_ms + _TEST_MS
        return TOUCH if first and self._woken else None

    def _reached(self, hold_ms: int, word: str, until_ms: int) -> bool:
        since_ms = self._down_ms if word == DURESS else self._seen_ms
        return until_ms - since_ms >= hold_ms

    def _tap(self, up_ms: int) -> "str | None":
        down_ms = self._tap_down_ms
        rest_ms = down_ms - self._tap_ms
        if self._taps and rest_ms > _BETWEEN_TAPS_MS:
            self._taps = 0
        longest = _QUICK_TAP_MS if self._taps and rest_ms < _OPENING_MS else _TAP_MS
        self._tap_ms = up_ms
        if self._said or up_ms - down_ms > longest:
            self._taps = 0
            return None
        self._taps += 1
        if self._taps < 3:
            return None
        return self._say(TAPS)

    def _say(self, word: str) -> str:
        self._said = True
        self._taps = 0
        self._asks_ms = None
        return word


class Contact:
    """The contact of another alarm device, such as a foot switch: feed it samples as often as a Button; it answers
    CLOSED once for each closing, STAYS once if that lasts, else None.

    It is armed by being seen open; armed: it was, before a sleep. Else one that is closed at the very first look is no
    alarm: it may be a switch that latches, and whose alarm was raised before this start. After a minute it is told.
    woken: it woke the chip, which is an alarm, however short: nobody has seen how long it was closed before the first
    sample. closed: the contact, bounce aside.
    """

    def __init__(self, armed: bool = False, woken: bool = False) -> None:
        self._armed = armed
        self._woken = woken
        self._told = False
        self.closed = not armed
        self._since_ms = -1  # since when the samples differ from that; -1 = they do not
        self._closed_ms = -1  # since when it is closed

    def sample(self, closed: bool, now_ms: int) -> "str | None":
        """One sample of the contact."""
        if self._woken:
            self._woken = self._armed = False
            self._closed_ms = now_ms
            self.closed = True
            return CLOSED
        if self._closed_ms < 0:
            self._closed_ms = now_ms
            if not closed:
                self.closed = False
                self._armed = True
        if closed == self.closed:
            self._since_ms = -1
        elif self._since_ms < 0:
            self._since_ms = now_ms
        elif now_ms - self._since_ms >= _CONTACT_MS:
            self.closed = closed
            self._closed_ms = self._since_ms
            self._since_ms = -1
            self._told = False
            if not closed:
                self._armed = True
            elif self._armed:
                self._armed = False
                return CLOSED
        if self.closed and not self._told and now_ms - self._closed_ms >= _STUCK_MS:
            self._told = True
            return STAYS
        return None
