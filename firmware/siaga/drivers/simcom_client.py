"""The MQTT client inside a SIMCom modem, by AT commands, for the bearer "lte" (simcom_mqtt.py).

The modem's defaults verify nothing and use MQTT 3.1: each connection sets what it needs. Results come before or after
the OK, or before an ERROR in its place, depending on model and version. Sources: SIMCom A76XX AT Command Manual V1.09
chapter 18, A76XX MQTT(S) Application Note V1.02, SIM7600 AT Command Manual V3.00 chapter 16; servers' refusals: logs.
"""

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError, fields, given, quoted
from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.simcom_tls import authorities, calendar, verify_servers

_WORD_MS = const(15000)
_CONNECT_MS = const(75000)
# The same where there is another server: one that swallows everything costs a press no more.
_CONNECT_BESIDE_MS = const(30000)
_SUBSCRIBE_MS = const(15000)
# What the modem answers without the network, in milliseconds: one that misses it hangs.
_PROMPT_MS = const(5000)
_ACTIVATE_MS = const(40000)


class Refused(SiagaError):
    """The server was reached but refuses; no repair of the modem helps. tls: it is about the server's certificate."""

    def __init__(self, why: str, tls: bool) -> None:
        super().__init__(why)
        self.tls = tls


class Broker:
    """The broker to connect to. Raises AtError for a value that a modem cannot be given.

    host, port: of the current server (place); host is also the name that the server's certificate has to have
    ca: PEM of the authorities, "" = no TLS (for a bench)
    login: the login for each new connection, None = always user and password
    """

    def __init__(
        self,
        servers: "list[tuple[str, int]]",
        ca: str,
        user: str,
        password: str,
        client_id: str,
        keepalive_s: int = 60,
    ) -> None:
        """servers: (host, port) of each, in order, at least one."""
        self.servers = servers
        self.place = 0
        self.authorities = authorities(ca)
        self.authority = 0
        self.user = given("mqtt_user", user)
        self.password = given("mqtt_password", password)
        self.client_id = client_id
        self.keepalive_s = keepalive_s
        self.login: "Login | None" = None

    @property
    def host(self) -> str:
        return self.servers[self.place][0]

    @property
    def port(self) -> int:
        return self.servers[self.place][1]

    def turn(self) -> None:
        """Move on to the next server."""
        self.place = (self.place + 1) % len(self.servers)


class MqttClient:
    """The client. Unless stated otherwise methods raise AtTimeout, AtError, Refused and OSError. ignores_dates:
    certificates' dates are not checked at the next connection."""

    def __init__(self, port: "AtPort", clock: "Clock", broker: Broker) -> None:
        self.ignores_dates = False
        self._port = port
        self._clock = clock
        self._broker = broker

    async def is_connected(self) -> bool:
        """Return whether the modem is connected to one of these brokers. Only this firmware connects, and
        subscribes."""
        servers = [("tcp://%s:%d" % server).encode() for server in self._broker.servers]
        for line in await self._port.attempt("AT+CMQTTCONNECT?", "+CMQTTCONNECT:"):
            found = fields(line)[:2]
            if len(found) == 2 and found[0] == b"0" and found[1] in servers:
                self._broker.place = servers.index(found[1])
                return True
        return False

    async def start(self) -> None:
        """Restart the service: it may be running from before this chip's own restart."""
        await self._activate()
        try:
            await self._outcome("AT+CMQTTSTART", _CONNECT_MS)
        except AtTimeout:
            raise
        except (Refused, AtError):
            await self.drop()
            await self._quietly("AT+CMQTTSTOP", _WORD_MS)
            await self._outcome("AT+CMQTTSTART", _CONNECT_MS)

    async def _activate(self) -> None:
        """Activate the context and get an address, if the modem reports one (TS 27.007 10.1.10, 10.1.14). Some refuse
        although the context is up: whether there is a network shows when the service starts."""
        for line in await self._port.attempt("AT+CGPADDR=1", "+CGPADDR:"):
            address = line.split(b",")[-1].strip(b'" ')
            if len(address) > 6 and address != b"0.0.0.0":
                return
        await self._port.attempt("AT+CGACT=1,1", None, _ACTIVATE_MS)

    async def connect(self) -> None:
        """Acquire a client for this broker, and connect it."""
        broker = self._broker
        tls = bool(broker.authorities)
        await self._outcome("AT+CMQTTACCQ=0,%s,%d" % (quoted(broker.client_id), tls), 0)
        # Set after ACCQ and before CONNECT; REL resets them (MQTT application note 3.1). The SIM7600 has no version.
        for setting in ('"version",0,4', '"checkUTF8",0,0', '"optimeout",0,20'):
            await self._port.attempt("AT+CMQTTCFG=" + setting)
        if tls:
            judged = not self.ignores_dates
            await verify_servers(self._port, self._clock, broker.authorities[broker.authority], judged)
            await self._port.command("AT+CMQTTSSLCFG=0,0")  # lost after every failed CONNECT
        text = 'AT+CMQTTCONNECT=0,"tcp://%s:%d",%d,0' % (broker.host, broker.port, broker.keepalive_s)
        if broker.login is not None:
            broker.user, broker.password = broker.login.next(broker.place)
        if broker.user:
            text += "," + quoted(broker.user)
            if broker.password:
                text += "," + quoted(broker.password)
        await self._outcome(text, _CONNECT_BESIDE_MS if len(broker.servers) > 1 else _CONNECT_MS)

    async def subscribe(self, topic: bytes) -> None:
        await self._outcome("AT+CMQTTSUB=0,%d,1" % len(topic), _SUBSCRIBE_MS, topic)

    async def publish(self, topic: bytes, payload: bytes, within_ms: int) -> None:
        """Publish; returns once the broker has it: "+CMQTTPUB: 0,0", not the OK, stands for its PUBACK."""
        command = self._port.command
        await command("AT+CMQTTTOPIC=0,%d" % len(topic), None, _PROMPT_MS, topic)
        await command("AT+CMQTTPAYLOAD=0,%d" % len(payload), None, _PROMPT_MS, payload)
        await self._outcome("AT+CMQTTPUB=0,1,60", within_ms)

    async def drop(self) -> None:
        """Drop the client and its connection, if any. Raises AtTimeout, OSError."""
        await self._quietly("AT+CMQTTDISC=0,60", _WORD_MS)
        await self._quietly("AT+CMQTTREL=0", 0)

    def abandon(self) -> None:
        """Fail what is pending: the connection is lost."""
        for what in ("+CMQTTPUB:", "+CMQTTSUB:"):
            self._port.abandon(what)

    async def _outcome(self, text: str, result_ms: int, payload: "bytes | None" = None) -> None:
        """Send a command whose result comes later, or, with 0 ms, only on refusal."""
        prefix = text[2:].split("=")[0] + ":"
        refused = False
        try:
            lines = await self._port.command(text, None, _WORD_MS, payload, prefix if result_ms else None, result_ms)
            line = lines[-1] if result_ms else b""
        except AtTimeout:
            raise
        except AtError as error:
            line = error.final
            if not line.startswith(prefix.encode()):
                raise
            refused = True
        code = simcom.mqtt_error(line) if line else 0
        if code or refused:
            why = "%s: %s" % (prefix[1:-1], simcom.mqtt_why(code))
            if simcom.is_refusal(code):
                raise Refused(why + self._clock_note(code), simcom.is_about_tls(code))
            raise AtError(why)

    def _clock_note(self, code: int) -> str:
        if not simcom.is_about_tls(code) or not self._broker.authorities:
            return ""
        unix = self._clock.unix()
        if self.ignores_dates or not unix:
            return "; its dates were not judged, the clock is not known"
        return "; judged by this button's clock, %s" % calendar(unix)[:8]

    async def _quietly(self, text: str, result_ms: int) -> None:
        """Send a command that is harmless if there was nothing to do. Raises AtTimeout, OSError."""
        try:
            await self._outcome(text, result_ms)
        except (AtTimeout, OSError):
            raise
        except SiagaError:
            pass


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.core.mqtt import Login
    from siaga.drivers.at_port import AtPort
    from siaga.drivers.clock import Clock
