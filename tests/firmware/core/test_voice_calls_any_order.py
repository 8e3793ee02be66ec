"""Telephone calls of the button, whatever hand, gateway and network do, and whatever the modem says of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firmware.core.voice_holder import CENTRE, STRANGER, Holder, holder, talking
from siaga.core import alarm
from siaga.core.voice_calls import _LONGEST_MS as LONGEST_MS
from siaga.core.voice_calls import _RING_OUT_MS as RING_OUT_MS
from siaga.core.voice_calls import _ROUND_MS as ROUND_MS
from siaga.core.voice_calls import _TRIES as TRIES
from siaga.core.voice_calls import ANSWER, DIAL, HANG_UP, IDLE, RINGING, WAIT_MS, is_same_number

MOSTLY = st.sampled_from([True, True, True, False])

# What happens often stands here more than once.
EVENTS = st.one_of(
    st.sampled_from([("press",), ("acknowledge", 1), ("wait", 500), ("answers",)]),
    st.sampled_from([("press",), ("wait", 21_000), ("ends",), ("lost",), ("fails",), ("gives_up",), ("test",)]),
    st.sampled_from([("press",), ("acknowledge", 1), ("wait", 31_000), ("answers",)]),
    st.tuples(st.just("acknowledge"), st.integers(1, 7)),
    st.tuples(st.just("cancel"), st.booleans()),
    st.tuples(st.just("rings"), st.sampled_from([CENTRE, "081200000110", STRANGER, "110", "", None])),
    st.tuples(st.just("wait"), st.sampled_from([250, 4000, 31_000, 46_000, 610_000])),
)


class Line:
    """The telephone line as it really is: nothing, out, in, or ringing; it does what the policy wants."""

    def __init__(self, it: Holder) -> None:
        self.it = it
        self.call = ""
        self.caller: str | None = None
        self.dials_since_press = 0
        self.done = 0

    def obey(self) -> None:
        """Carry out the newest wish, as the driver does."""
        wanted, self.done = self.it.wanted[self.done :], len(self.it.wanted)
        for action in wanted[-1:]:
            if action == DIAL:
                assert self.call == "", f"a call while the line is {self.call}"
                assert alarm.is_open(self.it.state), "a call without an incident"
                state = self.it.state
                assert not state.waiting or self.it.now - state.waiting_ms >= WAIT_MS
                self.dials_since_press += 1
                assert self.dials_since_press <= TRIES
                self.call = "out"
            elif action == ANSWER:
                assert self.call == "ringing", f"an answer while the line is {self.call}"
                assert self.caller is not None and is_same_number(self.caller, CENTRE), "a stranger is answered"
                self.call = "in"
                self.it.began()
            else:
                self.call = ""
                self.it.over()
        assert self.call in ("", "ringing") or self.it.calls.busy

    def happen(self, what: str, *rest: Any) -> None:
        it = self.it
        if what == "press":
            self.dials_since_press = 0
            it.press()
        elif what == "test":
            it.press(test=True)
        elif what == "acknowledge":
            it.acknowledge(*rest)
        elif what == "cancel":
            it.cancel(*rest)
        elif what == "rings" and not self.call:
            self.call, self.caller = "ringing", rest[0]
            it.rings()
            self.obey()
            if rest[0] is not None and self.call:
                it.caller(rest[0])
        elif what == "gives_up" and self.call == "ringing":
            self.call = ""
            it.calls.gave_up()
        elif what == "answers" and self.call == "out":
            it.began()
        elif what == "ends" and self.call in ("out", "in"):
            self.call = ""
            it.over()
        elif what == "fails" and self.call == "out":
            it.failed()
        elif what == "lost":
            self.call = ""
            it.over(lost=True)
        elif what == "wait":
            until = it.now + rest[0]
            while it.now < until:
                it.wait(until - it.now)
                self.obey()
        self.obey()


@given(st.lists(EVENTS, min_size=8, max_size=40), MOSTLY, MOSTLY)
def test_whatever_happens(events: list[tuple], dials: bool, allowed: bool):
    line = Line(holder(dials, allowed))
    for event in events:
        line.happen(*event)
        if not allowed:
            assert DIAL not in line.it.wanted and ANSWER not in line.it.wanted
        if not dials:
            assert DIAL not in line.it.wanted
        if not alarm.is_open(line.it.state):
            assert line.call != "out", "a call goes on after its incident"
    if line.call == "ringing":
        line.happen("gives_up")
    # Nobody does anything any more: every call ends, and no new one is made for ever.
    line.happen("wait", ROUND_MS + LONGEST_MS + RING_OUT_MS)
    assert line.call == "" and line.it.calls.phase == IDLE and not line.it.calls.busy


@given(st.lists(st.sampled_from(["rings", "began", "over", "failed"]), max_size=30))
def test_any_words_of_a_modem_in_any_order_end_in_quiet_or_a_hang_up(words: list[str]):
    it = talking()
    for word in words:
        getattr(it, word)()
    it.cancel()
    assert it.calls.phase in (IDLE, RINGING) or it.wait(LONGEST_MS) == HANG_UP or it.wanted[-1] == HANG_UP
