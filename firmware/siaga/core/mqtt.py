"""The part of MQTT 3.1.1 (OASIS standard, 2014) that a button needs, without a socket: bytes in, events out.

QoS 1 both ways. The broker keeps the session (clean session 0), so that what the gateway sends while the button is
offline arrives later. The caller chooses a packet's id: the same frame is always sent under the same one, and with DUP
once it was sent without an acknowledgement (4.4). Every wait has a deadline, and nothing that a broker sends makes this
hold more than MAX_PACKET bytes.
"""

import struct

from micropython import const
from siaga.core.errors import SiagaError

CONNECTED = "connected"  # (CONNECTED, session_present)
SUBSCRIBED = "subscribed"  # (SUBSCRIBED,)
PUBLISHED = "published"  # (PUBLISHED, packet id): the broker has it
MESSAGE = "message"  # (MESSAGE, packet id or 0, topic, payload): call taken(packet id) once it has been handled
TOO_LONG = "too_long"  # (TOO_LONG, packet id or 0): no downlink is this long; it was discarded unread

MAX_PACKET = const(512)
MAX_PACKET_ID = const(65534)  # 65535 is the SUBSCRIBE's
_REMEMBERED = const(64)

_CONNECT = const(0x10)
_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBSCRIBE = const(0x82)
_SUBACK = const(0x90)
_PINGRESP = const(0xD0)
_PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class MqttError(SiagaError):
    """The link is unusable; the text says why. Close it and reconnect."""


def _refusal(code: int) -> str:
    """Return a CONNACK's return code as text for people (MQTT 3.1.1, table 3.1)."""
    if code == 1:
        return "the broker refused: it does not speak MQTT 3.1.1"
    if code == 2:
        return "the broker refused: it does not accept the client identifier"
    if code == 3:
        return "the broker refused: it is not available"
    if code == 4:
        return "the broker refused: wrong user name or password (settings mqtt_user, mqtt_password)"
    if code == 5:
        return "the broker refused: not authorised (settings mqtt_user, mqtt_password, or the broker's access list)"
    return "the broker refused: reason %d" % code


def _text(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def _packet(kind: int, body: bytes) -> bytes:
    length = len(body)
    head = bytearray([kind])
    while True:
        length, digit = length >> 7, length & 127
        if length:
            head.append(digit | 128)
        else:
            head.append(digit)
            return bytes(head) + body


class Session:
    """One client. connect() begins each new link; feed() takes what comes in; due() is called a few times a second.

    reply_ms: how long the broker may take for any answer, and half of that for a PUBACK: a press may depend on it
    keepalive_s: sent to the broker; a ping goes out after half of it without traffic, and its answer has a deadline
        like all others
    login: the login for each new link, None = always user and password
    place: which of several brokers the next link is to
    forgot: that broker had a session of this client, and has none now
    """

    def __init__(
        self,
        client_id: str,
        user: str,
        password: str,
        topic: str,
        keepalive_s: int = 30,
        reply_ms: int = 10000,
    ) -> None:
        self._client_id = client_id.encode()
        self._user = user.encode()
        self._password = password.encode()
        self._topic = topic.encode()
        self._keepalive_s = keepalive_s
        self.reply_ms = reply_ms
        self._puback_ms = reply_ms // 2
        self._in_flight = {}  # type: dict[int, int]
        self._again = set()  # type: set[int]
        self._packet = bytearray(MAX_PACKET)
        self.login: "Login | None" = None
        self.place = 0
        self.forgot = False
        self._known_at = set()  # type: set[int]
        self.up = False
        self._reset(0)

    def _reset(self, now_ms: int) -> None:
        self.up = False
        self.connected = False
        self._sent_ms = now_ms
        self._awaits = {}  # type: dict[str, int]
        self._kind = -1  # of the packet that is arriving; -1 = its first byte is still to come
        self._length = 0
        self._shift = 0  # of the length's next digit; -1 = the length is complete
        self._have = 0

    def connect(self, now_ms: int) -> bytes:
        """Return the packet to send first on a new link."""
        self._reset(now_ms)
        if self.login is not None:
            user, password = self.login.next(self.place)
            self._user = user.encode()
            self._password = password.encode()
        # What the broker did not acknowledge on an earlier link is sent again by its owner, with DUP.
        if len(self._again) < _REMEMBERED:
            self._again.update(self._in_flight)
        self._in_flight = {}
        flags = 0x80 if self._user else 0
        body = _text(self._client_id)
        if self._user:
            body += _text(self._user)
            if self._password:
                flags |= 0x40
                body += _text(self._password)
        self._awaits["CONNACK"] = now_ms + self.reply_ms
        return _packet(_CONNECT, b"\x00\x04MQTT\x04" + bytes([flags]) + struct.pack(">H", self._keepalive_s) + body)

    def subscribe(self, now_ms: int) -> bytes:
        """Return the SUBSCRIBE to the down topic; the link counts as up once it is granted."""
        self._awaits["SUBACK"] = now_ms + self.reply_ms
        self._sent_ms = now_ms
        return _packet(_SUBSCRIBE, b"\xff\xff" + _text(self._topic) + b"\x01")

    def publish(self, topic: str, payload: bytes, packet_id: int, now_ms: int) -> bytes:
        """Return a PUBLISH at QoS 1, not retained. packet_id: 1 to MAX_PACKET_ID."""
        flags = 0x0A if packet_id in self._again or packet_id in self._in_flight else 0x02
        self._in_flight[packet_id] = now_ms + self._puback_ms
        self._sent_ms = now_ms
        return _packet(_PUBLISH | flags, _text(topic.encode()) + struct.pack(">H", packet_id) + payload)

    def taken(self, packet_id: int, now_ms: int) -> bytes:
        """Return the acknowledgement of a handled message, empty if none is due (QoS 0)."""
        if not packet_id:
            return b""
        self._sent_ms = now_ms
        return _packet(_PUBACK, struct.pack(">H", packet_id))

    def due(self, now_ms: int) -> bytes:
        """Return what is to be sent because of the time, or b"". Raises MqttError if the broker missed a deadline."""
        for what in self._awaits:
            if now_ms >= self._awaits[what]:
                raise MqttError("no %s from the broker within %d ms" % (what, self.reply_ms))
        if not self.up:
            return b""
        for packet_id in self._in_flight:
            if now_ms >= self._in_flight[packet_id]:
                raise MqttError("no PUBACK from the broker within %d ms" % self._puback_ms)
        if now_ms - self._sent_ms < self._keepalive_s * 500 or "PINGRESP" in self._awaits:
            return b""
        self._awaits["PINGRESP"] = now_ms + self.reply_ms
        self._sent_ms = now_ms
        return _PINGREQ

    def feed(self, chunk: "bytes | memoryview") -> "list[tuple]":
        """Return the events in what has arrived, in order; a packet may be spread over any number of chunks. Raises
        MqttError on a protocol violation (close the link then: it cannot be resynchronised)."""
        events = []  # type: list[tuple]
        at = 0
        end = len(chunk)
        while at < end:
            if self._kind < 0:
                self._kind = chunk[at]
                self._length = self._shift = self._have = 0
                at += 1
                continue
            if self._shift >= 0:
                digit = chunk[at]
                at += 1
                self._length |= (digit & 127) << self._shift
                self._shift += 7
                if digit & 128:
                    if self._shift > 21:
                        raise MqttError("the broker sent a packet whose length has more than four digits")
                    continue
                self._shift = -1
                if self._length > MAX_PACKET and self._kind & 0xF0 != _PUBLISH:
                    raise MqttError("the broker sent %d bytes as packet 0x%02x" % (self._length, self._kind))
            elif self._have < min(self._length, MAX_PACKET):
                take = min(end - at, min(self._length, MAX_PACKET) - self._have)
                self._packet[self._have : self._have + take] = chunk[at : at + take]
                self._have += take
                at += take
            else:
                skip = min(end - at, self._length - self._have)
                self._have += skip
                at += skip
            if self._have == self._length and self._shift < 0:
                kind, self._kind = self._kind, -1
                self._arrived(kind, events)
        return events

    def _arrived(self, kind: int, events: "list[tuple]") -> None:
        body = self._packet
        length = self._length
        if not self.connected and kind != _CONNACK:
            raise MqttError("the broker sent packet 0x%02x before its CONNACK" % kind)
        if kind & 0xF0 == _PUBLISH:
            self._message(kind, body, length, events)
        elif kind == _PUBACK and length == 2:
            packet_id = body[0] << 8 | body[1]
            self._again.discard(packet_id)
            if self._in_flight.pop(packet_id, None) is not None:
                events.append((PUBLISHED, packet_id))
        elif kind == _PINGRESP and length == 0:
            self._awaits.pop("PINGRESP", None)
        elif kind == _CONNACK and length == 2 and not self.connected:
            if body[1]:
                raise MqttError(_refusal(body[1]))
            self.connected = True
            self.forgot = self.place in self._known_at and not body[0] & 1
            self._awaits.pop("CONNACK", None)
            events.append((CONNECTED, bool(body[0] & 1)))
        elif kind == _SUBACK and length == 3 and "SUBACK" in self._awaits:
            if body[2] > 1:
                raise MqttError("the broker does not let this device read its down topic (access list)")
            self._awaits.pop("SUBACK")
            self._known_at.add(self.place)
            self.up = True
            events.append((SUBSCRIBED,))
        else:
            raise MqttError("the broker sent packet 0x%02x of %d bytes, which it may not" % (kind, length))

    def _message(self, kind: int, body: bytearray, length: int, events: "list[tuple]") -> None:
        qos = kind >> 1 & 3
        start = 2 + (body[0] << 8 | body[1]) if length >= 2 else MAX_PACKET
        payload = start + 2 if qos else start
        if qos > 1 or payload > min(length, MAX_PACKET):
            raise MqttError("the broker sent a PUBLISH that is none (QoS %d, %d bytes)" % (qos, length))
        packet_id = body[start] << 8 | body[start + 1] if qos else 0
        if qos and not packet_id:
            raise MqttError("the broker sent a PUBLISH at QoS 1 without a packet id")
        if length > MAX_PACKET:
            events.append((TOO_LONG, packet_id))
        else:
            events.append((MESSAGE, packet_id, bytes(body[2:start]), bytes(body[payload:length])))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Login(Protocol):
        """Implemented in app/radios.py."""

        def next(self, place: int) -> "tuple[str, str]": ...
        def is_done(self, counter: int) -> bool: ...
