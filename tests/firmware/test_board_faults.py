"""Whatever part of the board fails, at whichever call: a press leaves. Every method that a board has is tried."""

from __future__ import annotations

import inspect

import pytest

from siaga.app.board import Board
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp
from siaga.drivers.parts import Network
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.report import UNKNOWN_BATTERY

WAITED = {"connect", "resolve"}  # a bearer deals with what these raise, and tries again


def methods() -> list[str]:
    found = []
    for prefix, form in (("", Board), ("rtc.", Rtc), ("lamp.", Lamp), ("network.", Network)):
        found += [prefix + name for name, _ in inspect.getmembers(form, inspect.isfunction) if name[0] != "_"]
    return [name for name in found if name.rpartition(".")[2] not in WAITED]


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
