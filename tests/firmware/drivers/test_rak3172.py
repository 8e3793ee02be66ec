"""The LoRaWAN bearer under real MicroPython, a simulated RAK3172 and network server, a real broker."""

from __future__ import annotations

import time

import pytest

from firmware.drivers.lorawan_bearer_process import CHECKIN, KEY, PRESS, SIGNED, Application, bearer, module
from siaga_tools.silicon.lorawan_airtime import airtime_ms
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from waiting import eventually

pytestmark = pytest.mark.side_by_side


def test_join_send_and_hear_at_dr3_with_the_dwell_limit(network: NetworkServer, application: Application) -> None:
    with module(network) as rak, bearer(rak) as talk:
        assert talk.until(up=True)["limit"] == 53
        assert rak.joins == 1
        talk.say(f"send 7 {PRESS.hex()}")
        talk.until(taken=7)
        assert application.next() == (10, PRESS)
        application.answer(rak.dev_eui, b"\x13answer")
        if not any("down" in fact for fact in talk.heard):
            time.sleep(0.2)
            talk.say(f"send 7 {PRESS.hex()}")  # class A: it comes after the next uplink at the latest
        heard = talk.until(down=b"\x13answer".hex())
        assert heard["signal"] == -70
        assert all(one.airtime_ms <= 400 for one in rak.sent)
        assert next(len(one.payload) for one in rak.sent if one.port == 10) == 43


def test_a_frame_that_does_not_fit_is_never_handed_to_the_module(network: NetworkServer) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        talk.say(f"send 7 {SIGNED.hex()}")
        refused = talk.until(not_taken=7)
        assert refused["limit"] == 53
        assert "99 bytes do not fit into the 53 of DR3" in refused["why"]
        rak.choose_data_rate(2)  # the network orders one that carries 11 bytes, behind our back
        talk.say(f"send 8 {PRESS.hex()}")
        eventually(lambda: len(rak.sent) > 0, "the press")
        assert [(one.data_rate, one.payload) for one in rak.sent] == [(3, PRESS)]  # and no empty frame


def test_without_the_dwell_limit_the_signature_fits(network: NetworkServer, application: Application) -> None:
    with module(network, dwell=False) as rak, bearer(rak) as talk:
        # The module keeps the limit until the network says otherwise, which it does after the first uplink.
        assert talk.until(up=True)["limit"] == 53
        talk.say(f"send 6 {PRESS.hex()}")
        assert application.next() == (10, PRESS)
        talk.say(f"send 7 {CHECKIN.hex()}")
        assert application.next() == (10, CHECKIN)
        talk.say(f"send 8 {SIGNED.hex()}")
        assert application.next() == (10, SIGNED)
        assert [one.data_rate for one in rak.sent] == [3, 2, 2]


def test_mac_commands_that_take_the_room_cost_an_empty_frame_and_no_press(
    network: NetworkServer, application: Application
) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.mac_bytes = 15
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (0, b"")
        assert application.next() == (10, PRESS)


def test_the_most_urgent_goes_first_and_nothing_twice(network: NetworkServer, application: Application) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        for counter in (1, 2, 2):
            talk.say(f"send {counter} {CHECKIN[:-1].hex()}{counter:02x}")
        talk.say(f"send 3 {PRESS.hex()}")
        talk.until(taken=3)
        kinds = [application.next()[1][-1] for _ in range(3)]
        assert kinds[0] == 1
        assert kinds[1:] == [PRESS[-1], 2]
        talk.say(f"send 4 {CHECKIN[:-1].hex()}04")
        assert application.next()[1][-1] == 4, "nothing came before it a second time"


def test_a_session_is_kept_when_the_button_restarts_and_made_anew_when_the_module_lost_it(
    network: NetworkServer, application: Application
) -> None:
    with module(network) as rak:
        with bearer(rak) as talk:
            talk.until(up=True)
        written = len(rak.written)
        with bearer(rak) as talk:
            talk.until(up=True)
            assert rak.joins == 1
            assert len(rak.written) == written  # nothing is written into its flash twice
            rak.power_cycle()
            assert talk.until(up=False)["why"] == "the LoRaWAN module began anew"
            talk.until(up=True)
            assert rak.joins == 2
            talk.say(f"send 7 {PRESS.hex()}")
            assert application.next() == (10, PRESS)
        with bearer(rak, app_key="ff" * 16) as talk:  # another key: the old session is not the one that is meant
            assert "JOIN_FAILED_RX_TIMEOUT" in talk.until(up=False)["why"]


def test_no_network_at_first_then_one(network: NetworkServer) -> None:
    with module(network) as rak:
        rak.faults.no_coverage = True
        with bearer(rak) as talk:
            assert "no LoRaWAN network answered" in talk.until(up=False)["why"]
            eventually(lambda: rak.joins >= 2, "another try")
            rak.faults.no_coverage = False
            talk.say("urgent 1")
            talk.say("hurry")
            talk.until(up=True)


def test_what_the_duty_cycle_forbids_goes_when_it_may(network: NetworkServer, application: Application) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.duty_ms = 1500
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)


def test_a_lost_answer_comes_with_the_next_uplink_and_several_are_fetched(
    network: NetworkServer, application: Application
) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.lose_downlinks = 1
        for number in range(3):
            application.answer(rak.dev_eui, b"\x13%d" % number)
        application.answer(rak.dev_eui, b"\x00", port=3)
        eventually(lambda: network.waiting(rak.dev_eui), "the queue at the network server")
        talk.say(f"send 7 {PRESS.hex()}")
        talk.until(down=b"\x131".hex())
        talk.until(down=b"\x132".hex())
        talk.until(rejected="a LoRaWAN downlink on port 3")
        assert [one.port for one in rak.sent][:3] == [10, 0, 0]


def test_noise_echo_and_events_between_do_no_harm(network: NetworkServer, application: Application) -> None:
    with module(network) as rak:
        rak.faults.noise = rak.faults.echo = rak.faults.interleave = True
        with bearer(rak) as talk:
            talk.until(up=True)
            talk.say(f"send 7 {PRESS.hex()}")
            assert application.next() == (10, PRESS)
            assert any("rejected" in fact for fact in talk.heard)


def test_a_module_that_hangs_is_restarted_and_joins_again(network: NetworkServer, application: Application) -> None:
    with module(network) as rak, bearer(rak) as talk:
        talk.until(up=True)
        rak.faults.hang = True
        talk.say(f"send 7 {PRESS.hex()}")
        assert talk.until(up=False)["why"] == "the LoRaWAN module is silent"
        talk.until(up=True, within=30)
        assert rak.joins == 2
        talk.say(f"send 7 {PRESS.hex()}")
        assert application.next() == (10, PRESS)


def test_without_any_answer_it_goes_slower_and_in_the_end_joins_anew_but_a_press_goes_out_as_often_first(
    network: NetworkServer, application: Application
) -> None:
    # A receive window opens a second after a frame: at this speed 20 ms, which a busy machine meets.
    with SimulatedRak3172(network, app_key=KEY, dwell=False, speed=50) as rak, bearer(rak) as talk:
        talk.until(up=True)
        for counter in range(33):
            if counter == 3:
                talk.say("urgent 1")
            talk.say(f"send {counter} {PRESS[:-1].hex()}{counter:02x}")
            assert application.next() == (10, PRESS[:-1] + bytes([counter]))
        rates = [one.data_rate for one in rak.sent]
        # The first at what the limit allows, which the network lifts with its answer.
        assert rates == [3, *(([2] * 4 + [1] * 4 + [0] * 4) * 3)[1:33]]
        assert rak.joins == 1
        talk.say("urgent 0")
        talk.say(f"send 99 {PRESS.hex()}")
        assert "joining anew" in talk.until(up=False)["why"]
        talk.until(up=True)
        assert rak.joins == 2
        # An answer ends the search where it is.
        application.answer(rak.dev_eui, b"\x13answer")
        eventually(lambda: network.waiting(rak.dev_eui), "the answer at the network server")
        for counter in range(100, 105):
            talk.say(f"send {counter} {PRESS.hex()}")
            application.next()
        assert {one.data_rate for one in rak.sent[-4:]} <= {1, 2}


def test_a_session_that_the_network_forgot_is_made_anew_while_a_press_waits(
    network: NetworkServer, application: Application
) -> None:
    """Nothing tells the module: it says that it is joined, and that each frame was sent."""
    with SimulatedRak3172(network, app_key=KEY, speed=200) as rak, bearer(rak) as talk:
        talk.until(up=True)
        for counter in range(20):  # check-ins before it, which wait for an answer too
            talk.say(f"send {counter} {CHECKIN.hex()}")
            application.next()
        rak.faults.session_lost = True
        talk.say("urgent 1")
        for tries in range(1, 33):  # under other numbers, as it takes no frame while it sends the same
            talk.say(f"send {100 + tries} {PRESS.hex()}")
            if tries < 32:  # the last check-in may count as the press's first try: its windows end after the call began
                eventually(lambda so_far=tries: [one.payload for one in rak.sent].count(PRESS) == so_far, "the press")
        assert "joining anew" in talk.until(up=False)["why"]
        talk.until(up=True)
        assert rak.joins == 2
        talk.say(f"send 99 {PRESS.hex()}")
        assert application.next() == (10, PRESS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"band": 5}, "LoRaWAN band 5 is not known"),
        ({"app_key": "xx"}, "LoRaWAN app_key must be 32 hexadecimal digits"),
        ({"dev_eui": "0"}, "LoRaWAN dev_eui must be 16"),
        ({"data_rate": 2}, "data rate 2 carries no press; right is 3 or more"),
    ],
)
def test_wrong_settings_are_refused_by_name(network: NetworkServer, settings: dict[str, object], said: str) -> None:
    with module(network) as rak, bearer(rak, **settings) as talk:
        assert said in talk.until()["refused"]


@pytest.mark.parametrize(
    ("size", "data_rate", "milliseconds"),
    [(11, 2, 370.7), (53, 3, 390.1), (43, 3, 349.2), (51, 0, 2793.5), (99, 2, 1108.0), (242, 5, 399.6)],
)
def test_airtime_is_as_the_formula_has_it(size: int, data_rate: int, milliseconds: float) -> None:
    """The dwell limit's own sizes stay just below 400 ms, as in RP002's table."""
    assert airtime_ms(size, data_rate) == pytest.approx(milliseconds, abs=0.6)
