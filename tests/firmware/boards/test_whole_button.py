"""Whole buttons: the real board files, the app on them, their modem and modules, a real broker, a hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from brokers import Mosquitto
from firmware.small_gateway import SmallGateway
from siaga_gateway.domain.device_report import UNKNOWN_BATTERY
from siaga_gateway.domain.frame import Kind
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sms import Message, write_message
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.simulate.button import SimulatedButton
from siaga_tools.simulate.chip import ChipState
from siaga_tools.virtual_button import ButtonEvent
from waiting import eventually

pytestmark = pytest.mark.side_by_side(4)

Make = Callable[..., SimulatedButton]
LORAWAN_KEY = "00112233445566778899AABBCCDDEEFF"


def presses(gateway: SmallGateway) -> set[int]:
    return {uplink.counter for uplink in gateway.uplinks if uplink.kind is Kind.PRESS}


def acknowledged(kind: Kind) -> Callable[[ButtonEvent], bool]:
    return lambda event: event.kind == "frame" and event.facts["kind"] == kind and event.facts["step"] == "acknowledged"


def let_go(event: ButtonEvent) -> bool:
    return event.kind == "button" and event.facts["down"] is False


@pytest.mark.parametrize(("board", "bearer"), [("t_a7670", "lte"), ("t_sim7600", "lte"), ("esp32_devkit", "mqtt")])
def test_a_press_on_each_board_is_received(button: Make, gateway: SmallGateway, board: str, bearer: str):
    one = button(board, **({"wifi_ssid": "siaga-simulated"} if board == "esp32_devkit" else {}))
    one.power_on()
    one.events.wait_bearer(bearer)
    mark = one.events.mark()
    one.holder.press()
    one.events.wait_state("received", after=mark)
    assert len(presses(gateway)) == 1
    one.place(-5.4292, 105.2613)  # had it known it before, the press would have it, and no update came
    one.events.wait_for(acknowledged(Kind.UPDATE), after=mark, what="update with the place")
    update = next(uplink for uplink in gateway.uplinks if uplink.kind is Kind.UPDATE)
    assert update.report is not None
    assert abs(update.report.latitude + 5_4292000) < 20


def test_a_carried_button_sleeps_with_its_modem_connected_and_a_press_wakes_it(button: Make, gateway: SmallGateway):
    one = button("t_a7670", profile="ready")
    one.power_on()
    one.events.wait_life(ChipState.ASLEEP)
    modem = one.modem
    assert modem is not None
    boots, connections = modem.boots, modem.mqtt.connections
    one.sleep(12)
    assert modem.is_asleep() and modem.is_on, "deaf on its line, registered"
    mark = one.events.mark()
    one.holder.press()
    one.events.wait_state("received", after=mark)
    start = one.events.wait_for(lambda event: event.kind == "start", after=mark)
    assert start.facts["woke_by"] == "button"
    assert modem.boots == boots, "the modem was held up all the while"
    assert connections <= modem.mqtt.connections <= connections + 1
    assert len(presses(gateway)) == 1


def test_a_message_wakes_it_by_the_ring_line_and_the_clock_goes_on_in_sleep(button: Make, gateway: SmallGateway):
    one = button("t_a7670", profile="ready", sms_numbers=["+6281200000000"])
    one.power_on()
    one.events.wait_life(ChipState.ASLEEP)
    assert one.modem is not None
    mark = one.events.mark()
    write_message(one.modem.sms.incoming, "From", Message("+6281200000000", "halo"))
    start = one.events.wait_for(lambda event: event.kind == "start", after=mark)
    assert start.facts["woke_by"] == "modem"
    one.events.wait_life(ChipState.ASLEEP)
    wakes_at_us = one.chip.wakes_at_us
    assert wakes_at_us is not None
    mark = one.events.mark()
    assert one.skip_sleep()
    start = one.events.wait_for(lambda event: event.kind == "start", after=mark)
    assert start.facts["woke_by"] == "timer"
    # Not what time it is when this is looked at: on a busy machine that is later.
    assert start.at_ms // 1000 == pytest.approx(wakes_at_us / 1e6, abs=60 + 6 * 3600 * 0.005), "its calendar went on"


def test_a_power_cut_in_the_middle_of_a_press_loses_nothing(button: Make, gateway: SmallGateway):
    one = button("t_a7670")
    one.power_on()
    one.events.wait_for(lambda event: event.kind == "start")
    one.holder.press()  # long before there is a network
    one.events.wait_for(
        lambda event: event.kind == "frame" and event.facts["step"] == "stored" and event.facts["kind"] == 1
    )
    one.power_cut()
    assert one.life is ChipState.OFF and one.modem is not None and not one.modem.is_on
    mark = one.events.mark()
    one.power_on()
    one.events.wait_state("received", after=mark)
    assert len(presses(gateway)) == 1


def test_a_modem_that_hangs_is_reset_by_its_line(button: Make, gateway: SmallGateway):
    one = button("t_a7670", speed=15)
    one.power_on()
    one.events.wait_bearer("lte")
    assert one.modem is not None
    boots = one.modem.boots
    one.modem.fail(Fault.HANG)
    mark = one.events.mark()
    one.holder.press()
    one.events.wait_state("received", after=mark, deadline_s=120)
    assert one.modem.boots > boots
    assert len(presses(gateway)) == 1


def test_lte_messages_and_lorawan_together_from_bytecode(button: Make, gateway: SmallGateway, broker: Mosquitto):
    with NetworkServer("127.0.0.1", broker.port) as network:
        one = button("t_a7670", lorawan=network, lorawan_app_key=LORAWAN_KEY, sms_numbers=["+6281200000000"])
        one.power_on()
        for bearer in ("lte", "sms", "lorawan"):
            one.events.wait_bearer(bearer)
        mark = one.events.mark()
        one.holder.press()
        one.events.wait_state("received", after=mark)
        assert one.lorawan is not None and one.lorawan.sleeps  # as the power model has it
        used, free = one.heap()
        assert free > 30_000, f"{used} bytes are used"


@pytest.mark.parametrize("board", ["t_a7670", "t_sim7600", "esp32_devkit"])
def test_a_lorawan_module_that_hangs_for_good_is_pulled_back_by_its_reset_line(
    button: Make, broker: Mosquitto, board: str
):
    with NetworkServer("127.0.0.1", broker.port) as network:
        one = button(board, lorawan=network, lorawan_app_key=LORAWAN_KEY, mqtt_hosts=None, profile="installed")
        one.power_on()
        one.events.wait_bearer("lorawan")
        assert one.lorawan is not None
        assert one.lorawan.resets == 0  # nor does the chip's own start reset it
        mark = one.events.mark()
        one.lorawan.faults.hang_hard = True
        one.holder.press()
        one.events.wait_bearer("lorawan", after=mark, deadline_s=120)
        assert one.lorawan.resets == 1


def test_hand_and_contacts(button: Make, gateway: SmallGateway):
    one = button("t_a7670", triple_tap=True)
    one.mains(True)
    one.holder.power_on_for_test()
    one.events.wait_signal("test_received")
    one.events.wait_state("armed", after=one.events.mark())
    mark = one.events.mark()
    one.holder.tamper(True)
    one.events.wait_for(acknowledged(Kind.TAMPER), after=mark, what="tamper report")
    one.set_speed(2)  # a tap is short, and must not be missed on a busy machine
    one.holder.tap(3)
    one.events.wait_state("received", after=mark)
    one.holder.cancel()
    one.events.wait_state("cancelled", after=mark)
    assert one.feedback.tone_hz in (0, 700)


def test_the_devkit_finds_the_bit_rate_of_its_receiver_and_its_supply_goes_with_the_need(
    button: Make, gateway: SmallGateway
):
    one = button("esp32_devkit", speed=20, wifi_ssid="siaga-simulated")
    assert one.receiver is not None
    one.receiver.baud = 38400
    one.place(-5.4292, 105.2613)
    one.power_on()
    one.events.wait_bearer("mqtt")
    mark = one.events.mark()
    one.holder.press()
    one.events.wait_for(acknowledged(Kind.UPDATE), after=mark, what="update with the place")
    assert one.receiver.heard_at == 38400
    update = next(uplink for uplink in gateway.uplinks if uplink.kind is Kind.UPDATE)
    assert update.report is not None
    assert abs(update.report.longitude - 105_2613000) < 20


def test_a_cell_that_sags_while_sending_causes_no_check_ins(button: Make, gateway: SmallGateway):
    """A report that causes what it reports: each check-in made it look low, and no longer low after it."""
    one = button("esp32_devkit", speed=20, wifi_ssid="siaga-simulated", checkin_s=60)
    one.chip.voltage(one.wiring.cell, 3670 * 500)  # 16 %, where 15 % is low; two resistors halve it
    one.chip.sag(50 * 500)
    one.power_on()
    one.events.wait_for(acknowledged(Kind.CHECKIN), what="first check-in")
    one.set_speed(60)
    one.clock.until(one.clock.now_us() + 600_000_000)
    told = [uplink.report for uplink in gateway.uplinks if uplink.kind is Kind.CHECKIN]
    assert 8 <= len(told) <= 14, "one a minute, a tenth either way"
    assert not any(report is not None and report.low_battery for report in told)


def test_three_weeks_asleep_with_a_slow_clock_then_two_presses(button: Make, gateway: SmallGateway):
    """The first press is as late as the clock ran off, and its answer puts the clock right."""
    one = button("t_a7670", speed=20, sleep_ppm=-10_000, profile="ready", checkin_s=604800)
    gateway.clock = lambda: one.clock.now_us() // 1_000_000
    one.power_on()
    one.events.wait_for(acknowledged(Kind.CHECKIN), what="first check-in")
    one.events.wait_life(ChipState.ASLEEP)
    assert one.modem is not None
    one.modem.fail(Fault.NO_NETWORK)  # for three weeks nobody answers
    slept_us = one.clock.now_us()
    until_us = slept_us + 21 * 86_400_000_000
    one.set_speed(80)  # three weeks have some eighty wakings in vain
    while one.clock.now_us() < until_us:
        one.events.wait_life(ChipState.ASLEEP)
        starts = one.chip.starts
        if one.skip_sleep(margin_s=0):
            eventually(lambda starts=starts: one.chip.starts > starts, "it wakes")
    one.set_speed(20)
    one.modem.heal()
    lost_s = (one.clock.now_us() - slept_us) // 100_000_000
    behind = []
    for _ in range(2):
        mark = one.events.mark()
        one.holder.press()
        one.events.wait_for(acknowledged(Kind.PRESS), after=mark, what="answer")
        # Where the answer comes while it is still held, the next press would follow on a release that nobody sampled.
        one.events.wait_for(let_go, after=mark, what="its release")
        pressed = [uplink for uplink in gateway.uplinks if uplink.kind is Kind.PRESS][-1]
        assert pressed.report is not None
        behind.append(one.clock.now_us() // 1_000_000 - pressed.report.time)
    assert lost_s >= 5 * 3600 and abs(behind[0] - lost_s) < 1200
    assert abs(behind[1]) < 60


def test_a_chip_whose_adc_was_never_calibrated_alarms_and_says_that_it_knows_no_charge(
    button: Make, gateway: SmallGateway
):
    one = button("t_a7670")
    one.chip.parts.calibrated = False
    one.power_on()
    one.events.wait_bearer("lte")
    mark = one.events.mark()
    one.holder.press()
    one.events.wait_state("received", after=mark)
    press = next(uplink for uplink in gateway.uplinks if uplink.kind is Kind.PRESS)
    assert press.report is not None and press.report.battery == UNKNOWN_BATTERY
    one.events.wait_for(acknowledged(Kind.CHECKIN), what="check-in")
    told = [uplink.status.rejected for uplink in gateway.uplinks if uplink.status is not None]
    assert max(told) >= 1
    assert one.chip.starts == 1, "it went on"
