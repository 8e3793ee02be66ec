"""What a button keeps of a press: without a network, over a restart, a power cut, a flash that has lost it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from brokers import Mosquitto
from firmware.small_gateway import settings_for
from micropython import environment, micropython
from siaga_gateway.domain.frame import (
    Kind,
    Stage,
)

pytestmark = pytest.mark.side_by_side(4)

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"


@pytest.fixture
def broker(mosquitto: Mosquitto) -> int:
    """Of one test alone: another's frames would have the same counters."""
    return mosquitto.port


def test_nothing_is_sent_to_nobody_and_everything_when_the_network_comes(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    held.until(ev="bearer", up=True)
    held.say("network 0")
    held.until(ev="bearer", up=False)
    counters = [held.press() for _ in range(3)]
    since = len(held.events)
    held.say("network 1")
    for counter in counters:
        held.until(ev="frame", counter=counter, step="acknowledged")
    published = [e["counter"] for e in held.events[since:] if e.get("step") == "published" and e["kind"] == 1]
    assert published[:3] == counters, "presses go first, oldest first"


def test_a_restart_goes_on_with_the_same_incident(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    first = held.press()
    press = gateway.press(first)
    gateway.acknowledge(press, Stage.ASSIGNED, eta=9)
    held.until(ev="state", state="assigned")
    held.kill()
    held.start()
    held.until(ev="state", state="assigned")
    gateway.acknowledge(press, Stage.ON_SCENE)
    held.until(ev="state", state="on_scene")
    second = held.press()
    again = gateway.press(second)
    assert again.report.opening == second - first
    gateway.acknowledge(again, Stage.CLOSED)
    held.until(ev="state", state="closed")
    held.kill()
    held.start()
    assert gateway.press(held.press()).report.opening == 0


def test_a_press_that_the_flash_has_lost_is_made_again_and_never_shown_as_received(button, gateway, broker):
    """Its entry is unreadable, or was only in memory; the incident that it opened is on the flash."""
    held = button(**settings_for(gateway, broker)).start()
    held.say("network 0")
    held.until(ev="bearer", up=False)
    lost = held.press()
    held.until(ev="state", state="sending")
    held.kill()
    done = subprocess.run(
        [micropython(), str(ON_BUTTON / "lose_entry.py"), f"{lost:08x}"],
        env=environment(SIAGA_FLASH=str(held.flash)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "lost", done.stderr
    gateway.answers = lambda uplink: True
    held.start()
    again = gateway.until(lambda uplink: uplink.kind is Kind.PRESS)
    assert (again.counter > lost, again.report.opening, again.report.test) == (True, again.counter - lost, False)
    held.until(ev="state", state="received")
    states = [event["state"] for event in held.all(ev="state")]
    assert states[:2] == ["sending", "received"]
    before = len(held.all(ev="frame", step="pressed"))
    held.kill()
    held.start()
    held.until(ev="state", state="received")
    held.until(ev="bearer", up=True)
    assert (before, held.all(ev="frame", step="pressed")) == (1, []), "it is made again once"


def test_a_power_cut_in_the_same_process_keeps_flash_and_loses_memory(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    held.say("network 0")
    held.until(ev="bearer", up=False)
    counter = held.press()
    held.say("power 0")
    time.sleep(0.3)
    since = len(held.events)
    held.say("power 1")
    assert held.until(since, ev="start")["device_id"] == held.device_id
    held.until(since, ev="state", state="sending")
    held.until(since, ev="frame", counter=counter, step="acknowledged")
