"""Messages of a desk at the console: to whom they may go, what came of each, and how the holder's is kept apart."""

from __future__ import annotations

import re

import pytest

from gateway.web.conftest import OPERATOR, Console
from gateway.web.console.test_person_shown import part
from siaga_gateway.domain.operator_message import DeskMessage, MessageOptions, built_in_templates
from siaga_gateway.domain.places import ContactWay

OPTIONS = MessageOptions(frozenset({ContactWay.NTFY, ContactWay.SMS}), True, built_in_templates())
CALLED = [
    {"recipient": "station:contoh-kota", "way": "ntfy", "state": "handed_over", "attempts": 1},
    {"recipient": "responder:budi", "way": "phone", "state": "handed_over", "attempts": 1},
]
KEY = re.compile(r'name="key" value="([0-9a-f]{24})"')


@pytest.fixture
def called(console: Console) -> Console:
    """With incident 1, of which two were called, and a console that may write."""
    console.browser = console.make(messages=OPTIONS)
    assert console.sign_in().status_code == 303
    console.book.press(1)
    console.book.do(do="tell", incident=1, rows=CALLED)
    return console


def test_those_who_were_called_are_offered_and_who_is_under_way_is_ticked(called: Console) -> None:
    called.book.do(do="seen", incident=1, actor=OPERATOR)
    called.book.do(do="assign", incident=1, actor=OPERATOR, unit="Sabhara 12", eta_minutes=8)
    shown = part(called.browser.get("/incidents/1").text, "messages")
    assert re.search(r'value="unit:Sabhara 12" checked>\s*<span>Sabhara 12 .*?radio', shown, re.DOTALL)
    assert 'value="station:contoh-kota">' in shown and "Polsek Contoh Kota" in shown
    assert "Datang tanpa sirene dan lampu." in shown
    holder = shown.split('data-keep="message-holder"')[1]
    assert "Tombolnya sendiri hanya menampilkan tahap" in holder and 'name="sure"' not in holder
    assert "Polisi sedang menuju" in holder and "tanpa sirene" not in holder


def test_under_duress_the_holders_form_asks_once_more(called: Console) -> None:
    called.book.do(do="duress", incident=1)
    holder = part(called.browser.get("/incidents/1").text, "messages").split('data-keep="message-holder"')[1]
    assert "walaupun dapat membahayakannya" in holder and 'name="sure"' in holder


def test_without_the_setting_there_is_no_way_to_the_holder(console: Console) -> None:
    console.book.press(1)
    console.book.do(do="tell", incident=1, rows=CALLED)
    shown = part(console.browser.get("/incidents/1").text, "messages")
    assert 'data-keep="message"' in shown and "message-holder" not in shown


def test_a_step_brings_everything_to_the_press_process(called: Console) -> None:
    page = called.browser.get("/incidents/1").text
    key = KEY.search(page)
    assert key is not None and KEY.search(called.browser.get("/incidents/1").text) is not None
    assert {*KEY.findall(page)} == {key[1]}, "the same on both forms, and at each refresh"
    form = {"to": ["station:contoh-kota", "responder:budi"], "template": "no_siren", "text": "Cepat", "key": key[1]}
    assert called.browser.post("/incidents/1/message", data=form).status_code == 200
    (action,) = called.book.sent_messages
    assert (action.to, action.text, action.template, action.key, action.sure) == (
        ("station:contoh-kota", "responder:budi"),
        "Cepat",
        "no_siren",
        key[1],
        False,
    )
    too_many = {**form, "to": [f"station:{number}" for number in range(30)]}
    assert called.browser.post("/incidents/1/message", data=too_many).status_code == 422


def test_what_was_sent_stands_there_with_what_came_of_it_and_in_the_timeline(called: Console) -> None:
    called.book.messages[1] = [DeskMessage(1, 1_000_000, "k", "Tunggu <b>di luar</b>", "Wait", 1, OPERATOR)]
    written = {"kind": "message", "number": 1_000_000, "wave": 0, "rung": ""}
    rows = [
        *CALLED,
        {"recipient": "station:contoh-kota", "way": "ntfy", "state": "handed_over", "attempts": 1, **written},
        {"recipient": "holder:2", "way": "sms", "state": "failed", "attempts": 1, "detail": "ditolak", **written},
    ]
    called.book.do(do="tell", incident=1, rows=rows)
    called.book.do(do="note", incident=1, kind="message_sent", message=1_000_000, to="station:contoh-kota", by_hand=0)
    page = called.browser.get("/incidents/1").text
    shown = part(page, "messages")
    assert "Tunggu &lt;b&gt;di luar" in shown and "<b>di luar" not in page
    assert "pemegang (SMS)" in shown and "ditolak" in shown
    assert "Pesan dikirim" in page and "kepada Polsek Contoh Kota, pemegang (SMS): Tunggu" in page
    assert "holder:2" not in part(page, "calls")
    assert "Tunggu" in called.browser.get("/incidents/1/calls").text, "receipts come without an entry of the journal"
