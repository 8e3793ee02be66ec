"""One press, end to end: the button's own firmware, a real broker, the real gateway, a receiver and the console."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from brokers import Mosquitto, embedded_broker
from firmware.button_process import VirtualButton
from gateway.outputs.http_receiver import Receiver
from system.running_gateway import SECRET, Gateway, TypedGateway
from waiting import ENDS_S, eventually


@pytest.fixture(params=["mosquitto", "embedded"])
def broker_port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    if request.param == "mosquitto":
        with Mosquitto(tmp_path / "broker") as broker:
            yield broker.port
    else:
        with embedded_broker() as port:
            yield port


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def enrolled(gateway: Gateway, button: VirtualButton) -> None:
    """Enrol by the frame that the button prints at its start; its next try is answered."""
    gateway.enrol(button.device_id, frame=str(button.until(ev="start")["enrol"]))
    button.until(ev="frame", kind=6, step="acknowledged", within=ENDS_S)


def enrolled_from_quarantine(gateway: Gateway, button: VirtualButton) -> None:
    """The button calls, the registrar finds it in the quarantine and enrols it there."""
    eventually(
        lambda: f"{button.device_id}  key proven" in gateway.command("quarantine"), "the button in the quarantine"
    )
    gateway.enrol(button.device_id)
    button.until(ev="frame", kind=6, step="acknowledged", within=ENDS_S)
    assert button.device_id not in gateway.command("quarantine")


def test_a_press_reaches_everyone_and_every_stage_comes_back(
    tmp_path: Path, broker_port: int, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    # Typed once, with the broker of an installation.
    kind = TypedGateway if request.node.callspec.params["broker_port"] == "mosquitto" else Gateway
    with kind(tmp_path / "gateway", broker_port, receiver.port) as gateway:
        button = VirtualButton(
            tmp_path / "button", {"mqtt_port": broker_port, "gateway_key": gateway.public_hex}
        ).start()
        try:
            enrolled_from_quarantine(gateway, button)
            button.say("fix -54292000 1052610000 12 3")
            counter = button.press()
            button.until(ev="ack", counter=counter, stage=1)
            button.until(ev="indicator", signal="received")

            request = eventually(lambda: receiver.requests[:1], "the incident at the receiver")[0]
            event = Webhook(SECRET).verify(request.body, dict(request.headers))
            assert event["type"].endswith("opened.v1")
            assert "Contoh Wati" in json.dumps(event["data"])
            assert "-54292000" in json.dumps(event["data"])

            with httpx.Client(
                verify=False, base_url=gateway.console, headers={"origin": gateway.console.rstrip("/")}
            ) as console:
                signed_in = console.post("/sign-in", data={"name": "Siti"})
                assert signed_in.status_code == 303, signed_in.text
                page = console.get("/")
                assert "Contoh Wati" in page.text
                seen = console.post("/incidents/1/seen")
                assert seen.status_code < 400, seen.text
            button.until(ev="ack", counter=counter, stage=2)
            button.until(ev="indicator", signal="seen")

            entries = gateway.log("--incident", "1")
            kinds = [entry["kind"] for entry in entries]
            assert kinds[0] == "incident_opened"
            assert {"delivered", "seen"} <= set(kinds)
            assert gateway.stop() == 0
            assert gateway.kinds()[-1] == "gateway_stopped"
        finally:
            button.kill()


def test_the_gateway_may_be_away_while_someone_presses(tmp_path: Path, broker_port: int) -> None:
    gateway = Gateway(tmp_path / "gateway", broker_port).start()
    button = VirtualButton(tmp_path / "button", {"mqtt_port": broker_port, "gateway_key": gateway.public_hex}).start()
    try:
        enrolled(gateway, button)
        gateway.kill()
        counter = button.press()
        button.until(ev="frame", counter=counter, step="puback")  # the broker has it; that is not enough
        button.kill()
        button.start(wait=False)
        gateway.start()
        button.until(ev="ack", counter=counter, stage=1, within=ENDS_S)
        rows = sqlite3.connect(gateway.data / "siaga.db").execute(
            "SELECT count(*) FROM event WHERE counter = ? AND kind = 1", (counter,)
        )
        assert rows.fetchone() == (1,)
    finally:
        button.kill()
        gateway.kill()


def test_a_stolen_buttons_press_waits_for_a_person_and_tells_the_holder_to_call(
    tmp_path: Path, receiver: Receiver
) -> None:
    """What the gateway decides, whatever its broker."""
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Gateway(tmp_path / "gateway", broker.port, receiver.port) as gateway,
    ):
        button = VirtualButton(
            tmp_path / "button", {"mqtt_port": broker.port, "gateway_key": gateway.public_hex}
        ).start()
        try:
            enrolled(gateway, button)
            gateway.command("state", button.device_id, "stolen", "--reason", "reported lost", "--by", "registrar")
            counter = button.press()
            button.until(ev="ack", counter=counter, stage=7)
            button.until(ev="state", state="refused")
            assert "HELD" in gateway.command("incidents")
            assert receiver.requests == []
        finally:
            button.kill()
