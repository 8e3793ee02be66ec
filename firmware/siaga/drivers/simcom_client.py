"""The MQTT client inside a SIMCom modem, by its commands, for the bearer "lte" (simcom_mqtt.py).

The modem's defaults verify nothing and speak MQTT 3.1: each connection sets what it needs. Results come before or after
the OK, or in its place before an ERROR, by model and version. Sources: SIMCom A76XX AT Command Manual V1.09 chapter 18,
A76XX MQTT(S) Application Note V1.02, SIM7600 AT Command Manual V3.00 chapter 16; servers' refusals: logs.
"""

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError, fields, given, quoted
from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtPort, AtTimeout
from siaga.drivers.clock import Clock
from siaga.drivers.simcom_tls import authorities, calendar, verify_servers

_WORD_MS = const(15000)
_CONNECT_MS = const(75000)
_SUBSCRIBE_MS = const(15000)
# These the modem answers by itself, in milliseconds: one that does not hangs.
_PROMPT_MS = const(5000)
_ACTIVATE_MS = const(40000)


class Refused(SiagaError):
    """The server was reached, and no repair of the modem makes it say yes. tls: it is about who the server is."""

    def __init__(self, why: str, tls: bool) -> None:
        super().__init__(why)
        self.tls = tls


class Broker:
    """Where the frames go: host and port are of the one of the servers whose turn it is (place). host is also the name
    that the server has to have. ca: PEM of the authorities, "" = no TLS (a bench). login: who to be on each new
    connection, None = always user and password. Raises AtError for what a modem cannot be given."""

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
        """To the next one."""
        self.place = (self.place + 1) % len(self.servers)


class MqttClient:
    """Raises, where nothing else is said, AtTimeout, AtError, Refused and OSError. ignores_dates: certificates are not
    judged by the clock at the next connection."""

    def __init__(self, port: AtPort, clock: Clock, broker: Broker) -> None:
        self.ignores_dates = False
        self._port = port
        self._clock = clock
        self._broker = broker

    async def is_connected(self) -> bool:
        """Whether the modem holds a connection to one of these brokers. Only this firmware makes one, and
        subscribes."""
        servers = [("tcp://%s:%d" % server).encode() for server in self._broker.servers]
        for line in await self._port.attempt("AT+CMQTTCONNECT?", "+CMQTTCONNECT:"):
            found = fields(line)[:2]
            if len(found) == 2 and found[0] == b"0" and found[1] in servers:
                self._broker.place = servers.index(found[1])
                return True
        return False

    async def start(self) -> None:
        """The service anew: it may be running from before this chip's own restart."""
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
        """An address, if the modem tells of one (TS 27.007 10.1.10, 10.1.14). Some refuse although the context is up:
        whether there is a network shows when the service starts."""
        for line in await self._port.attempt("AT+CGPADDR=1", "+CGPADDR:"):
            address = line.split(b",")[-1].strip(b'" ')
            if len(address) > 6 and address != b"0.0.0.0":
                return
        await self._port.attempt("AT+CGACT=1,1", None, _ACTIVATE_MS)

    async def connect(self) -> None:
        """A client of its own for this broker, and its connection."""
        broker = self._broker
        tls = bool(broker.authorities)
        await self._outcome("AT+CMQTTACCQ=0,%s,%d" % (quoted(broker.client_id), tls), 0)
        # Set after ACCQ and before CONNECT; REL forgets them (MQTT application note 3.1). The SIM7600 has no version.
        for setting in ('"version",0,4', '"checkUTF8",0,0', '"optimeout",0,20'):
            await self._port.attempt("AT+CMQTTCFG=" + setting)
        if tls:
            judged = not self.ignores_dates
            await verify_servers(self._port, self._clock, broker.authorities[broker.authority], judged)
            await self._port.command("AT+CMQTTSSLCFG=0,0")  # forgotten after every failed CONNECT
        text = 'AT+CMQTTCONNECT=0,"tcp://%s:%d",%d,0' % (broker.host, broker.port, broker.keepalive_s)
        if broker.login is not None:
            broker.user, broker.password = broker.login.next(broker.place)
        if broker.user:
            text += "," + quoted(broker.user)
            if broker.password:
                text += "," + quoted(broker.password)
        await self._outcome(text, _CONNECT_MS)

    async def subscribe(self, topic: bytes) -> None:
        await self._outcome("AT+CMQTTSUB=0,%d,1" % len(topic), _SUBSCRIBE_MS, topic)

    async def publish(self, topic: bytes, payload: bytes, within_ms: int) -> None:
        """Returns once the broker has it: "+CMQTTPUB: 0,0", not the OK, stands for its PUBACK."""
        command = self._port.command
        await command("AT+CMQTTTOPIC=0,%d" % len(topic), None, _PROMPT_MS, topic)
        await command("AT+CMQTTPAYLOAD=0,%d" % len(payload), None, _PROMPT_MS, payload)
        await self._outcome("AT+CMQTTPUB=0,1,60", within_ms)

    async def drop(self) -> None:
        """The client and its connection, if there are any. Raises AtTimeout, OSError."""
        await self._quietly("AT+CMQTTDISC=0,60", _WORD_MS)
        await self._quietly("AT+CMQTTREL=0", 0)

    def abandon(self) -> None:
        """The connection is lost: what is awaited of it will not come."""
        for what in ("+CMQTTPUB:", "+CMQTTSUB:"):
            self._port.abandon(what)

    async def _outcome(self, text: str, result_ms: int, payload: "bytes | None" = None) -> None:
        """Give a command whose result comes later, or, with 0 ms, only where it is a refusal."""
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
        """What leaves no trace if there was nothing to do. Raises AtTimeout, OSError."""
        try:
            await self._outcome(text, result_ms)
        except (AtTimeout, OSError):
            raise
        except SiagaError:
            pass


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.core.mqtt import Login
