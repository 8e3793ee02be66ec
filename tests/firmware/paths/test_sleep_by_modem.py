"""A carried button that sleeps while its modem stays connected: the press finds the connection as it was left."""

from __future__ import annotations

from pathlib import Path

from brokers import Mosquitto, free_port
from firmware.button_process import VirtualButton
from firmware.small_gateway import SmallGateway
from siaga_gateway.domain.frame import Kind
from siaga_tools.silicon.a7670 import A7670

PACE = 0.04


def test_a_press_out_of_sleep_finds_the_connection_that_was_left(tmp_path: Path):
    plain = free_port()
    with (
        Mosquitto(tmp_path / "mosquitto", port=plain),
        SmallGateway(plain) as gateway,
        A7670(tmp_path, pace=PACE) as modem,
    ):
        settings = {"mqtt_port": plain, "gateway_key": gateway.public_hex, "profile": "ready"}
        it = VirtualButton(tmp_path / "button", settings)
        it.environment = {
            "SIAGA_MODEM": modem.path,
            "SIAGA_MODEM_PINS": modem.pins.path,
            "SIAGA_PERCENT": "4",
        }
        try:
            it.start()
            it.until(ev="frame", kind=int(Kind.CHECKIN), step="acknowledged", bearer="lte")
            it.until(ev="asleep", within=60)
            known = len(it.events)
            assert "AT+CSCLK=1" in modem.asked
            modem.do(modem.asked.clear)
            it.say("pin button 1")
            it.until(since=known, ev="bearer", bearer="lte", up=True, why="still connected")
            counter = int(it.until(since=known, ev="frame", kind=1, step="stored")["counter"])
            it.say("pin button 0")
            it.until(since=known, ev="frame", counter=counter, step="acknowledged", bearer="lte")
            assert modem.mqtt.connections == 1 and modem.boots == 1
            assert not [word for word in modem.asked if word.startswith(("AT+CMQTTSTART", "AT+CFUN=0", "AT+CMQTTACCQ"))]
            # What the modem's connection has lost meanwhile is found out by the first frame.
            gateway.acknowledge(gateway.uplinks[-1], 5, counter=counter)
            it.until(since=known, ev="asleep", within=60)
            known = len(it.events)
            modem.drop_connection()
            it.say("pin button 1")
            again = int(it.until(since=known, ev="frame", kind=1, step="stored", within=30)["counter"])
            it.say("pin button 0")
            it.until(since=known, ev="frame", counter=again, step="acknowledged", bearer="lte", within=60)
            assert modem.mqtt.connections == 2
        finally:
            it.kill()
