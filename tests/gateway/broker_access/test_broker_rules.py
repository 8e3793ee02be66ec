"""A real Mosquitto as `siaga gateway broker-config` sets it up, and everything that a button's owner, or nobody's
friend, could try at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from bare_mqtt import BareClient, Closed, packet, text
from guarded_broker import PASSWORD, GuardedBroker
from siaga_gateway.adapters.mqtt.session_takeover import take_over
from siaga_gateway.config.mqtt import MqttSettings
from waiting import eventually

UP, DOWN = "siaga/v1/up/", "siaga/v1/down/"
FRAME = b"\x11\x01 as good as a frame"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with GuardedBroker(tmp_path_factory.mktemp("guarded"), buttons=4) as running:
        yield running


@pytest.fixture
def mine(broker: GuardedBroker) -> str:
    return broker.buttons[0].device_id.hex()


@pytest.fixture
def other(broker: GuardedBroker) -> str:
    return broker.buttons[1].device_id.hex()


def test_a_button_says_and_hears_what_is_its_own(broker: GuardedBroker, mine: str) -> None:
    with broker.listener(UP + "+") as gateway, broker.button(broker.buttons[0]) as button:
        assert button.subscribe(DOWN + mine) == [1]
        button.publish(UP + mine, FRAME)
        assert [(one.topic, one.payload, one.retained) for one in gateway.settled()] == [(UP + mine, FRAME, False)]
        gateway.publish(DOWN + mine, b"answer")
        assert [(one.topic, one.payload) for one in button.settled()] == [(DOWN + mine, b"answer")]


@pytest.mark.parametrize("version", [4, 5])
def test_it_publishes_nowhere_else(broker: GuardedBroker, mine: str, other: str, version: int) -> None:
    topics = [
        UP + other,
        DOWN + mine,  # it must not answer itself
        DOWN + other,
        UP + mine + "/more",
        UP + mine.upper(),
        "/" + UP + mine,
        "siaga/v1/gateway/siaga.test/status",
        "$SYS/broker/uptime",
        "$CONTROL/dynamic-security/v1",
        "$share/siaga/" + UP + other,
        UP + mine[:-1] + "ａ",  # a letter that only looks like one
        "anything",
    ]
    with broker.listener("#", "$SYS/#", "siaga/v1/#") as gateway:
        for topic in topics:
            for qos in (0, 1):
                with broker.button(broker.buttons[0], version) as button, suppress(Closed):
                    refused = button.publish(topic, FRAME, qos=qos)
                    assert version == 4 or qos == 0 or refused >= 0x80, f"{topic} was taken"
                    button.settled()  # some versions cut whoever tries off, others do not
        assert gateway.settled() == []


@pytest.mark.parametrize("topic", ["siaga/v1/up/+", "siaga/v1/up/#", "#", "", b"siaga/v1/up/\x00", b"siaga/\xff\xfe"])
def test_a_topic_that_is_none_ends_the_connection(broker: GuardedBroker, topic: str | bytes) -> None:
    with broker.listener(UP + "+") as gateway, broker.button(broker.buttons[0]) as button:
        button.send(packet(0x30 | 1 << 1, text(topic) + b"\x00\x01" + FRAME))
        button.until_closed()
        assert gateway.settled() == []


@pytest.mark.parametrize("version", [4, 5])
def test_it_hears_nothing_of_the_others_whatever_it_subscribes_to(
    broker: GuardedBroker, mine: str, other: str, version: int
) -> None:
    wanted = [
        "#", "+/+/+/+", "siaga/#", "siaga/v1/+/+", UP + "+", UP + other, DOWN + "+", DOWN + other, DOWN + "#", "$SYS/#",
        "siaga/v1/gateway/+/status", "$share/siaga/" + DOWN + "+", "$share/any/#",
    ]  # fmt: skip
    with (
        broker.button(broker.buttons[1]) as neighbour,
        broker.listener() as gateway,
        broker.button(broker.buttons[0], version) as button,
    ):
        for topic in wanted:
            button.subscribe(topic)
        neighbour.publish(UP + other, FRAME)
        gateway.publish(DOWN + other, b"an answer to somebody else")
        gateway.publish("siaga/v1/gateway/siaga.test/status", b"online")
        assert button.settled() == []
        gateway.publish(DOWN + mine, b"its own")
        assert {one.payload for one in button.settled()} == {b"its own"}


def test_nothing_is_published_about_the_broker_itself(broker: GuardedBroker) -> None:
    with broker.listener("$SYS/#") as gateway:
        assert gateway.settled() == []
    assert "sys_interval 0" in (broker.folder / "conf" / "mosquitto.conf").read_text()


def test_a_retained_message_ends_the_connection_and_is_not_kept(broker: GuardedBroker, mine: str) -> None:
    with broker.button(broker.buttons[0]) as button, pytest.raises(Closed):
        button.publish(UP + mine, FRAME, retain=True)
        button.settled()
    with broker.client() as button, pytest.raises(Closed):
        button.connect(mine, broker.password(broker.buttons[0]), mine, will=(UP + mine, FRAME), will_retained=True)
    with broker.listener(UP + "+") as gateway:
        assert gateway.settled() == []


def test_a_will_goes_only_where_its_button_may_publish(broker: GuardedBroker, mine: str, other: str) -> None:
    with broker.listener("#") as gateway:
        for topic in (UP + other, DOWN + other, "siaga/v1/gateway/siaga.test/status", UP + mine):
            broker.button(broker.buttons[0], will=(topic, FRAME)).close()
        # The last one is its own, and comes after the others would have.
        eventually(lambda: [one.topic for one in gateway.settled()] == [UP + mine], "the one will that is allowed")
        assert gateway.settled() == []


def test_nobody_takes_another_s_connection_over(broker: GuardedBroker, mine: str, other: str) -> None:
    gateways_own = "siaga-gateway-siaga.test"
    with broker.button(broker.buttons[1]) as victim, broker.listener(client_id=gateways_own) as gateway:
        victim.subscribe(DOWN + other)
        for claimed in (other, gateways_own):
            with broker.client() as thief:
                assert thief.connect(mine, broker.password(broker.buttons[0]), claimed, clean=False) == 0
                thief.settled()
            victim.settled()
            gateway.settled()
        gateway.publish(DOWN + other, b"still for the victim")
        assert [one.payload for one in victim.settled()] == [b"still for the victim"]


def test_no_button_can_carry_off_what_the_workers_share(broker: GuardedBroker, mine: str, other: str) -> None:
    """Mosquitto 2.0 takes the subscription to a shared topic, and a message that it then may not hand on is gone: so
    the name of the group must not be guessable. This shows what happens where it is."""
    share = "$share/a name that leaked/"
    with (
        broker.listener(share + UP + "+", client_id="worker") as worker,
        broker.button(broker.buttons[0]) as thief,
        broker.button(broker.buttons[1]) as victim,
    ):
        thief.subscribe(share + UP + "+")
        for number in range(8):
            victim.publish(UP + other, bytes([number]))
        assert thief.settled() == []
        came = len(worker.settled())
        assert came in (4, 8), f"{came} of 8 came"


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, None), (None, "x"), ("mine", None), ("mine", ""), ("mine", "the other's"), ("mine", "x" * 60_000),
     ("other", "mine"), ("gateway", PASSWORD), ("+", "x"), ("#", "x"), ("nobody", "x"), ("enrol", "x"), ("", "")],
)  # fmt: skip
def test_who_is_not_known_does_not_come_in(
    broker: GuardedBroker, mine: str, other: str, user: str | None, password: str | None
) -> None:
    users = {"mine": mine, "other": other}
    passwords = {"mine": broker.password(broker.buttons[0]), "the other's": broker.password(broker.buttons[1])}
    with broker.client() as client:
        try:
            code = client.connect(
                user if user is None else users.get(user, user),
                password if password is None else passwords.get(password, password),
                mine,
            )
        except Closed:
            return  # as good an answer
        assert code in (4, 5)


def test_the_gateway_s_door_is_not_the_buttons(broker: GuardedBroker, mine: str) -> None:
    for user, password in ((mine, broker.password(broker.buttons[0])), (None, None), ("gateway", "x"), ("enrol", "x")):
        with BareClient(broker.local_port) as client:
            assert client.connect(user, password, mine) in (4, 5)


def test_there_is_no_way_around_tls(broker: GuardedBroker, mine: str) -> None:
    with BareClient(broker.port) as client, pytest.raises(Closed):
        client.connect(mine, broker.password(broker.buttons[0]), mine)


def test_what_is_larger_than_any_frame_is_not_passed_on(broker: GuardedBroker, mine: str) -> None:
    with broker.listener(UP + "+") as gateway:
        with broker.button(broker.buttons[0]) as button:
            button.publish(UP + mine, bytes(291))
            with suppress(Closed):
                button.publish(UP + mine, bytes(292))
                button.settled()
        with broker.button(broker.buttons[0]) as button:
            button.publish(UP + mine, b"after")
        assert [len(one.payload) for one in gateway.settled()] == [291, 5]
        with broker.button(broker.buttons[0]) as button, pytest.raises(Closed):
            button.publish(UP + mine, bytes(2_000))
        with broker.button(broker.buttons[0]) as button:
            button.send(packet(0x32, bytes(20))[:1] + b"\xff\xff\xff\x7f")  # it announces 256 MB
            button.until_closed()
        assert gateway.settled() == []


def test_a_withdrawn_password_ends_the_connection_that_stands(broker: GuardedBroker, tmp_path: Path) -> None:
    """As the administrator does it, with no gateway running."""
    gone, stays = broker.buttons[2], broker.buttons[3]
    with broker.button(gone) as client, broker.button(stays) as neighbour:
        passwords = broker.folder / "conf" / "passwords"
        kept = passwords.read_text()
        passwords.write_text("".join(line for line in kept.splitlines(True) if gone.device_id.hex() not in line))
        broker.process.send_signal(1)  # type: ignore[union-attr]
        client.until_closed()
        neighbour.settled()
        with broker.client() as again:
            assert again.connect(gone.device_id.hex(), broker.password(gone), gone.device_id.hex()) in (4, 5)
        assert broker.gateway.command("broker-sync") == f"{passwords}: 1 given, 0 withdrawn\n"

        def in_again() -> bool:
            with broker.client() as client:
                return client.connect(gone.device_id.hex(), broker.password(gone), gone.device_id.hex()) == 0

        eventually(in_again, "the button is let in again")


def test_the_gateway_ends_a_connection_that_a_broker_would_let_stand(
    broker: GuardedBroker, mine: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = MqttSettings(host="127.0.0.1", port=broker.local_port, user="gateway", password=SecretStr(PASSWORD))
    with broker.button(broker.buttons[0]) as flooding, broker.button(broker.buttons[1]) as neighbour:
        take_over(settings, mine)
        flooding.until_closed()
        neighbour.settled()
    assert caplog.text == ""
    take_over(settings.model_copy(update={"password": SecretStr("wrong")}), mine)
    assert f"end it there (EMQX: emqx ctl clients kick {mine})" in caplog.text


def test_the_door_for_new_buttons_lets_an_enrol_in_and_nothing_out(broker: GuardedBroker, mine: str) -> None:
    opened = broker.gateway.command("broker-door", "open").strip()

    def came_in() -> bool:
        with broker.client() as client:
            return client.connect("enrol", opened, "ffff000011112222") == 0

    eventually(came_in, "the door opens")
    with broker.listener(UP + "+") as gateway, broker.client() as new, broker.button(broker.buttons[0]) as button:
        button.subscribe(DOWN + mine)
        # Whatever it calls itself, it is not taken for that button.
        assert new.connect("enrol", opened, mine) == 0
        new.subscribe("#", DOWN + "ffff000011112222", DOWN + mine)
        new.publish(UP + "ffff000011112222", b"its ENROL")
        assert [one.payload for one in gateway.settled()] == [b"its ENROL"]
        gateway.publish(DOWN + "ffff000011112222", b"not for this door")
        assert new.settled() == [] and button.settled() == []
        # One at a time: the next one ends this connection, which had what it came for.
        with broker.client() as next_one:
            assert next_one.connect("enrol", opened, "ffff000011113333") == 0
            new.until_closed()
            assert broker.gateway.command("broker-door", "close") == "closed\n"
            next_one.until_closed()
    with broker.client() as late:
        assert late.connect("enrol", opened, "x") in (4, 5)
    assert broker.gateway.command("broker-door", "close") == "it was closed\n"


def test_every_line_of_the_configuration_is_taken(broker: GuardedBroker) -> None:
    log = broker.log()
    assert not [line for line in log.splitlines() if "Error:" in line], log
    conf = (broker.folder / "conf" / "mosquitto.conf").read_text()
    for wanted in (
        "per_listener_settings true",
        "persistence true",
        "max_queued_messages 50000",
        "allow_anonymous false",
    ):
        assert wanted in conf
    assert "allow_anonymous true" not in conf


def test_the_broker_is_told_however_often_passwords_change(broker: GuardedBroker) -> None:
    """systemd refuses the sixth start within ten seconds, and a path unit whose service was refused watches no more."""
    units = broker.folder / "conf" / "systemd"
    service = (units / "siaga-broker-reload.service").read_text()
    path = (units / "siaga-broker-reload.path").read_text()
    assert "StartLimitIntervalSec=0\n" in service.partition("[Service]")[0]
    assert "StartLimitIntervalSec=0\n" in path.partition("[Path]")[0]
    assert "TriggerLimitIntervalSec=0\n" in path.partition("[Path]")[2]
