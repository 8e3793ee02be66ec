"""The bearer "lte": MQTT 3.1.1 over TLS by the modem's own stack, so that the chip needs no second TLS.

The modem's defaults verify nothing: authmode 1, an authority's certificate in its file system and SNI on are set each
time. What it verifies then is the chain; whether it compares the name in the certificate its manual does not say, so
that the authority should be one that signs only this service's servers. Dates of certificates are checked once the
clock is set. Frames prove themselves anyway. Sources: SIMCom A76XX AT Command Manual V1.09 chapters 18 (MQTT) and 19
(CSSLCFG, CCERTDOWN), A76XX MQTT(S) Application Note V1.02, SIM7600 AT Command Manual V3.00 chapter 16.
"""

import asyncio

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError, given
from siaga.core.errors import SiagaError
from siaga.core.frame import BEARER_LTE
from siaga.core.simcom import RADIO, RECONNECT, SERVICE, Inbox, Ladder
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.bearer import CALLED, Owner
from siaga.drivers.clock import Clock
from siaga.drivers.modem_bearer import LOOK_MS, ModemBearer
from siaga.drivers.simcom import Modem

_PUBACK_MS = const(15000)
_PUBACK_RESUMED_MS = const(3000)
_WORD_MS = const(15000)
# These the modem answers by itself, in milliseconds: one that does not hangs.
_PROMPT_MS = const(5000)
# A connection that held so long was a good one.
_HELD_MS = const(60000)
# Between two repairs that take the network from the other bearers too, those get at least so long.
_OTHERS_MS = const(60000)
# Frames went out, and the gateway acknowledged none for so long: the network watchdog.
_QUIET_MS = const(600000)


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
        self.ca = ca
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


class Lte(ModemBearer):
    """See Bearer. ladder: how deep its repairs are now. watchdog_ms: without an acknowledgement for so long after a
    frame went out, something on the way is stuck. resumes: the modem may still be connected from before this chip's
    deep sleep; set before run()."""

    name = "lte"
    number = BEARER_LTE

    def __init__(self, modem: Modem, clock: Clock, owner: Owner, broker: Broker, device_id: str) -> None:
        super().__init__(modem, clock, owner, 65535)
        self.ladder = Ladder()
        self.watchdog_ms = _QUIET_MS
        self._broker = broker
        self._up_topic = ("siaga/v1/up/" + device_id).encode()
        self._down_topic = ("siaga/v1/down/" + device_id).encode()
        self._inbox = Inbox()
        self._lost = ""
        self._started = 0
        self._up_ms = 0
        self._unanswered_ms = -1
        self._rounds = 0
        self.resumes = False
        self._resumed = False

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                while not self._modem.network.data:
                    await asyncio.sleep_ms(LOOK_MS)
                most = simcom.POWER
                try:
                    await self._connect()
                    await self._serve()
                    why = "ended"
                except Refused as error:
                    why, most = str(error), SERVICE
                except (SiagaError, OSError) as error:
                    why = str(error) or repr(error)
                    if isinstance(error, AtTimeout):
                        self._modem.check()
                failures = 0 if self.policy.up else failures + 1
                held = self.policy.up and self._clock.ms() - self._up_ms > self._port.scaled(_HELD_MS)
                self._down(why)
                if held:
                    self.ladder.mended()
                if self._modem.network.data:
                    self._broker.turn()
                    if self._broker.place:
                        continue  # the next one at once: it may be this server alone that is away
                    self._repair(self.ladder.failed(RECONNECT, most), why)
                await self._pause(failures)
        finally:
            self._down("stopped")

    def _repair(self, step: int, why: str) -> None:
        """What is not the connection's alone is the modem's to repair; the service restarts with the next connect."""
        if step >= RADIO and self._clock.ms() - self._modem.network.since_ms > self._port.scaled(_OTHERS_MS):
            self._modem.want(step, "lte: " + why)
        elif step >= SERVICE:
            self._started = 0

    # Connecting.

    async def _connect(self) -> None:
        from siaga.drivers import simcom_connect

        self._lost = ""
        resumes, self.resumes = self.resumes, False
        starts = self._modem.starts
        self._resumed = resumes and await simcom_connect.is_connected(self._port, self._broker)
        if self._resumed:
            self._started = starts
            self._connected("still connected")
            return
        if self._started != starts:
            await simcom_connect.start_service(self, self._port)
            self._started = starts
        else:
            await self.drop_client()
        await simcom_connect.enter(self, self._port, self._clock, self._broker, self._modem.is_old())
        subscribe = "AT+CMQTTSUB=0,%d,1" % len(self._down_topic)
        await self.outcome(subscribe, "+CMQTTSUB:", _PUBACK_MS, self._down_topic)
        self._connected("subscribed")

    def _connected(self, why: str) -> None:
        self._up_ms = self._clock.ms()
        self._unanswered_ms = -1
        self._is_up(why)

    async def granted(self, text: str) -> bool:
        """Whether the modem takes a command. Raises AtTimeout, OSError."""
        try:
            await self._port.command(text)
            return True
        except AtTimeout:
            raise
        except AtError:
            return False

    async def outcome(self, text: str, prefix: str, result_ms: int, payload: "bytes | None" = None) -> None:
        """Give a command whose result comes later. Raises AtTimeout, AtError, Refused and OSError."""
        try:
            line = (await self._port.command(text, None, _WORD_MS, payload, prefix, result_ms))[-1]
        except AtTimeout:
            raise
        except AtError as error:
            line = error.final
            if not line.startswith(prefix.encode()):
                raise
        code = simcom.mqtt_error(line)
        if code:
            why = "%s: %s" % (prefix[1:-1], simcom.mqtt_why(code))
            raise Refused(why) if simcom.is_final_refusal(code) else AtError(why)

    async def quietly(self, text: str, prefix: str) -> None:
        """What leaves no trace if there was nothing to do. Raises AtTimeout, OSError."""
        try:
            await self.outcome(text, prefix, _WORD_MS)
        except (AtTimeout, OSError):
            raise
        except SiagaError:
            pass

    async def drop_client(self) -> None:
        await self.quietly("AT+CMQTTDISC=0,60", "+CMQTTDISC:")
        await self.granted("AT+CMQTTREL=0")

    # Connected.

    async def _serve(self) -> None:
        """Publish what is in the queue, until the connection is lost, which is always an exception."""
        while True:
            if self._lost:
                raise AtError(self._lost)
            if not self._modem.network.data or self._started != self._modem.starts:
                raise AtError("the network is gone")
            self._watchdog()
            counter = await self._send_next()
            if counter:
                self.ladder.mended()
                if self._unanswered_ms < 0:
                    self._unanswered_ms = self._clock.ms()
                self._owner.on_puback(self, counter)
                if self._broker.login is not None and self._broker.login.is_done(counter):
                    raise AtError(CALLED)

    async def _hand_over(self, payload: bytes) -> None:
        """Returns once the broker has it: "+CMQTTPUB: 0,0", not the OK, stands for its PUBACK."""
        command = self._port.command
        await command("AT+CMQTTTOPIC=0,%d" % len(self._up_topic), None, _PROMPT_MS, self._up_topic)
        await command("AT+CMQTTPAYLOAD=0,%d" % len(payload), None, _PROMPT_MS, payload)
        # A connection from before the sleep may have died unheard: the first frame finds out, and soon.
        within_ms = _PUBACK_RESUMED_MS if self._resumed else _PUBACK_MS
        await self.outcome("AT+CMQTTPUB=0,1,60", "+CMQTTPUB:", within_ms)
        self._resumed = False

    def _watchdog(self) -> None:
        """Each time that it strikes without an answer between, it goes one deeper."""
        if self._unanswered_ms < 0 or self._clock.ms() - self._unanswered_ms < self.watchdog_ms:
            return
        self._rounds += 1
        self.ladder.step = min(SERVICE + self._rounds, simcom.POWER)
        raise AtError("no acknowledgement from the gateway in %d s" % (self.watchdog_ms // 1000))

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        if not line.startswith(b"+CMQTT"):
            return False
        if line.startswith(b"+CMQTTCONNLOST:"):
            self._lose("the connection is lost (cause %d)" % simcom.mqtt_error(line))
        elif line == b"+CMQTTNONET":
            self._started = 0  # the service has to be started anew (manual 18.3)
            self._lose("the modem's data network is gone")
        elif line.startswith(b"+CMQTTPING:"):
            self._lose("the broker does not answer (error %d)" % simcom.mqtt_error(line))
        else:
            message = self._inbox.hear(line, payload)
            if message is not None:
                self._message(message[0], message[1])
        return True

    def _lose(self, why: str) -> None:
        self._lost = why
        self._news.set()
        for what in ("+CMQTTPUB:", "+CMQTTSUB:"):
            self._port.abandon(what)

    def _message(self, topic: bytes, payload: bytes) -> None:
        if topic == self._down_topic:
            self._unanswered_ms = -1
            self._rounds = 0
            self._owner.on_downlink(self, payload)
        elif topic:
            self._owner.on_rejected("a message on a topic that is not this device's")
        else:
            self._owner.on_rejected("a message longer than any downlink, or in part")

    async def close(self) -> None:
        if self.policy.up:
            await self.drop_client()
            self._down("closed")


class Refused(SiagaError):
    """The server was reached, and no repair of the modem makes it say yes."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.core.mqtt import Login
