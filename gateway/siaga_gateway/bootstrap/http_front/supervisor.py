"""Starts, supervises and restarts the front, the process with everything that strangers can connect to.

Whatever strangers do happens there: the press process opens connections only to what its settings name. The front may
die, hang or be starved of resources, and presses go on.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, Final

from siaga_gateway.adapters.interprocess_link import PressSide
from siaga_gateway.bootstrap.listening_sockets import Listeners
from siaga_gateway.bootstrap.preflight import StartError
from siaga_gateway.catalogue.localized import Localized, from_fact
from siaga_gateway.config.broker import BrokerFilesSettings
from siaga_gateway.config.loading import ENVIRONMENT_PREFIX
from siaga_gateway.config.mqtt import LorawanSettings, MqttSettings
from siaga_gateway.config.owntracks import OwntracksMqttSettings
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.sms import SmsAggregatorSettings
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)

_START_S: Final = 90.0
_WAITED_FOR_S: Final = 45.0  # the rest of the start waits this long for it; presses are taken already
_SIGN_S: Final = 15.0  # after this long without a sign of life it is killed and restarted
_LOOK_S: Final = 0.1
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0  # after a life this long, its start was not the cause of death
_END_S: Final = 8.0
# The machine has no descriptor, process, thread or memory to spare, which passes.
_NO_ROOM: Final = (OSError, RuntimeError, MemoryError)

ALIVE: Final = "alive"
READY: Final = "ready"
FAILED: Final = "failed"  # a person has to fix something: the first time, the gateway ends with it
FAILING: Final = "failing"  # the store fails for now: the front ends, and is restarted


class FrontProcess:
    """Call `start`, `await_ready`, `stop`; and `ring` whenever the journal has grown, from any thread."""

    def __init__(
        self,
        settings: Settings,
        listeners: Listeners,
        *,
        calls: Mapping[str, Callable[..., Any]],
        figures: Mapping[str, Callable[..., Any]],
        offer: Callable[[dict[str, Any], Callable[[bool], None]], bool] = lambda frame, dealt_with: False,
        room: str = "front",
    ) -> None:
        """See adapters.interprocess_link.PressSide. room: which lines of the log name what is in it."""
        self._settings = settings_of_the_front(settings)
        self._listeners = listeners
        self._calls = calls
        self._figures = figures
        self._offer = offer
        self._room = room
        self._side: PressSide | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._first = threading.Event()  # set once it was ready, or failed to start
        self._failed: StartError | None = None
        self._failing: Localized | None = None  # of the store: why this life ended
        self._ready = False
        self.starts = 0
        self._born = self._sign_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._thread = threading.Thread(target=self._run, name=room, daemon=True)

    @property
    def up(self) -> bool:
        """Whether its listeners are open."""
        return self._ready

    @property
    def pid(self) -> int | None:
        """The process's number; None while there is none."""
        return None if self._child is None else self._child.pid

    def ring(self) -> None:
        side = self._side
        if side is not None:
            side.ring()

    def start(self) -> None:
        if self._listeners.sockets:
            self._thread.start()

    def await_ready(self, given_up: Callable[[], bool]) -> None:
        """Wait until its listeners are open for the first time, or it is given up.

        Raises: StartError for what must be fixed in the settings or the installation. A front that is merely slow, or
        whose store fails for now, delays no press.
        """
        if not self._listeners.sockets:
            return
        deadline = time.monotonic() + _WAITED_FOR_S
        while not self._first.wait(_LOOK_S):  # polling: a signal is handled in between
            if given_up():
                return
            if time.monotonic() > deadline:
                log.error(Localized(f"log.{self._room}.late", seconds=round(_WAITED_FOR_S)))
                return
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """Let it finish its requests, then end it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_END_S + 5)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._failing = None
            try:
                how = self._live()
                how = self._failing or how
            except _NO_ROOM as error:
                how = Localized("log.front.not_started", why=error)
            if self._stop.is_set():
                return
            if time.monotonic() - self._born > _STEADY_S:
                self._pause_s = _FIRST_PAUSE_S
            log.error(Localized(f"log.{self._room}.gone", how=how, seconds=round(self._pause_s, 1)))
            self._stop.wait(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _live(self) -> Localized:
        """Run it once. Returns how it ended."""
        mine, its = socket.socketpair()
        try:
            child = self._child = self._spawn(its)
        except OSError:
            mine.close()
            raise
        finally:
            its.close()
        line = Connection(mine.detach())
        side: PressSide | None = None
        self._born = self._sign_at = time.monotonic()
        self.starts += 1
        try:
            line.send_bytes(pickle.dumps(self._settings))
            side = PressSide(line, self._calls, self._figures, self._offer, self._said)
            side.start()
            self._side = side
            how: Localized | None = None
            while child.poll() is None and not self._stop.wait(_LOOK_S):
                silent_s = time.monotonic() - self._sign_at
                if silent_s > (_SIGN_S if self._ready else _START_S):
                    how = Localized("log.front.silent", seconds=round(silent_s))
                    child.kill()
                    child.wait()
            if child.poll() is None:
                self._end(child)
            code = child.returncode
            return how or Localized("log.front.killed" if code < 0 else "log.front.ended", code=abs(code))
        except _NO_ROOM as error:
            child.kill()
            child.wait()
            return Localized("log.front.not_started", why=error)
        finally:
            self._ready = False
            self._side = self._child = None
            if side is None:
                line.close()
            elif not side.close(_END_S):
                log.error(Localized(f"log.{self._room}.line_kept", seconds=round(_END_S)))
            self._ready = False  # again: the last message that was read may have been READY

    def _spawn(self, its: socket.socket) -> subprocess.Popen[bytes]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WATCHDOG_", "NOTIFY_SOCKET", ENVIRONMENT_PREFIX))
        }
        listeners = {name: each.fileno() for name, each in self._listeners.sockets.items()}
        numbers = (str(its.fileno()), *(f"{name}={number}" for name, number in listeners.items()))
        # Signals to the group (Ctrl-C, systemd's SIGTERM) are for the gateway, which then stops the front in order.
        return subprocess.Popen(
            [sys.executable, "-m", "siaga_gateway.bootstrap.http_front.start", *numbers],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(its.fileno(), *listeners.values()),
            env=environment,
            start_new_session=True,
        )

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        child.terminate()
        try:
            child.wait(_END_S)
        except subprocess.TimeoutExpired:
            log.error(Localized(f"log.{self._room}.kept_on", seconds=round(_END_S)))
            child.kill()
            child.wait()

    def _said(self, name: str, facts: dict[str, Any]) -> None:
        self._sign_at = time.monotonic()
        if name == READY:
            self._ready = True
            if self._first.is_set():
                log.warning(Localized(f"log.{self._room}.back"))
            self._first.set()
        elif name == FAILED:
            why = StartError(facts["key"], **{name: from_fact(value) for name, value in facts["values"].items()})
            if self._first.is_set():
                log.error(Localized(f"log.{self._room}.failed", why=why))
            else:
                self._failed = why
                self._first.set()
        elif name == FAILING:
            error = StoreFailing(facts["key"], **{name: from_fact(value) for name, value in facts["values"].items()})
            self._failing = Localized("log.front.store_failing", why=error)
            self._first.set()  # whatever waits for the front goes on: presses do
        elif name != ALIVE:
            log.error(Localized(f"log.{self._room}.strange", said=name[:40]))


def settings_of_the_front(settings: Settings) -> Settings:
    """Return the settings that the front needs: without broker passwords, receivers' keys, and the accounts
    of SMS and other ways."""
    return settings.model_copy(
        update={
            "mqtt": MqttSettings(),
            "lorawan": LorawanSettings(),
            "owntracks": settings.owntracks.model_copy(update={"mqtt": OwntracksMqttSettings()}),
            "broker": BrokerFilesSettings(),
            "sms": settings.sms.model_copy(update={"aggregator": SmsAggregatorSettings()}),
            "outputs": [],
            "watch": settings.watch.model_copy(update={"ping_url": None, "proxy": None, "addresses": []}),
            "ways": [],
        }
    )
