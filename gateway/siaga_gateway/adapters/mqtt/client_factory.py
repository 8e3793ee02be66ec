"""Makes a broker client as the settings say: the batching one if it works with the installed paho, else paho's own."""

from __future__ import annotations

import functools
import logging
import socket
import ssl
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt import __version__ as paho_version
from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.batching_client import DrainingClient, Message
from siaga_gateway.adapters.mqtt.plain_paho_client import PlainClient
from siaga_gateway.adapters.tls_authorities import TlsAuthorities
from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.mqtt import BrokerSettings

log = logging.getLogger(__name__)

Client = DrainingClient | PlainClient
RECONNECT_S: Final[tuple[Any, int]] = (1, 15)  # the first pause, and the longest
CONTESTED_S: Final[tuple[Any, int]] = (0.1, 15)  # while another client uses our identifier
_DEADLINE_S: Final = 5.0
_EXCHANGE_S: Final = 1.0


def new_client(settings: BrokerSettings, section: str, client_id: str, *, is_5: bool) -> Client:
    """is_5: speak MQTT 5. Raises: SettingsError."""
    why = why_not_draining()
    if why:
        log.warning(Localized("log.broker.plain_paho", version=paho_version, why=why))
    client = (PlainClient if why else DrainingClient)(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if is_5 else False,
        protocol=paho.MQTTv5 if is_5 else paho.MQTTv311,
        manual_ack=True,
    )
    log_in(client, settings, section)
    client.reconnect_delay_set(*RECONNECT_S)
    client.connect_timeout = _DEADLINE_S
    client.max_inflight_messages_set(200)
    client.on_socket_open = _undelayed
    return client


def log_in(client: paho.Client, settings: BrokerSettings, section: str) -> None:
    """Set credentials, and TLS if the settings say so. Raises: SettingsError."""
    if settings.user is not None:
        password = settings.password
        client.username_pw_set(settings.user, password.get_secret_value() if password else None)
    if not settings.tls:
        return
    try:
        trust = TlsAuthorities(settings.ca)
    except OSError as error:  # including ssl.SSLError
        detail = original(error.reason or error) if isinstance(error, ssl.SSLError) else error
        raise SettingsError("broker.ca_file", section=section, file=settings.ca, detail=detail) from None
    client.tls_set_context(trust.context)
    client.on_pre_connect = lambda _client, _user: trust.renew()


@functools.cache
def why_not_draining() -> str:
    """Return why the batching client does not work with this paho; empty: it does.

    Tests one exchange over a socket pair, run by paho's own loop: reads a message and one of paho's own answers, writes
    an acknowledgement and a message.
    """
    mine, theirs = socket.socketpair()
    try:
        return _exchange(mine, theirs)
    except Exception as error:
        return repr(error)
    finally:
        mine.close()
        theirs.close()


def _exchange(mine: socket.socket, theirs: socket.socket) -> str:
    come: list[Message] = []
    subscribed: list[int] = []
    client = DrainingClient(CallbackAPIVersion.VERSION2, client_id="self-test", clean_session=False, manual_ack=True)
    client.on_messages = come.extend
    client.on_subscribe = lambda _client, _user, mid, _codes, _properties: subscribed.append(mid)
    mine.setblocking(False)
    theirs.settimeout(_EXCHANGE_S)
    client._sock = mine
    client._state = type(client._state)["MQTT_CS_CONNECTED"]
    message = b"\x32\x08\x00\x02up\x00\x07hi"
    theirs.sendall(message[:4])
    client.loop(0)
    theirs.sendall(message[4:] + b"\x90\x03\x00\x05\x01")
    client.loop(0)
    if come != [Message("up", b"hi", 1, 7)] or subscribed != [5]:
        return f"it reads {come} and {subscribed}"
    client.acknowledge(7)
    client.send("down", b"yes")
    client.loop(0)
    written = theirs.recv(100)
    if written[:4] != b"\x40\x02\x00\x07" or written[4:12] != b"\x32\x0b\x00\x04down" or written[14:] != b"yes":
        return f"it writes {written.hex()}"
    theirs.sendall(b"\x40\x02" + written[12:14])
    client.loop(0)
    client.loop(0)
    return "it keeps what is acknowledged" if client._sent or client._out_packet else ""


def _undelayed(_client: paho.Client, _user: Any, sock: Any) -> None:
    """Disable Nagle's algorithm: an answer behind a PUBACK would wait some 40 ms for the broker's TCP."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
