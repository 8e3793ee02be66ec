"""The inbound ways other than the buttons' own broker, made from the settings: LoRaWAN and text messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from siaga_gateway.adapters.mqtt.lorawan import BEARER as LORAWAN
from siaga_gateway.adapters.mqtt.lorawan import LorawanLink
from siaga_gateway.adapters.sms.aggregator import SmsAggregator
from siaga_gateway.adapters.sms.replies import BEARER as SMS
from siaga_gateway.adapters.sms.replies import WEBHOOK, SmsReplies, SmsSender, TextBack
from siaga_gateway.adapters.sms.spool import WAY as SPOOL
from siaga_gateway.adapters.sms.spool import SmsSpool, SpoolCounts
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.downlink.routes import ReplyBearer
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.inbound import FrameSink, TextReader
from siaga_gateway.service.ports import Clock


class BearerJournal(Protocol):
    """Makes the function that journals a bearer's loss and return."""

    def __call__(self, **facts: object) -> Callable[[bool, str], None]: ...


class OtherBearers:
    """All of them; none if the settings name none.

    `intake` starts them, and holds them back first at the end; `connections` stop them after ingest has ended.
    replies: by InboundFrame.bearer, for service.downlink.routes.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock, sink: FrameSink, texts: TextReader | None, journalled: BearerJournal
    ) -> None:
        """texts: reads text messages without a frame; None: another worker takes text messages in.
        Raises: SettingsError for unusable settings.

        Posts of an aggregator come through http_front/main.py.
        """
        self.replies: dict[str, ReplyBearer] = {}
        self._well: dict[str, bool] = {}  # by way, for those that report it themselves
        self._lorawan: LorawanLink | None = None
        self._spool: SmsSpool | None = None
        self._aggregator: SmsAggregator | None = None
        if settings.lorawan.network != "off":
            self._lorawan = LorawanLink(
                settings.lorawan,
                gateway=settings.name,
                clock=clock,
                sink=sink,
                on_change=journalled(bearer=LORAWAN),
            )
            self.replies[LORAWAN] = self._lorawan
        self._senders: dict[str, SmsSender] = {}
        if texts is not None:
            self._text_messages(settings, clock, sink, texts, journalled)

    def _text_messages(
        self, settings: Settings, clock: Clock, sink: FrameSink, texts: TextReader, journalled: BearerJournal
    ) -> None:
        sms, senders = settings.sms, self._senders
        if sms.spool != "off":
            on_change = self._noted(SPOOL, journalled(bearer=SMS, way=SPOOL))
            self._spool = senders[SPOOL] = SmsSpool(sms, clock=clock, sink=sink, on_change=on_change, texts=texts)
        if sms.aggregator.url is not None:
            on_change = self._noted("aggregator", journalled(bearer=SMS, way="aggregator"))
            try:
                self._aggregator = SmsAggregator(sms.aggregator, clock=clock, on_change=on_change)
            except ValueError as error:
                raise SettingsError("settings.aggregator", why=error) from None
            senders[WEBHOOK] = self._aggregator
        if senders or sms.webhook.port is not None:
            budget = ReplyBudget(sms.replies_per_minute, sms.replies_per_hour)
            self.replies[SMS] = SmsReplies(senders, budget, clock)

    def _noted(self, way: str, on_change: Callable[[bool, str], None]) -> Callable[[bool, str], None]:
        self._well[way] = True

        def changed(up: bool, why: str) -> None:
            self._well[way] = up
            on_change(up, why)

        return changed

    def up(self) -> dict[str, bool]:
        """Whether each way works, by its name in the settings: lorawan, sms_spool, sms_aggregator."""
        found = {f"sms_{way}": well for way, well in self._well.items()}
        if self._lorawan is not None:
            found["lorawan"] = self._lorawan.up
        return found

    def texts_back(self) -> TextBack:
        """Return what answers texts of people."""
        return TextBack(self._senders)

    @property
    def texts(self) -> SpoolCounts | None:
        """Counts of the SMS spool, if there is one."""
        return None if self._spool is None else self._spool.counts

    def flooding(self) -> int:
        """Frames dropped unread since the start."""
        return 0 if self._lorawan is None else self._lorawan.floods.let_go

    def connections(self) -> list[Piece]:
        ways = {"aggregator": self._aggregator, "spool": self._spool, "lorawan": self._lorawan}
        return [Piece(f"connection {name}", stop=way.stop) for name, way in ways.items() if way is not None]

    def intake(self) -> list[Piece]:
        """Start each as soon as possible: a missing second way must not block the first. Once held back they accept no
        more frames; acknowledging and sending still work."""
        found = []
        if self._lorawan is not None:
            found.append(Piece("frames by LoRaWAN", self._lorawan.start_later, self._lorawan.hold_back))
        if self._spool is not None:
            found.append(Piece("frames by text message", self._spool.start, self._spool.hold_back))
        if self._aggregator is not None:  # inbound messages are posted to the front
            found.append(Piece("answers by text message", self._aggregator.start))
        return found
