"""SIA DC-09 to pysiaalarm, a receiver that others wrote: plain and encrypted, by TCP and UDP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pysiaalarm import CommunicationsProtocol, SIAAccount, SIAClient, SIAEvent

from brokers import free_port
from gateway.fake_ports import ManualClock
from gateway.outputs.dc09_delivery import KEY, contact_id, sia
from gateway.outputs.sample_incidents import closed, opened
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.service.ports import Delivered, NotDelivered
from waiting import eventually

TEN_MINUTES_MS = 600_000
KEYS = [None, KEY, KEY + KEY[:8], KEY * 2]


class Centre:
    """A running receiver and what its handler was given."""

    def __init__(self, key: bytes | None, datagrams: bool, account: str = "1234") -> None:
        self.port = free_port()
        self.events: list[SIAEvent] = []
        self._handed_on = 0
        self._client = SIAClient(
            "127.0.0.1",
            self.port,
            [SIAAccount(account, key.decode() if key else None)],
            self.events.append,
            CommunicationsProtocol.UDP if datagrams else CommunicationsProtocol.TCP,
        )
        self._client.start()

    def stop(self) -> None:
        self._client.stop()

    def hands_on(self) -> None:
        """Its handlers run after the acknowledgements, each connection's in a thread of its own."""
        self._handed_on += 1
        eventually(lambda: len(self.events) >= self._handed_on, "the receiver hands the event on")

    def codes(self) -> list[tuple[Any, ...]]:
        return [(event.message_type.value, event.code, event.event_type) for event in self.events]


@pytest.fixture
def now() -> ManualClock:
    return ManualClock(time.time_ns() // 1_000_000)


@pytest.fixture
def centre(request: pytest.FixtureRequest) -> Iterator[Centre]:
    made = Centre(*request.param)
    yield made
    made.stop()


@pytest.mark.parametrize("centre", [(key, datagrams) for key in KEYS for datagrams in (False, True)], indirect=True)
def test_it_takes_a_call_in_both_protocols(centre: Centre, now: ManualClock, request: pytest.FixtureRequest) -> None:
    key, datagrams = request.node.callspec.params["centre"]
    for make in (sia, contact_id):
        output = make(centre.port, key, clock=now, datagrams=datagrams)
        for number, notice in enumerate((opened(), opened(duress=True), closed(Disposition.VERIFIED))):
            done = output.deliver(notice, f"k-{number}")
            assert isinstance(done, Delivered), done
            centre.hands_on()
        assert isinstance(output.supervise(), Delivered)
        centre.hands_on()
    assert centre.codes() == [
        *[("SIA-DCS", code, None) for code in ("PA", "HA", "PR")],
        ("NULL", "RP", None),
        ("ADM-CID", "PA", "120"),
        ("ADM-CID", "HA", "121"),
        ("ADM-CID", "PH", "120"),
        ("NULL", "RP", None),
    ]
    call = centre.events[0]
    assert (call.account, call.receiver, call.line, call.ri) == ("1234", "R1", "L0", "1")
    assert call.message is not None and call.message.startswith("001^siaga.lampung-17.k7q2; Toko Makmur, kasir")
    assert call.extended_data is not None
    assert [(block.identifier, block.value) for block in call.extended_data] == [
        ("H", "07:03:26,11-23-2026"),
        ("X", "105E15.6600"),
        ("Y", "05S25.7520"),
    ]


@pytest.mark.parametrize("centre", [(KEY, False)], indirect=True)
def test_a_wrong_key_a_clock_off_and_an_unknown_account(centre: Centre, now: ManualClock) -> None:
    refused = sia(centre.port, KEY[::-1], clock=now).deliver(opened(), "k-1")
    assert isinstance(refused, NotDelivered) and "compare the encryption key" in refused.detail

    done = sia(centre.port, KEY, clock=ManualClock(now.at_ms + TEN_MINUTES_MS)).deliver(opened(), "k-2")
    assert isinstance(done, Delivered) and "s behind the gateway's, and was followed" in done.detail
    centre.hands_on()
    assert centre.codes() == [("SIA-DCS", "PA", None)]

    output = sia(centre.port, clock=now)
    output._line = type(output._line)("BEEF", "1", "0")
    refused = output.deliver(opened(), "k-3")
    assert isinstance(refused, NotDelivered) and "probably it does not know account BEEF" in refused.detail


@pytest.mark.parametrize("centre", [(None, False)], indirect=True)
def test_a_code_that_it_does_not_know(centre: Centre, now: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga_gateway.formats.dc09_events._CODES", {"sos": ("120", "QQ", "QQ")})
    refused = sia(centre.port, clock=now).deliver(opened(), "k-1")
    assert isinstance(refused, NotDelivered) and refused.permanent and "(DUH)" in refused.detail
