"""Text messages to people: into the folder of a modem's daemon, or by an aggregator's API; both as `[sms]` has them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

from siaga_gateway.adapters.outputs.common import checked_deadline
from siaga_gateway.adapters.outputs.deadline_call import DeadlineCall
from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.adapters.sms.spool_outbox import FORMATS
from siaga_gateway.catalogue import text
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.service_message import AddressUnusable
from siaga_gateway.formats.sms_notice import sms_number, sms_text
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import Clock, NotDelivered

_T = TypeVar("_T")
_STUCK_S: Final = 120.0  # a daemon that takes nothing for so long is not running: by then nobody waits for this message


class SmsSending(Protocol):
    """Hands one text message over."""

    def send(self, number: str, written: str, key: str, *, urgent: bool) -> HandedOver | NotDelivered:
        """Blocks no longer than its deadline; never raises."""
        ...

    def take_back(self, reference: str) -> None:
        """Take an earlier one back, if it still waits. Never raises."""
        ...

    def close(self) -> None: ...


class SmsWay:
    """Implements service.dispatch.ways.Way."""

    kind = ContactWay.SMS
    repeats_recognised = False

    def __init__(self, name: str, sending: SmsSending, *, budget: Budget, language: str, at_once: int) -> None:
        """language: of the results' texts. sending: closed with this."""
        self.name = name
        self.budget = budget
        self.at_once = at_once
        self._sending = sending
        self._language = language

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        try:
            number, written = sms_number(address), sms_text(message)
        except AddressUnusable as error:
            why = error.say(self._language)
            return NotDelivered(text("formats.way.address", self._language, why=why), permanent=True)
        outcome = self._sending.send(number, written, key, urgent=message.urgent)
        if message.withdraws is not None and isinstance(outcome, HandedOver):
            self._sending.take_back(message.withdraws)
        return outcome

    def close(self) -> None:
        self._sending.close()


class SpoolSending:
    """Writes into the daemon's folder, each under a hidden name first. The daemon sends urgent ones before others; what
    it has not taken yet can be taken back, so that nobody is called by an alarm that is over."""

    def __init__(self, spool: str, folder: Path, *, clock: Clock, language: str, deadline_s: float) -> None:
        """spool: a key of FORMATS."""
        self._format = FORMATS[spool]
        self._folder = folder
        self._clock = clock
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._disk = DeadlineCall("sms outbox")

    def send(self, number: str, written: str, key: str, *, urgent: bool) -> HandedOver | NotDelivered:
        # The same key has the same serial: what still waits in the folder is not written twice.
        serial = int.from_bytes(hashlib.sha256(key.encode()).digest()[:7])
        now_ms = self._clock.now_ms()
        name, content = self._format.write_message(number, written, urgent=urgent, now_ms=now_ms, serial=serial)
        try:
            return self._within(lambda: self._write(name, content, f"siaga{serial}", urgent=urgent))
        except TimeoutError:
            seconds = f"{self._deadline_s:g}"
            return NotDelivered(self._say("delivery.folder_hangs", folder=self._folder, seconds=seconds), unknown=True)
        except OSError as error:
            return NotDelivered(self._say("delivery.folder_failed", folder=self._folder, why=error.strerror or error))
        except Exception as error:
            return NotDelivered(self._say("delivery.unexpected", why=type(error).__name__))

    def take_back(self, reference: str) -> None:
        if "/" not in reference and self._format.is_ours(reference):
            with suppress(OSError, RuntimeError):
                self._within(lambda: (self._folder / reference).unlink())

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, name: str, content: bytes, ending: str, *, urgent: bool) -> HandedOver | NotDelivered:
        waiting = [each for each in self._folder.iterdir() if self._format.is_ours(each.name)]
        for each in waiting:
            if each.name.removesuffix(".txt").endswith(ending):
                return HandedOver(self._say("sms.written", file=each.name), each.name)
        # A call goes before codes and answers: however long these wait, it does not wait behind them.
        before = [each for each in waiting if not urgent or self._format.is_urgent(each.name)]
        if before and (age_s := time.time() - min(map(_written_at, before))) > _STUCK_S:
            return NotDelivered(self._say("sms.stuck", folder=self._folder, seconds=round(age_s)))
        aside = self._folder / f".{name}.LOCK"
        # Readable by the daemon's group too, which is its folder's.
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        aside.replace(self._folder / name)
        return HandedOver(self._say("sms.written", file=name), name)

    def _within(self, work: Callable[[], _T]) -> _T:
        return self._disk.call(work, time.monotonic() + self._deadline_s)

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.{name}", self._language, **values)


class AggregatorSending:
    """One JSON POST a message."""

    def __init__(self, poster: Poster, number_field: str, text_field: str, extra: Mapping[str, str]) -> None:
        """poster: closed with this."""
        self._poster = poster
        self._number_field = number_field
        self._text_field = text_field
        self._extra = extra

    def send(self, number: str, written: str, key: str, *, urgent: bool) -> HandedOver | NotDelivered:
        fields = {**self._extra, self._number_field: number, self._text_field: written}
        outcome = self._poster.post(json.dumps(fields).encode(), "application/json", key)
        if isinstance(outcome, NotDelivered):
            # "Gone" is the aggregator, not the number.
            return copied(outcome, permanent=False)
        return HandedOver(outcome.detail)

    def take_back(self, reference: str) -> None:
        """It is with the carrier."""

    def close(self) -> None:
        self._poster.close()


def _written_at(file: Path) -> float:
    """Return when a file was written; one that the daemon has taken meanwhile is new."""
    try:
        return file.lstat().st_mtime
    except FileNotFoundError:
        return time.time()
