"""The contract of `service.ports.Output`. Whatever delivers notices, a real adapter or a fake, passes it.

A test class derives from OutputContract and gives a fixture `place`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from gateway.outputs.sample_incidents import INCIDENT, closed, later, opened
from siaga_gateway.domain.incident import Change, Disposition, Notice
from siaga_gateway.service.ports import Delivered, NotDelivered, Output
from waiting import ENDS_S, eventually

# The place's own deadline where something hangs. The port allows 10 s; the rule is the same.
DEADLINE_S = 0.6
# Of any other, as long as an output may have: a loaded machine is slow.
PATIENT_S = 60.0
# What it may take on top of the deadline: with it less than any that is not the test's own.
GRACE_S = 12.0


class Place(Protocol):
    """Where one output delivers to, and ways to disturb it."""

    output: Output

    def arrived(self) -> Mapping[str, Sequence[bytes]]:
        """What a receiver that tells deliveries apart by their key has: the bodies that came, by what it sees of
        the key."""
        ...

    def break_down(self) -> None:
        """From now on nothing can be delivered, which is known at once."""
        ...

    def hang(self, key: str) -> None:
        """From now on a delivery under this key never ends by itself, and the deadline is DEADLINE_S."""
        ...

    def recover(self) -> None:
        """As at the beginning, with PATIENT_S as the deadline."""
        ...


class OutputContract:
    def test_it_has_a_name_and_says_whether_it_takes_tests(self, place: Place) -> None:
        assert place.output.name == "cad"
        assert place.output.receives_tests is True

    def test_delivered_means_that_the_receiver_has_it(self, place: Place) -> None:
        outcome = place.output.deliver(opened(), "key-1")
        assert isinstance(outcome, Delivered)
        assert outcome.detail
        (bodies,) = place.arrived().values()
        assert INCIDENT.identifier.encode() in bodies[-1]

    def test_the_same_key_again_is_the_same_message(self, place: Place) -> None:
        for _ in range(3):
            assert isinstance(place.output.deliver(opened(), "key-1"), Delivered)
        (bodies,) = place.arrived().values()
        assert len(set(bodies)) == 1

    def test_it_can_be_closed_more_than_once(self, place: Place) -> None:
        place.output.close()  # nothing was sent yet
        assert isinstance(place.output.deliver(opened(), "key-1"), Delivered)
        place.output.close()
        place.output.close()

    def test_different_keys_are_different_messages(self, place: Place) -> None:
        keys = ["a.1.cad", "a.1-cad", "a.1/cad", "../a", "a.11.cad"]
        notices = [opened(), later(Change.POSITION), later(Change.DURESS, duress=True), closed(None), opened()]
        for key, notice in zip(keys, notices, strict=True):
            assert isinstance(place.output.deliver(notice, key), Delivered)
        assert len(place.arrived()) == len(keys)

    def test_a_place_that_is_out_of_order_is_reported_and_tried_again_later(self, place: Place) -> None:
        place.break_down()
        outcome = _timed(place, opened(), "key-1")
        assert isinstance(outcome, NotDelivered)
        assert not outcome.permanent
        assert outcome.detail
        assert place.arrived() == {}
        place.recover()
        assert isinstance(place.output.deliver(opened(), "key-1"), Delivered)
        assert len(place.arrived()) == 1

    def test_a_place_that_hangs_costs_no_more_than_the_deadline(self, place: Place) -> None:
        place.hang("key-1")
        for _ in range(2):
            outcome = _timed(place, opened(), "key-1")
            assert isinstance(outcome, NotDelivered)
            assert not outcome.permanent
            assert outcome.detail
        place.recover()
        eventually(lambda: isinstance(place.output.deliver(opened(), "key-1"), Delivered), "it recovers")
        (bodies,) = place.arrived().values()
        assert len(set(bodies)) == 1

    def test_what_people_write_never_breaks_a_delivery(self, place: Place) -> None:
        odd = "<&>\"'\x00\x1b\ud800\ufffe\u202e 👩‍👩‍👧 مرحبا ]]>" * 20
        notice = closed(Disposition.VERIFIED, device_label=odd, unit=odd, note=odd)
        assert isinstance(place.output.deliver(notice, "key-1"), Delivered)

    def test_a_document_that_cannot_be_made_is_refused_for_good(self, place: Place) -> None:
        """A time past the year 9999 stands in no format; no later attempt would mend it."""
        outcome = place.output.deliver(opened(opened_at_ms=10**18, pressed_at_ms=10**18), "key-1")
        assert isinstance(outcome, NotDelivered)
        assert outcome.permanent
        assert place.arrived() == {}

    def test_it_can_be_called_from_several_threads(self, place: Place) -> None:
        together = threading.Barrier(4)

        def deliver(number: int) -> Delivered | NotDelivered:
            together.wait(ENDS_S)
            return place.output.deliver(opened(), f"key-{number}")

        with ThreadPoolExecutor(4) as threads:
            outcomes = list(threads.map(deliver, range(4)))
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)
        assert len(place.arrived()) == 4


def _timed(place: Place, notice: Notice, key: str) -> Delivered | NotDelivered:
    started = time.monotonic()
    outcome = place.output.deliver(notice, key)
    assert time.monotonic() - started < DEADLINE_S + GRACE_S
    return outcome
