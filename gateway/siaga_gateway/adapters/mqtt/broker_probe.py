"""Tests what the broker does for us, with a client of its own: whether it keeps sessions, how many messages may be in
flight, whether it delivers our own publications. Otherwise all that shows only on a bad day."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.client_factory import log_in
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.domain.errors import SiagaError

MESSAGES: Final = 300
ENOUGH: Final = 100  # in flight: the length of a burst of presses
_STEP_S: Final = 5.0
_QUIET_S: Final = 1.0  # silence that means nothing more is coming
_LOOK_S: Final = 0.1  # how often it checks whether to give up
_END_S: Final = 7.0  # a broker may not even accept the connection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What the probe found."""

    sessions: bool  # the broker keeps them
    in_flight: int  # messages, of MESSAGES, that arrived before the first was acknowledged

    @property
    def narrow(self) -> bool:
        return self.in_flight < ENOUGH


class _Failed(Exception):  # Not a SiagaError: the probe answers None.
    """The broker does not do what the probe needs; nothing is known then."""


class _Barred(_Failed):
    """It accepted the login, but not the subscription."""


# SiagaError: its files of authorities cannot be read; RuntimeError: no thread to be had.
_NOT_PROBED: Final = (_Failed, OSError, ValueError, RuntimeError, SiagaError)


def _never() -> bool:
    return False


def probe(
    settings: BrokerSettings, client_id: str, topic: str, given_up: Callable[[], bool] = _never
) -> BrokerLimits | None:
    """Probe the broker. Returns None if nothing can be found out (no right to that topic, another client identifier not
    allowed, no answer in time, given up).

    Takes a second or two, ten at most; never raises.
    """
    visit = partial(_visit, settings, client_id, topic, given_up=given_up)
    try:
        visit(clean=True)
        visit(clean=False)
        present, came = visit(clean=False, messages=MESSAGES)
        visit(clean=True)
    except _NOT_PROBED as error:
        log.debug(Localized("log.broker.untried", error=error))
        return None
    return BrokerLimits(present, came) if came else None


def hears(settings: BrokerSettings, client_id: str, topic: str) -> bool | None:
    """Whether we receive what we publish to a topic; None if that cannot be found out.

    Takes ten seconds if we do not; never raises.
    """
    try:
        heard = [_visit(settings, client_id, topic, clean=True, messages=1, quiet_s=_STEP_S)[1]]
        if not heard[0]:  # a broker under load: try again
            heard.append(_visit(settings, client_id, topic, clean=True, messages=1, quiet_s=_STEP_S)[1])
    except _Barred:
        return False
    except _NOT_PROBED as error:
        log.debug(Localized("log.broker.untried", error=error))
        return None
    return any(heard)


def confirmed(look: Callable[[], BrokerLimits | None]) -> BrokerLimits | None:
    """Return what `look` finds, but limited in-flight only if two probes agree: under load a broker is slow, and each
    probe stops at a different number."""
    found = look()
    if found is None or not found.narrow:
        return found
    again = look()
    agreed = again is not None and again.in_flight == found.in_flight
    return found if agreed else BrokerLimits(found.sessions, MESSAGES)


class BackgroundProbe:
    """Probes in a thread of its own from the beginning; `end` gives up."""

    def __init__(
        self, settings: BrokerSettings, client_id: str, topic: str, told: Callable[[BrokerLimits], None]
    ) -> None:
        """told: called with the result, if there is one."""
        self._look = partial(probe, settings, client_id, topic)
        self._told = told
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-probe", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(_END_S)

    def _run(self) -> None:
        found = confirmed(lambda: self._look(self._ended.is_set))
        if found is not None and not self._ended.is_set():
            self._told(found)


def _visit(
    settings: BrokerSettings,
    client_id: str,
    topic: str,
    *,
    clean: bool,
    messages: int = 0,
    quiet_s: float = _QUIET_S,
    given_up: Callable[[], bool] = _never,
) -> tuple[bool, int]:
    """Connect, subscribe and publish to ourselves. Returns whether there was a session, and how many messages arrived.

    Raises: _Failed, OSError.
    """
    if given_up():
        raise _Failed("given up")
    connected: queue.SimpleQueue[tuple[bool, bool]] = queue.SimpleQueue()
    subscribed: queue.SimpleQueue[bool] = queue.SimpleQueue()
    came: queue.SimpleQueue[None] = queue.SimpleQueue()
    client = PahoClient(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean, manual_ack=True)

    def on_connect(_client: Any, _user: Any, flags: Any, code: Any, _properties: Any) -> None:
        connected.put((code.is_failure, flags.session_present))

    client.on_connect = on_connect
    client.on_subscribe = lambda _client, _user, _mid, codes, _properties: subscribed.put(codes[0].is_failure)
    client.on_message = lambda _client, _user, _message: came.put(None)
    client.max_inflight_messages_set(MESSAGES)
    client.connect_timeout = _STEP_S
    log_in(client, settings, "mqtt")
    try:
        client.connect(settings.host, settings.port)
        client.loop_start()
        refused, present = _next(connected, given_up)
        if refused:
            raise _Failed("refused")
        client.subscribe(topic, qos=1)
        try:
            barred = _next(subscribed, given_up)
        except _Failed:
            if given_up():
                raise
            barred = True  # some brokers disconnect instead
        if barred:
            raise _Barred("no right to subscribe")
        for _ in range(messages):
            client.publish(topic, b"", qos=1)
        return present, _count(came, messages, quiet_s, given_up)
    finally:
        client.disconnect()
        client.loop_stop()


def _next(answers: queue.SimpleQueue[Any], given_up: Callable[[], bool], wait_s: float = _STEP_S) -> Any:
    """Raises: _Failed."""
    until = time.monotonic() + wait_s
    while not given_up():
        try:
            return answers.get(timeout=max(0.0, min(_LOOK_S, until - time.monotonic())))
        except queue.Empty:
            if time.monotonic() >= until:
                raise _Failed("no answer in time") from None
    raise _Failed("given up")


def _count(came: queue.SimpleQueue[None], wanted: int, quiet_s: float, given_up: Callable[[], bool]) -> int:
    """Raises: _Failed if given up."""
    found, until = 0, time.monotonic() + _STEP_S
    while found < wanted and time.monotonic() < until:
        try:
            _next(came, given_up, quiet_s)
        except _Failed:
            if given_up():
                raise
            break
        found += 1
    return found
