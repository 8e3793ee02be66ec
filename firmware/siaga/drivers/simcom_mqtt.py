"""The bearer "lte": MQTT 3.1.1 over TLS through the modem's own stack, so that the chip needs no second TLS.

Its client's commands are in simcom_client.py, TLS in simcom_tls.py. Failures are told apart: a server that refuses, or
fails to authenticate itself, is no reason to touch the radio; an unreachable one, or a modem that refuses, sometimes
is, ever less often; only a modem that does not answer is repaired at once. So a broker that is down does not take SMS
down with it. A broker behind which the gateway does not answer a press is left for the next one, and the first one is
tried again while nobody is in need.
"""

import asyncio

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError
from siaga.core.errors import SiagaError
from siaga.core.first_broker import FIRST_MS, FirstBroker
from siaga.core.frame import BEARER_LTE
from siaga.core.simcom import POWER, RADIO, RECONNECT, SERVICE, Inbox, RepairLadder
from siaga.drivers.at_port import AtTimeout
from siaga.drivers.bearer import back, called
from siaga.drivers.modem_bearer import LOOK_MS, ModemBearer
from siaga.drivers.simcom_client import MqttClient, Refused

_PUBACK_MS = const(15000)
_PUBACK_RESUMED_MS = const(3000)
# A connection that lasted this long was a good one.
_HELD_MS = const(60000)
# Between two repairs that take the network from all bearers: at first, and while SMS gets through; each one that does
# not help doubles it.
_APART_MS = const(60000)
_APART_MESSAGES_MS = const(600000)
_APART_LONGEST_MS = const(3600000)
# How often connection and service are restarted before the radio is considered.
_LIGHT = const(5)
# If there is another broker, a pending press waits this long for the gateway behind this one.
_SILENT_MS = const(15000)
# Network watchdog: frames were sent, and the gateway acknowledged none for this long.
_QUIET_MS = const(600000)


class Lte(ModemBearer):
    """See Bearer.

    ladder: how the connection is repaired now
    watchdog_ms: the network watchdog's time without an acknowledgement after a frame was sent
    resumes: the modem may still be connected from before this chip's deep sleep; set it before run()
    """

    name = "lte"
    number = BEARER_LTE

    def __init__(self, modem: "Modem", clock: "Clock", owner: "Owner", broker: "Broker", device_id: str) -> None:
        super().__init__(modem, clock, owner, 65535)
        self.ladder = RepairLadder()
        self.watchdog_ms = _QUIET_MS
        self._broker = broker
        self._client = MqttClient(modem.port, clock, broker)
        self._up_topic = ("siaga/v1/up/" + device_id).encode()
        self._down_topic = ("siaga/v1/down/" + device_id).encode()
        self._inbox = Inbox()
        self._lost = ""
        self._started = 0
        self._up_ms = 0
        self._first = FirstBroker(modem.port.scaled(FIRST_MS))
        self._returns = False
        self._silent_ms = 0
        self._unanswered_ms = -1
        self._rounds = 0
        self._light = 0
        self._deep = 0
        self._deep_ms = 0
        self._reached = False
        self.resumes = False
        self._resumed = False

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                await self._wait_for_data()
                sick = False
                try:
                    await self._connect()
                    await self._serve()
                    why = "ended"
                except Refused as error:
                    why = str(error)
                    self._reached = True
                    if error.tls and self._judge_otherwise():
                        self._down(why)
                        continue
                except (SiagaError, OSError) as error:
                    why = str(error) or repr(error)
                    sick = isinstance(error, AtTimeout)
                    if sick:
                        self._modem.check()
                        if len(self._broker.servers) > 1:
                            self._started = 0  # it may be waiting for this server still: the next one needs it
                failures = 0 if self.policy.up else failures + 1
                held = self.policy.up and self._clock.ms() - self._up_ms > self._port.scaled(_HELD_MS)
                self._down(why)
                if held:
                    self._mended()
                if self._modem.network.data:
                    if self._returns:
                        self._returns = False
                        self._broker.place = 0
                        continue
                    self._broker.turn()
                    if self._broker.place:
                        continue  # the next one at once: perhaps only this server is down
                    self._repair(why, sick)
                self._reached = False
                await self._pause(failures)
        finally:
            self._down("stopped")

    async def _wait_for_data(self) -> None:
        """A modem that is registered, but never for data, is worth a repair too."""
        while not self._modem.network.data:
            await asyncio.sleep_ms(LOOK_MS)
            if self._modem.network.sms and self._may_go_deep(False):
                self._go_deep("registered, but not for data")

    # Repairs

    def _judge_otherwise(self) -> bool:
        """A server's certificate was rejected: return whether to try again. The modem cannot tell an expired
        certificate from one not yet valid, and the clock may be set only through this very connection: while it is not
        known, dates are ignored once. Then the next CA is tried."""
        broker, client = self._broker, self._client
        if not client.ignores_dates and self._clock.unix() and not self._clock.is_known():
            client.ignores_dates = True
            return True
        client.ignores_dates = False
        broker.authority = (broker.authority + 1) % max(len(broker.authorities), 1)
        return broker.authority != 0

    def _repair(self, why: str, sick: bool) -> None:
        """Repair the connection, or have the modem repaired if the fault is deeper; the service restarts with the next
        connect."""
        self._light += 1
        if self._light > _LIGHT and not self._reached and self._may_go_deep(sick):
            self._go_deep(why)
        elif self.ladder.failed(RECONNECT, SERVICE) == SERVICE:
            self._started = 0

    def _may_go_deep(self, sick: bool) -> bool:
        """Return whether the radio, and all bearers with it, may be taken down now."""
        if self._modem.is_calling:
            return False
        wait_ms = _APART_MESSAGES_MS if self._modem.carries_messages and not sick else _APART_MS
        wait_ms = min(wait_ms << self._deep, _APART_LONGEST_MS)
        since_ms = max(self._modem.network.since_ms, self._deep_ms)
        return self._clock.ms() - since_ms > self._port.scaled(wait_ms)

    def _go_deep(self, why: str) -> None:
        step = RADIO + self._deep % (POWER - RADIO + 1)
        self._deep = min(self._deep + 1, 9)
        self._deep_ms = self._clock.ms()
        self._modem.want(step, "lte: " + why)

    def _mended(self) -> None:
        """Note success: a frame got through to the broker."""
        self.ladder.mended()
        self._light = 0
        if not self._rounds:
            self._deep = 0

    # Connecting

    async def _connect(self) -> None:
        self._lost = ""
        resumes, self.resumes = self.resumes, False
        starts = self._modem.starts
        client = self._client
        self._resumed = resumes and await client.is_connected()
        if self._resumed:
            self._started = starts
            self._connected("still connected")
            return
        if self._started != starts:
            await client.start()
            self._started = starts
        else:
            await client.drop()
        await client.connect()
        await client.subscribe(self._down_topic)
        self._connected("subscribed")

    def _connected(self, why: str) -> None:
        self._up_ms = self._silent_ms = self._clock.ms()
        if len(self._broker.servers) < 2:  # else whether any of them brings an answer is what counts
            self._unanswered_ms = -1
        self._client.ignores_dates = False
        self._is_up(why)

    # Connected

    async def _serve(self) -> None:
        """Publish the queue until the connection is lost, always with an exception."""
        while True:
            if self._lost:
                raise AtError(self._lost)
            if not self._modem.network.data or self._started != self._modem.starts:
                raise AtError("the network is gone")
            self._watchdog()
            if len(self._broker.servers) > 1:
                self._look_at_brokers()
            counter = await self._send_next()
            if counter:
                self._mended()
                if self._unanswered_ms < 0:
                    self._unanswered_ms = self._clock.ms()
                self._owner.on_puback(self, counter)
                if self._broker.login is not None and self._broker.login.is_done(counter):
                    raise AtError(called())

    async def _hand_over(self, payload: bytes) -> None:
        """Publish; returns once the broker has it."""
        # A connection from before the sleep may have died unnoticed: the first frame finds out, soon.
        within_ms = _PUBACK_RESUMED_MS if self._resumed else _PUBACK_MS
        await self._client.publish(self._up_topic, payload, within_ms)
        self._resumed = False

    def _watchdog(self) -> None:
        """The broker takes frames, but no answer comes: restart the service, and if that does not help, go deeper."""
        if self._unanswered_ms < 0 or self._clock.ms() - self._unanswered_ms < self.watchdog_ms:
            return
        self._rounds += 1
        self._unanswered_ms = -1
        self.ladder.step = SERVICE
        if self._rounds > 1:
            self._light = _LIGHT
        raise AtError("no acknowledgement from the gateway in %d s" % (self.watchdog_ms // 1000))

    def _look_at_brokers(self) -> None:
        """Leave a broker by which no answer comes, or for the first one. Raises AtError then."""
        now_ms = self._clock.ms()
        if self._owner.is_urgent():
            if now_ms - self._silent_ms >= self._port.scaled(_SILENT_MS):
                self._reached = True
                raise AtError("the gateway does not answer by this broker")
            return
        self._silent_ms = now_ms
        self._first.at(self._broker.place, now_ms, self._owner.chance())
        if self._first.is_due(now_ms) and not self._queue:
            self._first.tried(now_ms, self._owner.chance())
            self._returns = True
            raise AtError(back())

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        if not line.startswith(b"+CMQTT"):
            return False
        if line.startswith(b"+CMQTTCONNLOST:"):
            self._lose("the connection is lost (cause %d)" % simcom.mqtt_error(line))
        elif line == b"+CMQTTNONET":
            self._started = 0  # the service has to be restarted (manual 18.3)
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
        self._client.abandon()

    def _message(self, topic: bytes, payload: bytes) -> None:
        if topic == self._down_topic:
            self._silent_ms = self._clock.ms()
            self._unanswered_ms = -1
            self._rounds = 0
            self._deep = 0
            self._owner.on_downlink(self, payload)
        elif topic:
            self._owner.on_rejected("a message on a topic that is not this device's")
        else:
            self._owner.on_rejected("a message longer than any downlink, or in part")

    async def close(self) -> None:
        if self.policy.up:
            try:
                await self._client.drop()
            except (SiagaError, OSError):
                pass  # there is nothing left to end
            self._down("closed")


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.bearer import Owner
    from siaga.drivers.clock import Clock
    from siaga.drivers.simcom import Modem
    from siaga.drivers.simcom_client import Broker
