"""The ways in beside the buttons' own broker, made from the settings: LoRaWAN and text messages."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

from siaga_gateway.adapters.lorawan_in import BEARER as LORAWAN
from siaga_gateway.adapters.lorawan_in import LorawanLink
from siaga_gateway.adapters.sms import BEARER as SMS
from siaga_gateway.adapters.sms import SmsReplies, SmsSender
from siaga_gateway.adapters.sms_aggregator import SmsAggregator
from siaga_gateway.adapters.sms_spool import WAY as SPOOL
from siaga_gateway.adapters.sms_spool import SmsSpool
from siaga_gateway.adapters.sms_webhook import WAY as WEBHOOK
from siaga_gateway.adapters.sms_webhook import SmsWebhook
from siaga_gateway.config import Settings, SettingsError
from siaga_gateway.premises import bound_socket
from siaga_gateway.service.downlinks import ReplyBearer
from siaga_gateway.service.inbound import FrameSink
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.reply_budget import ReplyBudget


class Journalled(Protocol):
    """Makes the function that notes a bearer's going and coming back in the journal."""

    def __call__(self, **facts: object) -> Callable[[bool, str], None]: ...


class OtherBearers:
    """All of them; none where the settings name none.

    `start`, then `hold_back`, the end of ingest, `stop`. `replies`: by InboundFrame.bearer, for service.downlinks.
    """

    def __init__(self, settings: Settings, *, clock: Clock, sink: FrameSink, journalled: Journalled) -> None:
        """Raises SettingsError or StartError for what cannot be used."""
        self.replies: dict[str, ReplyBearer] = {}
        self._well: dict[str, bool] = {}  # by way, of those that say so themselves
        self._lorawan: LorawanLink | None = None
        self._spool: SmsSpool | None = None
        self._aggregator: SmsAggregator | None = None
        self._webhook: SmsWebhook | None = None
        self._bound: socket.socket | None = None
        if settings.lorawan.network != "off":
            self._lorawan = LorawanLink(
                settings.lorawan,
                gateway=settings.name,
                clock=clock,
                sink=sink,
                on_change=journalled(bearer=LORAWAN),
            )
            self.replies[LORAWAN] = self._lorawan
        self._text_messages(settings, clock, sink, journalled)

    def _text_messages(self, settings: Settings, clock: Clock, sink: FrameSink, journalled: Journalled) -> None:
        sms = settings.sms
        senders: dict[str, SmsSender] = {}
        if sms.spool != "off":
            on_change = self._noted(SPOOL, journalled(bearer=SMS, way=SPOOL))
            self._spool = senders[SPOOL] = SmsSpool(sms, clock=clock, sink=sink, on_change=on_change)
        if sms.aggregator.url is not None:
            on_change = self._noted("aggregator", journalled(bearer=SMS, way="aggregator"))
            try:
                self._aggregator = SmsAggregator(sms.aggregator, clock=clock, on_change=on_change)
            except ValueError as error:
                raise SettingsError(f"sms.aggregator: {error}") from None
            senders[WEBHOOK] = self._aggregator
        if sms.webhook.port is not None:
            self._bound = bound_socket("sms.webhook", sms.webhook.host, sms.webhook.port)
            self._webhook = SmsWebhook(sms.webhook, self._bound, clock=clock, sink=sink)
        if senders or self._webhook is not None:
            budget = ReplyBudget(sms.replies_per_minute, sms.replies_per_hour)
            self.replies[SMS] = SmsReplies(senders, budget, clock)

    def _noted(self, way: str, on_change: Callable[[bool, str], None]) -> Callable[[bool, str], None]:
        self._well[way] = True

        def changed(up: bool, why: str) -> None:
            self._well[way] = up
            on_change(up, why)

        return changed

    def up(self) -> dict[str, bool]:
        """Whether each way works, by its name in the settings: lorawan, sms_spool, sms_aggregator, sms_webhook."""
        found = {f"sms_{way}": well for way, well in self._well.items()}
        if self._lorawan is not None:
            found["lorawan"] = self._lorawan.up
        if self._webhook is not None:
            found["sms_webhook"] = True
        return found

    @property
    def webhook(self) -> str | None:
        """Where an aggregator posts to, on this machine."""
        return None if self._webhook is None else self._webhook.address

    def start(self) -> None:
        """Each when it can: a second way in that is not there must not keep the first one shut."""
        if self._lorawan is not None:
            self._lorawan.start_later()
        for way in (self._spool, self._aggregator, self._webhook):
            if way is not None:
                way.start()

    def hold_back(self) -> None:
        """Take no more frames; acknowledging and sending still work."""
        for way in (self._lorawan, self._spool, self._webhook):
            if way is not None:
                way.hold_back()

    def stop(self) -> None:
        for way in (self._webhook, self._lorawan, self._spool, self._aggregator):
            if way is not None:
                way.stop()
        if self._bound is not None:
            self._bound.close()
