"""The bearer of an installed button: IP over Wi-Fi (or whatever network the board gives), MQTT 3.1.1 on top.

It reconnects for ever: after each failure to the next broker at once; after a round of them with jittered back-off, cut
short when a press is pending. A broker behind which the gateway does not answer a press is left for the next one.
While nobody is in need it goes back to the first broker, once that takes connections again.
"""

import asyncio

from siaga.core.bearer_policy import Link as Policy
from siaga.core.bearer_policy import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.first_broker import FirstBroker
from siaga.core.frame import BEARER_WIFI
from siaga.core.mqtt import MAX_PACKET_ID
from siaga.drivers.bearer import Bearer, back, called
from siaga.drivers.mqtt import Handler, Link
from siaga.drivers.tcp import connect, reason

_FIRST_MS = 1000
_LONGEST_MS = 60000
_LONGEST_URGENT_MS = 4000
_LOOK_MS = 100
# If there is another broker, a pending press waits this long for the gateway behind this one.
_SILENT_MS = 15000


class WifiMqtt(Handler, Bearer):
    """See Bearer."""

    name = "mqtt"
    number = BEARER_WIFI

    def __init__(
        self,
        network: "Network",
        clock: "Clock",
        owner: "Owner",
        session: "Session",
        device_id: str,
        brokers: "list[tuple[str, int]]",
        known: "KnownHosts",
        tls: "ServerTls | None",
        server_name: str,
    ) -> None:
        """brokers: (host, port) of each, in order, at least one. server_name: in each broker's certificate, "" = its
        host."""
        self.policy = Policy()
        self._network = network
        self._clock = clock
        self._owner = owner
        self._session = session
        self._link = Link(session, clock)
        self._up_topic = "siaga/v1/up/" + device_id
        self._down_topic = ("siaga/v1/down/" + device_id).encode()
        self._brokers = brokers
        self._known = known
        self._met = "", "", [""]
        self._silent_ms = 0
        self._first = FirstBroker()
        self._trying = None  # type: asyncio.Task[None] | None
        self._returns = False
        self._tls = tls
        self._server_name = server_name
        self._counters = {}  # type: dict[int, int]
        self._hurried = False
        self._hears = False
        self._why = ""

    def signal(self) -> int:
        return self._network.signal()

    def hurry(self) -> None:
        """Connect at once instead of after the back-off: a press is pending."""
        self._hurried = True

    async def send(self, counter: int, payload: bytes) -> None:
        """Send one frame. on_puback follows when the broker has it. Raises SiagaError or OSError."""
        packet_id = counter % MAX_PACKET_ID + 1
        self._counters[packet_id] = counter
        await self._link.publish(self._up_topic, payload, packet_id)

    async def run(self) -> None:
        """Stay connected whenever possible; never returns."""
        watching = asyncio.create_task(self._watch())
        session = self._session
        failures = tried = 0
        try:
            while True:
                within = 0
                self._hears = False
                try:
                    await self._network.connect()
                    within = 1
                    host, port = self._brokers[session.place]
                    await self._meet(host, port)
                    why = "ended"
                except ValueError as error:
                    why = "the server's certificate does not hold: %s" % str(error).strip()
                    if self._tls is not None and self._tls.forgives(str(error)):
                        self._down("%s; its own dates are believed, as the time is not known" % why)
                        continue
                except (SiagaError, OSError) as error:
                    why = self._reason(error)
                failures = 0 if self._hears else failures
                tried = 0 if self._hears else tried + within
                self._down(why)
                session.place = (session.place + within) % len(self._brokers)
                if self._returns:
                    self._returns = False
                    session.place = 0
                    continue
                if not within or tried % len(self._brokers) == 0:
                    failures += tried > 0 or not within
                    await self._pause(failures)
        finally:
            watching.cancel()
            if self._trying is not None:
                self._trying.cancel()
            self._down("stopped")

    async def _meet(self, host: str, port: int) -> None:
        """Connect to one broker, by whichever of its addresses answers; always ends with an exception, as
        Link.run()."""
        context = None if self._tls is None else self._tls.context
        kept = self._known.address(host)
        try:
            found = await self._network.resolve(host)
        except (SiagaError, OSError):
            if not kept:
                raise
            found = [kept]
        if kept and found[0] != kept:
            # The last good address is tried first if still listed, and last if not.
            found = [kept] + [one for one in found if one != kept] if kept in found else found + [kept]
        for at in range(len(found)):
            self._met = host, found[at], found
            if self._tls is not None:
                self._tls.shown = False
            try:
                others = len(self._brokers) > 1 or len(found) > 1
                await self._link.run(found[at], port, context, self._server_name or host, self, others)
            except (SiagaError, OSError):
                if self.policy.up or at == len(found) - 1:
                    raise

    async def close(self) -> None:
        """Disconnect from the broker, if it listens."""
        try:
            await self._link.close()
        except (SiagaError, OSError):
            pass

    async def _pause(self, failures: int) -> None:
        began_ms = self._clock.ms()
        chance = self._owner.chance()
        self._hurried = False
        while not self._hurried:
            longest_ms = _LONGEST_URGENT_MS if self._owner.is_urgent() else _LONGEST_MS
            if self._clock.ms() - began_ms >= back_off_ms(failures, _FIRST_MS, longest_ms, chance):
                return
            await asyncio.sleep_ms(_LOOK_MS)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            try:
                is_up = self._network.is_up()
            except Exception:  # DISCONNECT fails; the broker will notice the silence
                is_up = True
            if not is_up:
                self._link.drop("the network is gone")
            now_ms = self._clock.ms()
            if not self.policy.up or len(self._brokers) < 2 or not self._owner.is_urgent():
                self._silent_ms = now_ms
            elif now_ms - self._silent_ms >= _SILENT_MS:
                self._silent_ms = now_ms
                self._link.drop("the gateway does not answer by this broker")
            if self.policy.up and len(self._brokers) > 1:
                self._look_back(now_ms)

    def _look_back(self, now_ms: int) -> None:
        """Try the first broker, if this is another one and it is time."""
        self._first.at(self._session.place, now_ms, self._owner.chance())
        if not self._owner.is_urgent() and self._first.is_due(now_ms):
            self._first.tried(now_ms, self._owner.chance())
            self._trying = asyncio.create_task(self._try_first())

    async def _try_first(self) -> None:
        """Leave for the first broker if it takes a connection; this link is kept until then."""
        host, port = self._brokers[0]
        try:
            address = self._known.address(host) or (await self._network.resolve(host))[0]
            (await connect(address, port, self._session.reply_ms)).close()
        except (SiagaError, OSError):
            return
        if self.policy.up and self._session.place and not self._owner.is_urgent():
            self._returns = True
            self._link.drop(back())

    def _reason(self, error: Exception) -> str:
        if isinstance(error, OSError) and error.args:
            meant = "" if self._tls is None else self._tls.trouble(error.args[0])
            if meant:
                return "%s (%s)" % (meant, error)
        return reason(error)

    def _down(self, why: str) -> None:
        if self.policy.up or why != self._why:
            self.policy.up = False
            self._why = why
            self._counters.clear()
            self._owner.on_bearer(self, False, why)

    def on_connected(self) -> None:
        if self._owner.is_urgent():  # a press does not wait for the subscription: it may be refused, or never come
            self._begin("connected")

    def on_up(self) -> None:
        self._hears = True
        self._known.keep(*self._met)
        if self._tls is not None:
            self._owner.on_certificate(self._tls.ends, self._tls.ends_at)
        why = "subscribed"
        if self._session.forgot:
            why = "subscribed anew: the broker keeps no session, and what was said to this button meanwhile is lost"
        if not self.policy.up or self._session.forgot:
            self._begin(why)

    def _begin(self, why: str) -> None:
        self.policy.up = True
        self._why = ""
        self._owner.on_bearer(self, True, why)

    def on_published(self, packet_id: int) -> None:
        counter = self._counters.pop(packet_id, None)
        if counter is not None:
            self._owner.on_puback(self, counter)
            login = self._session.login
            if login is not None and login.is_done(counter):
                self._link.drop(called())

    def on_message(self, topic: bytes, payload: bytes) -> None:
        if topic == self._down_topic:
            self._silent_ms = self._clock.ms()
            self._owner.on_downlink(self, payload)
        else:
            self._owner.on_rejected("a message on a topic that is not this device's")

    def on_too_long(self) -> None:
        self._owner.on_rejected("a message longer than any downlink")

    def on_trouble(self, error: Exception) -> None:
        self._owner.on_rejected("a message that could not be handled (%s), left with the broker" % repr(error))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from siaga.core.mqtt import Session
    from siaga.drivers.bearer import Owner
    from siaga.drivers.board_parts import Network
    from siaga.drivers.clock import Clock
    from siaga.drivers.tls import ServerTls

    class KnownHosts(Protocol):
        """Implemented in app/broker_addresses.py."""

        def address(self, host: str) -> str: ...
        def keep(self, host: str, address: str, named: "list[str]") -> None: ...
