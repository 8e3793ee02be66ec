"""Trouble of the gateway itself reaches the outputs while the store cannot be used: once, worse, and over.

The receivers are real, so is the damage."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import sqlite_damage
from brokers import Mosquitto, free_port
from gateway.enrolled_devices import enrolled_buttons
from gateway.fake_ports import ManualClock
from gateway.outputs.http_delivery import SECRET, webhook
from gateway.outputs.http_receiver import Receiver, answer, never
from gateway.stubborn_buttons import Crowd
from siaga_gateway.adapters.files.gateway_trouble import FILE_NAME, TroubleFile
from siaga_gateway.adapters.sql import store_path
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.domain.gateway_trouble import Trouble, TroubleKind
from siaga_gateway.formats import gateway_event
from siaga_gateway.service.delivery import gateway_troubles as module
from siaga_gateway.service.delivery.gateway_troubles import Troubles
from siaga_gateway.service.ports import Delivered
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

LONG = 15  # looks: longer than what is to last, and than the pause before something is told again
SHAPE = jsonschema.Draft202012Validator(dict(gateway_event.schema()))


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """What came of the gateway itself, each message once, in its shape."""
    found = {}
    for request in list(receiver.requests):
        event = json.loads(request.body)
        if event["type"].startswith("id.siaga.gateway."):
            SHAPE.validate(event["data"])
            assert event["type"] == f"id.siaga.gateway.{event['data']['state']}.v1"
            assert event["id"] == request.headers["webhook-id"]
            found[event["id"]] = event["data"]
    return list(found.values())


def in_short(receiver: Receiver) -> list[tuple[str, str]]:
    return [(one["kind"], one["state"]) for one in told(receiver)]


class Teller:
    """Troubles of a gateway with these receivers, whose starts can be told apart."""

    def __init__(self, folder: Path, *receivers: Receiver) -> None:
        self.folder, self.clock = folder, ManualClock()
        self.receivers = receivers
        self.now: TroubleKind | None = None
        self.looks = 0
        self.start()

    def start(self) -> None:
        outputs = [
            webhook(
                f"cad-{number}", receiver.url, SECRET, clock=self.clock, language="en", deadline_s=_deadline_s(receiver)
            )
            for number, receiver in enumerate(self.receivers)
        ]
        self.troubles = Troubles("siaga.test", "siaga.test", outputs, self.clock, TroubleFile(self.folder))
        self.outputs = outputs

    def watch(self) -> None:
        self.troubles.watch(self._look)

    def _look(self) -> TroubleKind | None:
        self.looks += 1
        return self.now

    def looked(self, times: int = 2) -> None:
        """Wait until it has looked so many times more: at the second what it saw at the first is done."""
        before = self.looks
        eventually(lambda: self.looks >= before + times, "it looks")

    def stop(self) -> None:
        self.troubles.stop(within_s=ENDS_S)
        for output in self.outputs:
            output.close()


def _deadline_s(receiver: Receiver) -> float:
    """Short where it has to pass."""
    return 0.3 if receiver.behaviour is never else 60


class SlowOutput:
    """Takes a message only when it is let go."""

    name = "slow"

    def __init__(self) -> None:
        self.took: list[tuple[TroubleKind, bool]] = []
        self.busy, self.let_go = threading.Event(), threading.Event()

    def tell(self, trouble: Trouble, key: str) -> Delivered:
        self.busy.set()
        assert self.let_go.wait(ENDS_S)
        self.took.append((trouble.kind, trouble.over))
        return Delivered("")


def test_a_trouble_that_begins_while_the_end_of_another_is_told_is_told_as_well(tmp_path: Path) -> None:
    """Its messages are counted anew; the number of the other's last was taken for one of its own."""
    slow = SlowOutput()
    wrong: TroubleKind | None = None
    clock = ManualClock()
    troubles = Troubles("siaga.test", "siaga.test", [slow], clock, TroubleFile(tmp_path))
    troubles.watch(lambda: wrong)
    slow.let_go.set()
    troubles.met(TroubleKind.STORE_FAILING)
    eventually(lambda: (TroubleKind.STORE_FAILING, False) in slow.took, "it is told")
    slow.let_go.clear()
    slow.busy.clear()
    assert slow.busy.wait(ENDS_S), "that it is over is being told"
    clock.at_ms += 1_000
    wrong = TroubleKind.STORE_GONE
    troubles.met(wrong)
    slow.let_go.set()
    eventually(lambda: (TroubleKind.STORE_GONE, False) in slow.took, "the new one is told")
    troubles.stop(within_s=ENDS_S)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.02)
    monkeypatch.setattr(module, "_SURE_S", 0.2)
    monkeypatch.setattr(module, "_FAILING_S", 0.2)
    monkeypatch.setattr(module.retry_policy, "pause_s", lambda *_: 0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Teller]]:
    made: list[Teller] = []

    def build(*receivers: Receiver) -> Teller:
        made.append(Teller(tmp_path, *receivers))
        return made[-1]

    yield build
    for one in made:
        one.stop()


def test_it_is_told_once_again_when_it_is_worse_and_when_it_is_over(
    receiver: Receiver, make: Callable[..., Teller]
) -> None:
    teller = make(receiver)
    teller.watch()
    for kind in (TroubleKind.STORE_DAMAGED, TroubleKind.STORE_GONE):
        teller.now = kind
        eventually(lambda kind=kind: (kind, "trouble") in in_short(receiver), f"{kind} is told")
    teller.now = TroubleKind.STORE_DAMAGED
    teller.looked(LONG)
    teller.now = None
    eventually(lambda: ("store_gone", "back") in in_short(receiver), "that it is back is told")
    assert in_short(receiver) == [("store_damaged", "trouble"), ("store_gone", "trouble"), ("store_gone", "back")]
    messages = told(receiver)
    assert [one["sequence"] for one in messages] == [1, 2, 3] and len({one["identifier"] for one in messages}) == 1
    assert len({one["since"] for one in messages}) == 1 and messages[-1]["until"] == messages[-1]["sent_at"]


def test_a_store_that_comes_and_goes_is_one_trouble(receiver: Receiver, make: Callable[..., Teller]) -> None:
    teller = make(receiver)
    teller.watch()
    for _ in range(5):
        teller.troubles.met(TroubleKind.STORE_DAMAGED)
        teller.looked()
    eventually(lambda: len(told(receiver)) == 2, "it is over")
    assert in_short(receiver) == [("store_damaged", "trouble"), ("store_damaged", "back")]
    teller.clock.at_ms += 60_000
    teller.troubles.met(TroubleKind.STORE_DAMAGED)
    eventually(lambda: len(told(receiver)) == 3, "another one")
    assert told(receiver)[2]["identifier"] != told(receiver)[0]["identifier"]


def test_a_store_that_fails_for_a_moment_is_no_trouble(
    receiver: Receiver, make: Callable[..., Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FAILING_S", 60.0)
    teller = make(receiver)
    teller.watch()
    teller.now = TroubleKind.STORE_FAILING
    teller.looked(LONG)
    teller.now = None
    teller.looked()
    monkeypatch.setattr(module, "_FAILING_S", 0.2)
    teller.looked(LONG)
    assert told(receiver) == []
    teller.now = TroubleKind.STORE_FAILING
    eventually(lambda: in_short(receiver) == [("store_failing", "trouble")], "one that lasts is")


def test_a_receiver_that_hangs_keeps_no_other_waiting_and_hears_the_latest_alone(
    receiver: Receiver, make: Callable[..., Teller]
) -> None:
    with Receiver(behaviour=never) as slow:
        teller = make(slow, receiver)
        teller.watch()
        teller.now = TroubleKind.STORE_DAMAGED
        eventually(lambda: len(told(receiver)) == 1, "the other is told")
        eventually(lambda: len(slow.requests) > 1, "it is tried again")
        teller.now = None
        eventually(lambda: len(told(receiver)) == 2, "the other is told of the end")
        before = len(slow.requests) + 1  # one may be under way
        slow.behaviour = answer(204)
        eventually(lambda: in_short(slow)[-1] == ("store_damaged", "back"), "it hears how it stands")
        teller.clock.at_ms += 60_000
        teller.now = TroubleKind.STORE_GONE
        eventually(lambda: in_short(slow)[-1] == ("store_gone", "trouble"), "it hears of the next")
        late = [json.loads(request.body)["data"] for request in slow.requests[before:]]
        assert {(one["kind"], one["state"]) for one in late} <= {("store_damaged", "back"), ("store_gone", "trouble")}


def test_who_refuses_is_not_asked_again_but_of_the_next(receiver: Receiver, make: Callable[..., Teller]) -> None:
    receiver.behaviour = answer(410)
    teller = make(receiver)
    teller.watch()
    teller.now = TroubleKind.STORE_DAMAGED
    eventually(lambda: receiver.requests, "it is told")
    teller.looked(LONG)
    assert len(receiver.requests) == 1
    teller.now = None
    eventually(lambda: len(receiver.requests) == 2, "and of the end")


def test_a_start_in_between_tells_nothing_twice_and_forgets_nothing(
    receiver: Receiver, make: Callable[..., Teller]
) -> None:
    teller = make(receiver)
    teller.troubles.met(TroubleKind.STORE_DAMAGED)
    teller.stop()
    assert in_short(receiver) == [("store_damaged", "trouble")], "an end waits for it"
    teller.start()
    teller.troubles.met(TroubleKind.STORE_DAMAGED)
    receiver.behaviour = answer(503)
    teller.troubles.met(TroubleKind.RESCUE)
    teller.stop()
    receiver.behaviour = answer(204)
    before = len(receiver.requests)
    teller.start()
    eventually(lambda: len(receiver.requests) > before, "what was not taken comes after the start")
    assert json.loads(receiver.requests[before].body)["data"]["kind"] == "rescue"
    teller.watch()
    eventually(lambda: in_short(receiver)[-1] == ("rescue", "back"), "it is over")
    assert len({one["identifier"] for one in told(receiver)}) == 1
    known = {one["identifier"] for one in told(receiver)}
    count = len(receiver.requests)
    teller.stop()
    teller.start()
    teller.clock.at_ms += 60_000
    teller.troubles.met(TroubleKind.STORE_DAMAGED)
    eventually(lambda: len(receiver.requests) > count, "the next is told")
    assert json.loads(receiver.requests[count].body)["data"]["identifier"] not in known


@pytest.mark.parametrize("written", ["", "{", "[1]", '{"latest": 3}', '{"latest": {"kind": "odd"}, "told": {}}', "\0"])
def test_a_file_that_says_nothing_or_cannot_be_written_keeps_nothing_from_being_told(
    tmp_path: Path, receiver: Receiver, make: Callable[..., Teller], written: str
) -> None:
    (tmp_path / FILE_NAME).write_text(written, encoding="utf-8")
    (tmp_path / f".{FILE_NAME}.draft").mkdir()
    make(receiver).troubles.met(TroubleKind.STORE_DAMAGED)
    eventually(lambda: in_short(receiver) == [("store_damaged", "trouble")], "it is told")


def test_by_default_a_webhook_is_told_and_nobody_by_cap(tmp_path: Path) -> None:
    def outputs(*lines: str) -> list[bool]:
        file = tmp_path / "siaga.toml"
        webhook = f'kind = "webhook"\nurl = "https://cad.example"\nsecret = "{SECRET}"\n'
        cap = f'kind = "cap_folder"\nfolder = "{tmp_path}"\n'
        text = 'name = "siaga.test"\ndata_dir = "data"\n'
        for number, (output, line) in enumerate(zip((webhook, cap), lines, strict=True)):
            text += f'[[outputs]]\nname = "o{number}"\n{output}{line}\n'
        file.write_text(text, encoding="utf-8")
        return [output.tells_trouble for output in load(file, {}).outputs]

    assert outputs("", "") == [True, False]
    assert outputs("trouble = false", "trouble = false") == [False, False]
    with pytest.raises(SettingsError, match="use a webhook"):
        outputs("", "trouble = true")


def test_a_gateway_with_a_damaged_store_tells_its_outputs_and_says_when_it_is_back(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Damage that a press meets, then a deleted file, then a store that nobody but a person can mend."""
    broker_port = free_port()
    listener = (f"listener {broker_port} 127.0.0.1", "allow_anonymous true")
    with Mosquitto(tmp_path / "broker", *listener, port=broker_port), Receiver() as receiver:
        gateway = Gateway(tmp_path / "gateway", broker_port, receiver.port)
        path = store_path(gateway.data)
        crowd = Crowd(broker_port, enrolled_buttons(gateway.data, 2), pause_s=0.02, seed=1)
        request.addfinalizer(crowd.let_go)
        with gateway:
            crowd.start()
            eventually(lambda: all(one.acknowledged for one in crowd.buttons), "presses are answered")
        assert told(receiver) == []
        sqlite_damage.checkpoint(path)
        sqlite_damage.damage(path, sqlite_damage.roots(path)["sqlite_autoindex_event_1"])
        with gateway:
            eventually(lambda: ("rescue", "back") in in_short(receiver), "it is back", timeout_s=ENDS_S)
            assert in_short(receiver)[0] == ("store_damaged", "trouble")
            assert [state for _, state in in_short(receiver)].count("back") == 1
            assert {one["language"] for one in told(receiver)} == {"id"}
            before = len(told(receiver))
            path.unlink()
            eventually(
                lambda: ("store_gone", "back") in in_short(receiver)[before:], "back once more", timeout_s=ENDS_S
            )
        crowd.let_go()
        for beside in gateway.data.glob("siaga.db?*"):
            beside.unlink()
        before = len(told(receiver))
        path.write_bytes(b"a letter to the registrar" * 1000)
        request.addfinalizer(gateway.kill)
        assert gateway.launch().wait(ENDS_S) != 0
        assert in_short(receiver)[before:][-1] == ("not_mended", "trouble")
        count = len(told(receiver))
        assert gateway.launch().wait(ENDS_S) != 0  # as systemd would
        assert len(told(receiver)) == count
