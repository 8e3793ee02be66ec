"""What falls to which of several workers."""

from __future__ import annotations

from pathlib import Path

from gateway.fake_ports import ManualClock
from siaga_gateway.bootstrap.bearers import OtherBearers
from siaga_gateway.bootstrap.inbound import EntryPoint, TextEntryPoint
from siaga_gateway.bootstrap.ways import make_way
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.places import ContactWay


def settings(**more: object) -> Settings:
    return Settings.model_validate({"name": "siaga.test", "data_dir": Path("data"), **more})


def test_the_only_worker_takes_all_frames_and_has_all_that_there_is_one_of() -> None:
    seat = WorkerIdentity()
    given = settings(sms={"spool": "gammu", "inbox": "/in", "outbox": "/out"})
    assert seat.among(given) is None
    assert seat.first
    assert seat.settings(given) is given


def test_frames_are_shared_out_among_several_workers_and_among_named_machines() -> None:
    assert WorkerIdentity(2, 4).among(settings(machine="east")) == "east-2"
    assert WorkerIdentity().among(settings(machine="east")) == "east-1"
    assert WorkerIdentity().among(settings(mqtt={"share": "siaga"})) is not None
    names = {WorkerIdentity(number, 3).among(settings()) for number in (1, 2, 3)}
    assert len(names) == 3


def test_a_further_worker_has_no_radio_and_no_webhook_and_a_port_of_its_own_for_figures() -> None:
    given = settings(
        lorawan={"network": "chirpstack"},
        sms={"webhook": {"port": 8081, "secret": "0123456789abcdef"}},
        metrics={"port": 9110},
    )
    third = WorkerIdentity(3, 4).settings(given)
    assert (third.lorawan.network, third.sms.webhook.port, third.metrics.port) == ("off", None, 9112)
    assert WorkerIdentity(3, 4).settings(settings(metrics={"port": 0})).metrics.port == 0, "any free one"
    assert third.mqtt == given.mqtt


def test_each_worker_can_send_texts_and_the_first_alone_takes_them_in() -> None:
    given = settings(
        sms={"spool": "gammu", "inbox": "/in", "outbox": "/out", "aggregator": {"url": "https://sms.example/send"}},
        ways=[{"name": "m", "kind": "sms", "via": "spool"}, {"name": "a", "kind": "sms", "via": "aggregator"}],
    )
    for number in (1, 2):
        worker = WorkerIdentity(number, 2)
        its = worker.settings(given)
        ways = [make_way(way, its, ManualClock()) for way in its.ways]
        assert [way.kind for way in ways] == [ContactWay.SMS, ContactWay.SMS]
        bearers = OtherBearers(
            its,
            clock=ManualClock(),
            sink=EntryPoint(),
            texts=TextEntryPoint() if worker.first else None,
            journalled=lambda **facts: lambda up, why: None,
        )
        assert len(bearers.intake()) == (2 if worker.first else 0), "two would read one folder"
        for piece in [*bearers.connections()]:
            piece.stop()
        for way in ways:
            way.close()
