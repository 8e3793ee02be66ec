"""What real RAK3172 do, by their vendor's source and by public logs, and no document says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from firmware.drivers.lorawan_bearer_process import CHECKIN, PRESS, SIGNED, Application, bearer, module
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from waiting import eventually

pytestmark = pytest.mark.side_by_side
EUI = "ac1f09fffe05a1b2"


def dozing(rak: SimulatedRak3172) -> None:
    """AT+LPM=1: the byte that wakes it is heard as 0xC1 (forum topic 14552)."""
    rak.keep(LPM="1", LPMLVL="2")


def listening(rak: SimulatedRak3172) -> None:
    """P2P mode with reception on, which keeps AT+NWM=1 busy."""
    rak.receive_p2p()


def zeros(rak: SimulatedRak3172) -> None:
    """Its supply was cut (forum topic 7298)."""
    rak.lose_settings()


def as_sold(rak: SimulatedRak3172) -> None:
    """Nothing is wrong with it."""


FOUND: list[tuple[str, Callable[[SimulatedRak3172], None]]] = [
    ("4.1.1", as_sold),
    ("4.0.1", as_sold),
    ("3.5.3", as_sold),
    ("4.1.1", dozing),
    ("3.5.3", dozing),
    ("4.1.1", listening),
    ("3.5.3", listening),
    ("4.1.1", zeros),
    ("3.5.3", zeros),
]


@pytest.mark.parametrize(("version", "found"), FOUND, ids=[f"{version}-{how.__name__}" for version, how in FOUND])
def test_however_it_is_found_it_joins_and_stays_and_carries_every_press(
    network: NetworkServer, application: Application, version: str, found: Callable[[SimulatedRak3172], None]
) -> None:
    with module(network, version=version) as rak:
        found(rak)
        with bearer(rak, dev_eui=EUI, low_power=found is dozing) as talk:
            assert talk.until(up=True)["limit"] == 53
            for counter in range(2):
                talk.say(f"send {counter} {PRESS[:-1].hex()}{counter:02x}")
                assert application.next() == (10, PRESS[:-1] + bytes([counter]))
            assert rak.joins == 1
            states = [fact["up"] for fact in talk.heard if "up" in fact]
            assert states[states.index(True) :] == [True]


@pytest.mark.parametrize("wanted", [True, False])
def test_it_sleeps_where_the_button_does_and_stays_awake_where_it_does_not(
    network: NetworkServer, wanted: bool
) -> None:
    with module(network) as rak:
        rak.keep(LPM="0" if wanted else "1")
        with bearer(rak, low_power=wanted) as talk:
            talk.until(up=True)
            assert rak.sleeps == wanted
        written = len(rak.written)
        with bearer(rak, low_power=wanted) as talk:
            talk.until(up=True)
            assert (len(rak.written), rak.joins) == (written, 1)


def test_a_version_that_does_not_say_when_a_frame_is_over_keeps_its_queue(
    network: NetworkServer, application: Application
) -> None:
    with module(network, version="3.5.3") as rak, bearer(rak) as talk:
        talk.until(up=True)
        for counter in range(3):
            talk.say(f"send {counter} {CHECKIN[:-1].hex()}{counter:02x}")
        assert [application.next()[1][-1] for _ in range(3)] == [0, 1, 2]
        application.answer(rak.dev_eui, b"\x13answer")
        eventually(lambda: network.waiting(rak.dev_eui), "the answer at the network server")
        talk.say(f"send 4 {PRESS.hex()}")
        talk.until(down=b"\x13answer".hex())
        assert rak.joins == 1


def test_a_module_that_begins_anew_in_mid_send_is_joined_again_at_once_and_the_press_goes(
    network: NetworkServer, application: Application
) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.restart_on_air = rak.faults.no_coverage = True
        talk.say(f"send 7 {PRESS.hex()}")
        eventually(lambda: len(rak.sent) == 1, "the frame that is lost")
        rak.faults.no_coverage = False
        assert talk.until(up=False)["why"] == "the LoRaWAN module began anew"
        talk.until(up=True)
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        assert rak.joins == 2


def test_a_limit_that_the_network_lifts_without_saying_so_is_the_modules_still(
    network: NetworkServer, application: Application
) -> None:
    """Settings without dwell limit, a network that has none and never says it: the module keeps its own."""
    with module(network, dwell=False, tells_dwell=False) as rak, bearer(rak) as talk:
        assert talk.until(up=True)["limit"] == 53
        for counter in range(3):
            talk.say(f"send {counter} {PRESS[:-1].hex()}{counter:02x}")
            assert application.next() == (10, PRESS[:-1] + bytes([counter]))
        talk.say(f"send 7 {SIGNED.hex()}")
        assert talk.until(not_taken=7)["limit"] == 53
        assert [one.port for one in rak.sent] == [10, 10, 10]  # no empty frame
        assert rak.written.count("DR") == 1


def test_a_payload_that_it_refuses_again_and_again_costs_two_empty_frames_and_then_another_form(
    network: NetworkServer, application: Application
) -> None:
    with module(network, dwell=False) as rak, bearer(rak) as talk:
        talk.until(up=True)
        talk.say(f"send 1 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        talk.say(f"send 2 {CHECKIN.hex()}")
        assert application.next() == (10, CHECKIN)
        rak.faults.room = 60  # whatever the reason
        talk.say(f"send 3 {SIGNED.hex()}")
        assert [application.next() for _ in range(2)] == [(0, b""), (0, b"")]
        talk.say(f"send 4 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        talk.say(f"send 5 {SIGNED.hex()}")
        assert talk.until(not_taken=5)["limit"] < len(SIGNED)
        # Once the network was heard again it is tried anew.
        rak.faults.room = 0
        application.answer(rak.dev_eui, b"\x13answer")
        eventually(lambda: network.waiting(rak.dev_eui), "the answer at the network server")
        talk.say(f"send 6 {PRESS.hex()}")
        talk.until(down=b"\x13answer".hex())
        talk.say(f"send 7 {CHECKIN.hex()}")
        assert application.next() == (10, PRESS)
        assert application.next() == (10, CHECKIN)
        talk.say(f"send 8 {SIGNED.hex()}")
        assert application.next() == (10, SIGNED)


def test_a_press_that_finds_no_room_goes_at_a_faster_rate(network: NetworkServer, application: Application) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.room = 20
        talk.say(f"send 7 {PRESS.hex()}")
        assert [application.next() for _ in range(3)] == [(0, b""), (0, b""), (10, PRESS)]
        assert rak.sent[-1].data_rate == 4


def test_a_data_rate_that_the_module_refuses_costs_no_join(network: NetworkServer) -> None:
    with module(network, dwell=False) as rak:
        rak.faults.no_coverage = True
        with bearer(rak) as talk:
            talk.until(up=False)
            talk.say("urgent 1")
            for joins in range(2, 5):
                talk.say("hurry")
                eventually(lambda: rak.joins >= joins, f"try {joins}")  # noqa: B023
            talk.say(f"send 7 {PRESS.hex()}")
            talk.until(not_taken=7)
            assert {fact["why"] for fact in talk.heard if "up" in fact} == {
                "no LoRaWAN network answered (JOIN_FAILED_RX_TIMEOUT)"
            }


@pytest.mark.parametrize("fault", ["hang", "hang_hard", "restart_hangs"])
def test_a_deaf_module_is_asked_restarted_and_reset(
    network: NetworkServer, application: Application, fault: str
) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.hang = True
        setattr(rak.faults, fault, True)
        talk.say(f"send 7 {PRESS.hex()}")
        assert talk.until(up=False)["why"] == "the LoRaWAN module is silent"
        talk.until(up=True)
        assert rak.resets == (0 if fault == "hang" else 1)
        assert rak.joins == 2
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)


def test_without_a_wire_to_its_reset_a_deaf_module_is_asked_for_ever_and_heard_when_it_is_back(
    network: NetworkServer,
) -> None:
    with module(network) as rak, bearer(rak, wired=False) as talk:
        talk.until(up=True)
        rak.faults.hang_hard = True
        talk.say(f"send 7 {PRESS.hex()}")
        talk.until(up=False)
        rak.power_cycle()
        talk.say("urgent 1")
        talk.say("hurry")
        talk.until(up=True)
        assert rak.resets == 0


def test_what_its_duty_cycle_forbids_for_long_is_said_and_left_to_other_bearers(
    network: NetworkServer, application: Application
) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.duty_ms = 120_000
        talk.say("urgent 1")
        talk.say(f"send 7 {PRESS.hex()}")
        assert "its duty cycle forbids to send for 1" in talk.until(up=False)["why"]
        talk.until(up=True)
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        assert (rak.joins, len(rak.sent)) == (1, 1)


def test_a_join_that_its_duty_cycle_forbids_waits_for_it(network: NetworkServer) -> None:
    with module(network) as rak:
        rak.faults.duty_ms = 100_000
        with bearer(rak) as talk:
            assert "its duty cycle forbids to send for" in talk.until(up=False)["why"]
            talk.until(up=True)
            assert rak.joins == 1


def test_a_downlink_that_cannot_be_taken_costs_itself_and_not_the_line(
    network: NetworkServer, application: Application
) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        talk.say("fail")
        for number in range(2):
            application.answer(rak.dev_eui, b"\x13%d" % number)
        eventually(lambda: network.waiting(rak.dev_eui), "the answers at the network server")
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        talk.until(down=b"\x131".hex())
        assert [fact for fact in talk.heard if "could not be read" in str(fact.get("rejected"))]
        talk.say(f"send 8 {CHECKIN.hex()}")
        talk.until(taken=8)
        while application.next() != (10, CHECKIN):
            pass
        assert rak.joins == 1


def test_an_identity_of_zeros_is_named(network: NetworkServer) -> None:
    with module(network) as rak:
        rak.lose_settings()
        with bearer(rak) as talk:
            talk.until(why="the LoRaWAN module lost its device EUI: lorawan_dev_eui must name that on its label")
        assert rak.joins == 0


def test_a_lost_answer_costs_no_connection(network: NetworkServer, application: Application) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.asleep_until = time.monotonic() + 60  # it hears nothing of the next command
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        assert [fact["up"] for fact in talk.heard if "up" in fact] == [True]
