"""A press of the whole virtual button, and the call that follows it: over LTE, and where a call stops the data."""

from __future__ import annotations

from pathlib import Path

from brokers import Mosquitto, free_port
from firmware.button_process import VirtualButton
from firmware.small_gateway import SmallGateway
from modem_time import let_pass
from siaga_gateway.domain.frame import Kind, Stage
from siaga_tools.silicon.a7670 import A7670

PACE = 0.04
NUMBER, CENTRE = "+6272100110", "+6281200000110"


def test_a_press_is_called_for_until_it_is_closed(tmp_path: Path):
    plain = free_port()
    broker = Mosquitto(tmp_path / "mosquitto", f"listener {plain} 127.0.0.1", port=plain)
    with broker, SmallGateway(plain) as gateway, A7670(tmp_path, pace=PACE) as modem:
        gateway.answers = lambda uplink: uplink.kind is not Kind.PRESS
        settings = {
            "mqtt_hosts": ["localhost"],
            "mqtt_port": plain,
            "gateway_key": gateway.public_hex,
            "checkin_s": 600,
            "call_number": NUMBER,
            "answer_numbers": [CENTRE],
        }
        it = VirtualButton(tmp_path / "button", settings)
        it.environment = {
            "SIAGA_MODEM": modem.path,
            "SIAGA_MODEM_PINS": modem.pins.path,
            "SIAGA_PERCENT": "4",
        }
        far = modem.voice
        try:
            it.start()
            it.until(ev="bearer", bearer="lte", up=True)
            counter = it.press()
            it.until(ev="frame", kind=1, counter=counter, step="puback", bearer="lte")
            assert not it.all(ev="call"), "the press has the modem to itself"
            press = gateway.press(counter)
            gateway.acknowledge(press, Stage.RECEIVED)
            dialling = it.until(ev="call", step="dialling")
            assert it.until(ev="frame", counter=counter, step="acknowledged")["t"] <= dialling["t"]
            it.until(ev="call", step="began")
            assert far.dialled == [NUMBER] and far.is_up
            known = len(it.events)
            gateway.acknowledge(press, Stage.CLOSED)
            it.until(since=known, ev="call", step="hanging_up")
            it.until(since=known, ev="call", step="over")
            assert not far.is_busy
            it.until(since=known, ev="state", state="closed")

            # The centre calls back, in the form that its network tells.
            known = len(it.events)
            far.call("0" + CENTRE.removeprefix("+62"))
            it.until(since=known, ev="call", step="began")
            far.hang_up()
            it.until(since=known, ev="call", step="over")

            # Where calls fall back to 2G data stand still meanwhile; no repair ends the call, and what waits goes then.
            far.falls_back = True
            known = len(it.events)
            counter = it.press()
            gateway.acknowledge(gateway.press(counter), Stage.RECEIVED)
            it.until(since=known, ev="call", step="began")
            it.until(since=known, ev="bearer", bearer="lte", up=False)
            it.say(f"fix {-53971000} {1052668000} 12")
            update = it.until(since=known, ev="frame", kind=int(Kind.UPDATE), step="stored")["counter"]
            let_pass(modem, 10)  # longer than the shortest talk
            assert far.is_up and not it.all(ev="frame", counter=update, step="puback")
            known = len(it.events)
            far.hang_up()
            it.until(since=known, ev="call", step="over")
            it.until(since=known, ev="bearer", bearer="lte", up=True)
            it.until(since=known, ev="frame", counter=update, step="acknowledged")
            assert far.dialled == [NUMBER, NUMBER] and not far.collisions and modem.boots == 1
        finally:
            it.kill()
