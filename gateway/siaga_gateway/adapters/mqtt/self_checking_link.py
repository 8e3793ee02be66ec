"""A link that detects that its connection delivers nothing, and recovers; echo_check.py decides when and how.

Echoes use QoS 0: they pass an in-flight window that is full because we acknowledge nothing just then, are stored in no
session, and are not repeated on the next connection if the broker disconnects because of them. The echo's topic is
subscribed to each time, and from the second time on ours with it: that recovers a lost subscription.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.adapters.mqtt.batching_client import Message
from siaga_gateway.adapters.mqtt.broker_probe import hears
from siaga_gateway.adapters.mqtt.echo_check import EchoCheck, Step
from siaga_gateway.adapters.mqtt.link import BrokerLink, hang_up
from siaga_gateway.adapters.mqtt.ordered_acknowledgements import OpenAcknowledgement
from siaga_gateway.adapters.mqtt.session_takeover import discard
from siaga_gateway.catalogue.localized import Localized

_LOOK_S: Final = 0.5
_NOTE_AGAIN_S: Final = 60.0

log = logging.getLogger(__name__)


class SelfCheckingLink(BrokerLink):
    """echo: a topic where nobody else publishes. on_no_echo: called, from a thread of its own, if the broker does not
    allow it, so that its delivery cannot be checked; once, until it does. Returns whether that is noted: if it is not,
    it is called again."""

    def __init__(
        self,
        *arguments: Any,
        echo: str,
        hearing: EchoCheck | None = None,
        on_no_echo: Callable[[], bool] = lambda: True,
        **others: Any,
    ) -> None:
        self._echo = echo
        self._on_no_echo = on_no_echo
        self._hearing = hearing or EchoCheck()
        self._listening = threading.RLock()  # guards the state, and acting on it
        self._echo_mids: set[int | None] = set()  # of its subscriptions that are not answered yet
        self._asked = False  # on this connection
        self._again = False  # our topics have been subscribed to more than once on it
        self._ended_deaf = False  # we are ending the connection, or did, because it was deaf
        self._note_at: float | None = None  # that no echo is allowed, as long as it is not noted
        self._no_more = threading.Event()
        self._listener: threading.Thread | None = None
        super().__init__(*arguments, **others)

    @property
    def deaf(self) -> bool:
        return self._hearing.deaf

    def start(self, timeout_s: float, given_up: Callable[[], bool] = lambda: False) -> None:
        self._begin_listening()
        super().start(timeout_s, given_up)

    def start_later(self) -> None:
        self._begin_listening()
        super().start_later()

    def hold_back(self) -> None:
        self._listen_no_more()
        super().hold_back()

    def stop(self) -> None:
        self._listen_no_more()
        super().stop()

    # Called in paho's thread

    def _subscription_taken(
        self, client: paho.Client, user: Any, mid: int, codes: list[ReasonCode], properties: Any
    ) -> None:
        with self._listening:
            if mid in self._echo_mids:  # refused or not: it is heard, or it is not
                self._echo_mids.remove(mid)
                return
        again = self._subscribed.is_set()
        super()._subscription_taken(client, user, mid, codes, properties)
        with self._listening:
            if not self._subscribed.is_set():
                self._hearing.refused(time.monotonic())
            elif not again:
                self._ended_deaf = self._asked = self._again = False
                self._hearing.subscribed(time.monotonic())

    def _ended(self, code: ReasonCode) -> Localized:
        with self._listening:
            self._echo_mids.clear()
            self._hearing.ended(time.monotonic())
        return self._standing.deaf(self._echo) if self._ended_deaf else super()._ended(code)

    def _messages(self, messages: Sequence[Message]) -> None:
        live = [message.topic for message in messages if not message.retained]
        if live:
            with self._listening:
                was_deaf = self._hearing.heard(time.monotonic(), self._echo in live)
            if was_deaf and self._subscribed.is_set():
                self._say_status()
                self._tell_up()
        super()._messages(messages)

    def _take(self, message: Message, open_: OpenAcknowledgement, now_ms: int) -> None:
        if message.retained and self._again:  # it came with the first subscription, or before it was stored
            if message.qos:
                self._order.acknowledge(open_)
            return
        super()._take(message, open_, now_ms)

    def _tell_up(self) -> None:
        if not self.deaf:
            super()._tell_up()

    # The checking thread

    def _begin_listening(self) -> None:
        """Not in paho's thread: if no thread can be had, paho's would end of it, and its connection with it."""
        self._listener = threading.Thread(target=self._listen, name="broker-echo", daemon=True)
        self._listener.start()

    def _listen_no_more(self) -> None:
        with self._listening:
            self._no_more.set()

    def _listen(self) -> None:
        while not self._no_more.wait(_LOOK_S):
            try:
                self._look()
            except Exception:  # whatever it was: without this thread nobody would notice
                log.exception(Localized("log.broker.echo_failed"))

    def _look(self) -> None:
        with self._listening:
            if self._no_more.is_set():
                return
            step = self._hearing.look(time.monotonic())
            if step is Step.SUBSCRIBE:
                self._subscribe(*self._topics)
            elif step is Step.ASK:
                self._ask()
            elif step in (Step.RECONNECT, Step.DISCARD):
                self._ended_deaf = True
        if step is Step.TRY:
            able = hears(self._settings, f"{self._client_id}-echo", self._echo)
            with self._listening:
                self._hearing.tried(time.monotonic(), able)
        elif step is Step.TELL:
            log.error(
                Localized("log.broker.no_echo", where=self._where, topic=self._echo, user=self._settings.user or "")
            )
            self._note_at = time.monotonic()
        elif step in (Step.RECONNECT, Step.DISCARD):
            self._begin_anew(step is Step.DISCARD)
        if self._note_at is not None and time.monotonic() >= self._note_at:
            self._note_at = None if self._on_no_echo() else time.monotonic() + _NOTE_AGAIN_S

    def _ask(self) -> None:
        if self._asked:
            self._again = True
            self._subscribe(*self._topics)
        self._asked = True
        self._echo_mids.add(self._subscribe(self._echo))
        self._client.publish(self._echo, b"", qos=0)

    def _begin_anew(self, discards: bool) -> None:
        """End the connection; paho makes another. Its session goes first: if our connection is still there, it ends
        with it."""
        sock = self._client.socket()
        try:
            if discards:
                self._standing.discarded()
                why = discard(self._settings, self._section, self._client_id)
                key = "log.broker.not_discarded" if why else "log.broker.discarded"
                log.warning(Localized(key, where=self._where, why=why))
        finally:
            hang_up(sock)
