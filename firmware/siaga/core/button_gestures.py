"""Recognises gestures from level samples of a push button or an alarm contact. Pure: time is an argument, monotonic
milliseconds.

Doubt decides for the alarm. Where samples are missing (the processor was busy), a press and a forced cancel count the
gap as held; a free cancel counts only what was sampled. A worn contact opens for moments under a finger: that ends
neither a press nor a forced cancel; a free cancel has to be unbroken. Anything held for hold_ms with no incident open
is a press, also during power-up.
"""

from micropython import const

PRESS = "press"  # held for hold_ms, or released between hold_ms and the cancel hold while an incident is open
TAPS = "taps"  # three short taps, where the setting allows them
CANCEL = "cancel"
DURESS = "duress"  # the forced cancel: looks the same, and reports that the holder is under duress
TEST = "test"  # held during power-up, released, and pressed briefly once more
TOUCH = "touch"  # it woke the button, but was too short for anything
STUCK = "stuck"  # held for a minute: the switch is stuck or something lies on it
CLOSED = "closed"  # the alarm contact was closed
STAYS = "stays"  # and has been for a minute: it can report nothing more until it opens

_DEBOUNCE_MS = const(25)
# A contact that stays open for longer was released. Worn, wet or cold ones open for 10 to 100 ms under a finger.
_OPENING_MS = const(150)
_TAP_MS = const(500)
# A tap this close to the next one counts as a quick one too: a worn contact could have made the gap.
_QUICK_TAP_MS = const(200)
_BETWEEN_TAPS_MS = const(600)
_BLIND_MS = const(500)
_STUCK_MS = const(60000)
_TEST_MS = const(10000)  # the window for a test press after release
# An alarm contact has a long cable: anything shorter may be interference; EN 50131-1 requires 400 ms to be processed.
_CONTACT_MS = const(200)


class Button:
    """Feed it samples every 10 to 20 ms; it returns one of the gestures above, or None.

    hold_ms: how long a press is held
    cancel_hold_ms, duress_hold_ms: how long the two cancels are held while an incident is open, in either order, 0 = no
        duress cancel; the longer one counts when its time is reached, the shorter one on an earlier release
    power_up: power has just come on, so a button already held, released early and touched again asks for a test
    woken: the button woke the chip; the first sample is then the moment of the wake, and pressed

    A hold that began before the incident opened never cancels it: somebody in panic holds on.
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
        self._turned_after_ms = 0  # time of the last sample before that one
        self._open_ms = None  # type: int | None  # since when it is open, bounce and all
        self._open_after_ms = 0  # time of the last sample before that one
        self.held = False  # whether a hold is in progress, gaps of a worn contact included
        self._down_ms = 0
        self._seen_ms = 0  # since when it has been sampled closed, without a gap
        self._cancels = False
        self._said = False
        self._stuck = False
        self._first = False  # this hold was there at the very first sample
        self._witnessed = False  # and was sampled again
        self._asks_ms = None  # type: int | None  # until when a touch asks for a test
        self._taps = 0
        self._tap_down_ms = 0
        self._tap_ms = 0

    @property
    def is_undecided(self) -> bool:
        """Return whether a hold is in progress that has yielded no gesture yet."""
        return self.held and not self._said

    def asks(self, now_ms: int) -> bool:
        """Return whether a brief press would be a test now."""
        return self._asks_ms is not None and now_ms < self._asks_ms

    def sample(self, pressed: bool, now_ms: int, incident_open: bool) -> "str | None":
        """Take one sample of the contact. incident_open: whether a hold may cancel."""
        before = now_ms if self._last_ms is None else self._last_ms
        if self._last_ms is None and not pressed:
            self._closed = False  # only a button down at the very first sample was down at power-up
        elif self._last_ms is None and self._woken:
            self._closed = True  # it closed at the moment of the wake
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
        """Handle a debounced edge of the contact."""
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
        # The contact closed somewhere after the previous sample: the earliest moment counts, but never for more than
        # half of the hold, so that a short touch in a sampling gap is no alarm.
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
            self._taps, self._tap_ms = 1, open_ms  # nobody knows how long it was held
            return TOUCH
        # Up to the last sample that showed it down; a gap before the first that did not is not a hold.
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
    """The contact of another alarm device, such as a foot switch. Feed it samples as often as a Button; it returns
    CLOSED once for each closing, STAYS once if that lasts, else None.

    armed: it was, before a sleep; otherwise it is armed once sampled open
    woken: it woke the chip, which is an alarm, however short: nobody knows how long it was closed before the first
        sample
    closed: the debounced contact

    A contact that is closed at the very first sample is no alarm: it may be a latching switch whose alarm was raised
    before this start. It is reported after a minute.
    """

    def __init__(self, armed: bool = False, woken: bool = False) -> None:
        self._armed = armed
        self._woken = woken
        self._told = False
        self.closed = not armed
        self._since_ms = -1  # since when the samples differ from that; -1 = they do not
        self._closed_ms = -1  # since when it is closed

    def sample(self, closed: bool, now_ms: int) -> "str | None":
        """Take one sample of the contact."""
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
