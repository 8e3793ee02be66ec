"""SIA DC-09 to a strict receiver: what it acknowledges, refuses, and leaves unanswered."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable

import pytest

from brokers import free_port
from gateway.fake_ports import ManualClock
from gateway.outputs.alarm_receiver import AlarmReceiver, frame, stamp
from gateway.outputs.dc09_delivery import KEY, contact_id, sia
from gateway.outputs.sample_incidents import SENT_MS, closed, later, opened
from siaga_gateway.domain.incident import Change, Disposition
from siaga_gateway.service.ports import Delivered, NotDelivered
from waiting import ENDS_S

TEN_MINUTES_MS = 600_000


@pytest.mark.parametrize("make", [sia, contact_id])
@pytest.mark.parametrize("key", [None, KEY, KEY + KEY[:8], KEY * 2])
@pytest.mark.parametrize("datagrams", [False, True])
def test_a_call_its_end_and_the_supervision_between(make: Callable[..., object], key: bytes, datagrams: bool) -> None:
    with AlarmReceiver(ManualClock(SENT_MS), key, datagrams) as receiver:
        output = (sia if make is sia else contact_id)(receiver.port, key, datagrams=datagrams)
        first = output.deliver(opened(), "k-1")
        assert first == Delivered(f"acknowledged by 127.0.0.1:{receiver.port}, number {receiver.sequences[0]:04d}")
        assert isinstance(output.supervise(), Delivered)
        assert isinstance(output.deliver(closed(Disposition.VERIFIED), "k-4"), Delivered)
    assert receiver.faults == []
    tokens = [event.token for event in receiver.events]
    assert tokens == (["SIA-DCS", "NULL", "SIA-DCS"] if make is sia else ["ADM-CID", "NULL", "ADM-CID"])
    start = receiver.sequences[0]
    assert receiver.sequences == [(start - 1 + step) % 9999 + 1 for step in range(3)]


def test_a_change_without_a_code_sends_nothing() -> None:
    with AlarmReceiver(ManualClock(SENT_MS)) as receiver:
        output = sia(receiver.port)
        done = output.deliver(later(Change.SEEN), "k-2")
        assert done == Delivered("nothing to send: this change has no code there")
    assert receiver.sequences == []


def test_a_repetition_has_the_number_of_the_first_try_and_no_other_message_has_it() -> None:
    with AlarmReceiver(ManualClock(SENT_MS), KEY) as receiver:
        output = sia(receiver.port, KEY)
        receiver.broken = True
        assert isinstance(output.deliver(opened(), "a"), NotDelivered)
        receiver.broken = False
        for key in ("b", "a", "c", "a"):
            assert isinstance(output.deliver(opened(), key), Delivered)
    a, b, c = (
        number for number in dict.fromkeys((receiver.sequences[1], receiver.sequences[0], receiver.sequences[2]))
    )
    assert receiver.sequences == [b, a, c, a]
    assert receiver.faults == [] and len({a, b, c}) == 3


def test_numbers_go_round_and_pass_over_one_that_is_still_in_use() -> None:
    def silent_for_the_first(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes | None:
        return None if not receiver.clock.at_ms else receiver.acknowledge(who, number)

    with AlarmReceiver(ManualClock(SENT_MS), answer=silent_for_the_first) as receiver:
        output = sia(receiver.port, clock=ManualClock(9_997_000))
        output.deliver(opened(), "kept")
        for count in range(3):
            output.deliver(opened(), f"k-{count}")
        assert receiver.sequences == [9998, 9999, 1, 2]
        output._number = 9997  # a round later
        output.deliver(opened(), "next")
        assert receiver.sequences[-1] == 3


def test_a_restart_does_not_begin_with_the_number_it_ended_with() -> None:
    with AlarmReceiver(ManualClock(SENT_MS)) as receiver:
        sia(receiver.port).deliver(opened(), "k-1")
        sia(receiver.port, clock=ManualClock(SENT_MS + 5_000)).deliver(opened(), "k-2")
    assert len(set(receiver.sequences)) == 2


@pytest.mark.parametrize("ahead_ms", [TEN_MINUTES_MS, -TEN_MINUTES_MS])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_clock_ten_minutes_off_is_followed_and_told(ahead_ms: int, key: bytes | None) -> None:
    with AlarmReceiver(ManualClock(SENT_MS + ahead_ms), key) as receiver:
        output = sia(receiver.port, key)
        done = output.deliver(opened(), "k-1")
        assert isinstance(done, Delivered)
        which = "ahead of" if ahead_ms > 0 else "behind"
        assert re.search(rf"The receiver's clock is (600|601) s {which} the gateway's, and was followed", done.detail)
        first, again = receiver.sequences
        assert first == again  # the same message
        assert isinstance(output.deliver(opened(), "k-2"), Delivered)
        assert len(receiver.sequences) == 3  # at once by its clock
        receiver.clock.at_ms = SENT_MS  # it is mended
        done = output.deliver(opened(), "k-3")
        assert isinstance(done, Delivered) and "clock" not in done.detail
    assert receiver.faults == []


def test_a_wrong_key_is_told_as_one() -> None:
    with AlarmReceiver(ManualClock(SENT_MS + TEN_MINUTES_MS), KEY[::-1]) as receiver:
        for language, words in (
            ("en", "compare the encryption key and account 1234 with its operator"),
            ("id", "cocokkan kunci enkripsi dan akun 1234 dengan pengelolanya"),
        ):
            refused = sia(receiver.port, KEY, language=language).deliver(opened(), "k-1")
            assert isinstance(refused, NotDelivered) and not refused.permanent
            assert words in refused.detail
    assert receiver.events == []


def test_a_time_that_does_not_help_is_not_kept() -> None:
    """A receiver whose NAK has its local time, and which wants GMT: each try begins with our own clock."""

    def local(receiver: AlarmReceiver, _who: str, _number: int, _token: str) -> bytes:
        return frame('"NAK"0000R0L0A0[]' + stamp(receiver.clock.at_ms + 7 * 3_600_000))

    with AlarmReceiver(ManualClock(SENT_MS), KEY, answer=local) as receiver:
        output = sia(receiver.port, KEY)
        assert isinstance(output.deliver(opened(), "k-1"), NotDelivered)
        receiver.answer = None
        done = output.deliver(opened(), "k-1")
        assert isinstance(done, Delivered) and "clock" not in done.detail


def test_an_account_that_is_not_known() -> None:
    with AlarmReceiver(ManualClock(SENT_MS), accounts=frozenset({"9999"})) as receiver:
        refused = sia(receiver.port).deliver(opened(), "k-1")
        assert isinstance(refused, NotDelivered) and not refused.permanent
        assert "probably it does not know account 1234, or wants it encrypted" in refused.detail


def _duh(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
    return frame(f'"DUH"{number:04d}{who}[]')


def _bare(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
    return b'"NAK"'


def _unencrypted(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
    return frame(f'"ACK"{number:04d}{who}[]')


def _another_number(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
    return receiver.acknowledge(who, number % 9999 + 1)


def _http(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "permanent", "english", "indonesian"),
    [
        (_duh, True, "cannot use it (DUH): have its operator allow SIA-DCS", "tidak dapat memakainya (DUH)"),
        (_bare, False, "probably it does not know account 1234", "mungkin akun 1234 tidak dikenalnya"),
        (_unencrypted, False, "answered without encryption", "menjawab tanpa enkripsi"),
        (_another_number, False, "did not answer within 1 s", "tidak menjawab dalam 1 detik"),
        (_http, False, "is no SIA DC-09: check host and port", "bukan SIA DC-09: periksa host dan port"),
    ],
)
def test_what_is_no_acknowledgement_is_told_with_what_to_do(
    answer: Callable[..., bytes], permanent: bool, english: str, indonesian: str
) -> None:
    with AlarmReceiver(ManualClock(SENT_MS), KEY, answer=answer) as receiver:
        for language, words in (("en", english), ("id", indonesian)):
            patience_s = 1 if "1 s" in english else 60
            refused = sia(receiver.port, KEY, language=language, deadline_s=patience_s).deliver(opened(), "k-1")
            assert isinstance(refused, NotDelivered)
            assert refused.permanent is permanent and words in refused.detail


def test_rsp_is_an_acknowledgement_with_something_beside_it() -> None:
    def rsp(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
        return receiver.acknowledge(who, number, "RSP")

    with AlarmReceiver(ManualClock(SENT_MS), KEY, answer=rsp) as receiver:
        assert isinstance(sia(receiver.port, KEY).deliver(opened(), "k-1"), Delivered)


def test_a_late_answer_to_an_earlier_message_is_passed_over() -> None:
    def late_first(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
        return receiver.acknowledge(who, number - 1) + receiver.acknowledge(who, number)

    with AlarmReceiver(ManualClock(SENT_MS), answer=late_first) as receiver:
        assert isinstance(sia(receiver.port).deliver(opened(), "k-1"), Delivered)


def test_an_old_acknowledgement_played_back_is_none() -> None:
    kept: list[bytes] = []

    def replayed(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
        return kept[0]

    with AlarmReceiver(ManualClock(SENT_MS), KEY) as receiver:
        clock = ManualClock(SENT_MS)
        output = sia(receiver.port, KEY, clock=clock)
        assert isinstance(output.deliver(opened(), "k-1"), Delivered)
        kept.append(receiver.acknowledge("R1L0#1234", receiver.sequences[-1]))
        receiver.clock.at_ms = clock.at_ms = SENT_MS + 2 * TEN_MINUTES_MS
        assert isinstance(output.deliver(opened(), "k-2"), Delivered)
        receiver.answer = replayed
        refused = output.deliver(opened(), "k-1")  # a round of numbers later
        assert isinstance(refused, NotDelivered) and "old acknowledgement" in refused.detail


def test_a_receiver_without_a_right_clock_that_takes_all_the_same() -> None:
    """Its acknowledgement is years old, and the next one a second younger: nothing was played back."""
    with AlarmReceiver(ManualClock(SENT_MS), KEY) as receiver:

        def lax(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes:
            receiver.clock.at_ms += 1_000
            return receiver.acknowledge(who, number)

        receiver.answer, receiver.clock.at_ms = lax, 946_684_800_000
        output = sia(receiver.port, KEY)
        assert all(isinstance(output.deliver(opened(), f"k-{count}"), Delivered) for count in range(2))


def test_a_silent_receiver_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        for language, words in (("en", "did not answer within 0.3 s: check"), ("id", "tidak menjawab dalam 0.3 detik")):
            refused = sia(port, KEY, language=language, deadline_s=0.3).deliver(opened(), "k-1")
            assert isinstance(refused, NotDelivered) and not refused.permanent
            assert words in refused.detail and f"127.0.0.1:{port}" in refused.detail


@pytest.mark.parametrize("datagrams", [False, True])
def test_nobody_listens_there(datagrams: bool) -> None:
    refused = sia(free_port(), datagrams=datagrams).deliver(opened(), "k-1")
    assert isinstance(refused, NotDelivered)
    assert "nothing listens there; check host, port, transport and the firewalls" in refused.detail


def test_a_name_that_is_none() -> None:
    output = sia(1)
    output._server = ("no-such-host.invalid", 1)
    refused = output.deliver(opened(), "k-1")
    assert isinstance(refused, NotDelivered) and "no-such-host.invalid was not found in DNS" in refused.detail


def test_a_lost_datagram_is_sent_again_under_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga_gateway.adapters.outputs.dc09._DATAGRAM_AGAIN_S", 0.05)

    def lost(receiver: AlarmReceiver, who: str, number: int, _token: str) -> bytes | None:
        return receiver.acknowledge(who, number) if len(receiver.sequences) > 2 else None

    with AlarmReceiver(ManualClock(SENT_MS), KEY, datagrams=True, answer=lost) as receiver:
        assert isinstance(sia(receiver.port, KEY, datagrams=True).deliver(opened(), "k-1"), Delivered)
    assert len(set(receiver.sequences)) == 1 and len(receiver.sequences) == 3


def test_no_supervision_while_a_message_is_under_way_and_no_call_waits_for_it_for_long() -> None:
    asked = threading.Event()
    answered = threading.Event()

    def slow(receiver: AlarmReceiver, who: str, number: int, token: str) -> bytes | None:
        asked.set()
        answered.wait(ENDS_S)
        return receiver.acknowledge(who, number)

    with AlarmReceiver(ManualClock(SENT_MS), answer=slow) as receiver:
        output = sia(receiver.port, supervision_s=60, deadline_s=60)
        under_way = threading.Thread(target=output.deliver, args=(opened(), "k-1"))
        under_way.start()
        assert asked.wait(ENDS_S)
        assert output.supervision_due_s() == 1
        answered.set()
        under_way.join()
        receiver.answer = lambda *_: None
        missed = output.supervise()
        assert isinstance(missed, NotDelivered) and "did not answer within 5 s" in missed.detail


def test_supervision_is_due_from_the_last_answer_on() -> None:
    with AlarmReceiver(ManualClock(SENT_MS)) as receiver:
        assert sia(receiver.port).supervision_due_s() is None
        output = sia(receiver.port, supervision_s=60)
        assert output.supervision_due_s() == 0
        output.deliver(opened(), "k-1")
        due_s = output.supervision_due_s()
        assert due_s is not None and 0 < due_s <= 60
