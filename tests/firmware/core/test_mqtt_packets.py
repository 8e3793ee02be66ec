"""MQTT 3.1.1 without a socket: what is sent, what may come, and what a broker cannot do to the button."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.core import mqtt
from siaga.core.mqtt import CONNECTED, MESSAGE, PUBLISHED, SUBSCRIBED, TOO_LONG, MqttError, Session

TOPIC = "siaga/v1/down/0011223344556677"
CONNACK, SUBACK, PINGRESP = b"\x20\x02\x00\x00", b"\x90\x03\xff\xff\x01", b"\xd0\x00"


def session(**more) -> Session:
    return Session("0011223344556677", "", "", TOPIC, **more)


def connected(**more) -> Session:
    mine = session(**more)
    mine.connect(0)
    mine.feed(CONNACK)
    mine.subscribe(0)
    mine.feed(SUBACK)
    return mine


def length_of(number: int) -> bytes:
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (128 if number else 0))
        if not number:
            return bytes(digits)


def message(topic: bytes, payload: bytes, qos: int = 1, packet_id: int = 9, flags: int = 0) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + (packet_id.to_bytes(2, "big") if qos else b"") + payload
    return bytes([0x30 | qos << 1 | flags]) + length_of(len(body)) + body


def test_the_connect_packet_is_the_standard_s():
    assert session(keepalive_s=30).connect(0) == b"\x10\x1c\x00\x04MQTT\x04\x00\x00\x1e\x00\x100011223344556677"
    with_user = Session("id", "budi", "rahasia", TOPIC, 60).connect(0)
    assert with_user == b"\x10\x1d\x00\x04MQTT\x04\xc0\x00\x3c\x00\x02id\x00\x04budi\x00\x07rahasia"
    assert Session("id", "budi", "", TOPIC, 60).connect(0)[9] == 0x80


def test_subscribe_and_publish_are_at_qos_1_and_never_retained():
    mine = session()
    mine.connect(0)
    assert mine.feed(CONNACK) == [(CONNECTED, False)]
    assert mine.subscribe(0) == b"\x82\x23\xff\xff\x00\x1e" + TOPIC.encode() + b"\x01"
    assert not mine.up
    assert mine.feed(SUBACK) == [(SUBSCRIBED,)] and mine.up
    assert mine.publish("t", b"payload", 513, 0) == b"\x32\x0c\x00\x01t\x02\x01payload"
    assert mine.feed(b"\x40\x02\x02\x01") == [(PUBLISHED, 513)]
    assert mine.feed(b"\x40\x02\x02\x01") == [], "a second PUBACK is none"


def test_what_was_not_acknowledged_goes_again_as_a_duplicate_under_its_id():
    mine = connected()
    first = mine.publish("t", b"x", 7, 0)
    mine.connect(100)
    mine.feed(CONNACK)
    mine.subscribe(0)
    mine.feed(SUBACK)
    assert mine.due(99_000_000 // 1000) is not None, "an old packet's deadline does not end the new link"
    again = mine.publish("t", b"x", 7, 200)
    assert again[0] == first[0] | 0x08 and again[1:] == first[1:]
    mine.feed(b"\x40\x02\x00\x07")
    assert mine.publish("t", b"x", 7, 300) == first


def test_every_wait_has_its_deadline():
    mine = session(reply_ms=1000)
    mine.connect(0)
    assert mine.due(999) == b""
    with pytest.raises(MqttError, match="CONNACK"):
        mine.due(1000)
    mine.connect(0)
    mine.feed(CONNACK)
    mine.subscribe(500)
    with pytest.raises(MqttError, match="SUBACK"):
        mine.due(1500)
    mine = connected(reply_ms=1400)
    mine.publish("t", b"x", 1, 100)
    assert mine.due(799) == b""
    with pytest.raises(MqttError, match="PUBACK"):
        mine.due(800)


def test_a_ping_goes_after_half_of_the_keepalive_and_must_be_answered():
    mine = connected(keepalive_s=10, reply_ms=2000)
    assert mine.due(4999) == b""
    assert mine.due(5000) == b"\xc0\x00"
    assert mine.due(6000) == b"", "one at a time"
    mine.feed(PINGRESP)
    assert mine.due(9999) == b"" and mine.due(10000) == b"\xc0\x00"
    with pytest.raises(MqttError, match="PINGRESP"):
        mine.due(12000)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_message_is_given_whole_and_acknowledged_only_when_it_was_taken(qos):
    mine = connected()
    told = mine.feed(message(TOPIC.encode(), b"\x13\x81" + bytes(34), qos))
    assert told == [(MESSAGE, 9 if qos else 0, TOPIC.encode(), b"\x13\x81" + bytes(34))]
    assert mine.taken(told[0][1], 0) == (b"\x40\x02\x00\x09" if qos else b"")


def test_a_message_that_is_too_long_is_thrown_away_and_told():
    mine = connected()
    long = message(TOPIC.encode(), bytes(100_000), 1, 77) + message(TOPIC.encode(), b"after", 0)
    told = [event for i in range(0, len(long), 1000) for event in mine.feed(long[i : i + 1000])]
    assert told == [(TOO_LONG, 77), (MESSAGE, 0, TOPIC.encode(), b"after")]
    assert len(mine._packet) == mqtt.MAX_PACKET


@pytest.mark.parametrize("code", range(1, 7))
def test_a_refusal_says_why(code):
    mine = session()
    mine.connect(0)
    with pytest.raises(MqttError, match="refused"):
        mine.feed(bytes([0x20, 2, 0, code]))


@pytest.mark.parametrize(
    "bad",
    [
        b"\x20\x02\x00\x00",  # a second CONNACK
        b"\x20\x03\x00\x00\x00",
        b"\x40\x03\x00\x01\x00",
        b"\x90\x03\x00\x01\x80",
        b"\xd0\x01\x00",
        b"\x00\x00",
        b"\xf0\x00",
        b"\x10\x00",
        b"\x82\x00",
        b"\x36\x05\x00\x01t\x00\x01",  # QoS 3
        b"\x34\x05\x00\x01t\x00\x01",  # QoS 2
        b"\x32\x05\x00\x01t\x00\x00",  # packet id 0
        b"\x32\x04\x00\x01t\x00",  # ends within its packet id
        b"\x30\x01\x00",
        b"\x30\x03\x00\x09t",  # a topic that is longer than the packet
        b"\x30\xff\xff\xff\xff\x7f",  # a fifth digit
        b"\x40\xff\xff\x7f",  # a PUBACK of megabytes
        b"\x32\x80\x80\x04\xff\xff" + bytes(65534),  # a topic of 64 KB
    ],
)
def test_what_no_broker_may_send_ends_the_link(bad):
    mine = connected()
    with pytest.raises(MqttError):
        mine.feed(bad)
        mine.feed(bytes(1000))


def test_nothing_may_come_before_the_connack():
    for early in (PINGRESP, SUBACK, b"\x40\x02\x00\x01", message(b"t", b"x")):
        mine = session()
        mine.connect(0)
        with pytest.raises(MqttError, match="before"):
            mine.feed(early)


def test_a_refused_subscription_ends_the_link():
    mine = session()
    mine.connect(0)
    mine.feed(CONNACK)
    mine.subscribe(0)
    with pytest.raises(MqttError, match="access list"):
        mine.feed(b"\x90\x03\xff\xff\x80")


PACKETS = st.lists(
    st.one_of(
        st.builds(
            message,
            st.just(TOPIC.encode()),
            st.binary(max_size=700),
            st.sampled_from([0, 1]),
            st.integers(1, 65535),
            st.sampled_from([0, 1, 8]),
        ),
        st.just(b"\x40\x02\x00\x05"),
    ),
    max_size=12,
)


@given(PACKETS, st.lists(st.integers(1, 90), min_size=1, max_size=50))
def test_packets_are_the_same_however_the_network_cuts_them(packets, cuts):
    stream = b"".join(packets)
    whole = connected()
    whole.publish("t", b"", 5, 0)
    cut = connected()
    cut.publish("t", b"", 5, 0)
    expected, told, at, turn = whole.feed(stream), [], 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        told += cut.feed(memoryview(stream)[at : at + step])
        at, turn = at + step, turn + 1
    assert told == expected


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.booleans())
def test_garbage_is_a_clear_error_or_nothing_and_never_grows(chunks, late):
    mine = connected() if late else session()
    if not late:
        mine.connect(0)
    try:
        for chunk in chunks:
            for event in mine.feed(chunk):
                assert event[0] in (CONNECTED, SUBSCRIBED, PUBLISHED, MESSAGE, TOO_LONG)
    except MqttError as error:
        assert str(error)
    assert len(mine._packet) == mqtt.MAX_PACKET


def test_garbage_under_micropython_neither_crashes_nor_eats_the_heap():
    program = Path(__file__).resolve().parents[1] / "on_button" / "mqtt_noise.py"
    said = run_micropython(program).split()
    assert said[0] == "streams" and int(said[1]) == 20000 and int(said[3]) > 1000, said
