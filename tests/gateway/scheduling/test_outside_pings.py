"""Pings to a dead man's switch service: sent while all is well, withheld while it is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.outputs.http_receiver import Receiver, answer
from siaga_gateway.bootstrap.pings import ping_pieces
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from waiting import eventually


def settings(**watch: object) -> Settings:
    return Settings.model_validate({"name": "siaga.test", "data_dir": ".", "language": "en", "watch": watch})


class Fault:
    what = ""
    asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.what


@contextmanager
def pinging(receiver: Receiver, wrong: Fault) -> Iterator[None]:
    pieces = ping_pieces(settings(ping_url=receiver.url, ping_method="POST"), wrong, 0.02)
    for each in pieces:
        each.start()
    try:
        yield
    finally:
        for each in reversed(pieces):
            each.stop()


def test_a_ping_is_withheld_while_something_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Receiver(answer(200)) as receiver:
        wrong = Fault()
        with pinging(receiver, wrong):
            eventually(lambda: len(receiver.requests) > 2, "again and again")
            wrong.what = "broker: deaf"
            eventually(lambda: "broker: deaf" in caplog.text, "the log says why")
            sent, asked = len(receiver.requests), wrong.asked
            eventually(lambda: wrong.asked > asked + 5, "it would have been time")
            assert len(receiver.requests) == sent
            wrong.what = ""
            eventually(lambda: len(receiver.requests) > sent, "and comes again")
        assert {request.path for request in receiver.requests} == {"/inbox?key=hidden"}
        assert "hidden" not in caplog.text


def test_a_service_that_refuses_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Receiver(answer(404)) as receiver, pinging(receiver, Fault()):
        eventually(lambda: len(receiver.requests) > 3, "tried again")
        receiver.behaviour = answer(200)
        eventually(lambda: "takes pings again" in caplog.text, "and told when it is over")
    assert caplog.text.count("HTTP 404") == 1 and "hidden" not in caplog.text


def test_without_a_service_nothing_is_sent_and_a_wrong_address_is_refused_without_being_shown() -> None:
    assert ping_pieces(settings(), Fault()) == []
    with pytest.raises(SettingsError) as refused:
        ping_pieces(settings(ping_url="http://switch.example/hidden"), Fault())
    assert "ping_url" in str(refused.value) and "hidden" not in str(refused.value)
