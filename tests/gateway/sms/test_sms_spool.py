"""Text messages through spool folders: kept until they are stored, read only when whole; with the real gammu-smsd."""

from __future__ import annotations

import base64
import os
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gammu_phone import GammuSmsd
from gateway.fake_ports import ManualClock
from gateway.frame_sink import Sink
from pressing_button import PressingButton
from siaga_gateway.adapters.sms.multipart import KEPT_MS
from siaga_gateway.adapters.sms.replies import SmsOrigin, SmsReplies
from siaga_gateway.adapters.sms.spool import ASIDE, SmsSpool
from siaga_gateway.config.sms import SmsSettings
from siaga_gateway.formats.sms import text_of
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from waiting import ENDS_S, eventually

NUMBER = "+6281200000001"


def text_message(frame: bytes) -> str:
    text = text_of(frame)
    assert text is not None
    return text


@dataclass
class Spool:
    """A spool's folders, its link, and how its daemon puts and takes messages."""

    inbox: Path
    outbox: Path
    link: SmsSpool
    sink: Sink
    changes: queue.Queue[tuple[bool, str]]
    write: Callable[[str], tuple[str, bytes]]  # name and content of a received message

    def put(self, text: str) -> Path:
        name, content = self.write(text)
        aside = self.inbox.with_name("aside")
        aside.write_bytes(content)
        return aside.rename(self.inbox / name)

    def to_send(self) -> list[Path]:
        return [file for file in sorted(self.outbox.iterdir()) if not file.name.startswith(".")]


def gammu_file(serial: int, text: str) -> tuple[str, bytes]:
    return f"IN20261124_054001_{serial:02}_{NUMBER}_00.txt", b"\xfe\xff" + text.encode("utf-16-be")


def smstools_file(serial: int, text: str) -> tuple[str, bytes]:
    return f"GSM1.{serial}", f"From: {NUMBER[1:]}\nAlphabet: ISO\n\n{text}\n".encode()


@pytest.fixture(params=["gammu", "smstools"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Spool]:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    outbox.mkdir()
    sink = Sink()
    changes: queue.Queue[tuple[bool, str]] = queue.Queue()
    link = SmsSpool(
        SmsSettings(spool=request.param, inbox=inbox, outbox=outbox),
        clock=ManualClock(),
        sink=sink,
        on_change=lambda up, why: changes.put((up, why)),
        unfinished_s=1.0,
    )
    serials = iter(range(100))
    file = gammu_file if request.param == "gammu" else smstools_file
    yield Spool(inbox, outbox, link, sink, changes, lambda text: file(next(serials), text))
    link.stop()


def test_a_message_is_removed_only_once_its_frame_is_stored(spool: Spool) -> None:
    press = PressingButton().press()
    file = spool.put(text_message(press))
    spool.link.start()
    frame = spool.sink.frames.get(timeout=ENDS_S)
    assert (frame.raw, frame.bearer, frame.origin) == (press, "sms", SmsOrigin("spool", NUMBER))
    assert NUMBER not in repr(frame)
    second = spool.put(text_message(press))  # several looks later the first is still there, and not taken twice
    again = spool.sink.frames.get(timeout=ENDS_S)
    assert file.exists()
    assert spool.sink.frames.empty()
    frame.acknowledge()
    eventually(lambda: not file.exists())
    assert second.exists()
    again.acknowledge()
    eventually(lambda: not second.exists())


def test_what_was_not_stored_when_the_gateway_ended_comes_again(spool: Spool) -> None:
    press = PressingButton().press()
    file = spool.put(text_message(press))
    spool.link.start()
    spool.sink.frames.get(timeout=ENDS_S)
    spool.link.stop()
    assert file.exists()
    settings = SmsSettings(
        spool="gammu" if file.name.startswith("IN") else "smstools", inbox=spool.inbox, outbox=spool.outbox
    )
    again = SmsSpool(settings, clock=ManualClock(), sink=spool.sink)
    again.start()
    try:
        frame = spool.sink.frames.get(timeout=ENDS_S)
        assert frame.raw == press
        frame.acknowledge()
    finally:
        again.stop()  # which removes what is stored by now
    assert not file.exists()


def test_a_message_that_is_being_written_is_waited_for(spool: Spool) -> None:
    button = PressingButton()
    press = button.press()
    spool.link._unfinished_s = 600
    name, content = spool.write(text_message(press))
    file = spool.inbox / name
    spool.link.start()
    for written in (0, len(content) - 40):
        file.write_bytes(content[:written])
        other = button.press()
        spool.put(text_message(other))  # behind it: once this one came, the unfinished one was looked at as well
        assert spool.sink.frames.get(timeout=ENDS_S).raw == other
    with file.open("ab") as opened:
        opened.write(content[len(content) - 40 :])
    assert spool.sink.frames.get(timeout=ENDS_S).raw == press


def test_other_messages_are_set_aside_and_other_files_left_alone(spool: Spool) -> None:
    promotion = spool.put("Pulsa Anda hampir habis. Isi ulang di 7726")
    note, folder, hidden = spool.inbox / "OUTnote.LOCK", spool.inbox / "sub.LOCK", spool.inbox / ".hidden"
    note.write_text("not a message")
    hidden.write_text("not either")
    folder.mkdir()
    spool.link.start()
    eventually(lambda: (spool.inbox / ASIDE / promotion.name).exists())
    eventually(lambda: spool.link.counts.refused == 1)
    spool.put(text_message(PressingButton().press()))
    spool.sink.frames.get(timeout=ENDS_S)
    assert (spool.link.counts.frames, spool.link.counts.refused, spool.link.counts.unknown) == (1, 1, 2)
    assert note.exists() and folder.exists() and hidden.exists() and not promotion.exists()


def test_bytes_that_are_base64_and_no_frame_are_for_ingest_to_refuse(spool: Spool) -> None:
    odd = os.urandom(60)
    spool.put(base64.b64encode(odd).decode())
    spool.link.start()
    assert spool.sink.frames.get(timeout=ENDS_S).raw == odd


def test_several_frames_in_one_message_are_all_stored_before_it_is_removed(spool: Spool) -> None:
    button = PressingButton()
    presses = [button.press() for _ in range(3)]
    file = spool.put("\n".join(text_message(press) for press in presses))
    spool.link.start()
    frames = [spool.sink.frames.get(timeout=ENDS_S) for _ in presses]
    assert [frame.raw for frame in frames] == presses
    for frame in frames[1:]:
        frame.acknowledge()
    spool.put(text_message(button.press()))
    spool.sink.frames.get(timeout=ENDS_S)
    assert file.exists(), "one of them is not stored yet"
    frames[0].acknowledge()
    eventually(lambda: not file.exists())


@pytest.mark.parametrize("first", [0, 1])
def test_two_parts_are_put_together_whichever_comes_first(spool: Spool, first: int) -> None:
    press = PressingButton().press()
    text = text_message(press)
    parts = [f"SIAGA {text[:61]}", text[61:]]
    spool.link._unfinished_s = 0
    spool.link.start()
    one = spool.put(parts[first])
    other_press = PressingButton().press()
    spool.put(text_message(other_press))  # between them
    assert spool.sink.frames.get(timeout=ENDS_S).raw == other_press
    two = spool.put(parts[1 - first])
    frame = spool.sink.frames.get(timeout=ENDS_S)
    assert (frame.raw, frame.origin) == (press, SmsOrigin("spool", NUMBER))
    assert one.exists() and two.exists()
    frame.acknowledge()
    eventually(lambda: not one.exists() and not two.exists())
    assert spool.link.counts.refused == 0


def test_a_part_whose_others_never_come_is_set_aside_in_the_end(spool: Spool) -> None:
    spool.link._unfinished_s = 0
    spool.link._clock = clock = ManualClock()
    spool.link.start()
    part = spool.put(text_message(PressingButton().press())[:61])
    eventually(lambda: spool.link._parts.waits(part.name, clock.at_ms))
    clock.at_ms += KEPT_MS + 1
    os.utime(part, (1, 1))
    eventually(lambda: (spool.inbox / ASIDE / part.name).exists())
    assert spool.sink.frames.empty()


def test_a_message_whose_letters_lost_their_case_is_counted_and_kept_for_a_person(spool: Spool) -> None:
    spool.link._unfinished_s = 0
    spool.link.start()
    file = spool.put(text_message(PressingButton().press()).lower())
    eventually(lambda: (spool.inbox / ASIDE / file.name).exists())
    eventually(lambda: spool.link.counts.case_lost == 1)


def test_without_room_messages_stay_where_they_are(spool: Spool) -> None:
    spool.sink.frames.maxsize = 2
    button = PressingButton()
    presses = [button.press() for _ in range(5)]
    files = [spool.put(text_message(press)) for press in presses]
    spool.link.start()
    came = set()
    for _ in presses:  # in any order: where one finds no room, the next may find some
        frame = spool.sink.frames.get(timeout=ENDS_S)
        came.add(frame.raw)
        frame.acknowledge()
    assert came == set(presses)
    eventually(lambda: not any(file.exists() for file in files))


def test_a_gateway_that_is_about_to_end_takes_no_more(spool: Spool) -> None:
    spool.link.start()
    spool.link.hold_back()
    file = spool.put(text_message(PressingButton().press()))
    spool.link.send(NUMBER, "AAAA", urgent=True)
    eventually(lambda: len(spool.to_send()) == 1)
    assert file.exists() and spool.sink.frames.empty()


def test_messages_to_send_appear_whole_and_in_order(spool: Spool) -> None:
    spool.link.start()
    texts = [text_message(os.urandom(36)) for _ in range(30)]
    for text in texts:
        spool.link.send(NUMBER, text, urgent=True)
    eventually(lambda: len(spool.to_send()) == 30)
    files = spool.to_send()
    assert [file.read_text().rpartition("\n")[2] for file in files] == texts
    assert not [file for file in spool.outbox.iterdir() if file.name.startswith(".")]


def test_a_folder_that_is_away_is_told_once_and_found_again(spool: Spool) -> None:
    aside = spool.inbox.with_name("away")
    spool.inbox.rename(aside)
    spool.link.start()
    up, why = spool.changes.get(timeout=ENDS_S)
    assert not up and f"sms.inbox {spool.inbox} cannot be read: there is no such file" in why
    aside.rename(spool.inbox)
    assert spool.changes.get(timeout=ENDS_S) == (True, "")
    spool.put(text_message(PressingButton().press()))
    spool.sink.frames.get(timeout=ENDS_S)
    gone = spool.outbox.with_name("gone")
    spool.outbox.rename(gone)
    spool.link.send(NUMBER, "AAAA", urgent=True)
    up, why = spool.changes.get(timeout=ENDS_S)
    assert not up and "nothing can be written to sms.outbox" in why
    gone.rename(spool.outbox)
    assert spool.changes.get(timeout=ENDS_S) == (True, "")
    assert len(spool.to_send()) == 1, "the message was kept until it could be written"
    assert spool.changes.empty()


def test_a_daemon_that_takes_nothing_is_told_of(spool: Spool) -> None:
    spool.link.send(NUMBER, "AAAA", urgent=True)
    spool.link.outbox.write()
    (waiting,) = spool.to_send()
    os.utime(waiting, (1, 1))
    spool.link.start()
    up, why = spool.changes.get(timeout=ENDS_S)
    assert not up and "is the daemon running?" in why


# Answers within their budget


class Kept:
    """adapters.sms.replies.SmsSender that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bool]] = []

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        self.sent.append((number, text, urgent))


def ack(device: bytes = b"d" * 8, kind: int = 0x81) -> bytes:
    return bytes([0x13, kind]) + device + b"\0" * 26


def test_answers_go_where_a_message_came_from_and_only_so_many() -> None:
    spool, aggregator = Kept(), Kept()
    replies = SmsReplies({"spool": spool, "webhook": aggregator}, ReplyBudget(2, 3), ManualClock())
    for _ in range(3):
        replies.send_to(SmsOrigin("spool", NUMBER), ack())
    replies.send_to(SmsOrigin("webhook", "+6281200000002"), ack(b"e" * 8, kind=0x82))
    replies.send_to("a LoRaWAN origin", ack())
    assert [sent[0] for sent in spool.sent] == [NUMBER, NUMBER]
    assert aggregator.sent == [("+6281200000002", text_of(ack(b"e" * 8, kind=0x82)), False)]
    assert spool.sent[0][2] is True
    assert (replies.counts.sent, replies.counts.over_budget) == (3, 1)


def test_one_buttons_frames_sent_from_many_numbers_cost_no_more_than_from_one() -> None:
    spool = Kept()
    replies = SmsReplies({"spool": spool}, ReplyBudget(3, 3), ManualClock())
    for last in range(10):
        replies.send_to(SmsOrigin("spool", f"+62812000000{last:02}"), ack())
    assert len(spool.sent) == 3


def test_one_number_is_not_answered_more_often_for_many_buttons() -> None:
    spool = Kept()
    replies = SmsReplies({"spool": spool}, ReplyBudget(3, 3), ManualClock())
    for last in range(10):
        replies.send_to(SmsOrigin("spool", NUMBER), ack(b"%08d" % last))
    assert len(spool.sent) == 3


def test_acknowledgements_of_positions_leave_room_for_the_stages_that_the_holder_waits_for() -> None:
    spool = Kept()
    replies = SmsReplies({"spool": spool}, ReplyBudget(5, 5), ManualClock())
    for _ in range(9):
        replies.send_to(SmsOrigin("spool", NUMBER), ack())
    assigned = ack()[:18] + b"\x03\x07" + ack()[20:]
    replies.send_to(SmsOrigin("spool", NUMBER), assigned)
    assert len(spool.sent) == 6
    assert spool.sent[-1][1] == text_of(assigned)


def test_what_does_not_fit_or_has_no_way_out_is_counted() -> None:
    spool = Kept()
    replies = SmsReplies({"spool": spool}, ReplyBudget(9, 9), ManualClock())
    replies.send_to(SmsOrigin("webhook", NUMBER), ack())  # its own way is not set up
    replies.send_to(SmsOrigin("spool", NUMBER), ack() + b"a" * 85)
    nowhere = SmsReplies({}, ReplyBudget(9, 9), ManualClock())
    nowhere.send_to(SmsOrigin("webhook", NUMBER), ack())
    assert len(spool.sent) == 1
    assert (replies.counts.too_long, nowhere.counts.no_way) == (1, 1)


# The real daemon


@pytest.mark.parametrize("inbox_format", ["unicode", "standard"])
def test_through_the_real_gammu_smsd_both_ways(tmp_path: Path, inbox_format: str) -> None:
    button, sink = PressingButton(), Sink()
    frames = [button.press(), button.press(again=True)]
    daemon = GammuSmsd(tmp_path, inbox_format)
    unfinished = daemon.outbox / ".OUTA20261124_054001_00_+6281200000001_siaga1.txt.LOCK"  # as we write them
    unfinished.write_text("AAAA")
    with daemon:
        settings = SmsSettings(spool="gammu", inbox=daemon.inbox, outbox=daemon.outbox)
        link = SmsSpool(settings, clock=ManualClock(), sink=sink, unfinished_s=5)
        link.start()
        try:
            for frame in frames:
                daemon.receive(NUMBER, text_message(frame))
            daemon.receive("7726", "Pulsa Anda hampir habis")
            got = [sink.frames.get(timeout=ENDS_S) for _ in frames]
            assert sorted(frame.raw for frame in got) == sorted(frames)
            assert {frame.origin for frame in got} == {SmsOrigin("spool", NUMBER)}
            for frame in got:
                frame.acknowledge()
            eventually(lambda: not daemon.on_the_phone())
            eventually(lambda: [file.name for file in daemon.inbox.iterdir()] == [ASIDE])
            # The daemon itself makes two messages of the last one, which tells a responder how to answer.
            texts = [*(text_message(os.urandom(36)) for _ in range(3)), "PANGGILAN DARURAT " * 12]
            link.send(NUMBER, texts[3], urgent=True)
            link.send(NUMBER, texts[2], urgent=False)
            for text in texts[:2]:
                link.send(NUMBER, text, urgent=True)
            eventually(lambda: len(daemon.transmitted()) == 4)
            assert "Found 2 sms to" in daemon.log()
            assert sorted(daemon.transmitted()) == sorted((NUMBER, text[:153]) for text in texts), "its log has part 1"
            assert list(daemon.outbox.iterdir()) == [unfinished]
        finally:
            link.stop()
