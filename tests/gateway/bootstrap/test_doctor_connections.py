"""What the doctor says of the broker, of certificates and of receivers, with each fault really made."""

from __future__ import annotations

import datetime
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import Mosquitto, free_port, wait_until_open
from firmware.broker_certificates import DAY, Authority
from gateway.bootstrap.examined_office import add, connect, look, made_office, of, one, webhook
from gateway.bootstrap.test_preflight import Stranger, stranger  # noqa: F401 - a fixture
from gateway.gateway_folder import Office
from guarded_broker import GuardedBroker
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.doctor.examination import examine
from siaga_gateway.domain.health_check import CheckResult, CheckState
from siaga_tools.demo import invented_town
from waiting import ENDS_S


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return made_office(tmp_path)


# The broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with GuardedBroker(tmp_path_factory.mktemp("doctor")) as running:
        running.gateway.config.chmod(0o600)
        yield running


def of_broker(broker: GuardedBroker) -> list[CheckResult]:
    return [
        each for each in examine(broker.gateway.config, broker.folder, WallClock(), ENDS_S) if each.check == "broker"
    ]


def test_a_guarded_broker_and_a_running_gateway_are_sound_and_hear_nothing(broker: GuardedBroker) -> None:
    broker.gateway.start()
    heard = broker.listener("siaga/v1/#")
    try:
        found = examine(broker.gateway.config, broker.folder, WallClock(), ENDS_S)
    finally:
        broker.gateway.kill()
    assert {each.state for each in found if each.check in ("broker", "permissions", "store", "gateway")} == {
        CheckState.OK
    }, [each.cause.say("en") for each in found]
    assert len(of(found, "broker", "broker_shut")) == 2, "both doors were knocked at"
    assert one(found, "gateway", "runs").state is CheckState.OK
    assert [each for each in heard.settled() if "/up/" in each.topic] == []
    heard.close()


def test_rules_that_are_not_those_of_the_gateway_are_named(broker: GuardedBroker) -> None:
    rules = broker.folder / "conf" / "gateway-rules"
    before = rules.read_text()
    assert broker.process is not None
    try:
        rules.write_text(before.replace("topic write siaga/v1/down/+\n", ""))
        broker.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + ENDS_S
        while not of(found := of_broker(broker), "broker", "broker_barred") and time.monotonic() < until:
            pass
        assert "siaga/v1/down/doctor" in one(found, "broker", "broker_barred").cause.say("en")
        assert one(found, "broker", "broker_other").subject == str(rules)
        rules.write_text("user gateway\ntopic readwrite #\n")
        broker.process.send_signal(signal.SIGHUP)
        while not of(found := of_broker(broker), "broker", "broker_wide") and time.monotonic() < until:
            pass
        assert one(found, "broker", "broker_wide").state is CheckState.WARN
    finally:
        rules.write_text(before)
        broker.process.send_signal(signal.SIGHUP)


def test_a_listener_without_passwords_is_named(broker: GuardedBroker) -> None:
    conf = broker.folder / "conf" / "mosquitto.conf"
    before = conf.read_text()
    try:
        conf.write_text(before.replace("allow_anonymous false", "allow_anonymous true", 1))
        assert one(of_broker(broker), "broker", "broker_unguarded").state is CheckState.FAIL
    finally:
        conf.write_text(before)


def test_a_broker_that_takes_anybody_is_named(office: Office) -> None:
    with Mosquitto(office.folder / "broker") as open_to_all:
        connect(office, open_to_all.port, 'user = "gateway"\npassword = "x"')
        found = look(office)
    assert one(found, "broker", "broker_open").state is CheckState.FAIL


def test_a_broker_that_is_down_or_dumb_is_told_and_keeps_nobody_waiting(office: Office) -> None:
    found = look(office)
    assert one(found, "broker", "nobody").state is CheckState.FAIL
    dumb = socket.create_server(("127.0.0.1", 0))
    connect(office, dumb.getsockname()[1])
    with dumb:
        assert one(look(office), "broker", "no_way").state is CheckState.FAIL


# Certificates, outputs


def test_certificates_that_end_have_ended_or_cannot_be_seen_are_told(office: Office) -> None:
    now = datetime.datetime.now(datetime.UTC)
    ended = Authority("Contoh", ends=now - 2 * DAY)
    (office.folder / "authority.pem").write_text(ended.pem)
    living = Authority("Contoh")
    (office.folder / "ca.pem").write_text(living.pem)
    ending, gone = free_port(), free_port()
    doors = [f"listener {ending} 127.0.0.1", *living.issue(office.folder / "a", "localhost", 5)]
    doors += [f"listener {gone} 127.0.0.1", *living.issue(office.folder / "b", "localhost", ends=now - DAY)]
    add(
        office,
        f'\n[certificates]\nservers = ["localhost:{ending}", "localhost:{gone}", "localhost:{free_port()}"]\n'
        'buttons = "authority.pem"\n\n[[outputs]]\nname = "pusat"\nkind = "mqtt"\nhost = "localhost"\n'
        f'port = {gone}\nca = "ca.pem"\n',
    )
    with Mosquitto(office.folder / "broker", *doors, port=ending):
        wait_until_open(gone)
        found = look(office)
    states = {each.subject: each.state for each in of(found, "certificates", "doctor.certificate")}
    assert states == {
        f"localhost:{ending}": CheckState.WARN,
        f"localhost:{gone}": CheckState.FAIL,
        "certificates.buttons": CheckState.FAIL,
        "outputs.pusat": CheckState.FAIL,
        "outputs.pusat.ca": CheckState.OK,
    }
    assert len(of(found, "certificates", "not_shown")) == 1
    assert one(found, "outputs", "unreached_at").state is CheckState.FAIL, "the real connection would be refused too"


def test_an_output_is_reached_and_nothing_is_sent_to_it(office: Office) -> None:
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(ENDS_S)

        def take() -> None:
            stream, _ = receiver.accept()
            with stream:
                got.append(stream.recv(100))

        taking = threading.Thread(target=take)
        taking.start()
        add(
            office,
            webhook("cad", receiver.getsockname()[1])
            + webhook("off", free_port())
            + '\n[[outputs]]\nname = "folder"\nkind = "cap_folder"\nfolder = "not-there"\n'
            '\n[[outputs]]\nname = "arc"\nkind = "dc09"\nhost = "127.0.0.1"\n'
            'port = 9\ntransport = "udp"\naccount = "1234"\n'
            f'\n[[ways]]\nname = "ntfy"\nkind = "ntfy"\nurl = "http://127.0.0.1:{free_port()}"\n'
            '\n[[ways]]\nname = "modem"\nkind = "phone"\ndevice = "/dev/not-there"\n',
        )
        found = look(office)
        taking.join(ENDS_S)
    assert got == [b""]
    assert {each.subject: each.state for each in found if each.check in ("outputs", "ways")} == {
        "cad": CheckState.OK,
        "off": CheckState.FAIL,
        "folder": CheckState.FAIL,
        "arc": CheckState.WARN,
        "ntfy": CheckState.FAIL,
        "modem": CheckState.FAIL,
    }


# The map's streets


def test_the_maps_streets_are_looked_into_and_its_tile_server_is_reached(office: Office, tmp_path: Path) -> None:
    assert of(look(office), "streets") == [], "coast and towns need nothing"
    file = invented_town.write(tmp_path / "town.pmtiles")
    add(office, '\n[site.map]\nstreets = "town.pmtiles"\n')
    told = one(look(office), "streets", "streets").cause.say("en")
    assert "protomaps" in told and "8 to 14" in told
    file.write_bytes(file.read_bytes()[:-1])
    cut = one(look(office), "streets", "failed")
    assert cut.state is CheckState.WARN and str(file) in cut.cause.say("en")
    file.unlink()
    assert one(look(office), "streets", "failed").state is CheckState.WARN

    config = tmp_path / "siaga.toml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        tiles = f"http://127.0.0.1:{server.getsockname()[1]}/{{z}}/{{x}}/{{y}}.png"
        config.write_text(
            config.read_text().replace('streets = "town.pmtiles"', f'tiles = "{tiles}"\nattribution = "Contoh"')
        )
        assert one(look(office), "streets", "reached").state is CheckState.OK
    assert one(look(office), "streets", "unreached_at").state is CheckState.WARN
