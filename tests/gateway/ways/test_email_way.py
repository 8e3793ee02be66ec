"""Email: what it looks like, TLS and login, and what a mail server's replies mean."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fake_ports import ManualClock
from gateway.outputs.receiver_certificates import Authority
from gateway.ways.mail_server import PASSWORD, USER, Mailboxes
from gateway.ways.sample_messages import KEY, LINK, SENT_MS, alarm, note
from siaga_gateway.adapters.ways.email import EmailWay, MailServer
from siaga_gateway.formats.email_message import reply_meaning
from siaga_gateway.formats.service_message import Meaning
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered

TO = "duty@polsek-a.example"


def way(port: int, **changed: Any) -> EmailWay:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "plain",
        "sender": "siaga@police.example",
        "name": "Siaga, Kota A",
    }
    return EmailWay(
        "mail",
        MailServer(**(values | changed)),
        budget=Budget(),
        clock=ManualClock(SENT_MS),
        language="en",
        deadline_s=60,
        at_once=4,
    )


@pytest.fixture
def server() -> Iterator[Mailboxes]:
    with Mailboxes() as running:
        yield running


def refused(outcome: HandedOver | NotDelivered) -> NotDelivered:
    assert isinstance(outcome, NotDelivered), outcome
    assert TO not in outcome.detail and "hidden" not in outcome.detail
    return outcome


def test_an_alarm_is_marked_as_one_and_no_machine_answers_it(server: Mailboxes) -> None:
    outcome = way(server.port).send(TO, alarm(title="Panggilan · Polsek A\r\nBcc: evil@x.example"), KEY)
    (email,) = server.emails
    assert (email["to"], email["from"]) == (TO, '"Siaga, Kota A" <siaga@police.example>')
    assert email["subject"] == "Panggilan · Polsek A Bcc: evil@x.example" and email["bcc"] is None
    assert (email["importance"], email["auto-submitted"]) == ("high", "auto-generated")
    assert email["content-language"] == "id"
    assert email.get_content().replace("\r", "").split("\n") == [*alarm().text.splitlines(), LINK, ""]
    assert isinstance(outcome, HandedOver) and outcome.reference == email["message-id"]


def test_a_repetition_is_the_same_email_and_a_note_belongs_to_what_it_withdraws(server: Mailboxes) -> None:
    mail = way(server.port)
    first = mail.send(TO, alarm(), KEY)
    assert isinstance(first, HandedOver)
    mail.send(TO, alarm(), KEY)
    mail.send(TO, note(withdraws=first.reference), "a note")
    one, again, last = server.emails
    assert one["message-id"] == again["message-id"] != last["message-id"]
    assert last["in-reply-to"] == one["message-id"] and last["importance"] is None


@pytest.mark.parametrize(
    ("step", "reply", "permanent"),
    [
        ("RCPT", "550 5.1.1 <duty@polsek-a.example> no such user", True),
        ("RCPT", "550 no such user here", True),
        ("RCPT", "553 5.1.2 bad domain", True),
        ("RCPT", "550 5.2.1 mailbox disabled", True),
        ("RCPT", "552 5.2.2 mailbox full", False),
        ("RCPT", "550 5.7.1 relaying denied", False),
        ("RCPT", "550 relay not permitted", False),
        ("RCPT", "450 4.2.1 try later", False),
        ("MAIL", "553 5.1.8 sender not known", False),
        ("DATA", "554 5.7.1 looks like spam", False),
        ("DATA", "451 4.3.0 no room", False),
    ],
)
def test_only_a_mailbox_that_is_not_there_is_a_dead_address(
    step: str, reply: str, permanent: bool, server: Mailboxes
) -> None:
    server.replies[step] = reply
    outcome = refused(way(server.port).send(TO, alarm(), KEY))
    assert (outcome.permanent, outcome.unknown) == (permanent, False)
    assert reply[:3] in outcome.detail


def test_a_server_that_falls_silent_after_the_text_may_have_it(server: Mailboxes) -> None:
    mail = way(server.port)
    # With DATA long enough to come so far.
    for step, deadline_s, unknown in (("RCPT", 0.5, False), ("DATA", 10, True)):
        mail._deadline_s = deadline_s
        server.hangs_at = step
        outcome = refused(mail.send(TO, alarm(), KEY))
        assert outcome.unknown is unknown and not outcome.permanent
    server.hangs_at = None


def test_starttls_and_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with Mailboxes(authority.server("127.0.0.1"), login=True) as server:
        settings = {"security": "starttls", "user": USER, "password": PASSWORD, "ca_file": authority.file}
        assert isinstance(way(server.port, **settings).send(TO, alarm(), KEY), HandedOver)
        assert "535" in refused(way(server.port, **settings | {"password": "wrong"}).send(TO, alarm(), KEY)).detail
        stranger = Authority(tmp_path, "another")
        told = refused(way(server.port, **settings | {"ca_file": stranger.file}).send(TO, alarm(), KEY)).detail
        assert "certificate" in told
        assert len(server.emails) == 1


def test_a_server_without_starttls_gets_nothing(server: Mailboxes, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    outcome = refused(way(server.port, security="starttls", ca_file=authority.file).send(TO, alarm(), KEY))
    assert "STARTTLS" in outcome.detail and not server.emails


def test_a_name_that_dns_does_not_know_and_a_port_where_nobody_listens() -> None:
    assert "not found" in refused(way(25, host="mail.invalid").send(TO, alarm(), KEY)).detail
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        outcome = refused(way(closed.getsockname()[1]).send(TO, alarm(), KEY))
    assert "no connection" in outcome.detail and not outcome.unknown


def test_a_server_that_never_greets_costs_no_more_than_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        mail = way(listening.getsockname()[1])
        mail._deadline_s = 0.4
        assert "did not finish" in refused(mail.send(TO, alarm(), KEY)).detail


@pytest.mark.parametrize("address", ["", "duty", "a@b", "a b@c.example", "polsek@kota.example\r\nRCPT", "é@a.example"])
def test_what_is_no_mailbox_is_refused_before_anything_is_asked(address: str) -> None:
    outcome = way(1).send(address, alarm(), KEY)
    assert isinstance(outcome, NotDelivered) and outcome.permanent and "name@domain" in outcome.detail


def test_a_reply_of_3xx_where_none_belongs_is_no_yes() -> None:
    assert reply_meaning(354, "go ahead") is Meaning.REFUSED
