"""Whatever part of the board fails, at whichever call: a press leaves. Every method that a board has is tried."""

from __future__ import annotations

import pytest

from firmware.board_methods import methods
from siaga.app import board_faults
from siaga.app.board import Board
from siaga.drivers.board_parts import Network
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga_gateway.domain.device_report import UNKNOWN_BATTERY
from siaga_gateway.domain.frame import Kind


def test_there_are_methods_to_break():
    assert {"battery", "external_power", "pressed", "use", "surroundings", "rtc.unix", "lamp.set"} <= set(methods())


@pytest.mark.parametrize("broken", methods())
def test_a_press_leaves_whatever_fails(button, gateway, broker, broken):
    """Held as the power comes, which is a press; by the external input where the button itself cannot be read."""
    held = button(mqtt_port=broker, gateway_key=gateway.public_hex)
    held.environment = {"SIAGA_RAISES": broken, "SIAGA_PINS": "" if broken == "pressed" else "button"}
    if broken == "offered_settings":
        held.environment.pop("SIAGA_RAISES")
        held.start()
        held.until(ev="bearer", up=True)  # the settings are its own now
        held.quit()
        held.environment["SIAGA_RAISES"] = broken
    held.start(wait=broken != "tell")
    if broken == "pressed":
        held.say("pin input 1")
    press = gateway.until(lambda uplink: uplink.kind is Kind.PRESS and not uplink.report.test)
    assert press.report is not None
    if broken == "battery":
        assert held.until_true(lambda event: "battery of this board fails" in str(event.get("what")))
        assert press.report.battery == UNKNOWN_BATTERY
        checkin = gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN and uplink.status is not None)
        assert checkin.status.rejected >= 1, "told to the gateway"


class _Calendar(Rtc):
    def __init__(self) -> None:
        self.now_s = 1_000_000

    def seconds(self) -> int:
        return self.now_s


class _Wifi(Network):
    def is_up(self) -> bool:
        return True


class _Hung(Board):
    """A board whose last run ended in a call of this number."""

    def __init__(self, hung: int) -> None:
        super().__init__(_Calendar(), Lamp(), _Wifi())
        self._hung = hung

    def marked(self) -> int:
        return self._hung

    def battery(self) -> int | None:
        return 80


def test_what_hung_is_tried_again_a_day_later_and_wi_fi_after_two_minutes():
    """Wi-Fi may be the only way out: a day without it would lose a press for what happened once."""
    for name, again_s in (("battery", 86_400), ("network.is_up", 120)):
        board = _Hung(board_faults.number(name))
        board_faults.Faults(board)

        def answers(board: Board = board, name: str = name) -> bool:
            assert board.network is not None
            return board.network.is_up() if name == "network.is_up" else board.battery() == 80

        assert not answers()
        board.rtc.now_s += again_s - 1
        assert not answers()
        board.rtc.now_s += 1
        assert answers()
