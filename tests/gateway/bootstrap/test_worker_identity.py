"""What falls to which of several workers."""

from __future__ import annotations

from pathlib import Path

from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.settings import Settings


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


def test_a_further_worker_has_neither_radio_nor_text_messages_and_a_port_of_its_own_for_figures() -> None:
    given = settings(
        lorawan={"network": "chirpstack"},
        sms={"spool": "gammu", "inbox": "/in", "outbox": "/out"},
        metrics={"port": 9110},
    )
    third = WorkerIdentity(3, 4).settings(given)
    assert (third.lorawan.network, third.sms.spool, third.metrics.port) == ("off", "off", 9112)
    assert WorkerIdentity(3, 4).settings(settings(metrics={"port": 0})).metrics.port == 0, "any free one"
    assert third.mqtt == given.mqtt
