"""Presses by text message through the gateway's process: with the real gammu-smsd, and by an aggregator's webhook."""

from __future__ import annotations

import base64
import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from brokers import Mosquitto, free_port
from gammu_phone import GammuSmsd
from gateway.command_button import ObeyingButton
from gateway.enrolled_devices import enrolled_buttons
from gateway.outputs.http_receiver import Receiver, answer
from pressing_button import is_bound, report_body
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame import CommandCode, Kind, Suite
from siaga_gateway.formats.sms import text_of
from siaga_gateway.service.journal import kinds as journal
from spoiling import spoilt
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

NUMBER = "+6281200000001"
STRANGER = "+6281200000002"
FRAMES = 120  # of each button: enough that a kill falls among them
SECRET = "correct horse battery staple"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as made:
        yield made


def settings(gateway: Gateway, lines: str) -> None:
    with gateway.config.open("a", encoding="utf-8") as config:
        config.write(f"\n{lines}\n")


def test_a_press_by_text_message_is_stored_and_answered_through_the_real_gammu_smsd(
    tmp_path: Path, broker: Mosquitto
) -> None:
    gateway = Gateway(tmp_path / "gateway", broker.port)
    daemon = GammuSmsd(tmp_path / "gammu")
    settings(gateway, f'[sms]\nspool = "gammu"\ninbox = "{daemon.inbox}"\noutbox = "{daemon.outbox}"')
    (button,) = enrolled_buttons(gateway.data, 1)
    by_text, by_mqtt = ObeyingButton(button), ObeyingButton(button)
    by_mqtt.wake(broker.port)
    press = button.press(int(time.time()))
    by_mqtt.sent[button.counter] = press
    forged = spoilt(press)

    def answers() -> list[bytes]:
        """What came back by text message to the button's number."""
        return [base64.b64decode(text, validate=True) for number, text in daemon.transmitted() if number == NUMBER]

    try:
        with daemon:
            daemon.receive(NUMBER, text_of(press) or "")  # the gateway is not there yet
            daemon.receive(STRANGER, text_of(forged) or "")
            eventually(lambda: len(list(daemon.inbox.iterdir())) == 2, "both are in the inbox")
            gateway.start()
            eventually(lambda: len(answers()) == 1, "the answer was sent by text message")
            assert is_bound(button.mac_down, answers()[0], press)
            assert (answers()[0][1], answers()[0][18]) == (Kind.ACK, 1)
            eventually(lambda: by_mqtt._acknowledged == {button.counter: 1}, "it is answered over MQTT as well")
            daemon.receive(NUMBER, text_of(press) or "")  # as a button does that did not hear the answer
            eventually(lambda: len(answers()) == 2, "it is answered again")
            # A command to this button goes the same ways.
            by_mqtt.sleep()
            gateway.command("command", button.device_id.hex(), "locate", "--by", "Dewi")
            eventually(lambda: len(answers()) >= 3, "the command was sent by text message")
            by_text.take(answers()[2])
            down_counter, code, _ = by_text.done.get_nowait()
            assert code == CommandCode.LOCATE
            button.counter += 1
            body = down_counter.to_bytes(4, "big") + b"\0"
            daemon.receive(NUMBER, text_of(button.frame(Kind.RECEIPT, button.counter, body, Suite.HS256_64)) or "")
            eventually(lambda: "done" in gateway.command("commands"), "the receipt came by text message")
            eventually(lambda: not list(daemon.inbox.iterdir()), "what is stored is removed")
        assert {number for number, _ in daemon.transmitted()} == {NUMBER}, "a forged frame is never answered"
        kinds = gateway.kinds()
        assert kinds.count(journal.INCIDENT_OPENED) == kinds.count(journal.FORGED) == 1
        assert gateway.stop() == 0
        told = gateway.stderr() + gateway.command("log", "--frames")
        assert NUMBER[1:] not in told and STRANGER[1:] not in told
        assert "Traceback" not in told
    finally:
        by_mqtt.sleep()
        gateway.kill()


def test_a_press_by_an_aggregator_is_stored_before_it_is_answered_there_and_by_its_interface(
    tmp_path: Path, broker: Mosquitto
) -> None:
    gateway = Gateway(tmp_path / "gateway", broker.port)
    port = free_port()
    with Receiver(answer(200)) as aggregator:
        settings(
            gateway,
            f'[sms]\nreplies_per_minute = 3\n[sms.webhook]\nport = {port}\nsecret = "{SECRET}"\n'
            f'[sms.aggregator]\nurl = "{aggregator.url}"\ntoken = "key"\n[metrics]\nport = {(figures := free_port())}',
        )
        (button,) = enrolled_buttons(gateway.data, 1)
        gateway.start()
        try:
            press = button.frame(Kind.PRESS, 2, report_body(int(time.time())), Suite.HS256_64)
            with httpx.Client(
                verify=False, base_url=f"http://127.0.0.1:{port}", timeout=ENDS_S, trust_env=False
            ) as client:

                def post(frame: bytes, number: str = NUMBER) -> httpx.Response:
                    body = {"from": number, "text": text_of(frame)}
                    return client.post("/sms", json=body, headers={"authorization": f"Bearer {SECRET}"})

                assert post(press).json() == {"stored": True}
                assert journal.INCIDENT_OPENED in gateway.kinds(), "it is stored by the time it is answered"
                eventually(lambda: len(aggregator.requests) == 1, "the answer was posted")
                assert post(press, STRANGER).json() == {"stored": True}
                eventually(lambda: len(aggregator.requests) == 2, "a repetition is answered where it came from")
                for _ in range(9):
                    assert post(press).status_code == 200
                assert post(spoilt(press)).json()["stored"] is False
                assert client.post("/sms", json={}).status_code == 401
            counted = httpx.get(f"http://127.0.0.1:{figures}/metrics", trust_env=False, verify=False).text
            assert 'siaga_sms_webhook_messages_total{outcome="frame"} 11.0' in counted
            assert 'siaga_sms_webhook_messages_total{outcome="unauthorised"} 1.0' in counted
            eventually(
                lambda: len(aggregator.requests) == 4, "one to the press, and to repetitions within their budget"
            )
            sent = [json.loads(request.body) for request in aggregator.requests]
            assert [one["to"] for one in sent] == [NUMBER, STRANGER, NUMBER, NUMBER]
            ack = base64.b64decode(sent[0]["text"])
            assert is_bound(button.mac_down, ack, press)
            assert (ack[1], int.from_bytes(ack[10:14], "big"), ack[18]) == (Kind.ACK, 2, 1)
            assert gateway.stop() == 0
            assert len(aggregator.requests) == 4, "and no more than that"
            told = gateway.stderr() + gateway.command("log", "--frames")
            assert NUMBER[1:] not in told and SECRET not in told
            assert "held back for their cost, the last to +62...01" in told
        finally:
            gateway.kill()


def test_folders_that_are_not_there_keep_nothing_else_shut(tmp_path: Path, broker: Mosquitto) -> None:
    gateway = Gateway(tmp_path / "gateway", broker.port)
    settings(gateway, f'[sms]\nspool = "gammu"\ninbox = "{tmp_path}/in"\noutbox = "{tmp_path}/out"')
    (button,) = enrolled_buttons(gateway.data, 1)
    obeying = ObeyingButton(button)
    try:
        gateway.start()
        obeying.wake(broker.port)
        assert obeying.check_in() == 1
        (lost,) = eventually(lambda: lost_of(gateway), "it is told of")
        assert (lost["facts"]["bearer"], lost["facts"]["way"]) == ("sms", "spool")
        assert "there is no such file" in lost["facts"]["why"]
        (tmp_path / "in").mkdir()
        (tmp_path / "out").mkdir()
        eventually(lambda: journal.BEARER_BACK in gateway.kinds(), "it is found again")
        assert gateway.stop() == 0
    finally:
        obeying.sleep()
        gateway.kill()


def lost_of(gateway: Gateway) -> list[Mapping[str, Any]]:
    return [entry for entry in gateway.log() if entry["kind"] == journal.BEARER_LOST]


def test_a_gateway_killed_over_its_messages_loses_none_and_stores_each_once(tmp_path: Path, broker: Mosquitto) -> None:
    gateway = Gateway(tmp_path / "gateway", broker.port)
    inbox, outbox = tmp_path / "incoming", tmp_path / "outgoing"
    inbox.mkdir()
    outbox.mkdir()
    settings(gateway, f'[sms]\nspool = "smstools"\ninbox = "{inbox}"\noutbox = "{outbox}"')
    text = gateway.config.read_text(encoding="utf-8")
    gateway.config.write_text(f"batch = 1\n{text}", encoding="utf-8")  # so that a kill falls between commits
    chance = random.Random(2026)
    sent: dict[tuple[bytes, int], bytes] = {}
    kills, interrupted = 4, 0
    try:
        for button in enrolled_buttons(gateway.data, kills):
            for number in range(FRAMES):
                frame = button.press(int(time.time()), again=number > 0)
                sent[button.device_id, button.counter] = frame
                aside = tmp_path / "aside"
                aside.write_text(f"From: {NUMBER[1:]}\n\n{text_of(frame)}\n")
                aside.rename(inbox / f"GSM1.{button.device_id.hex()}{number:03}")
            before = len(list(inbox.iterdir()))
            gateway.launch()  # messages are taken before it says that it is ready
            deadline = time.monotonic() + ENDS_S
            while len(os.listdir(inbox)) >= before:  # looked at without pause: all of them take a few moments only
                assert time.monotonic() < deadline, "none was removed"
            time.sleep(chance.random() * 0.02)
            gateway.kill()
            interrupted += bool(list(inbox.iterdir()))
        gateway.start()
        eventually(lambda: not list(inbox.iterdir()), "all are removed")
        assert gateway.stop() == 0
    finally:
        gateway.kill()
    assert interrupted, "no kill fell in the middle of them: this test meant nothing"
    store = SqlStore(store_path(gateway.data), 0)
    rows = store.fetch("SELECT device_id, counter, frame FROM event")
    incidents = store.open_incidents()
    store.close()
    assert {(device_id, counter): frame for device_id, counter, frame in rows} == sent
    assert len(rows) == len(sent)
    assert [incident.presses for incident in incidents] == [FRAMES] * kills
