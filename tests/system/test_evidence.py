"""The signature of a press that went by LoRaWAN in its short form: it follows by the wider bearer, across a restart."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from brokers import Mosquitto
from firmware.button_process import VirtualButton
from siaga_gateway.adapters.sql.store import FILE_NAME
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

KEY = "00112233445566778899aabbccddeeff"
PROGRAM = Path(__file__).resolve().parent / "on_button" / "soon_settled.py"


def has_signature(gateway: Gateway, counter: int) -> bool | None:
    """Whether the gateway has the signature of this frame, None where it does not have the frame."""
    with closing(sqlite3.connect(f"file:{gateway.data / FILE_NAME}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT signature IS NOT NULL FROM event WHERE counter = ?", (counter,)).fetchone()
    return None if row is None else bool(row[0])


def test_the_evidence_of_a_press_by_lorawan_follows_by_mqtt(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "ours") as ours, Mosquitto(tmp_path / "theirs") as theirs:
        gateway = Gateway(tmp_path / "gateway", ours.port)
        with gateway.config.open("a", encoding="utf-8") as config:
            config.write(f'\n[lorawan]\nnetwork = "chirpstack"\nport = {theirs.port}\n')
        gateway.start()
        settings = {"mqtt_port": ours.port, "gateway_key": gateway.public_hex, "lorawan_app_key": KEY}
        button = VirtualButton(tmp_path / "button", {**settings, "checkin_s": 600})
        button.program = PROGRAM
        try:
            with (
                NetworkServer("127.0.0.1", theirs.port) as network,
                SimulatedRak3172(network, app_key=KEY, dwell=True, speed=5) as rak,
            ):
                button.environment = {"SIAGA_LORAWAN": rak.line.path}
                button.start()
                gateway.enrol(button.device_id, frame=str(button.until(ev="start")["enrol"]))
                button.until(ev="bearer", bearer="lorawan", up=True, within=ENDS_S)
                button.until(ev="bearer", bearer="mqtt", up=True, within=ENDS_S)
                button.say("network 0")
                button.until(ev="bearer", bearer="mqtt", up=False)
                counter = button.press()
                button.until(ev="frame", counter=counter, step="acknowledged", bearer="lorawan", within=ENDS_S)
                assert has_signature(gateway, counter) is False
                button.kill()
                button.start()
                button.until(ev="state", state="received")
                button.until(ev="frame", counter=counter, step="witnessed", within=ENDS_S)
                assert has_signature(gateway, counter) is True
                assert not button.all(ev="state", state="sending"), "to the holder it was received all the time"
                eventually(lambda: gateway.kinds().count("incident_opened") == 1, "one incident")
                assert "contradiction" not in gateway.kinds()
        finally:
            button.kill()
            gateway.kill()
