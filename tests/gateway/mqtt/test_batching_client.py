"""The reading and writing of many messages at a time: the same messages, however the bytes come, and none lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import _ConnectionState
from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.batching_client import DrainingClient, Message
from waiting import ENDS_S

PINGRESP = b"\xd0\x00"
SUBACK_V311, SUBACK_V5 = b"\x90\x03\x00\x01\x01", b"\x90\x04\x00\x01\x00\x01"


def length(size: int) -> bytes:
    parts = b""
    while size > 127:
        parts += bytes((size % 128 + 128,))
        size //= 128
    return parts + bytes((size,))


def publish(message: Message, properties: bytes | None = None) -> bytes:
    """As a broker sends it; properties: MQTT 5."""
    topic = message.topic.encode()
    body = len(topic).to_bytes(2, "big") + topic
    if message.qos:
        body += message.mid.to_bytes(2, "big")
    if properties is not None:
        body += length(len(properties)) + properties
    body += message.body
    return bytes((0x30 | message.qos << 1,)) + length(len(body)) + body


class Ends:
    """A client on a socket whose other end is the test's."""

    def __init__(self, protocol: int = paho.MQTTv311) -> None:
        five = protocol == paho.MQTTv5
        self.client = DrainingClient(
            CallbackAPIVersion.VERSION2,
            client_id="ends",
            protocol=protocol,
            clean_session=None if five else False,
            manual_ack=True,
        )
        self.come: list[Message] = []
        self.client.on_messages = self.come.extend
        self.client.on_message = lambda _client, _user, message: self.come.append(
            Message(message.topic, bytes(message.payload), message.qos, message.mid)
        )
        mine, self.broker = socket.socketpair()
        mine.setblocking(False)
        self.client._sock = mine
        self.client._state = _ConnectionState.MQTT_CS_CONNECTED
        self.broker.settimeout(ENDS_S)

    def give(self, part: bytes) -> None:
        """The broker sends these bytes, and the client looks, as often as it takes."""
        sender = threading.Thread(target=self.broker.sendall, args=(part,))
        sender.start()
        while sender.is_alive():
            assert self.client.loop_read() == 0
        sender.join()
        while self.client._sock is not None and self._more():
            assert self.client.loop_read() == 0

    def _more(self) -> bool:
        sock = self.client._sock
        assert isinstance(sock, socket.socket)
        try:
            return bool(sock.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def written(self) -> bytes:
        """What the client writes now."""
        self.client.loop_write()
        self.broker.setblocking(False)
        try:
            return self.broker.recv(65_536)
        except BlockingIOError:
            return b""
        finally:
            self.broker.settimeout(ENDS_S)

    def close(self) -> None:
        self.client._sock_close()
        self.broker.close()


@contextmanager
def ends(protocol: int = paho.MQTTv311) -> Iterator[Ends]:
    made = Ends(protocol)
    yield made
    made.close()


MESSAGES = st.builds(
    lambda topic, body, qos, mid: Message(topic, body, qos, mid if qos else 0),
    st.text(st.characters(codec="utf-8", exclude_characters="\0+#"), min_size=1, max_size=40),
    st.binary(max_size=300),
    st.integers(0, 1),
    st.integers(1, 65_535),
)
# Between them what is paho's: an answer to a ping, one to a subscription, an acknowledgement of nothing that we sent.
OTHERS = st.sampled_from([PINGRESP, SUBACK_V311, b"\x40\x02\x12\x34"])


def cut(stream: bytes, where: Sequence[int]) -> list[bytes]:
    places = sorted({place % (len(stream) + 1) for place in where} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(places)]


@given(st.lists(st.one_of(MESSAGES, OTHERS), max_size=20), st.lists(st.integers(0, 10_000), max_size=12))
def test_messages_come_whole_and_in_order_however_they_are_cut(sent: list[Message | bytes], where: list[int]) -> None:
    with ends() as both:
        stream = b"".join(one if isinstance(one, bytes) else publish(one) for one in sent)
        for part in cut(stream, where):
            both.give(part)
        assert both.come == [one for one in sent if isinstance(one, Message)]


@given(st.lists(MESSAGES, max_size=10), st.lists(st.integers(0, 10_000), max_size=12))
def test_properties_of_mqtt_5_are_passed_over(sent: list[Message], where: list[int]) -> None:
    many = b"".join(b"\x26\x00\x01k\x00\x28" + b"v" * 40 for _ in range(4))  # more than 127 bytes of them
    with ends(paho.MQTTv5) as both:
        stream = b"".join(publish(one, many if number % 2 else b"") for number, one in enumerate(sent))
        for part in cut(stream + SUBACK_V5, where):
            both.give(part)
        assert both.come == sent


def test_a_message_that_is_far_too_long_keeps_its_place() -> None:
    sent = [Message("up/a", b"before", 1, 1), Message("up/b", bytes(300_000), 1, 2), Message("up/c", b"after", 1, 3)]
    with ends() as both:
        both.give(b"".join(map(publish, sent)))
        assert both.come == sent


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length that is none
        b"\x32\x03\x00\x09a",  # a topic longer than the packet
        b"\x32\x03\x00\x01a",  # QoS 1 without a number
        b"\x36\x05\x00\x01a\x00\x01",  # QoS 3
        b"\x30\x01\x00",
    ],
)
def test_what_is_no_packet_ends_the_connection(garbage: bytes) -> None:
    with ends() as both:
        both.give(publish(Message("up/a", b"before", 1, 1)))
        both.broker.sendall(garbage)
        assert both.client.loop_read() != 0
        assert both.client._sock is None
        assert [one.body for one in both.come] == [b"before"]


def test_acknowledgements_go_out_before_the_answers_in_one_write() -> None:
    with ends() as both:
        both.client.acknowledge(7)
        both.client.send("down/a", b"one")
        both.client.acknowledge(8)
        first, second = b"\x40\x02\x00\x07", b"\x40\x02\x00\x08"
        assert both.written() == first + second + publish(Message("down/a", b"one", 1, 1))


def test_what_the_broker_has_not_acknowledged_goes_again_on_the_next_connection() -> None:
    with ends() as both:
        one, two = Message("down/a", b"one", 1, 1), Message("down/b", b"two", 1, 2)
        both.client.send(one.topic, one.body)
        both.client.send(two.topic, two.body)
        assert both.written() == publish(one) + publish(two)
        both.give(b"\x40\x02\x00\x01")
        both.client.begin_connection()
        again = publish(two)
        assert both.written() == bytes((again[0] | 8,)) + again[1:], "the second, marked as sent before"
        both.give(b"\x40\x02\x00\x02")
        both.client.begin_connection()
        assert both.written() == b""


def test_no_more_is_under_way_than_the_broker_takes() -> None:
    with ends(paho.MQTTv5) as both:
        both.client.begin_connection(receive_maximum=2)
        messages = [Message("down/a", bytes((number,)), 1, number) for number in range(1, 5)]
        for one in messages:
            both.client.send(one.topic, one.body)
        assert both.written() == b"".join(publish(one, b"") for one in messages[:2])
        assert both.written() == b""
        both.give(b"\x40\x03\x00\x01\x10")  # with a reason: nobody subscribes
        assert both.written() == publish(messages[2], b"")


class EndsBetweenTwoLooks(DrainingClient):
    """Its thread has ended by itself when it is looked at for the third time."""

    looks = 0

    @property
    def _thread(self) -> threading.Thread | None:
        self.looks += 1
        return threading.Thread() if self.looks < 3 else None

    @_thread.setter
    def _thread(self, thread: threading.Thread | None) -> None:
        pass


def test_a_thread_that_ends_by_itself_is_no_fault_of_the_stop() -> None:
    client = EndsBetweenTwoLooks(CallbackAPIVersion.VERSION2)
    client.looks = 0
    client.loop_stop()
    assert client.looks == 3
