"""Apprise, the library itself: what it cannot tell, and what it must not be let into."""

from __future__ import annotations

import logging

import pytest

from gateway.outputs.http_receiver import Receiver, answer
from gateway.ways.http_places import NTFY_OK
from gateway.ways.sample_messages import KEY, LINK, alarm
from siaga_gateway.adapters.ways.apprise import AppriseWay
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered


def way(*schemes: str, deadline_s: float = 60) -> AppriseWay:
    return AppriseWay("other", schemes, budget=Budget(), language="en", deadline_s=deadline_s, at_once=4)


def test_one_message_after_the_other_waits_for_nothing() -> None:
    """An object that was used sleeps 5.5 s before its next message, which is past the deadline."""
    with Receiver(NTFY_OK) as receiver:
        other, to = way("ntfy", deadline_s=5), f"ntfy://127.0.0.1:{receiver.port}/siaga-a"
        for _ in range(2):
            assert isinstance(other.send(to, alarm(), KEY), HandedOver)
        assert [LINK.encode() in request.body for request in receiver.requests] == [True, True]


def test_a_no_may_be_a_yes_and_repeats_nothing_of_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Receiver(answer(403)) as receiver:
        outcome = way("json").send(f"json://user:hidden-1@127.0.0.1:{receiver.port}/hidden-2", alarm(), KEY)
    assert isinstance(outcome, NotDelivered) and outcome.unknown and not outcome.permanent
    assert "403" in outcome.detail and "hidden" not in outcome.detail + caplog.text


@pytest.mark.parametrize("address", ["syslog://", "file:///etc/passwd", "JSON://127.0.0.1/"])
def test_a_service_that_is_not_named_is_not_used(address: str) -> None:
    with Receiver(answer(200)):
        outcome = way("gotify").send(address, alarm(), KEY)
    assert isinstance(outcome, NotDelivered) and "schemes" in outcome.detail and not outcome.permanent
