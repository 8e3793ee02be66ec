"""Which of the workers a process is, and what falls to it."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from siaga_gateway.config import LorawanSettings, Settings
from siaga_gateway.config_sms import SmsSettings


@dataclass(frozen=True, slots=True)
class Seat:
    """Worker `number` (from 1) of `of` on this machine."""

    number: int = 1
    of: int = 1

    @property
    def first(self) -> bool:
        """Has the console, and the ways in beside the buttons' own broker: there is one of each on a machine."""
        return self.number == 1

    def name(self, settings: Settings) -> str:
        """Unique among all workers on the store, and the same after a restart."""
        host = settings.machine or re.sub(r"[^a-z0-9.-]+", "-", socket.gethostname().lower()).strip("-.") or "machine"
        return f"{host}-{self.number}"

    def among(self, settings: Settings) -> str | None:
        """Its name where the buttons' frames are shared out; None where it takes all."""
        several = self.of > 1 or settings.mqtt.share is not None or settings.machine is not None
        return self.name(settings) if several else None

    def settings(self, settings: Settings) -> Settings:
        """What of the settings is this worker's own."""
        if self.first:
            return settings
        metrics = settings.metrics
        if metrics.port:
            metrics = metrics.model_copy(update={"port": metrics.port + self.number - 1})
        return settings.model_copy(update={"lorawan": LorawanSettings(), "sms": SmsSettings(), "metrics": metrics})
