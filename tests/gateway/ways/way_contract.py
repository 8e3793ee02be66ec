"""The contract of `service.dispatch.ways.Way`. Whatever brings messages to people, a real adapter or a fake, passes it.

A test class derives from WayContract and gives a fixture `place`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from gateway.ways.sample_messages import KEY, alarm, note
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.service.dispatch.ways import HandedOver, Way
from siaga_gateway.service.ports import NotDelivered
from waiting import ENDS_S, eventually

DEADLINE_S = 0.6  # of a way whose service hangs
PATIENT_S = 60.0  # of any other, as long as a way may have: a loaded machine is slow
GRACE_S = 12.0  # what a loaded machine may take on top of it: with it less than any that is not the test's own
SECRETS = re.compile("hidden")


class Place(Protocol):
    """Where one way hands messages over, and ways to disturb it."""

    way: Way
    good: str  # an address that it takes
    bad: str  # one that it can never send to

    def arrived(self) -> Sequence[str]:
        """What the service was handed, as the person reads it; in order."""
        ...

    def break_down(self) -> None:
        """From now on nothing can be handed over, which is known at once."""
        ...

    def hang(self) -> None:
        """From now on no message ends by itself. The way's deadline is DEADLINE_S."""
        ...

    def recover(self) -> None:
        """As at the beginning, with PATIENT_S as the deadline."""
        ...


class WayContract:
    def test_it_says_what_it_is(self, place: Place) -> None:
        assert place.way.name == "way-1"
        assert place.way.at_once >= 1
        budget = place.way.budget
        assert budget.burst >= 1 and budget.interval_ms >= 0 and budget.person_ms >= 0

    def test_handed_over_means_that_the_service_has_it(self, place: Place) -> None:
        outcome = sent(place)
        assert isinstance(outcome, HandedOver), outcome
        assert outcome.detail
        (shown,) = place.arrived()
        assert "Polsek A" in shown and "14:03:27 WIB" in shown

    def test_a_note_without_a_link_is_handed_over_too(self, place: Place) -> None:
        assert isinstance(sent(place, note()), HandedOver)
        assert len(place.arrived()) == 1

    def test_an_earlier_message_can_be_named_as_withdrawn_whatever_its_reference(self, place: Place) -> None:
        first = sent(place)
        assert isinstance(first, HandedOver)
        for reference in (first.reference, "1", "../1", "nobody's"):
            assert isinstance(sent(place, note(withdraws=reference), f"{KEY}.{reference}"), HandedOver)

    def test_it_can_be_closed_more_than_once(self, place: Place) -> None:
        place.way.close()
        assert isinstance(sent(place), HandedOver)
        place.way.close()
        place.way.close()

    def test_an_address_that_cannot_be_one_is_dead(self, place: Place) -> None:
        outcome = sent(place, address=place.bad)
        assert isinstance(outcome, NotDelivered)
        assert outcome.permanent and not outcome.unknown
        assert not place.arrived()

    def test_a_service_that_is_out_of_order_is_reported_and_tried_again_later(self, place: Place) -> None:
        place.break_down()
        outcome = sent(place)
        assert isinstance(outcome, NotDelivered)
        assert not outcome.permanent
        assert outcome.detail and not place.arrived()
        place.recover()
        assert isinstance(sent(place), HandedOver)

    def test_a_service_that_hangs_costs_no_more_than_the_deadline(self, place: Place) -> None:
        place.hang()
        for _ in range(2):
            begun = time.monotonic()
            outcome = sent(place)
            assert time.monotonic() - begun < DEADLINE_S + GRACE_S
            assert isinstance(outcome, NotDelivered)
            assert not outcome.permanent
        place.recover()
        eventually(lambda: isinstance(sent(place), HandedOver), "it recovers")

    def test_what_people_write_never_breaks_a_message(self, place: Place) -> None:
        odd = "<&>\"'\x00\x1b\ud800\ufffe\u202e 👩‍👩‍👧 مرحبا ]]>\r\nBcc: x@y\r\n.\r\n" * 20
        assert isinstance(sent(place, alarm(title=odd, text=odd)), HandedOver)

    def test_it_can_be_called_from_several_threads(self, place: Place) -> None:
        together = threading.Barrier(4)

        def send(number: int) -> HandedOver | NotDelivered:
            together.wait(ENDS_S)
            return place.way.send(place.good, alarm(), f"key-{number}")

        with ThreadPoolExecutor(4) as threads:
            outcomes = list(threads.map(send, range(4)))
        assert all(isinstance(outcome, HandedOver) for outcome in outcomes), outcomes
        assert len(place.arrived()) == 4


def sent(
    place: Place, message: PersonalMessage | None = None, key: str = KEY, address: str | None = None
) -> HandedOver | NotDelivered:
    outcome = place.way.send(place.good if address is None else address, message or alarm(), key)
    assert not SECRETS.search(outcome.detail), "a token or a link is told to whoever reads the log"
    return outcome
