"""The whole button sleeps and wakes: by hand, by time, by its case, by the modem; nothing is lost over it."""

from __future__ import annotations

import time

import pytest

from brokers import Mosquitto
from firmware.button_process import VirtualButton
from siaga_gateway.domain.frame import Kind, Suite, Trigger

pytestmark = pytest.mark.side_by_side

ASLEEP_S = 60.0


@pytest.fixture
def broker(mosquitto: Mosquitto) -> int:
    """Of one test alone: another's frames would have the same counters."""
    return mosquitto.port


def settings_for(gateway, broker, **more):
    return {"mqtt_port": broker, "gateway_key": gateway.public_hex, "profile": "ready", **more}


def asleep(held: VirtualButton) -> int:
    """Wait until it sleeps; the number of the event behind it."""
    held.until(ev="asleep", within=ASLEEP_S)
    number = max(i for i, event in enumerate(held.events) if event["ev"] == "asleep")
    return number + 1


def bodies(gateway, kind: Kind) -> list:
    return [uplink for uplink in gateway.uplinks if uplink.kind is kind]


def test_a_press_wakes_it_and_goes_out_and_it_sleeps_again_once_the_incident_is_over(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    assert held.until(ev="start")["woke_by"] == "power"
    known = asleep(held)
    assert 19_000_000 < held.until(ev="asleep")["ms"] <= 24_000_000, "till the check-in in six hours"
    held.say("pin button 1")
    held.until(since=known, ev="start", woke_by="button")
    counter = held.until(since=known, ev="frame", kind=1, step="stored")["counter"]
    held.say("pin button 0")
    held.until(since=known, ev="frame", counter=counter, step="acknowledged")
    held.until(since=known, ev="state", state="received")
    time.sleep(6)  # longer than it stays awake without an incident: nothing that comes later shows that it did not
    assert not [event for event in held.events[known:] if event["ev"] == "asleep"], "it waits for its stages"
    press = bodies(gateway, Kind.PRESS)[-1]
    gateway.acknowledge(press, 5)
    held.until(since=known, ev="state", state="closed")
    held.until(since=known, ev="asleep", within=ASLEEP_S)


def test_its_time_wakes_it_for_a_check_in_that_is_no_restart(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    known = asleep(held)
    checkins = len(bodies(gateway, Kind.CHECKIN))
    assert checkins, "it checked in before it slept"
    assert bodies(gateway, Kind.CHECKIN)[0].body[17] & 0x80 or bodies(gateway, Kind.CHECKIN)[0].body[18] & 0x80
    held.say("wake timer")
    held.until(since=known, ev="start", woke_by="timer", restarts=0)
    counter = held.until(since=known, ev="frame", kind=int(Kind.CHECKIN), step="acknowledged")["counter"]
    told = next(uplink for uplink in bodies(gateway, Kind.CHECKIN) if uplink.counter == counter)
    assert not told.body[18] & 0x80, "woken is not restarted"
    assert counter == bodies(gateway, Kind.CHECKIN)[0].counter + 1, "sleep uses up no counters"
    assert told.body[26] >= 5, "six hours of sleep are hours of running"
    assert bodies(gateway, Kind.CHECKIN)[0].suite is Suite.ES256, "the first after a start is signed"
    assert told.suite is Suite.HS256_64, "a sleep is no start"
    held.until(since=known, ev="asleep", within=ASLEEP_S)


def test_its_case_and_the_modem_wake_it(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    known = asleep(held)
    held.say("pin tamper 1")
    held.until(since=known, ev="start", woke_by="case")
    held.until(since=known, ev="frame", kind=int(Kind.TAMPER), step="acknowledged")
    held.until(since=known, ev="asleep", within=ASLEEP_S)
    known = len(held.events)
    held.say("wake modem")
    held.until(since=known, ev="start", woke_by="modem")
    held.until(since=known, ev="frame", kind=int(Kind.CHECKIN), step="acknowledged")


def test_a_foot_switch_at_the_external_input_wakes_it_and_is_a_press(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    known = asleep(held)
    held.say("pin input 1")
    held.until(since=known, ev="start", woke_by="input")
    counter = held.until(since=known, ev="frame", kind=1, step="acknowledged")["counter"]
    (press,) = [uplink for uplink in bodies(gateway, Kind.PRESS) if uplink.counter == counter]
    assert press.report.trigger is Trigger.EXTERNAL_INPUT


def test_it_stays_awake_on_mains_and_without_a_network_gives_up_for_a_while(button, gateway, broker):
    held = button(**settings_for(gateway, broker))
    held.environment = {"SIAGA_PINS": "external"}
    held.start()
    held.until(ev="frame", kind=int(Kind.CHECKIN), step="acknowledged")
    time.sleep(6)  # as above; nothing comes after it, and the button's clock is this machine's
    assert not held.all(ev="asleep")
    held.say("pin external 0")
    held.until(ev="asleep", within=ASLEEP_S)
