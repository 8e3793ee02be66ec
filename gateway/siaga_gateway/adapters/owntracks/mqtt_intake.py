"""Positions from OwnTracks in its mode MQTT: `owntracks/<user>/<device>` and `.../event` at a broker of the settings.

Who may publish as whom is the broker's to see to: the user in the topic is believed. A message is acknowledged once
what it says is stored, or will never be taken. The apps have their last position retained, so each new subscription
brings everybody's: such a message says nothing about whether the phone lives now.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.adapters.mqtt.batching_client import Message
from siaga_gateway.adapters.mqtt.link import BrokerLink, ReceivedFrame
from siaga_gateway.adapters.mqtt.ordered_acknowledgements import OpenAcknowledgement
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.owntracks import OwntracksMqttSettings
from siaga_gateway.formats.owntracks import Fix, OwntracksError, newest, read, topic_parts
from siaga_gateway.service.dispatch.responder_positions import Outcome, PositionReport
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)

BEARER: Final = "owntracks"
TOPICS: Final = ("owntracks/+/+", "owntracks/+/+/event")
_WAITING: Final = 1_000  # messages
_AT_ONCE: Final = 200
_REPORTS: Final = 500  # positions in one transaction, about: presses wait for it
_GATHER_S: Final = 0.1
_AGAIN_S: Final = 1.0
_END_S: Final = 5.0

Take = Callable[[Sequence[PositionReport]], Sequence[Outcome]]


class OwntracksLink(BrokerLink):
    """One connection to the broker of the phones."""

    def __init__(
        self,
        settings: OwntracksMqttSettings,
        *,
        gateway: str,
        clock: Clock,
        sink: PositionSink,
        refused: Callable[[str, str, int], None],
        on_change: Callable[[bool, str], None] = lambda up, why: None,
    ) -> None:
        """refused: tells of whom, by the topic, something was not taken, why, and how often."""
        self._now = clock
        self._refused = refused
        self._retained = False
        self.counts: Counter[str] = Counter()
        super().__init__(
            settings,
            section="owntracks.mqtt",
            bearer=BEARER,
            client_id=f"siaga-owntracks-{gateway}",
            topics=TOPICS,
            clock=clock,
            sink=sink,
            on_change=on_change,
        )

    def _take(self, message: Message, open_: OpenAcknowledgement, now_ms: int) -> None:
        self._retained = bool(message.retained)
        super()._take(message, open_, now_ms)

    def read(self, topic: str, body: bytes) -> ReceivedFrame | None:
        """Return what it says about places as the frame's origin."""
        parts = topic_parts(topic)
        if parts is None:
            return None
        key = parts[0].strip().lower()
        try:
            messages = read(body)
        except OwntracksError as error:
            messages = [error]
        fixes = []
        refused: Counter[str] = Counter()
        for message in messages:
            if isinstance(message, Fix):
                fixes.append(message)
            elif isinstance(message, OwntracksError):
                refused[message.key] += 1
            else:
                self.counts["passed"] += 1
        self.counts["refused"] += refused.total()
        for why, count in refused.items():
            self._refused(key, why, count)
        reports = tuple(self._report(key, fix) for fix in newest(fixes))
        return ReceivedFrame(b"", reports, key) if reports else None

    def _report(self, key: str, fix: Fix) -> PositionReport:
        now_ms = self._now.now_ms()
        heard_ms = min(now_ms, fix.made_ms or fix.told_ms) if self._retained else now_ms
        return PositionReport(
            key,
            fix.latitude,
            fix.longitude,
            fix.accuracy_m,
            fix.told_ms,
            fix.made_ms,
            fix.is_ping,
            heard_ms,
        )


class PositionSink:
    """Implements service.inbound.FrameSink: stores what messages say, together, and acknowledges them after the commit.

    Call `start`, `stop`.
    """

    def __init__(self, take: Take) -> None:
        """take: keeps positions durably; may raise StoreFailing."""
        self._take = take
        self._queue: queue.Queue[InboundFrame] = queue.Queue(_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="owntracks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after what is queued is stored, or after some seconds: the broker keeps what was not acknowledged."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        try:
            self._queue.put(frame, timeout=timeout_s) if timeout_s else self._queue.put_nowait(frame)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while not (self._stop.is_set() and self._queue.empty()):
            try:
                frames = [self._queue.get(timeout=_GATHER_S)]
            except queue.Empty:
                continue
            reports = len(_reports(frames[0]))
            while len(frames) < _AT_ONCE and reports < _REPORTS and not self._queue.empty():
                frames.append(self._queue.get_nowait())
                reports += len(_reports(frames[-1]))
            self._store(frames)

    def _store(self, frames: Sequence[InboundFrame]) -> None:
        reports = [each for frame in frames for each in _reports(frame)]
        while True:
            try:
                self._take(reports)
                break
            except StoreFailing as error:
                log.warning(Localized("log.responders.not_stored", why=error))
            except Exception:  # a bug must not stop all other phones
                log.exception(Localized("log.responders.not_taken"))
                break
            if self._stop.wait(_AGAIN_S):
                return
        for frame in frames:
            frame.acknowledge()


def _reports(frame: InboundFrame) -> tuple[PositionReport, ...]:
    return frame.origin if isinstance(frame.origin, tuple) else ()
