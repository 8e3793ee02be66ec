"""Buttons, the gateway and the broker of `siaga gateway broker-config` as in life: TLS, each button itself, a broker
that dies, is killed and loses its disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from firmware.button_process import VirtualButton
from guarded_broker import GuardedBroker
from waiting import ENDS_S, eventually


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with GuardedBroker(tmp_path_factory.mktemp("house")) as running:
        try:
            running.gateway.start()
            yield running
        finally:
            running.gateway.kill()


def button_for(broker: GuardedBroker, folder: Path, **settings: object) -> VirtualButton:
    return VirtualButton(
        folder,
        {
            "mqtt_port": broker.port,
            "mqtt_tls": True,
            "mqtt_ca": broker.pem,
            "mqtt_server_name": "localhost",
            "gateway_key": broker.gateway.public_hex,
            **settings,
        },
    )


@pytest.fixture(scope="module")
def button(broker: GuardedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualButton]:
    """Enrolled by cable: before it has ever reached a broker."""
    made = button_for(broker, tmp_path_factory.mktemp("button")).start()
    try:
        broker.gateway.enrol(made.device_id, frame=str(made.until(ev="start")["enrol"]))
        made.until(ev="frame", kind=6, step="acknowledged", within=ENDS_S)
        yield made
    finally:
        made.kill()


def presses(broker: GuardedBroker, device_id: str) -> list[tuple[int, int]]:
    """(counter, how often it is stored) of every press."""
    with closing(sqlite3.connect(broker.gateway.data / "siaga.db")) as store:
        return store.execute(
            "SELECT counter, count(*) FROM event WHERE kind = 1 AND device_id = ? GROUP BY counter ORDER BY counter",
            (bytes.fromhex(device_id),),
        ).fetchall()


def test_a_new_button_leaves_its_key_at_the_door_and_goes_on_as_itself(broker: GuardedBroker, tmp_path: Path) -> None:
    gateway = broker.gateway
    opened = gateway.command("broker-door", "open").strip()
    button = button_for(broker, tmp_path / "button", mqtt_password=opened).start()
    try:
        eventually(
            lambda: f"{button.device_id}  key proven" in gateway.command("quarantine"),
            "the button in the quarantine",
            timeout_s=ENDS_S,
        )
        assert not button.all(ev="frame", kind=6, step="acknowledged")
        gateway.enrol(button.device_id)
        button.until(ev="frame", kind=6, step="acknowledged", within=ENDS_S)
        # It is itself from now on, and needs the door no more.
        assert gateway.command("broker-door", "close") == "closed\n"
        counter = button.press()
        button.until(ev="ack", counter=counter, stage=1, within=ENDS_S)
        assert "broker_access" in gateway.kinds()
        assert presses(broker, button.device_id) == [(counter, 1)]
    finally:
        button.kill()


def test_a_suspended_and_a_stolen_button_are_still_heard(broker: GuardedBroker, button: VirtualButton) -> None:
    """Held, shown, and its holder told to call: for that the broker has to let it in."""
    gateway = broker.gateway
    for state, stage in (("suspended", 7), ("stolen", 7), ("active", 1)):
        gateway.command("state", button.device_id, state, "--reason", "a test", "--by", "registrar")
        counter = button.press()
        button.until(ev="ack", counter=counter, stage=stage, within=ENDS_S)
        assert ("HELD" in gateway.command("incidents")) == (stage == 7)


def test_a_button_that_was_removed_is_cut_off_and_one_that_comes_back_is_let_in(
    broker: GuardedBroker, button: VirtualButton
) -> None:
    gateway = broker.gateway
    since = len(button.events)
    gateway.command("state", button.device_id, "removed", "--reason", "a test", "--by", "registrar")
    button.until(since, ENDS_S, ev="bearer", up=False)
    button.until_true(lambda event: event["ev"] == "bearer" and "mqtt_password" in event["why"], since, ENDS_S)
    since = len(button.events)
    gateway.command("state", button.device_id, "active", "--reason", "a test", "--by", "registrar", "--yes")
    button.until(since, ENDS_S, ev="bearer", up=True)
    facts = [entry["facts"] for entry in gateway.log() if entry["kind"] == "broker_access"]
    assert facts[-2:] == [{"given": 0, "withdrawn": 1}, {"given": 1, "withdrawn": 0}]


def test_a_broker_that_is_killed_and_one_that_lost_its_disk_cost_no_press(
    broker: GuardedBroker, button: VirtualButton
) -> None:
    gateway = broker.gateway
    made = []
    for lost in (False, True):
        since = len(button.events)
        broker.kill()
        button.until(since, ENDS_S, ev="bearer", up=False)
        made.append(button.press())
        if lost:
            broker.empty()
        since = len(button.events)
        broker.start()
        button.until(since, ENDS_S, ev="ack", counter=made[-1], stage=1)
        back = int(lost)
        eventually(
            lambda known=back: gateway.kinds().count("broker_back") > known,
            "the gateway says that it is back",
            timeout_s=ENDS_S,
        )
    # One that the broker had acknowledged when it died.
    gateway.kill()
    made.append(button.press())
    button.until(ev="frame", counter=made[-1], step="puback", within=ENDS_S)
    broker.kill()
    broker.empty()
    broker.start()
    gateway.start()
    button.until(ev="ack", counter=made[-1], stage=1, within=ENDS_S)
    assert presses(broker, button.device_id)[-len(made) :] == [(counter, 1) for counter in made]


def test_what_a_broker_saved_comes_to_a_gateway_that_was_away(broker: GuardedBroker, button: VirtualButton) -> None:
    """No button is there to repeat it: it comes from the broker's store, and the broker's rules let it through."""
    gateway = broker.gateway
    gateway.kill()
    counter = button.press()
    button.until(ev="frame", counter=counter, step="puback", within=ENDS_S)
    button.kill()
    broker.stop()
    broker.start()
    gateway.start()
    eventually(lambda: (counter, 1) in presses(broker, button.device_id), "the press is stored", timeout_s=ENDS_S)
