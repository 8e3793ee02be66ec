"""The MQTT service of a simulated A7670: AT+CMQTT..., preceded by AT+CSSLCFG, with a connection to a real broker.

Its defaults are the modem's (A76XX AT Command Manual V1.09, chapters 18 and 19): MQTT 3.1, no verification, no SNI.
With authmode 1 it verifies the chain, not the name: the manual promises no more. Refusals are as in users' logs: a code
before the ERROR; an A7670 refused early sends no OK at all, and 34 about TLS where a SIM7600 sends 32; the latter
reports results before their OK.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_tools.silicon.at_commands import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

START_S = 1.0
SLOW_TLS_S = 20.0
PIECE = 1500
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME
_DEADLINE_S = 20.0
_SOON_S = 1.0
_REFUSED = {1: 27, 2: 28, 3: 29, 4: 30, 5: 31}


class ModemMqtt:
    """The service.

    connections: how often the broker accepted it
    verified: whether the last TLS connection was
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self._client: mqtt.Client | None = None
        self._server = ""
        self._late: list[Coroutine[Any, Any, None]] = []
        self.connections = 0
        self.verified = False
        self.reset()

    def reset(self) -> None:
        self._started = False
        self._ssl: dict[str, str] = {}
        self._release()

    def _release(self) -> None:
        self._client_id: str | None = None
        self._tls = False
        self._tls_set = False
        # The SIM7600's manual has no version setting; it uses 3.1.1.
        self._config = {"version": "4" if self._modem.is_old else "3", "checkUTF8": "1"}
        self._topic = ""
        self._payload = b""

    def stop(self) -> None:
        """The modem went off."""
        self._close()
        self.reset()

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = None
            client.disconnect()
            # Its thread may be waiting for ours.
            self._modem.loop.run_in_executor(None, client.loop_stop)

    def lose(self, cause: int) -> None:
        if self._client is not None:
            self._close()
            self._modem.urc(f"+CMQTTCONNLOST: 0,{cause}")

    def lose_network(self) -> None:
        if self._started:
            self._close()
            self.reset()
            self._modem.urc("+CMQTTNONET")

    def results(self) -> list[Coroutine[Any, Any, None]]:
        """Return what follows the OK of the command that has just ended."""
        late, self._late = self._late, []
        return late

    async def _outcome(self, work: Coroutine[Any, Any, str], first: bool = False) -> None:
        """Send a command's result: after its OK, unless the modem is of those that send it before."""

        async def tell() -> None:
            line = await work
            if line:
                self._modem.urc(line)

        if "result_first" in self._modem.faults or first:
            await tell()
        else:
            self._late.append(tell())

    def _refuse(self, command: Command, error: int) -> NoReturn:
        client = "" if command.name == "CMQTTSTART" else "0,"
        self._modem.urc(f"+{command.name}: {client}{error}")
        raise Refused("ERROR")

    # Service

    async def at_cmqttstart(self, command: Command) -> None:
        if self._started:
            self._refuse(command, 23)

        async def start() -> str:
            await self._modem.wait(START_S)
            if not self._modem.radio.has_data():
                return "+CMQTTSTART: 7"
            self._started = True
            return "+CMQTTSTART: 0"

        await self._outcome(start(), self._modem.is_old)

    async def at_cmqttstop(self, command: Command) -> None:
        if not self._started or self._client_id is not None:
            raise Refused("ERROR")

        async def end() -> str:
            self._started = False
            return "+CMQTTSTOP: 0"

        await self._outcome(end(), self._modem.is_old)

    async def at_cmqttaccq(self, command: Command) -> None:
        if not self._started:
            raise Refused("ERROR")
        if self._client_id is not None:
            self._refuse(command, 19)
        self._client_id = command.arguments[1]
        self._tls = command.arguments[2:] == ["1"]

    async def at_cmqttrel(self, command: Command) -> None:
        if self._client_id is None:
            self._refuse(command, 20)
        if self._client is not None:
            raise Refused("ERROR")
        self._release()

    async def at_cmqttcfg(self, command: Command) -> None:
        if self._client_id is None or (self._modem.is_old and command.arguments[0] == "version"):
            raise Refused("ERROR")
        self._config[command.arguments[0]] = command.arguments[2]

    async def at_cmqttsslcfg(self, command: Command) -> None:
        self._tls_set = True

    async def at_csslcfg(self, command: Command) -> None:
        self._ssl[command.arguments[0]] = command.arguments[2]

    async def at_ccertlist(self, command: Command) -> None:
        for name in self._modem.files:
            self._modem.urc(f'+CCERTLIST: "{name}"')

    async def at_ccertdown(self, command: Command) -> None:
        name, length = command.arguments[0], int(command.arguments[1])
        if not 5 <= len(name) <= 108 or not name.endswith((".pem", ".der")) or not 0 < length <= 10240:
            raise Refused("ERROR")
        self._modem.files[name] = await self._modem.ask(length)

    # Connection

    async def at_cmqttconnect(self, command: Command) -> None:
        if command.asks:
            self._modem.urc("+CMQTTCONNECT: 0" + (self._server if self._client is not None else ""))
            self._modem.urc("+CMQTTCONNECT: 1")
            return
        url = command.arguments[1]
        if self._client is not None:
            self._refuse(command, 13)
        if self._client_id is None or not url.startswith("tcp://"):
            raise Refused("ERROR")
        connecting = self._modem.loop.create_task(self._connect(command.arguments))
        if not self._modem.is_old:
            await asyncio.wait({connecting}, timeout=_SOON_S * self._modem.pace)
            if connecting.done() and connecting.result():
                self._refuse(command, connecting.result())

        async def result() -> str:
            return f"+CMQTTCONNECT: 0,{await connecting}"

        await self._outcome(result())

    async def _connect(self, arguments: list[str]) -> int:
        outcome = await self._connected(arguments)
        if outcome:
            self._tls_set = False
            self._close()
        else:
            self.connections += 1
            self._server = f',"{arguments[1]}",{arguments[2]},{arguments[3]}'
        return outcome

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the context for the settings so far; None if the named certificate is missing."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.verified = self._ssl.get("authmode", "0") in ("1", "2")
        if self.verified:
            authority = self._modem.files.get(self._ssl.get("cacert", ""))
            if authority is None:
                return None
            context.load_verify_locations(cadata=authority.decode("ascii"))
            context.verify_mode = ssl.CERT_REQUIRED
            if self._ssl.get("ignorelocaltime", "1") == "1":
                context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
        return context

    @property
    def _untrusted(self) -> int:
        return 32 if self._modem.is_old else 34

    async def _connected(self, arguments: list[str]) -> int:
        """Connect. Returns the error that the modem would report; 0 = connected."""
        loop = self._modem.loop
        host, _, port = arguments[1].removeprefix("tcp://").rpartition(":")
        version = MQTTProtocolVersion.MQTTv311 if self._config["version"] == "4" else MQTTProtocolVersion.MQTTv31
        client = PahoClient(
            CallbackAPIVersion.VERSION2,
            self._client_id or "",
            clean_session=arguments[3] == "1",
            protocol=version,
            reconnect_on_failure=False,
        )
        if len(arguments) > 4:
            client.username_pw_set(arguments[4], arguments[5] if len(arguments) > 5 else None)
        if self._tls:
            context = self.tls_context() if self._tls_set else None
            if context is None:
                return 33
            if self._ssl.get("ignorelocaltime", "1") == "0" and not self._modem.general.clock_is_set:
                return self._untrusted
            client.tls_set_context(context)
            if "slow_tls" in self._modem.faults:
                await self._modem.wait(SLOW_TLS_S)
        let_in: asyncio.Future[int] = loop.create_future()

        def settle(outcome: int) -> None:
            if not let_in.done():
                let_in.set_result(outcome)

        def on_connect(_: mqtt.Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
            loop.call_soon_threadsafe(settle, _refusal(code))

        def on_disconnect(_: mqtt.Client, *__: Any) -> None:
            loop.call_soon_threadsafe(self._disconnected, client)

        def on_message(_: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
            loop.call_soon_threadsafe(self._received, message.topic, bytes(message.payload))

        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_message = on_message
        if not self._modem.radio.has_data():
            return 7
        try:
            address = host
            if self._tls and self._ssl.get("enableSNI", "0") != "1":
                address = await asyncio.to_thread(socket.gethostbyname, host)  # no SNI is sent then
            await asyncio.to_thread(client.connect, address, int(port), int(arguments[2]))
        except socket.gaierror:
            return 25
        except ssl.SSLError:
            return self._untrusted
        except OSError:
            return 3
        self._client = client
        client.loop_start()
        try:
            return await asyncio.wait_for(let_in, _DEADLINE_S)
        except TimeoutError:
            return 17

    def _disconnected(self, client: mqtt.Client) -> None:
        if client is self._client:
            self.lose(1)

    async def at_cmqttdisc(self, command: Command) -> None:
        if self._client is None:
            self._modem.urc("+CMQTTDISC: 0,11")
            raise Refused("ERROR")
        self._close()

        async def end() -> str:
            return "+CMQTTDISC: 0,0"

        await self._outcome(end())

    # Messages

    def _connected_client(self) -> mqtt.Client:
        if self._client is None:
            raise Refused("ERROR")
        return self._client

    async def at_cmqtttopic(self, command: Command) -> None:
        self._connected_client()
        if self._topic:
            self._refuse(command, 12)
        self._topic = (await self._modem.ask(int(command.arguments[1]))).decode()

    async def at_cmqttpayload(self, command: Command) -> None:
        self._connected_client()
        payload = await self._modem.ask(int(command.arguments[1]))
        if self._config["checkUTF8"] == "1":
            try:
                payload.decode()
            except UnicodeDecodeError:
                raise Refused("ERROR") from None
        self._payload = payload

    async def at_cmqttpub(self, command: Command) -> None:
        client, topic, payload = self._connected_client(), self._topic, self._payload
        if not topic or not (60 if self._modem.is_old else 1) <= int(command.arguments[2]) <= 180:
            raise Refused("ERROR")
        self._topic, self._payload = "", b""

        async def publish() -> str:
            info = client.publish(topic, payload, int(command.arguments[1]))
            try:
                await asyncio.to_thread(info.wait_for_publish, int(command.arguments[2]) * self._modem.pace)
            except (RuntimeError, ValueError):
                return "+CMQTTPUB: 0,11"
            if "lost_puback" in self._modem.faults:
                return ""
            return f"+CMQTTPUB: 0,{0 if info.is_published() else 17}"

        await self._outcome(publish())

    async def at_cmqttsub(self, command: Command) -> None:
        client = self._connected_client()
        topic = (await self._modem.ask(int(command.arguments[1]))).decode()
        granted: asyncio.Future[int] = self._modem.loop.create_future()

        def settle(outcome: int) -> None:
            if not granted.done():
                granted.set_result(outcome)

        def on_subscribe(_: mqtt.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
            self._modem.loop.call_soon_threadsafe(settle, 34 if codes[0].is_failure else 0)

        async def subscribe() -> str:
            client.on_subscribe = on_subscribe
            client.subscribe(topic, int(command.arguments[2]))
            try:
                return f"+CMQTTSUB: 0,{await asyncio.wait_for(granted, _DEADLINE_S)}"
            except TimeoutError:
                return "+CMQTTSUB: 0,17"

        await self._outcome(subscribe())

    def _received(self, topic: str, payload: bytes) -> None:
        name = topic.encode()
        self._modem.urc(f"+CMQTTRXSTART: 0,{len(name)},{len(payload)}")
        self._modem.urc(f"+CMQTTRXTOPIC: 0,{len(name)}", name)
        for start in range(0, len(payload), PIECE):
            piece = payload[start : start + PIECE]
            self._modem.urc(f"+CMQTTRXPAYLOAD: 0,{len(piece)}", piece)
        self._modem.urc("+CMQTTRXEND: 0")


def _refusal(code: ReasonCode) -> int:
    """Map a refusal: paho gives MQTT 3.1.1's return codes as those of MQTT 5."""
    if not code.is_failure:
        return 0
    for old, name in (
        (1, "Unsupported protocol version"),
        (2, "Client identifier not valid"),
        (3, "Server unavailable"),
        (4, "Bad user name or password"),
        (5, "Not authorized"),
    ):
        if code == ReasonCode(PacketTypes.CONNACK, name):
            return _REFUSED[old]
    return 34
