"""Which worker a process is, and what it is responsible for."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from siaga_gateway.config.mqtt import LorawanSettings
from siaga_gateway.config.owntracks import OwntracksSettings
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.sms import SmsWebhookSettings
from siaga_gateway.config.whatsapp_receipts import WhatsappReceiptsSettings


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Worker `number` (from 1) of `of` on this machine."""

    number: int = 1
    of: int = 1

    @property
    def first(self) -> bool:
        """Whether it runs what each machine has once: the console, and the inbound ways other than the buttons' own
        broker."""
        return self.number == 1

    def name(self, settings: Settings) -> str:
        """Return a name unique among all workers on the store, and the same after a restart."""
        host = settings.machine or re.sub(r"[^a-z0-9.-]+", "-", socket.gethostname().lower()).strip("-.") or "machine"
        return f"{host}-{self.number}"

    def among(self, settings: Settings) -> str | None:
        """Return its name if the buttons' frames are shared; None if it takes all."""
        several = self.of > 1 or settings.mqtt.share is not None or settings.machine is not None
        return self.name(settings) if several else None

    def settings(self, settings: Settings) -> Settings:
        """Return the settings as they apply to this worker."""
        if self.first:
            return settings
        metrics = settings.metrics
        if metrics.port:
            metrics = metrics.model_copy(update={"port": metrics.port + self.number - 1})
        return settings.model_copy(
            update={
                "lorawan": LorawanSettings(),
                # It may be the one that sends texts; what comes in is for the first (see OtherBearers).
                "sms": settings.sms.model_copy(update={"webhook": SmsWebhookSettings()}),
                "owntracks": OwntracksSettings(),
                "whatsapp_receipts": WhatsappReceiptsSettings(),
                "metrics": metrics,
            }
        )
