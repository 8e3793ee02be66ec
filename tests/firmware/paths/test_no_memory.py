"""Where all else has used up the memory, a press is still kept, signed, sent and shown."""

from __future__ import annotations

import pytest

from siaga_gateway.domain.frame import Kind, Stage


@pytest.mark.parametrize("left", [6000, 3000, 1000, 300])
def test_a_press_is_kept_and_sent_with_hardly_any_memory_left(button, gateway, broker, left):
    held = button(mqtt_port=broker, gateway_key=gateway.public_hex, checkin_s=600).start()
    held.until(ev="frame", kind=int(Kind.CHECKIN), step="acknowledged")
    held.say(f"hog {left}")
    counter = held.press()
    held.until(ev="frame", counter=counter, step="acknowledged", within=60)
    held.until(ev="state", state="received")
    assert [uplink for uplink in gateway.uplinks if uplink.kind is Kind.PRESS and uplink.counter == counter]
    held.say("hog 0")
    again = held.press()
    held.until(ev="frame", counter=again, step="acknowledged", within=60)


@pytest.mark.parametrize("left", [1500, 1000, 600, 300])
def test_an_answer_is_heard_where_the_memory_ran_out_after_the_press(button, gateway, broker, left):
    held = button(mqtt_port=broker, gateway_key=gateway.public_hex, checkin_s=600).start()
    held.until(ev="frame", kind=int(Kind.CHECKIN), step="acknowledged")
    gateway.answers = lambda uplink: False
    counter = held.press()
    press = gateway.press(counter)
    held.until(ev="frame", counter=counter, step="puback")
    held.say(f"hog {left}")
    held.say("heap")
    held.until(ev="heap")
    gateway.acknowledge(press, Stage.RECEIVED)
    held.until(ev="frame", counter=counter, step="acknowledged")
    held.until(ev="state", state="received")
