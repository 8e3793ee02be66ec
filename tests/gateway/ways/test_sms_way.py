"""One text message: what fits into it, and how it is handed to a modem's daemon or an aggregator."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fake_ports import ManualClock
from gateway.outputs.http_receiver import Receiver, answer
from gateway.ways.sample_messages import KEY, LINK, SENT_MS, alarm, note
from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.adapters.ways.sms import AggregatorSending, SmsWay, SpoolSending
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.sms_notice import sms_text
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered

NUMBER = "+6281200000001"
# GSM 03.38: one septet each, and the same code point in ASCII.
GSM = set("@$_!\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ")


@given(
    st.text(max_size=300), st.text(max_size=300), st.none() | st.text(max_size=200).map("https://a.example/".__add__)
)
def test_it_is_one_message_in_letters_that_every_phone_has(title: str, text: str, url: str | None) -> None:
    written = sms_text(alarm(title=title, text=text, url=url))
    assert 0 < len(written) <= 160 and set(written) <= GSM


def test_title_time_place_and_the_whole_link() -> None:
    assert sms_text(alarm()) == (f"PANGGILAN DARURAT - Polsek A, 14:03:27 WIB, -5.4291700, 105.2611100, 1,2 km {LINK}")


def test_a_line_that_does_not_fit_is_left_out_and_the_link_never_cut() -> None:
    written = sms_text(alarm(text="14:03:27 WIB\n" + "x" * 120 + "\n1,2 km"))
    assert written == f"PANGGILAN DARURAT - Polsek A, 14:03:27 WIB, 1,2 km {LINK}"
    assert sms_text(alarm(title="x" * 300)).endswith(f" {LINK}")
    assert "https" not in sms_text(alarm(url="https://a.example/" + "x" * 200))
    assert "https" not in sms_text(alarm(url="https://a.example/~x"))


def test_what_fits_to_the_last_letter_is_there() -> None:
    title, link = "t" * 10, "https://a.example/"
    room = 160 - len(link) - 1 - len(title) - 2
    assert sms_text(alarm(title=title, text="x" * room, url=link)) == f"{title}, {'x' * room} {link}"
    assert sms_text(alarm(title=title, text="x" * (room + 1), url=link)) == f"{title} {link}"
    assert sms_text(alarm(title=title, text="x" * 148, url=None)) == f"{title}, {'x' * 148}"
    assert sms_text(alarm(title=title, text="x" * 149, url=None)) == title
    assert sms_text(alarm(title="t" * 160, text="x", url=None)) == "t" * 160
    assert sms_text(alarm(url=link.ljust(159, "x"))) == link.ljust(159, "x")
    assert "https" not in sms_text(alarm(url=link.ljust(160, "x")))


def spool_way(folder: Path, spool: str = "gammu") -> SmsWay:
    sending = SpoolSending(spool, folder, clock=ManualClock(SENT_MS), language="en", deadline_s=60)
    return SmsWay("modem", sending, budget=Budget(), language="en", at_once=4)


@pytest.mark.parametrize("spool", ["gammu", "smstools"])
def test_an_alarm_lies_ready_before_notes_and_the_same_key_once(spool: str, tmp_path: Path) -> None:
    way = spool_way(tmp_path, spool)
    first = way.send(NUMBER, alarm(), KEY)
    assert isinstance(first, HandedOver)
    assert way.send(NUMBER, alarm(), KEY) == first
    assert isinstance(way.send(NUMBER, note(), "a note"), HandedOver)
    urgent, later = sorted(file.name for file in tmp_path.iterdir())
    assert urgent == first.reference != later
    assert (tmp_path / urgent).read_text().endswith(sms_text(alarm()))


def test_an_alarm_that_the_modem_has_not_taken_yet_is_taken_back(tmp_path: Path) -> None:
    way = spool_way(tmp_path)
    first = way.send(NUMBER, alarm(), KEY)
    assert isinstance(first, HandedOver) and first.reference is not None
    assert isinstance(way.send(NUMBER, note(withdraws=first.reference), "a note"), HandedOver)
    (left,) = tmp_path.iterdir()
    assert left.name != first.reference
    # What is none of ours is left alone, whatever it is called.
    other = tmp_path / "OUTA_of_somebody_else.txt"
    other.touch()
    for reference in ("OUTA_of_somebody_else.txt", f"../{tmp_path.name}/{left.name}", first.reference):
        assert isinstance(way.send(NUMBER, note(withdraws=reference), f"note {reference}"), HandedOver)
    assert other.exists() and left.exists()


def test_a_modem_that_takes_nothing_is_no_way(tmp_path: Path) -> None:
    way = spool_way(tmp_path)
    first = way.send(NUMBER, alarm(), KEY)
    assert isinstance(first, HandedOver)
    long_ago = time.time() - 121
    os.utime(tmp_path / str(first.reference), (long_ago, long_ago))
    outcome = way.send(NUMBER, alarm(), "another")
    assert isinstance(outcome, NotDelivered)
    assert "does the modem's daemon run" in outcome.detail and not outcome.permanent
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("spool", ["gammu", "smstools"])
def test_notes_that_wait_long_keep_no_call_back(spool: str, tmp_path: Path) -> None:
    """The daemon takes calls first: a modem that is slow is still a way for them."""
    way = spool_way(tmp_path, spool)
    first = way.send(NUMBER, note(), "a note")
    assert isinstance(first, HandedOver)
    long_ago = time.time() - 121
    os.utime(tmp_path / str(first.reference), (long_ago, long_ago))
    assert isinstance(way.send(NUMBER, note(), "another note"), NotDelivered)
    assert isinstance(way.send(NUMBER, alarm(), KEY), HandedOver)


@pytest.mark.parametrize("number", ["", "110", "081200000001", "+62812x", "+0812000000"])
def test_a_number_without_its_country_is_refused(number: str, tmp_path: Path) -> None:
    outcome = spool_way(tmp_path).send(number, alarm(), KEY)
    assert isinstance(outcome, NotDelivered) and outcome.permanent and "country code" in outcome.detail


def test_an_aggregator_that_is_gone_makes_no_number_dead() -> None:
    with Receiver() as receiver:
        poster = Poster(receiver.url, clock=ManualClock(SENT_MS), token="t-1", language="en", deadline_s=60)
        sending = AggregatorSending(poster, "to", "text", {"sender": "SIAGA"})
        way = SmsWay("aggregator", sending, budget=Budget(), language="en", at_once=4)
        assert isinstance(way.send(NUMBER, alarm(), KEY), HandedOver)
        (request,) = receiver.requests
        assert json.loads(request.body) == {"sender": "SIAGA", "to": NUMBER, "text": sms_text(alarm())}
        assert request.headers["authorization"] == "Bearer t-1"
        receiver.behaviour = answer(410)
        outcome = way.send(NUMBER, alarm(), KEY)
        assert isinstance(outcome, NotDelivered) and not outcome.permanent
        way.close()


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (b'{"status":"0","to":"6281200000001"}', True),
        (b'{"status": "0"}', True),
        (b'{"status":"9","error-text":"Partner quota exceeded"}', False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_an_aggregator_that_answers_200_with_an_error_has_taken_nothing(body: bytes, taken: bool) -> None:
    with Receiver(answer(200, body=body)) as receiver:
        poster = Poster(receiver.url, clock=ManualClock(SENT_MS), language="en", success='"status": ?"0"')
        way = SmsWay(
            "aggregator", AggregatorSending(poster, "to", "text", {}), budget=Budget(), language="en", at_once=4
        )
        outcome = way.send(NUMBER, alarm(), KEY)
        assert isinstance(outcome, HandedOver) == taken
        if isinstance(outcome, NotDelivered):
            assert not outcome.permanent and "`success`" in outcome.detail and "quota" not in outcome.detail
        way.close()


HOW = "Balas 1 47 = datang, 2 47 = tidak bisa, 3 47 = di lokasi"


@given(
    st.text(max_size=400),
    st.text(max_size=400),
    st.none() | st.text(max_size=200).map("https://a.example/".__add__),
    st.text(min_size=1, max_size=80),
)
def test_with_how_to_answer_it_is_two_messages_at_most(title: str, text: str, url: str | None, reply: str) -> None:
    written = sms_text(alarm(title=title, text=text, url=url, reply=reply))
    assert 0 < len(written) <= 306 and set(written) <= GSM


def test_how_to_answer_stands_whole_between_the_place_and_the_link() -> None:
    written = sms_text(alarm(reply=HOW))
    assert written == f"PANGGILAN DARURAT - Polsek A, 14:03:27 WIB, -5.4291700, 105.2611100, 1,2 km. {HOW}. {LINK}"
    assert sms_text(alarm(title="x" * 400, reply=HOW)).endswith(f"x {HOW}. {LINK}")
    assert sms_text(note(reply=HOW)).endswith(f"ditangani. {HOW}.")


def test_what_a_desk_wrote_goes_out_whole_and_the_rest_as_far_as_there_is_room() -> None:
    words = "x" * 160
    told = PersonalMessage(
        "PESAN DARI KOMANDO siaga-17.bcdfg", words, "https://siaga.example/r/abc", True, 1, whole=True
    )
    assert sms_text(told) == f"PESAN DARI KOMANDO siaga-17.bcdfg: {words} https://siaga.example/r/abc"
    long_link = "https://siaga.example/" + "r" * 200
    assert sms_text(copied(told, url=long_link)) == f"PESAN DARI KOMANDO siaga-17.bcdfg: {words}"
    assert words in sms_text(copied(told, title="t" * 300, url=long_link))
    assert len(sms_text(copied(told, text="…" * 160))) <= 306
    assert sms_text(copied(told, title="", text="", url=None)) not in ("", None)
