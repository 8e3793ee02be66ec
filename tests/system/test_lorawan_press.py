"""A press over LoRaWAN through the gateway's own process: settings, network server's JSON, answers on the way back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from brokers import Mosquitto
from firmware.button_process import VirtualButton
from pressing_button import PressingButton, is_bound, report_body
from siaga_gateway.domain.frame import Kind, Suite, counter_of
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

EUI = "ac1f09fffe05a1b2"
PORT = 10
KEY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[Mosquitto, Mosquitto]]:
    """The buttons' broker and the network server's."""
    with Mosquitto(tmp_path / "ours") as ours, Mosquitto(tmp_path / "theirs") as theirs:
        yield ours, theirs


def answer(network: NetworkServer, button: PressingButton, press: bytes) -> tuple[int, int, int]:
    """Kind, counter and stage of the next downlink, once its tag was verified for the press as the button does it."""
    port, frame = eventually(lambda: network.downlink(EUI), "an answer in the device's queue")
    assert port == PORT
    assert is_bound(button.mac_down, frame, press)
    return frame[1], counter_of(frame), frame[18]


def test_a_press_over_lorawan_opens_an_incident_and_is_answered(
    tmp_path: Path, brokers: tuple[Mosquitto, Mosquitto]
) -> None:
    ours, theirs = brokers
    gateway = Gateway(tmp_path / "gateway", ours.port)
    with gateway.config.open("a", encoding="utf-8") as config:
        config.write(f'\n[lorawan]\nnetwork = "chirpstack"\nport = {theirs.port}\n')
    theirs.kill()  # the network server is not there when the gateway starts
    gateway.start()
    try:
        button = PressingButton()
        gateway.enrol(button.device_id.hex(), frame=button.enrol().hex())
        button.meet(SimpleNamespace(public_xy=bytes.fromhex(gateway.public_hex)))  # type: ignore[arg-type]
        eventually(lambda: "bearer_lost" in gateway.kinds(), "the journal says that LoRaWAN is away")
        theirs.start()
        eventually(lambda: "bearer_back" in gateway.kinds(), "the journal says that LoRaWAN is back")
        with NetworkServer("127.0.0.1", theirs.port) as network:
            press = button.frame(Kind.PRESS, 2, report_body(int(time.time())), Suite.HS256_64)
            for counter in range(2):
                network.uplink(EUI, PORT, press, 3, counter)
                assert answer(network, button, press) == (Kind.ACK, 2, 1)
            # The signed form of the same press, by way of another device: one event, answered there and nowhere else.
            signed = button.frame(Kind.PRESS, 2, press[14:-8], Suite.ES256)
            network.uplink("0102030405060708", PORT, signed, 5, 0)
            assert eventually(lambda: network.downlink("0102030405060708"), "the answer at the other device")[0] == PORT
            network.uplink(EUI, PORT, press, 3, 3)
            assert answer(network, button, press) == (Kind.ACK, 2, 1)
            assert not network.downlink(EUI)
            network.uplink(EUI, 2, b"thermometer", 3, 4)
        kinds = gateway.kinds()
        assert kinds.count("incident_opened") == 1
        assert "malformed" not in kinds
        assert gateway.stop() == 0
    finally:
        gateway.kill()


def test_a_button_that_has_only_lorawan_at_dr3_with_the_dwell_limit(
    tmp_path: Path, brokers: tuple[Mosquitto, Mosquitto]
) -> None:
    """The whole button under MicroPython: pressed, stored, answered; the first answer is lost on the air, and a later
    stage comes with an update."""
    ours, theirs = brokers
    gateway = Gateway(tmp_path / "gateway", ours.port)
    with gateway.config.open("a", encoding="utf-8") as config:
        config.write(f'\n[lorawan]\nnetwork = "chirpstack"\nport = {theirs.port}\n')
    gateway.start()
    button = VirtualButton(
        tmp_path / "button", {"mqtt_hosts": None, "gateway_key": gateway.public_hex, "lorawan_app_key": KEY}
    )
    try:
        with (
            NetworkServer("127.0.0.1", theirs.port) as network,
            SimulatedRak3172(network, app_key=KEY, dwell=True, speed=5) as rak,
        ):
            button.environment = {"SIAGA_LORAWAN": rak.line.path}
            button.start()
            gateway.enrol(button.device_id, frame=str(button.until(ev="start")["enrol"]))
            button.until(ev="bearer", bearer="lorawan", up=True)
            rak.faults.lose_downlinks = 1
            counter = button.press()
            button.until(ev="ack", counter=counter, stage=1, within=ENDS_S)
            button.until(ev="indicator", signal="received")
            presses = [one for one in rak.sent if one.payload[1:2] == b"\x01"]
            assert {len(one.payload) for one in presses} == {43}
            assert all(one.airtime_ms <= 400 for one in rak.sent)
            with httpx.Client(
                verify=False, base_url=gateway.console, headers={"origin": gateway.console.rstrip("/")}
            ) as console:
                assert console.post("/sign-in", data={"name": "Siti"}).status_code == 303
                assert console.post("/incidents/1/seen").status_code < 400
            button.say("fix -54292000 1052610000 12 3")
            button.until(ev="ack", counter=counter, stage=2, within=ENDS_S)
            kinds = gateway.kinds()
            assert kinds.count("incident_opened") == 1
            assert "position" in kinds
    finally:
        button.kill()
        gateway.kill()
