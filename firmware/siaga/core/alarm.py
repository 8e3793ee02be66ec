"""The whole life of a press, as a pure function: next_state(state, event, now_ms) -> (state, actions).

Events and actions are tuples whose first item is one of the words below. Nothing is drawn or sent here: the holder is
shown state_name(state) and signal(state, now_ms). Times are monotonic milliseconds.

    (PRESSED, trigger)                       the holder asked for help; trigger is a frame.TRIGGER_ value
    (TESTED,)  (CANCELLED, duress)           the holder asked for a test, or cancelled the press
    (STORED, kind, counter, marked)          the frame that a SEND asked for is on flash under this counter;
                                             marked: a PRESS is a test, a CANCEL is forced
    (UNSTORED, kind)                         it could not be stored
    (ACKED, kind, counter, stage, eta, time) the gateway's verified answer to this frame; kind 0: an earlier test; time:
                                             the gateway's, Unix seconds
    (TICK, news, floor)                      every quarter of a second; news: NO_FIX, NEW_FIX, BETTER_FIX; floor: the
                                             battery is so low that it is reserved for the press

    (SEND, kind, flags, opening)             store and send a frame; opening 0 = it opens an incident itself
    (SAVE,)                                  state.saved() must be on flash before anything else happens
"""

import struct

from micropython import const
from siaga.core import frame

PRESSED = "pressed"
TESTED = "tested"
CANCELLED = "cancelled"
STORED = "stored"
UNSTORED = "unstored"
ACKED = "acked"
TICK = "tick"

SEND = "send"
SAVE = "save"

NO_FIX = const(0)  # nothing newer than what was sent last
NEW_FIX = const(1)
BETTER_FIX = const(2)  # the incident's first, of a better source, or at most half as uncertain as the last one sent

# How long each notice is shown before the button is quiet again, milliseconds.
CLOSED_MS = const(10000)
TEST_MS = const(10000)
TEST_WAIT_MS = const(60000)
UNSTORED_MS = const(60000)
# An incident that nobody closed ends here after half a day, so that the next press opens a new one.
INCIDENT_MS = const(12 * 3600 * 1000)
OFTEN_MS = const(10000)
OFTEN_FOR_MS = const(600000)
SELDOM_MS = const(60000)
BETTER_MS = const(2000)

_NAMES = {
    0: "sending",
    frame.STAGE_RECEIVED: "received",
    frame.STAGE_REFUSED: "refused",
    frame.STAGE_SEEN: "seen",
    frame.STAGE_ASSIGNED: "assigned",
    frame.STAGE_ON_SCENE: "on_scene",
    frame.STAGE_CLOSED: "closed",
}
# Refused comes after received: somebody may still look at the press and send help, and that is news.
STAGES = (
    0,
    frame.STAGE_RECEIVED,
    frame.STAGE_REFUSED,
    frame.STAGE_SEEN,
    frame.STAGE_ASSIGNED,
    frame.STAGE_ON_SCENE,
    frame.STAGE_CLOSED,
)
# Stages that answer a frame itself; the others report on its incident.
_FIRST_STAGES = (frame.STAGE_RECEIVED, frame.STAGE_TEST, frame.STAGE_REFUSED)
_CALLS = (frame.PRESS, frame.UPDATE, frame.CANCEL)
_NOTICE_CANCELLED = "cancelled"
_NOTICE_CLOSED = "closed"
_NOTICE_TEST = "test"
_NOTICE_TESTED = "test_received"
_NOTICE_TEST_REFUSED = "test_refused"
_NOTICE_UNSTORED = "unstored"
SAVED = ">IIIBBB"
SAVED_SIZE = const(15)
DURESS_MARK = const(1)
CANCELLED_MARK = const(2)
# No counter is above it.
NONE = const(0xFFFFFFFF)
_FIELDS = (
    "opening",
    "stage",
    "named",
    "eta",
    "news",
    "told_s",
    "back_s",
    "duress",
    "cancelled",
    "pressed",
    "waiting",
    "waiting_ms",
    "opened_ms",
    "updated_ms",
    "test",
    "past",
    "notice",
    "until_ms",
)


class State:
    """The state of the press and its incident.

    opening: counter of the PRESS that opened the incident, 0 = none
    stage: the furthest one acknowledged, 0 = none
    named: the counter of the frame that stage was for
    eta: minutes or None
    news: counts other estimates for the same unit, so that each is shown anew
    told_s: the gateway's time of the newest word on the stage; what is older takes nothing back
    back_s: of the last word that took a stage back; an older one brings that stage back only under a newer frame
    cancelled: by its holder; the incident continues, hidden, until a further PRESS
    duress: a cancel was forced; all later frames of the incident say so
    waiting: counter of the newest unacknowledged PRESS, 0 = none
    waiting_ms: since when
    pressed: counter of the incident's newest PRESS
    test: counter of the test PRESS that awaits its answer, 0 = none
    past: no PRESS up to this counter opens an incident again, or belongs to the open one
    notice: what is shown with no incident open, "" = nothing
    until_ms: until when
    """

    def __init__(self, past: int = 0, test: int = 0) -> None:
        self.opening = 0
        self.stage = 0
        self.named = 0
        self.eta = None  # type: int | None
        self.news = 0
        self.told_s = 0
        self.back_s = 0
        self.duress = False
        self.cancelled = False
        self.pressed = 0
        self.waiting = 0
        self.waiting_ms = 0
        self.opened_ms = 0
        self.updated_ms = 0
        self.test = test
        self.past = past
        self.notice = ""
        self.until_ms = 0

    def changed(self, **fields: "int | str | bool | None") -> "State":
        """Return a copy with these fields set."""
        copy = State(self.past, self.test)
        for name in _FIELDS:
            setattr(copy, name, fields[name] if name in fields else getattr(self, name))
        return copy

    def saved(self) -> bytes:
        """Return the 15 bytes from which restore() of app/restore.py resumes after a restart."""
        eta = frame.UNKNOWN_ETA if self.eta is None else self.eta
        marks = (DURESS_MARK if self.duress else 0) | (CANCELLED_MARK if self.cancelled else 0)
        return struct.pack(SAVED, self.opening, self.past, self.pressed, self.stage, marks, eta)


def since(state: State) -> int:
    """Return the counter up to which no frame is one of the open incident's."""
    return max(state.opening - 1, state.past) if state.opening else NONE


def is_open(state: State) -> bool:
    """Return whether an incident is shown: a hold may cancel it."""
    return state.opening != 0 and not state.cancelled


def taken_back(state: State) -> State:
    """Return the state after a PRESS newer than the cancel: earlier stages were for a press that its holder took
    back."""
    return state.changed(cancelled=False, stage=0, named=0, eta=None)


def is_lost(state: State) -> bool:
    """Return whether the press of the incident shown is neither pending nor acknowledged: the flash lost it."""
    return is_open(state) and state.stage == 0 and state.waiting == 0


def state_name(state: State) -> str:
    """Return armed, sending, received, seen, assigned, on_scene, closed, cancelled, refused or test."""
    if is_open(state):
        return _NAMES[state.stage]
    if state.notice in (_NOTICE_TESTED, _NOTICE_TEST_REFUSED):
        return "test"
    if state.notice == _NOTICE_UNSTORED:
        return "sending"
    return state.notice or "armed"


def signal(state: State, now_ms: int, no_ack_ms: int) -> str:
    """Return what light, sound and vibration signal: a state's name, "not_getting_through", or how a test ended."""
    if is_open(state):
        if state.waiting:
            return "not_getting_through" if now_ms - state.waiting_ms >= no_ack_ms else "sending"
        return _NAMES[state.stage]
    if state.notice == _NOTICE_UNSTORED:
        return "not_getting_through"
    if state.notice == _NOTICE_TEST_REFUSED:
        return "refused"
    if state.notice == _NOTICE_TEST and state.test and now_ms - state.waiting_ms >= no_ack_ms:
        return "not_getting_through"
    return state.notice or "armed"


def next_state(state: State, event: tuple, now_ms: int) -> "tuple[State, list[tuple]]":
    """Take one step. Never raises for the events above, in any order."""
    what = event[0]
    if what == PRESSED:
        return state, [(SEND, frame.PRESS, event[1] | _duress_flag(state), state.opening)]
    if what == TESTED:
        return state, [(SEND, frame.PRESS, frame.FLAG_TEST, 0)]
    if what == CANCELLED:
        if not is_open(state):
            return state, []
        flags = frame.FLAG_DURESS if event[1] else _duress_flag(state)
        return state, [(SEND, frame.CANCEL, flags, state.opening)]
    if what == STORED:
        return _stored(state, event[1], event[2], event[3], now_ms)
    if what == UNSTORED:
        if event[1] == frame.PRESS and not is_open(state):
            return state.changed(notice=_NOTICE_UNSTORED, until_ms=now_ms + UNSTORED_MS), []
        return state, []
    if what == ACKED:
        return _acked(state, event[1], event[2], event[3], event[4], event[5], now_ms)
    return _tick(state, event[1], event[2], now_ms)


def _cancelled(state: State, duress: bool, now_ms: int) -> "tuple[State, list[tuple]]":
    """Handle a CANCEL that is on flash. Both kinds look the same from here on, and the incident goes on reporting: a
    hold in panic may be a cancel too, and whoever is on the way needs the position."""
    after = state.changed(cancelled=True, duress=state.duress or duress, waiting=0)
    return after.changed(notice=_NOTICE_CANCELLED, until_ms=now_ms + CLOSED_MS), [(SAVE,)]


def _ended(state: State, notice: str, until_ms: int) -> "tuple[State, list[tuple]]":
    past = max(state.past, state.opening)
    return State(past, state.test).changed(notice=notice, until_ms=until_ms), [(SAVE,)]


def _duress_flag(state: State) -> int:
    return frame.FLAG_DURESS if state.duress and state.opening else 0


def _stored(state: State, kind: int, counter: int, marked: bool, now_ms: int) -> "tuple[State, list[tuple]]":
    """Handle a frame that is on flash. marked: a PRESS is a test; a CANCEL is forced."""
    if kind == frame.CANCEL:
        return _cancelled(state, marked, now_ms)
    if kind == frame.UPDATE:
        return state.changed(updated_ms=now_ms), []
    if kind != frame.PRESS:
        return state, []
    if marked:
        if is_open(state):
            return state.changed(test=counter), []
        shown = state.changed(notice=_NOTICE_TEST, until_ms=now_ms + TEST_WAIT_MS)
        return shown.changed(test=counter, waiting_ms=now_ms), []
    if state.opening:
        # The oldest pending press decides when the holder is told that nothing gets through.
        pressed_ms = state.waiting_ms if state.waiting else now_ms
        after = state.changed(pressed=counter, waiting=counter, waiting_ms=pressed_ms, updated_ms=now_ms)
        if state.cancelled:
            return taken_back(after).changed(opened_ms=now_ms), [(SAVE,)]
        return after, []
    opened = State(state.past, state.test).changed(opening=counter, pressed=counter, waiting=counter)
    return opened.changed(waiting_ms=now_ms, opened_ms=now_ms, updated_ms=now_ms), [(SAVE,)]


def _acked(
    state: State, kind: int, counter: int, stage: int, eta: "int | None", told_s: int, now_ms: int
) -> "tuple[State, list[tuple]]":
    if state.test and counter == state.test:
        told = _NOTICE_TEST_REFUSED if stage == frame.STAGE_REFUSED else _NOTICE_TESTED
        if is_open(state) or state.notice not in ("", _NOTICE_TEST):
            return state.changed(test=0), []
        return state.changed(test=0, notice=told, until_ms=now_ms + TEST_MS), []
    if counter <= since(state) or kind not in _CALLS:
        return state, []
    if kind != frame.PRESS and stage in _FIRST_STAGES:
        return state, []  # it answers this frame; it says nothing about the press
    if counter < state.pressed != state.waiting and stage != frame.STAGE_CLOSED:
        return state, []  # older than the newest press, whose own answers report its stage
    if stage == frame.STAGE_TEST:
        stage = frame.STAGE_REFUSED  # a real press that was taken for a test brings nobody
    after = state
    if stage == frame.STAGE_CLOSED:
        return _closed(state, counter, now_ms)
    if stage in _FIRST_STAGES:
        told_s = 0  # it is an answer to the frame, and no word on who comes
    if counter >= state.waiting > 0:
        after = after.changed(waiting=0)
        if kind == frame.PRESS and stage != state.stage:
            # The earlier stage may be of an incident closed meanwhile: of this one no more is known.
            return after.changed(stage=stage, eta=eta, named=counter, told_s=told_s, back_s=0), [(SAVE,)]
    ahead = STAGES.index(stage) - STAGES.index(state.stage)
    is_newest = told_s >= state.told_s
    after = after.changed(told_s=max(told_s, state.told_s))
    # A frame newer than the one that took a stage back: a gateway's clock that was set back holds nobody up.
    if ahead > 0 and (told_s >= state.back_s or counter > state.named):
        return after.changed(stage=stage, eta=eta, named=counter), [(SAVE,)]
    if ahead < 0 and is_newest and told_s:
        # Whoever was to come does not: to show him any longer would be worse than to show less.
        return after.changed(stage=stage, eta=eta, named=counter, back_s=told_s), [(SAVE,)]
    if ahead == 0 and is_newest and eta != state.eta:
        return after.changed(eta=eta, news=state.news + 1), [(SAVE,)]
    return after, []


def _closed(state: State, counter: int, now_ms: int) -> "tuple[State, list[tuple]]":
    """Close the incident up to this frame: a later press opens another one at the gateway. A pending press has not been
    seen by anybody."""
    waits = state.waiting if state.waiting != counter else 0
    if waits or state.pressed > counter:
        past = min(counter, (waits or state.pressed) - 1)
        after = state.changed(past=past, waiting=waits)
        if state.named <= counter:  # the stage was for what is closed now
            after = after.changed(stage=0 if waits else frame.STAGE_RECEIVED, eta=None)
        return after, [(SAVE,)]
    if state.cancelled:
        return _ended(state, state.notice, state.until_ms)
    return _ended(state, _NOTICE_CLOSED, now_ms + CLOSED_MS)


def _tick(state: State, news: int, floor: bool, now_ms: int) -> "tuple[State, list[tuple]]":
    actions = []  # type: list[tuple]
    if state.notice and now_ms >= state.until_ms:
        state = state.changed(notice="")
    if state.opening and now_ms - state.opened_ms >= INCIDENT_MS:
        return _ended(state, state.notice, state.until_ms)
    if state.opening and news != NO_FIX and not floor:
        since = now_ms - state.updated_ms
        often = now_ms - state.opened_ms < OFTEN_FOR_MS
        due = BETTER_MS if news == BETTER_FIX else OFTEN_MS if often else SELDOM_MS
        if since >= due:
            flags = _duress_flag(state)
            # Counts as sent even if not stored, so that a full flash is not tried four times a second.
            state = state.changed(updated_ms=now_ms)
            actions.append((SEND, frame.UPDATE, flags, state.opening))
    return state, actions
