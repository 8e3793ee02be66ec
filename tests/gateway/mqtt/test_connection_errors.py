"""Each thing that keeps the gateway from its broker, on a real one: told with its own mend, in both languages."""

from __future__ import annotations

import contextlib
import datetime
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import SecretStr

from brokers import Mosquitto, free_port
from firmware.broker_certificates import DAY, Authority
from gateway.frame_sink import Sink
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.broker_probe import BrokerLimits, confirmed
from siaga_gateway.adapters.mqtt.buttons import BrokerUnreachable, MqttLink
from siaga_gateway.adapters.mqtt.client_factory import CONTESTED_S
from siaga_gateway.adapters.mqtt.connection_diagnosis import SETTLED_S, ConnectionDiagnosis
from siaga_gateway.adapters.mqtt.lorawan import LorawanLink
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.mqtt import LorawanSettings, MqttSettings
from waiting import ENDS_S, eventually

NOW = datetime.datetime.now(datetime.UTC)


def link_to(settings: dict[str, Any], **others: Any) -> MqttLink:
    whole = MqttSettings.model_validate({"host": "127.0.0.1", "start_timeout_s": 1, **settings})
    return MqttLink(whole, gateway="test", clock=WallClock(), sink=Sink(), **others)


def told(settings: dict[str, Any], **others: Any) -> str:
    """Why the start fails, in English; in Indonesian it is another sentence that names the same settings."""
    link = link_to(settings, **others)
    with pytest.raises(BrokerUnreachable) as caught:
        link.start()
    link.stop()
    english, indonesian = caught.value.say("en"), caught.value.say("id")
    assert "errors." not in english + indonesian, "a text is missing"
    assert indonesian.startswith("tidak ada broker MQTT di ") and english.startswith("no MQTT broker at ")
    return english


@contextmanager
def tls_broker(folder: Path, **certificate: Any) -> Iterator[tuple[int, Path]]:
    """On 127.0.0.1, with a certificate for `localhost` unless it is another; its port and its authority's file."""
    authority = Authority("Siaga test CA")
    name = certificate.pop("name", "localhost")
    lines = authority.issue(folder / "certificates", name, **certificate)
    ca = folder / "ca.pem"
    ca.write_text(authority.pem)
    port = free_port()
    with Mosquitto(folder, f"listener {port}", *lines, port=port):
        yield port, ca


def test_nobody_listens() -> None:
    assert "nothing listens there. Start it" in told({"port": free_port()})


def test_a_name_that_is_none() -> None:
    found = told({"host": "no such name.invalid"})
    assert "the name no such name.invalid is not known" in found and "Start it" not in found


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        ({"begins": NOW - 9 * DAY, "ends": NOW - DAY}, "its certificate has expired: renew it"),
        ({"begins": NOW + DAY, "ends": NOW + 9 * DAY}, "its certificate is not valid yet: this machine's clock"),
        ({"name": "broker.example"}, "its certificate is for another name than localhost"),
    ],
    ids=["expired", "not yet valid", "another name"],
)
def test_a_certificate_that_does_not_hold(tmp_path: Path, certificate: dict[str, Any], why: str) -> None:
    with tls_broker(tmp_path, **certificate) as (port, ca):
        found = told({"host": "localhost", "port": port, "tls": True, "ca": ca})
    assert why in found and "Start it" not in found


def test_an_authority_that_is_not_known(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(Authority("Another CA").pem)
    with tls_broker(tmp_path) as (port, _):
        for ca in (other, None):
            found = told({"host": "localhost", "port": port, "tls": True, "ca": ca})
            assert "signed by an authority that is not known here: name the authority's file by mqtt.ca" in found


@pytest.mark.parametrize("text", [None, "no PEM at all"])
def test_an_authority_s_file_that_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=r"the setting mqtt\.ca: .*ca\.pem cannot be used"):
        link_to({"tls": True, "ca": file})


def test_tls_on_one_side_only(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "plain") as broker:
        assert "is this its TLS port (mqtt.port)" in told({"port": broker.port, "tls": True})
    with tls_broker(tmp_path) as (port, _):
        assert "Does its port speak TLS (mqtt.tls)" in told({"port": port})


def test_a_login_that_is_missing_or_wrong(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous false") as broker:
        assert "it wants a login (Not authorized): set mqtt.user" in told({"port": broker.port})
        found = told({"port": broker.port, "user": "gateway", "password": SecretStr("x")})
        assert "does not know the user gateway, or the password is wrong" in found
        found = told({"port": broker.port, "user": "gateway"}, worker="machine-1")
        assert "does not know the user gateway" in found, "MQTT 5 says it by another number"


def test_a_subscription_that_is_refused(tmp_path: Path) -> None:
    """Mosquitto 2.0 takes any, so what answers here is a broker of five lines."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"\x20\x02\x00\x00")
                asked = connection.recv(1_000)
                connection.sendall(b"\x90\x03" + asked[2:4] + b"\x80")
                connection.recv(1_000)

        threading.Thread(target=serve, daemon=True).start()
        found = told({"port": server.getsockname()[1], "user": "gateway"})
    assert "refuses the subscription to siaga/v1/up/+: give the user gateway the right" in found


@pytest.mark.parametrize("worker", [None, "machine-1"])
def test_a_broker_that_retains_nothing_is_served_and_one_that_must_is_told(tmp_path: Path, worker: str | None) -> None:
    """Mosquitto 2.0 hangs up without a CONNACK (3.1.1), or says so (5)."""
    with Mosquitto(tmp_path, "retain_available false") as broker:
        link = link_to({"port": broker.port, "start_timeout_s": 10}, worker=worker)
        link.start()
        assert link.up
        link.stop()
        found = told({"port": broker.port, "retained_status": True}, worker=worker)
        assert "mqtt.retained_status" in found


def test_a_twin_with_our_identifier_is_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    changes: queue.Queue[tuple[bool, str]] = queue.Queue()
    with Mosquitto(tmp_path) as broker:
        link = link_to({"port": broker.port}, on_change=lambda up, why: changes.put((up, why)))
        link.start()
        pauses: list[tuple[Any, ...]] = []
        link._client.reconnect_delay_set = lambda *pause: pauses.append(pause)  # type: ignore[method-assign]
        twin = PahoClient(CallbackAPIVersion.VERSION2, client_id="siaga-gateway-test", clean_session=False)
        twin.reconnect_delay_set(1, 1)
        twin.connect("127.0.0.1", broker.port)
        twin.loop_start()
        try:
            eventually(lambda: "under the identifier siaga-gateway-test" in caplog.text)
            before = changes.qsize()
            eventually(lambda: link.up)
            eventually(lambda: not link.up)
            assert changes.qsize() == before, "its coming and going is not told each time"
            assert set(pauses) == {CONTESTED_S}, "we are back before the other one, which would take the presses"
        finally:
            twin.disconnect()
            twin.loop_stop()
            link.stop()
    said = [changes.get() for _ in range(changes.qsize())]
    assert sum("stop the second gateway (or the tool) that uses it" in why for _, why in said) == 1


def test_a_broker_that_keeps_no_session_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Mosquitto(tmp_path, stores=False) as broker:
        link = link_to({"port": broker.port, "start_timeout_s": 10})
        link.start()
        assert "kept no session" not in caplog.text, "the first one is new"
        broker.kill()
        eventually(lambda: not link.up)
        broker.start()
        eventually(lambda: link.up)
        link.stop()
    assert "kept no session for us" in caplog.text


def clean_sessions(broker_port: int) -> socket.socket:
    """In front of a broker, one that has every session begin anew: the flag of the CONNECT is set on its way."""
    server = socket.create_server(("127.0.0.1", 0))

    def pipe(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65_536):
                if part[0] == 0x10:
                    part = part[:9] + bytes((part[9] | 2,)) + part[10:]
                sink.sendall(part)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                behind = socket.create_connection(("127.0.0.1", broker_port))
                for ends in ((client, behind), (behind, client)):
                    threading.Thread(target=pipe, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return server


def found_out(port: int, caplog: pytest.LogCaptureFixture) -> BrokerLimits | None:
    found: queue.Queue[BrokerLimits] = queue.Queue()
    link = link_to({"port": port, "start_timeout_s": 10})
    link.start()
    link.try_broker(found.put)
    eventually(lambda: not any(one.name == "broker-probe" for one in threading.enumerate()))
    link.stop()
    return None if found.empty() else found.get()


def test_a_broker_with_few_messages_under_way_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Mosquitto(tmp_path) as broker:  # as it comes from Debian
        assert found_out(broker.port, caplog) == BrokerLimits(sessions=True, in_flight=20)
    assert "only 20 messages be under way" in caplog.text and "max_inflight_messages 2000" in caplog.text


@pytest.mark.parametrize(("looks", "wanted"), [([20, 20], 20), ([15, 82], 300), ([300], 300), ([20, None], 300)])
def test_a_broker_is_narrow_where_two_looks_agree(looks: list[int | None], wanted: int) -> None:
    """Under load each look stops elsewhere."""
    found = [None if each is None else BrokerLimits(sessions=True, in_flight=each) for each in looks]
    assert confirmed(lambda: found.pop(0)) == BrokerLimits(sessions=True, in_flight=wanted)
    assert not found


def test_a_broker_that_begins_every_session_anew_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Mosquitto(tmp_path, "max_inflight_messages 2000") as broker, clean_sessions(broker.port) as front:
        assert found_out(front.getsockname()[1], caplog) == BrokerLimits(sessions=False, in_flight=300)
    assert "keeps no session" in caplog.text


def test_of_a_broker_that_does_all_or_lets_nobody_look_nothing_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic read siaga/v1/up/+\ntopic write siaga/v1/gateway/test/status\n")
    for lines in (["max_inflight_messages 2000"], [f"acl_file {rules}"]):
        with Mosquitto(tmp_path / "broker", *lines) as broker:
            assert found_out(broker.port, caplog) is None
    assert "broker" not in caplog.text


def test_a_right_to_write_that_is_missing_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Mosquitto 2.0.11 cuts off who publishes where he may not; it looks like a twin that comes back at once."""
    rules = tmp_path / "rules"
    rules.write_text("topic read siaga/v1/up/+\n")
    with Mosquitto(tmp_path / "broker", f"acl_file {rules}") as broker:
        link = link_to({"port": broker.port, "start_timeout_s": 10})
        link.start()
        eventually(lambda: "write siaga/v1/down/+ and siaga/v1/gateway/#" in caplog.text)
        link.stop()


def test_the_network_server_s_broker_is_told_of_likewise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    changes: queue.Queue[tuple[bool, str]] = queue.Queue()
    with tls_broker(tmp_path, name="broker.example") as (port, ca):
        settings = LorawanSettings.model_validate(
            {"network": "chirpstack", "host": "localhost", "port": port, "tls": True, "ca": ca}
        )
        link = LorawanLink(
            settings, gateway="test", clock=WallClock(), sink=Sink(), on_change=lambda up, why: changes.put((up, why))
        )
        link.start_later()
        up, why = changes.get(timeout=ENDS_S)
        link.stop()
    assert not up and "set lorawan.host to the name in the certificate" in why
    assert why in caplog.text


# The order in which things happen, without a broker


LOST = ReasonCode(PacketTypes.DISCONNECT, "Unspecified error")  # type: ignore[no-untyped-call]
TAKEN = ReasonCode(PacketTypes.DISCONNECT, "Session taken over")  # type: ignore[no-untyped-call]


def standing(retained: bool | None = None) -> ConnectionDiagnosis:
    return ConnectionDiagnosis(MqttSettings(), "mqtt", "siaga-gateway-test", retained)


def cycle(one: ConnectionDiagnosis, at: float, for_s: float) -> str:
    """Connected at that moment, and ended; what is told."""
    one.greeted(session=True, kept=True)
    one.up(at)
    return str(one.ended(LOST, at + for_s))


def test_three_short_connections_in_a_minute_are_a_twin_and_what_a_bad_line_does_is_none() -> None:
    one = standing()
    assert "was lost" in cycle(one, 0, 1) and "was lost" in cycle(one, 2, 1) and "another client" in cycle(one, 4, 1)
    assert one.twin
    one = standing()
    assert all("was lost" in cycle(one, 40.0 * n, 1) for n in range(6)), "too seldom"
    one = standing()
    assert all("was lost" in cycle(one, 25.0 * n, 21) for n in range(6)), "each for too long"
    one = standing()
    for number in range(6):
        assert "was lost" in cycle(one, 4.0 * number, 1)
        one.failed(ConnectionRefusedError())  # the broker itself was away


def test_a_connection_that_is_cut_off_at_once_lacks_a_right() -> None:
    one = standing()
    assert "a right is missing" in [cycle(one, 2.0 * number, 0.01) for number in range(3)][-1]
    assert not one.contested, "a broker that cuts us off is not hurried"


def test_a_twin_is_over_once_a_connection_has_stood() -> None:
    one = standing()
    for number in range(3):
        cycle(one, 2.0 * number, 1)
    assert one.twin and one.contested
    assert "was lost" in cycle(one, 10, SETTLED_S + 1) and not one.twin and not one.contested
    one.greeted(session=True, kept=True)
    assert "another client" in str(one.ended(TAKEN, 100)), "MQTT 5 says it at once"


def test_only_a_session_that_was_there_is_missed() -> None:
    one = standing()
    assert not one.greeted(session=False, kept=True)
    one.up(0)
    assert not one.greeted(session=True, kept=True)
    assert one.greeted(session=False, kept=True)
    assert not one.greeted(session=False, kept=False), "among several workers it is meant to end"
