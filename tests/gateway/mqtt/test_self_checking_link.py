"""A broker's connection that answers and delivers nothing, in front of a real Mosquitto: found out, told, mended."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_buttons import DEVICE, Button, drained

from bare_mqtt import BareClient
from brokers import Mosquitto
from gateway.frame_sink import Sink
from muting import MutingProxy
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt import client_factory, echo_check, self_checking_link
from siaga_gateway.adapters.mqtt.broker_probe import hears
from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.adapters.mqtt.echo_check import EchoCheck
from siaga_gateway.adapters.mqtt.link import hang_up
from siaga_gateway.adapters.mqtt.self_checking_link import SelfCheckingLink
from siaga_gateway.adapters.mqtt.session_takeover import discard
from siaga_gateway.config.mqtt import MqttSettings
from siaga_gateway.formats import mosquitto
from waiting import ENDS_S, eventually

UP = f"siaga/v1/up/{DEVICE.hex()}"
WORKERS = pytest.mark.parametrize("worker", [None, "machine-1"], ids=["MQTT 3.1.1", "MQTT 5, shared"])


class Told:
    """A link, and what it has told."""

    def __init__(self, port: int, worker: str | None = None, user: str | None = None) -> None:
        self.sink = Sink()
        self.changes: queue.Queue[tuple[bool, str]] = queue.Queue()
        self.no_echo = self.not_noted = 0
        self.link = MqttLink(
            MqttSettings(host="127.0.0.1", port=port, start_timeout_s=ENDS_S, user=user),
            gateway="test",
            clock=WallClock(),
            sink=self.sink,
            worker=worker,
            on_change=lambda up, why: self.changes.put((up, why)),
            on_no_echo=self._without,
        )
        self.link._hearing = self.hearing = EchoCheck(quiet_s=1.0, answer_s=1.0)

    def _without(self) -> bool:
        self.no_echo += 1
        return self.no_echo > self.not_noted

    @property
    def up(self) -> bool:
        return self.link.up

    def hears(self) -> bool:
        """An echo came back."""
        return self.hearing._proven and not self.hearing._mute and self.hearing._asked_at is None

    def lost(self) -> str:
        up, why = self.changes.get(timeout=ENDS_S)
        assert not up
        return why

    def back(self) -> None:
        assert self.changes.get(timeout=ENDS_S) == (True, "")
        assert self.up


@contextmanager
def started(port: int, worker: str | None = None, user: str | None = None) -> Iterator[Told]:
    told = Told(port, worker, user)
    told.link.start()
    try:
        yield told
    finally:
        told.link.stop()


@contextmanager
def between(folder: Path, worker: str | None, *lines: str) -> Iterator[tuple[Mosquitto, MutingProxy, Told]]:
    name = "siaga-gateway-test" + (f"-{worker}" if worker else "")
    with (
        Mosquitto(folder, *lines) as broker,
        MutingProxy(broker.port, name) as proxy,
        started(proxy.port, worker) as told,
    ):
        eventually(told.hears)
        yield broker, proxy, told


def press(port: int, *payloads: bytes) -> None:
    button = Button(port)
    for payload in payloads:
        button.publish(payload)
    button.close()


@WORKERS
def test_a_connection_that_is_mute_is_left_and_what_came_meanwhile_is_had(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, worker: str | None
) -> None:
    with between(tmp_path, worker) as (broker, proxy, told):
        proxy.mutes = True
        press(broker.port, b"meanwhile")
        assert "delivers nothing" in told.lost()
        assert not told.up and told.link.deaf
        proxy.mutes = False
        told.back()
        press(broker.port, b"after")
        frames = [told.sink.frames.get(timeout=ENDS_S).raw for _ in range(2)]
        assert frames == [b"meanwhile", b"after"]
    assert "another client" not in caplog.text
    assert told.changes.empty(), "told once"


def test_with_paho_s_own_client_likewise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client_factory, "why_not_draining", lambda: "a test")
    test_a_connection_that_is_mute_is_left_and_what_came_meanwhile_is_had(tmp_path, caplog, None)


@WORKERS
def test_a_session_that_is_gone_behind_a_line_that_stands_is_noticed(tmp_path: Path, worker: str | None) -> None:
    with between(tmp_path, worker) as (broker, proxy, told):
        proxy.keeps = True
        other = BareClient(broker.port)
        assert other.connect(None, None, told.link._client_id) == 0  # a clean session
        other.settled()
        other.close()
        assert "delivers nothing" in told.lost()
        proxy.keeps = False
        told.back()
        press(broker.port, b"after")
        assert told.sink.frames.get(timeout=ENDS_S).raw == b"after"


@WORKERS
def test_a_session_by_which_nothing_comes_is_discarded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, worker: str | None
) -> None:
    with between(tmp_path, worker) as (broker, proxy, told):
        proxy.mutes = proxy.until_clean = True
        told.lost()
        told.back()
        assert not proxy.until_clean
        press(broker.port, b"after")
        assert told.sink.frames.get(timeout=ENDS_S).raw == b"after"
    assert "the session at the broker" in caplog.text and "was discarded" in caplog.text
    assert "kept no session for us" not in caplog.text and "another client" not in caplog.text


@WORKERS
def test_a_subscription_alone_that_is_lost_comes_back_without_a_word(tmp_path: Path, worker: str | None) -> None:
    with between(tmp_path, worker) as (broker, proxy, told):
        proxy.take_subscription(told.link._topics[0])
        eventually(lambda: _arrives(broker.port, told))
        assert told.changes.empty() and proxy.connects == 1


def _arrives(port: int, told: Told) -> bool:
    press(port, b"press")
    return drained(told.sink) != [[]]


def test_lasting_deafness_is_told_once_and_heals_where_it_stands(tmp_path: Path) -> None:
    """With what the broker brings by itself at each subscription, which proves nothing."""
    with between(tmp_path, None) as (broker, proxy, told):
        with BareClient(broker.port) as somebody:
            somebody.connect(None, None)
            somebody.publish(UP, b"old", retain=True)
        watcher = Button(broker.port)
        watcher.subscribe("siaga/v1/gateway/test/status")
        eventually(lambda: not told.sink.frames.empty())
        proxy.spares_retained = proxy.mutes = True
        assert "delivers nothing" in told.lost()
        eventually(lambda: proxy.connects >= 3)
        eventually(lambda: told.link._subscribed.is_set())
        dropped = proxy.dropped
        eventually(lambda: proxy.dropped > dropped + 3)
        assert told.changes.empty() and not told.up
        said = [watcher.received.get()[1] for _ in range(watcher.received.qsize())]
        assert b"online" not in said[1:], "a gateway that hears nothing is not on line"
        proxy.mutes = False
        told.back()
        eventually(lambda: not watcher.received.empty() and watcher.received.queue[-1][1] == b"online")
        watcher.close()


def test_what_the_broker_has_kept_comes_once_though_it_is_subscribed_to_again(tmp_path: Path) -> None:
    with between(tmp_path, None) as (broker, proxy, told):
        with BareClient(broker.port) as somebody:
            somebody.connect(None, None)
            somebody.publish(UP, b"kept", retain=True)
        asks = proxy.asks
        eventually(lambda: proxy.asks > asks + 4)
        assert drained(told.sink) == [[b"kept"]]


def test_of_two_workers_the_one_that_is_deaf_tells(tmp_path: Path) -> None:
    with (
        between(tmp_path, "machine-1") as (broker, proxy, one),
        started(broker.port, "machine-2") as two,
    ):
        eventually(two.hears)
        proxy.mutes = True
        one.lost()
        assert two.up and two.changes.empty()
        proxy.mutes = False
        one.back()


def test_a_window_that_we_keep_full_is_no_deafness(tmp_path: Path) -> None:
    with between(tmp_path, None, "max_inflight_messages 5") as (broker, proxy, told):
        press(broker.port, *(b"%d" % number for number in range(12)))
        eventually(lambda: told.sink.frames.qsize() == 5)
        asks = proxy.asks
        eventually(lambda: proxy.asks > asks + 4)
        eventually(told.hears)
        assert told.sink.frames.qsize() == 5 and told.changes.empty() and proxy.connects == 1


def old_rules(file: Path) -> Path:
    """As an administrator wrote them by the guide of a version before, to the letter."""
    file.write_text(
        "topic readwrite siaga/v1/up/+\ntopic write siaga/v1/down/+\ntopic write siaga/v1/gateway/test/status\n"
    )
    return file


@WORKERS
def test_our_own_rules_allow_an_echo(tmp_path: Path, worker: str | None) -> None:
    rules = tmp_path / "rules"
    rules.write_text(mosquitto.gateway_rules("test"))
    with (
        Mosquitto(tmp_path / "broker", f"acl_file {rules}") as broker,
        started(broker.port, worker, user=mosquitto.GATEWAY) as told,
    ):
        eventually(told.hears)
        assert told.no_echo == 0 and told.up


@WORKERS
def test_rules_that_do_not_allow_an_echo_are_told_once_and_nothing_flaps(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, worker: str | None
) -> None:
    monkeypatch.setattr(echo_check, "RETRY_S", 1.0)
    rules = old_rules(tmp_path / "rules")
    where = "siaga/v1/gateway/test" + (f"/{worker}" if worker else "")
    rules.write_text(rules.read_text() + f"topic write {where}/status\n")
    with Mosquitto(tmp_path / "broker", f"acl_file {rules}") as broker, started(broker.port, worker) as told:
        eventually(lambda: told.no_echo == 1)
        tries = broker.said().count("-echo (")
        eventually(lambda: broker.said().count("-echo (") > tries + 2)
        assert told.up and told.changes.empty() and told.no_echo == 1
        press(broker.port, b"press")
        assert told.sink.frames.get(timeout=ENDS_S).raw == b"press"
        assert f"topic readwrite {where}/echo" in caplog.text
        rules.write_text(rules.read_text() + f"topic readwrite {where}/echo\n")
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        eventually(told.hears)
        assert told.changes.empty()


def test_that_there_is_no_echo_is_told_until_it_is_noted_and_then_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that failed just then kept it out of the journal for good."""
    monkeypatch.setattr(echo_check, "RETRY_S", 1.0)
    monkeypatch.setattr(self_checking_link, "_NOTE_AGAIN_S", 0.1)
    with Mosquitto(tmp_path / "broker", f"acl_file {old_rules(tmp_path / 'rules')}") as broker:
        told = Told(broker.port)
        told.not_noted = 2
        told.link.start()
        eventually(lambda: told.no_echo == 3)
        tries = broker.said().count("-echo (")
        eventually(lambda: broker.said().count("-echo (") > tries + 2)
        assert told.no_echo == 3
        told.link.stop()


def test_rules_that_change_so_that_an_echo_is_cut_off_end_in_peace(tmp_path: Path) -> None:
    """Mosquitto 2.0.11 hangs up where somebody publishes what he may not."""
    rules = tmp_path / "rules"
    rules.write_text(old_rules(rules).read_text() + "topic readwrite siaga/v1/gateway/test/echo\n")
    with Mosquitto(tmp_path / "broker", f"acl_file {rules}") as broker, started(broker.port) as told:
        eventually(told.hears)
        old_rules(rules)
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        eventually(lambda: told.no_echo == 1)
        eventually(lambda: told.up)
        logins = broker.said().count("as siaga-gateway-test (")
        press(broker.port, b"press")
        assert told.sink.frames.get(timeout=ENDS_S).raw == b"press"
        assert broker.said().count("as siaga-gateway-test (") == logins


def test_a_subscription_that_is_refused_later_is_told_and_asked_for_again(tmp_path: Path) -> None:
    with between(tmp_path, None) as (broker, proxy, told):
        proxy.refuses = True
        assert "refuses the subscription to siaga/v1/up/+" in told.lost()
        assert not told.up
        proxy.refuses = False
        told.back()
        press(broker.port, b"after")
        assert told.sink.frames.get(timeout=ENDS_S).raw == b"after"
        assert proxy.connects == 1


def test_who_has_stopped_asks_no_more(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        told = Told(broker.port)
        told.link.start()
        eventually(told.hears)
        told.link.hold_back()
        thread: Any = told.link._listener
        thread.join(ENDS_S)
        assert not thread.is_alive()
        told.link.stop()


@contextmanager
def no_thread_left(kind: type[threading.Thread] = threading.Thread, name: str = "") -> Iterator[None]:
    """Of this kind, with this in its name."""
    real = kind.start

    def start(thread: threading.Thread) -> None:
        if name in thread.name:
            raise RuntimeError("can't start new thread")
        real(thread)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "start", start)
        yield


def test_a_link_without_a_thread_that_checks_it_says_so_to_whoever_starts_it(tmp_path: Path) -> None:
    """Raised in paho's own thread, it ended that, and the start waited for a connection that had none."""
    with Mosquitto(tmp_path) as broker:
        told = Told(broker.port)
        with no_thread_left(name="broker-echo"), pytest.raises(RuntimeError, match="thread"):
            told.link.start()
        told.link.stop()


def test_a_connection_that_comes_back_needs_no_further_thread(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, started(broker.port) as told:
        eventually(told.hears)
        with no_thread_left():
            hang_up(told.link._client.socket())
            told.lost()
            told.back()
        eventually(told.hears)


def test_without_a_thread_that_tells_later_it_is_told_at_once_that_the_link_is_back(tmp_path: Path) -> None:
    """After a twin it waits whether the link stays; the timer for it ended paho's thread where there was none."""
    with Mosquitto(tmp_path) as broker, started(broker.port) as told:
        eventually(told.hears)
        told.link._standing.twin = True
        with no_thread_left(threading.Timer):
            hang_up(told.link._client.socket())
            while told.changes.get(timeout=ENDS_S) != (True, ""):
                pass
        assert told.up


def test_what_mends_or_tries_a_link_answers_whatever_is_wrong(tmp_path: Path) -> None:
    """Where it raised, the connection that delivers nothing was kept for ever."""
    settings = MqttSettings(host="127.0.0.1", port=1, tls=True, ca=tmp_path / "gone.pem")
    assert "gone.pem" in discard(settings, "mqtt", "siaga-gateway-test")
    assert hears(settings, "siaga-gateway-test-echo", "siaga/v1/gateway/test/echo") is None


def test_the_buttons_broker_is_heard_by_such_a_link() -> None:
    assert issubclass(MqttLink, SelfCheckingLink)
