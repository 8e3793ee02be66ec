"""Topics for other systems, on a real Mosquitto: what subscribers see, and what operators are told."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from brokers import Mosquitto, free_port
from gateway.outputs.broker_subscriber import Subscriber
from gateway.outputs.manual_samples import BACK, TROUBLE
from gateway.outputs.mqtt_delivery import TOPICS, acl, publisher
from gateway.outputs.receiver_certificates import Authority
from gateway.outputs.sample_incidents import closed, later, opened
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.domain.incident import Change, Disposition, IncidentState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.ports import Delivered, NotDelivered, SupervisedOutput, TroubleOutput
from waiting import eventually


@pytest.fixture(scope="module")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def test_events_for_whoever_listens_and_the_state_for_whoever_comes_later(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="one"))
    with Subscriber(shared_broker.port, "one/#") as listener:
        done = output.deliver(opened(), "k-1")
        assert done == Delivered(f"acknowledged by the broker 127.0.0.1:{shared_broker.port}")
        output.deliver(later(Change.ASSIGNED, state=IncidentState.ASSIGNED), "k-3")
        eventually(lambda: len(listener.came) == 4, "both changes")
        assert [json.loads(each.body)["id"] for each in listener.of("events")] == ["k-1", "k-3"]
        assert {each.content_type for each in listener.came} == {"application/cloudevents+json", "application/json"}
    with Subscriber(shared_broker.port, "one/#") as latecomer:
        (state,) = eventually(lambda: list(latecomer.came), "the state")
        assert state.topic == "one/incidents/siaga.lampung-17.k7q2" and state.retained
        assert json.loads(state.body)["incident"]["state"] == "assigned"
    output.close()


def test_a_closed_incident_goes_by_itself(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="two", keep_closed_s=1))
    output.deliver(opened(), "k-1")
    with Subscriber(shared_broker.port, "two/#") as listener:
        output.deliver(closed(Disposition.VERIFIED), "k-4")
        eventually(lambda: listener.of("incidents")[-1:] and listener.of("incidents")[-1].expires_s, "it is closed")

    def what_a_newcomer_gets() -> list[bytes]:
        with Subscriber(shared_broker.port, "two/#") as newcomer:
            output.deliver(opened(), "last")  # comes after what is retained
            eventually(lambda: newcomer.of("events"), "the event")
            held = [each.body for each in newcomer.of("incidents") if each.retained]
            output.deliver(closed(Disposition.VERIFIED), "closed again")
            return held

    eventually(lambda: not what_a_newcomer_gets(), "nothing is retained any more", longest_pause_s=1.5)
    output.close()


def test_or_at_once(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="three", keep_closed_s=0))
    for key, notice in (("k-1", opened()), ("k-4", closed(None))):
        assert isinstance(output.deliver(notice, key), Delivered)
    with Subscriber(shared_broker.port, "three/#") as newcomer:
        output.deliver(opened(), "k-5")
        eventually(lambda: newcomer.of("events"), "the event")
        assert not [each for each in newcomer.of("incidents") if each.retained]
    output.close()


def test_that_nobody_listens_is_told(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="four"))
    done = output.deliver(opened(), "k-1")
    assert isinstance(done, Delivered) and "Nobody subscribes to its events now" in done.detail
    output.close()


def test_trouble_of_the_gateway_stays_while_it_lasts(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="five"))
    assert isinstance(output, TroubleOutput) and isinstance(output, SupervisedOutput)
    assert isinstance(output.tell(TROUBLE, "t-1"), Delivered)
    with Subscriber(shared_broker.port, "five/#") as newcomer:
        (told,) = eventually(lambda: list(newcomer.came), "the trouble")
        assert told.retained and json.loads(told.body)["data"]["kind"] == "store_damaged"
        output.tell(BACK, "t-3")
        eventually(lambda: newcomer.came[-1].body == b"", "it is cleared")
        assert json.loads(newcomer.came[-2].body)["data"]["state"] == "back"
    output.close()


def test_the_status_is_online_and_offline_once_the_gateway_is_gone(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="six"), supervision_s=60)
    assert output.supervision_due_s() == 0
    output.deliver(opened(), "k-1")
    assert output.supervision_due_s() == 0  # the status is not said yet
    assert isinstance(output.supervise(), Delivered)
    due_s = output.supervision_due_s()
    assert due_s is not None and 50 < due_s <= 60
    with Subscriber(shared_broker.port, "six/status") as newcomer:
        eventually(lambda: [each.body for each in newcomer.came] == [b"online"], "it is online")
        output.close()
        eventually(lambda: newcomer.came[-1].body == b"offline", "it is offline")
    assert publisher(shared_broker.port).supervision_due_s() is None


def test_a_connection_that_is_lost_is_looked_after_at_once(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, stores=False) as broker:
        output = publisher(broker.port, supervision_s=3_600)
        assert isinstance(output.supervise(), Delivered)
        assert (output.supervision_due_s() or 0) > 3_000
        broker.kill()
        eventually(lambda: output.supervision_due_s() == 0, "it is due")
        assert isinstance(output.supervise(), NotDelivered)
        assert output.supervision_due_s() == 0
        broker.start()
        with Subscriber(broker.port, "+/+/+/status") as newcomer:
            assert isinstance(output.supervise(), Delivered)
            eventually(lambda: [each.body for each in newcomer.came] == [b"online"], "it is online again")
        output.close()


def test_a_trial_leaves_the_status_alone(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="seven"), supervision_s=60)
    with Subscriber(shared_broker.port, "seven/#") as listener:
        output.deliver(opened(), "k-1")
        output.close()
        after = publisher(shared_broker.port, copied(TOPICS, prefix="seven"))
        after.deliver(opened(), "k-2")
        eventually(lambda: len(listener.of("events")) == 2, "what comes after")
        assert not listener.of("status")
        after.close()


def test_many_at_once(shared_broker: Mosquitto) -> None:
    output = publisher(shared_broker.port, copied(TOPICS, prefix="eight"))
    with Subscriber(shared_broker.port, "eight/events/#") as listener, ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda number: output.deliver(opened(), f"k-{number}"), range(200)))
        assert all(isinstance(each, Delivered) for each in done)
        eventually(lambda: len(listener.came) == 200, "all of them")
    assert len({json.loads(each.body)["id"] for each in listener.came}) == 200
    output.close()


def test_a_topic_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, *acl(tmp_path, "write siaga/out/polda/events/#"), stores=False) as broker:
        output = publisher(broker.port)
        refused = output.deliver(opened(), "k-1")
        assert isinstance(refused, NotDelivered) and not refused.permanent
        assert "refuses topic siaga/out/polda/incidents/siaga.lampung-17.k7q2" in refused.detail
        assert "give the gateway's user the right to write there" in refused.detail
        output.close()


def test_a_broker_that_retains_nothing_is_named(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "retain_available false", stores=False) as broker:
        output = publisher(broker.port)
        refused = output.deliver(opened(), "k-1")
        assert (
            isinstance(refused, NotDelivered)
            and "retains nothing: allow it there, or set states = false" in refused.detail
        )
        output.close()
        output = publisher(broker.port, copied(TOPICS, states=False))
        assert isinstance(output.deliver(opened(), "k-1"), Delivered)
        output.close()


@pytest.mark.parametrize(("language", "says"), [("en", "it wants a login"), ("id", "login")])
def test_a_login_that_is_wanted(tmp_path: Path, language: str, says: str) -> None:
    with Mosquitto(tmp_path, "allow_anonymous false", stores=False) as broker:
        output = publisher(broker.port, language=language)
        refused = output.deliver(opened(), "k-1")
        assert isinstance(refused, NotDelivered) and says in refused.detail
        assert "outputs.cad.user" in refused.detail
        output.close()


def test_nobody_there_and_then_somebody(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, stores=False)
    output = publisher(broker.port)
    refused = output.deliver(opened(), "k-1")
    assert isinstance(refused, NotDelivered) and "nothing listens there" in refused.detail
    with broker:
        assert isinstance(output.deliver(opened(), "k-1"), Delivered)
        broker.kill()
        assert isinstance(output.deliver(opened(), "k-2"), NotDelivered)
        broker.start()
        assert isinstance(output.deliver(opened(), "k-2"), Delivered)
    output.close()


def test_a_broker_that_hangs_costs_the_deadline_and_nothing_is_sent_behind_something_newer(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, stores=False) as broker, Subscriber(broker.port, "+/+/+/events/#") as listener:
        output = publisher(broker.port, deadline_s=60)
        assert isinstance(output.deliver(opened(), "k-0"), Delivered)
        output._deadline_s = 1
        assert broker.process is not None
        broker.process.send_signal(signal.SIGSTOP)
        refused = output.deliver(opened(), "k-1")
        assert isinstance(refused, NotDelivered) and "did not acknowledge within 1 s" in refused.detail
        refused = output.deliver(later(Change.DURESS, duress=True), "k-2")
        assert isinstance(refused, NotDelivered)
        broker.process.send_signal(signal.SIGCONT)
        output._deadline_s = 60
        eventually(lambda: isinstance(output.deliver(closed(None), "k-4"), Delivered), "it goes on")
        eventually(lambda: json.loads(listener.came[-1].body)["id"] == "k-4", "the last")
        output.close()


def test_what_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        output = publisher(listening.getsockname()[1], deadline_s=0.5)
        refused = output.deliver(opened(), "k-1")
        assert isinstance(refused, NotDelivered) and "did not acknowledge within 0.5 s" in refused.detail
        output.close()


def test_tls_to_whom_the_file_trusts_and_to_nobody_else(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    authority.server("127.0.0.1")
    pair = (tmp_path / "127.0.0.1-False.pem").read_bytes()
    port = free_port()
    (tmp_path / "server.pem").write_bytes(pair)
    lines = [f"listener {port} 127.0.0.1", f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.pem"]
    with Mosquitto(tmp_path / "broker", *lines, port=port, stores=False):
        output = publisher(port, broker={"tls": True, "ca": authority.file})
        assert isinstance(output.deliver(opened(), "k-1"), Delivered)
        output.close()
        output = publisher(port, broker={"tls": True, "ca": stranger.file})
        refused = output.deliver(opened(), "k-1")
        assert isinstance(refused, NotDelivered) and "name the authority's file by outputs.cad.ca" in refused.detail
        output.close()
    with pytest.raises(SettingsError, match=r"the setting outputs\.cad\.ca"):
        publisher(port, broker={"tls": True, "ca": tmp_path / "none.pem"})
