"""Level samples of a push button, or of an alarm contact, -> what the hand meant. Pure: time is an argument,
milliseconds that only grow.

Where samples are missing (the processor was busy), doubt decides for the alarm: a press and a forced cancel count as
held, a free cancel counts only what was seen.
"""

from micropython import const

PRESS = "press"  # held for hold_ms, or let go between hold_ms and the cancel hold while an incident is open
TAPS = "taps"  # three short taps, where the setting allows them
CANCEL = "cancel"
DURESS = "duress"  # the other cancel: looks the same, and says that the holder is being forced
TEST = "test"  # held while the power came on
STUCK = "stuck"  # held for a minute: the switch or something that lies on it
CLOSED = "closed"  # the alarm contact was closed
STAYS = "stays"  # and has been for a minute: until it opens it cannot tell of anything more

_DEBOUNCE_MS = const(25)
_TAP_MS = const(500)
_BETWEEN_TAPS_MS = const(600)
_BLIND_MS = const(500)
_STUCK_MS = const(60000)
# An alarm contact hangs on a long cable: what is shorter may be interference; EN 50131-1 has 400 ms processed.
_CONTACT_MS = const(200)


class Button:
    """Feed it samples every 10 to 20 ms; it answers with one of the words above, or None.

    hold_ms: how long a press is held. cancel_hold_ms, duress_hold_ms: how long the two cancels are held while an
    incident is open; they may stand in either order, 0 = no duress cancel. The longer one counts when its time is
    reached, the shorter one when the button is let go before that. A hold that began before the incident was open
    never cancels it: somebody in panic holds on.
    power_up: the power has just come on, so that a button already held asks for a test.
    """

    def __init__(
        self,
        hold_ms: int = 2000,
        cancel_hold_ms: int = 5000,
        duress_hold_ms: int = 8000,
        triple_tap: bool = False,
        power_up: bool = False,
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
        self._settled = None  # type: bool | None
        self._last_ms = -1
        self._turned_ms = -1  # first sample that differs from the settled level; -1 = none does
        self._turned_after_ms = 0  # the last sample before that one
        self._down_ms = 0
        self._seen_ms = 0  # since when the level was watched without a gap
        self._cancels = False
        self._said = False
        self._stuck = False
        self._test = False
        self._taps = 0
        self._tap_ms = 0

    @property
    def held(self) -> bool:
        """Whether the button is down, contact bounce aside."""
        return self._settled is True

    def sample(self, pressed: bool, now_ms: int, incident_open: bool) -> "str | None":
        """One sample of the contact. incident_open: whether a hold may cancel."""
        if self._last_ms < 0:
            self._last_ms = now_ms
            if not pressed:
                self._settled = False  # only what is down at the very first look was down at power-up
        before = self._last_ms
        self._last_ms = now_ms
        blind = now_ms - before > _BLIND_MS
        if pressed == self._settled:
            self._turned_ms = -1
            if not pressed:
                return None
            if blind:
                self._seen_ms = now_ms
            return self._while_down(now_ms)
        if self._turned_ms < 0:
            self._turned_ms = now_ms
            self._turned_after_ms = before
        if now_ms - self._turned_ms < _DEBOUNCE_MS:
            return None
        turned_ms = self._turned_ms
        self._turned_ms = -1
        if pressed:
            self._go_down(turned_ms, incident_open)
            if blind:
                self._seen_ms = now_ms
            return self._while_down(now_ms)
        was_down = self._settled is True
        self._settled = False
        return self._let_go(turned_ms) if was_down else None

    def _go_down(self, turned_ms: int, incident_open: bool) -> None:
        self._test = self._settled is None and self._power_up and not incident_open
        self._settled = True
        # The contact closed somewhere after the sample before: the earliest moment counts, but never for more
        # than half of the hold, so that a short touch in a blind second is no alarm.
        unseen = min(turned_ms - self._turned_after_ms, self.hold_ms // 2)
        self._down_ms = turned_ms - unseen
        self._seen_ms = turned_ms
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
                return self._say(TEST if self._test else PRESS)
        if held >= _STUCK_MS and not self._stuck:
            self._stuck = True
            return STUCK
        return None

    def _let_go(self, turned_ms: int) -> "str | None":
        held = turned_ms - self._down_ms
        if self._said:
            return None
        # Up to the last sample that showed it down; a gap before the first one that did not is no holding.
        if self._cancels and self._reached(self._long, self._long_means, self._turned_after_ms):
            return self._say(self._long_means)
        if self._cancels and self._reached(self._short, self._short_means, self._turned_after_ms):
            return self._say(self._short_means)
        if held >= self.hold_ms:
            return self._say(TEST if self._test else PRESS)
        return self._tap(turned_ms, held) if self._triple_tap else None

    def _reached(self, hold_ms: int, word: str, until_ms: int) -> bool:
        since_ms = self._down_ms if word == DURESS else self._seen_ms
        return until_ms - since_ms >= hold_ms

    def _tap(self, turned_ms: int, held: int) -> "str | None":
        if held > _TAP_MS:
            self._taps = 0
            return None
        if self._taps and self._down_ms - self._tap_ms > _BETWEEN_TAPS_MS:
            self._taps = 0
        self._taps += 1
        self._tap_ms = turned_ms
        if self._taps < 3:
            return None
        return self._say(TAPS)

    def _say(self, word: str) -> str:
        self._said = True
        self._taps = 0
        return word


class Contact:
    """The contact of another alarm device, such as a foot switch: feed it samples as often as a Button; it answers
    CLOSED once for each closing, STAYS once if that lasts, else None.

    It is armed by being seen open; armed: it was, before a sleep. Else one that is closed at the very first look is no
    alarm: it may be a switch that latches, and whose alarm was raised before this start. After a minute it is told.
    closed: the contact, bounce aside.
    """

    def __init__(self, armed: bool = False) -> None:
        self._armed = armed
        self._told = False
        self.closed = not armed
        self._since_ms = -1  # since when the samples differ from that; -1 = they do not
        self._closed_ms = -1  # since when it is closed

    def sample(self, closed: bool, now_ms: int) -> "str | None":
        """One sample of the contact."""
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
