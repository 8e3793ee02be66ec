"""Texts without a frame: read beside the presses, removed once they are durable, and kept for a person otherwise."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gammu_phone import GammuSmsd
from gateway.fake_ports import ManualClock
from gateway.frame_sink import Sink
from pressing_button import PressingButton
from siaga_gateway.adapters.sms import spool as sms_spool
from siaga_gateway.adapters.sms.replies import SmsOrigin, TextBack
from siaga_gateway.adapters.sms.spool import ASIDE, SmsSpool
from siaga_gateway.adapters.sms.webhook import SmsWebhook
from siaga_gateway.bootstrap.http_front.calls import READ_TEXT, RemoteTexts, read_by
from siaga_gateway.config.sms import SmsSettings, SmsWebhookSettings
from siaga_gateway.formats.sms import text_of
from siaga_gateway.service.inbound import InboundText, TextOutcome
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S, eventually

NUMBER, BUTTON = "+6281200000001", "+6281200000009"
SECRET = "correct horse battery staple"


class Reader:
    """Understands what a number of the list writes; waits until it may, and fails where it is told to."""

    def __init__(self) -> None:
        self.came: queue.Queue[InboundText] = queue.Queue()
        self.may = threading.Event()
        self.may.set()
        self.failing = 0

    def read(self, text: InboundText) -> TextOutcome:
        self.came.put(text)
        assert self.may.wait(ENDS_S)
        if self.failing:
            self.failing -= 1
            raise StoreFailing("passed_on", why="a full disk")
        if text.delivered:
            return TextOutcome.TAKEN
        if text.number != NUMBER:
            return TextOutcome.STRANGER
        return TextOutcome.TAKEN if text.text.strip()[:1] in "123" else TextOutcome.UNCLEAR


class Spool:
    def __init__(self, folder: Path, reader: Reader) -> None:
        self.inbox, self.outbox = folder / "in", folder / "out"
        self.inbox.mkdir()
        self.outbox.mkdir()
        self.sink, self.reader = Sink(), reader
        settings = SmsSettings(spool="smstools", inbox=self.inbox, outbox=self.outbox)
        clock = ManualClock(2_000_000_000_000)  # after every file
        self.link = SmsSpool(settings, clock=clock, sink=self.sink, texts=reader, unfinished_s=0.5)
        self.count = 0

    def put(self, text: str, number: str = NUMBER) -> Path:
        self.count += 1
        aside = self.inbox.with_name("aside")
        aside.write_text(f"From: {number[1:]}\n\n{text}")
        return aside.rename(self.inbox / f"GSM1.{self.count:04}")

    def aside(self, file: Path) -> bool:
        return (self.inbox / ASIDE / file.name).exists()


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spool]:
    monkeypatch.setattr(sms_spool, "ANSWER_SETTLED_S", 0.2)
    made = Spool(tmp_path, Reader())
    yield made
    made.reader.may.set()
    made.link.stop()


def frame() -> str:
    return text_of(PressingButton().press()) or ""


def test_two_hundred_answers_delay_no_press(spool: Spool) -> None:
    spool.reader.may.clear()  # the store is busy
    files = [spool.put(f"1 {number:02}") for number in range(200)]
    spool.link.start()
    spool.reader.came.get(timeout=ENDS_S)
    spool.put(frame(), BUTTON)
    assert spool.sink.frames.get(timeout=ENDS_S).bearer == "sms", "while the first answer is still being read"
    assert spool.reader.came.empty() and all(file.exists() for file in files)
    spool.reader.may.set()
    eventually(lambda: not any(file.exists() for file in files))
    assert spool.link.counts.answers == 200


def test_an_answer_is_removed_once_it_is_durable_and_comes_again_otherwise(spool: Spool) -> None:
    spool.reader.failing = 1
    file = spool.put("1 47")
    spool.link.start()
    first, second = (spool.reader.came.get(timeout=ENDS_S) for _ in range(2))
    assert first == second and (first.number, first.text) == (NUMBER, "1 47")
    assert first.received_ms == file.stat().st_mtime_ns // 1_000_000 if file.exists() else True
    assert first.origin == SmsOrigin("spool", NUMBER) and NUMBER not in repr(first) and first.text not in repr(first)
    eventually(lambda: not file.exists())
    assert not spool.aside(file)


def test_what_waits_at_the_end_comes_again(spool: Spool) -> None:
    spool.reader.may.clear()
    files = [spool.put("1 47"), spool.put("1 48")]
    spool.link.start()
    spool.reader.came.get(timeout=ENDS_S)
    spool.link.hold_back()
    spool.reader.may.set()
    spool.link.stop()
    assert [file.exists() for file in files] == [False, True] and spool.reader.came.empty()


def test_words_of_an_officer_that_the_store_cannot_take_now_are_read_again(spool: Spool) -> None:
    """He may have asked for help: a desk is rung when they are read, and not before."""
    spool.reader.failing = 2
    spool.link._clock.at_ms = round(time.time() * 1000) + 60_000  # type: ignore[attr-defined]
    file = spool.put("tolong saya terluka")
    spool.link.start()
    read = [spool.reader.came.get(timeout=ENDS_S).text for _ in range(3)]
    assert set(read) == {"tolong saya terluka"}
    eventually(lambda: spool.aside(file))
    assert not file.exists() and spool.reader.came.empty()


def test_a_stranger_s_digits_may_be_the_end_of_a_press(spool: Spool) -> None:
    spool.link.start()
    text = frame()
    end = spool.put("123456", BUTTON)
    assert spool.reader.came.get(timeout=ENDS_S).text.strip() == "123456"
    eventually(lambda: spool.aside(end), "and it is none")
    spool.put(text, BUTTON)
    spool.sink.frames.get(timeout=ENDS_S)
    assert spool.reader.came.qsize() <= 1, "it is read again only to be told that it was not understood"


def test_a_report_of_the_daemon_s_is_read_as_one_and_nobody_is_answered(spool: Spool) -> None:
    spool.reader.failing = 1
    arrived, failed = spool.put("Delivered"), spool.put("Failed")
    spool.link.start()
    first, again = (spool.reader.came.get(timeout=ENDS_S) for _ in range(2))
    assert first == again and first.delivered and first.number == NUMBER
    eventually(lambda: not arrived.exists())
    eventually(lambda: spool.aside(failed), "for a person")
    assert not spool.aside(arrived) and spool.reader.came.empty() and spool.link.counts.answers == 0


def test_a_report_of_the_real_gammu_smsd(tmp_path: Path) -> None:
    daemon, reader = GammuSmsd(tmp_path, reports=True), Reader()
    settings = SmsSettings(spool="gammu", inbox=daemon.inbox, outbox=daemon.outbox)
    link = SmsSpool(settings, clock=ManualClock(2_000_000_000_000), sink=Sink(), texts=reader)
    with daemon:
        link.start()
        try:
            daemon.report(NUMBER)
            text = reader.came.get(timeout=ENDS_S)
            assert (text.number, text.delivered) == (NUMBER, True)
            eventually(lambda: not list(daemon.inbox.iterdir()))
        finally:
            link.stop()


def test_other_words_are_kept_for_a_person_and_their_writer_told(spool: Spool) -> None:
    file = spool.put("rapat sampai jam 1")
    spool.link.start()
    eventually(lambda: spool.aside(file))
    assert spool.reader.came.empty(), "the file is from long ago"
    spool.link._clock = ManualClock(0)
    late = spool.put("siap komandan")
    assert spool.reader.came.get(timeout=ENDS_S).text.strip() == "siap komandan"
    eventually(lambda: spool.aside(late))
    half = spool.put("1 47 menit", "TELKOMSEL")
    eventually(lambda: spool.aside(half))
    assert spool.reader.came.empty()


def post(client: httpx.Client, text: str, number: str = "081200000001") -> httpx.Response:
    headers = {"authorization": f"Bearer {SECRET}"}
    return client.post("/sms", json={"from": number, "text": text, "id": f"id-{text}-{number}"}, headers=headers)


@pytest.fixture
def hook() -> Iterator[tuple[httpx.Client, Reader, SmsWebhook]]:
    """A webhook whose texts are read as over the line between front and press process."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    reader = Reader()
    calls = {READ_TEXT: read_by(reader)}
    webhook = SmsWebhook(
        SmsWebhookSettings(port=0, secret=SECRET),
        bound,
        clock=ManualClock(7),
        sink=Sink(),
        texts=RemoteTexts(lambda name, *args: calls[name](*args)),
    )
    webhook.start()
    with httpx.Client(base_url=webhook.address.removesuffix("/sms"), timeout=ENDS_S, trust_env=False) as client:
        yield client, reader, webhook
    webhook.stop()
    bound.close()


def test_a_posted_answer_is_taken_once_durable(hook: tuple[httpx.Client, Reader, SmsWebhook]) -> None:
    client, reader, webhook = hook
    reader.failing = 1
    assert post(client, "1 47").status_code == 503
    assert post(client, "1 47").json() == {"stored": True}
    assert post(client, "1 47").json() == {"stored": True}, "posted again"
    assert reader.came.qsize() == 2
    text = reader.came.get()
    assert (text.number, text.text, text.received_ms) == (NUMBER, "1 47", 7)
    assert text.origin == SmsOrigin("webhook", NUMBER)
    assert post(client, "rapat sampai jam 1").status_code == 200, "he was told"
    assert webhook.counts.answers == 2


@pytest.mark.parametrize("text", ["1 47", "rapat sampai jam 1"])
def test_a_posted_text_of_a_stranger_is_refused_as_before(
    hook: tuple[httpx.Client, Reader, SmsWebhook], text: str
) -> None:
    client, _, webhook = hook
    assert post(client, text, BUTTON).status_code == 422
    assert post(client, text, "TELKOMSEL").status_code == 422
    assert (webhook.counts.answers, webhook.counts.refused) == (0, 2)


class Sent:
    def __init__(self) -> None:
        self.texts: list[tuple[str, str, bool]] = []

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        self.texts.append((number, text, urgent))


def test_an_answer_goes_back_the_way_it_came_behind_the_calls(caplog: pytest.LogCaptureFixture) -> None:
    spool, webhook = Sent(), Sent()
    back = TextBack({"spool": spool, "webhook": webhook})
    back.reply(SmsOrigin("webhook", NUMBER), "Dicatat · " + "x" * 200)
    back.reply(SmsOrigin("elsewhere", NUMBER), "Dicatat")
    assert webhook.texts == [(NUMBER, "Dicatat - " + "x" * 150, False)]
    assert spool.texts == [(NUMBER, "Dicatat", False)]
    TextBack({}).reply(SmsOrigin("webhook", NUMBER), "Dicatat")
    assert "no way out" in caplog.text
