"""Tells systemd that the gateway is ready, still works, and stops (sd_notify(3)).

A datagram to the socket in NOTIFY_SOCKET; without one nothing happens. These few lines do not justify a package.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final

from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

_WORK_US: Final = 120_000_000  # until the next sign of progress
_SHARE: Final = 3  # signs of life within the watchdog's timeout


class ServiceManager:
    """`ready`, `watch`, `stopping`. Thread-safe."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._address = found.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_s(found)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def ready(self, status: str = "") -> None:
        """It takes presses from now on."""
        self._tell("READY=1", *([f"STATUS={status}"] if status else ()))

    def working(self, status: str) -> None:
        """It is starting, with something that takes minutes."""
        self._tell("WATCHDOG=1", f"EXTEND_TIMEOUT_USEC={_WORK_US}", f"STATUS={status}")

    def restarting(self) -> None:
        """It is about to restart in the same process: for systemd that is no end."""
        self._ended.set()
        self._tell("WATCHDOG=1", "STATUS=starts anew")

    def stopping(self) -> None:
        """It is about to stop: no sign of life from now on, so that a hanging shutdown is killed."""
        self._ended.set()
        self._tell("STOPPING=1")
        if self._thread is not None:
            self._thread.join(5)

    def watch(self, alive: Callable[[], str]) -> None:
        """Send signs of life while `alive` names nothing that hangs. Does nothing without a watchdog."""
        if self._watchdog_s is None or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, args=(alive, self._watchdog_s), name="watchdog", daemon=True)
        self._thread.start()

    def _run(self, alive: Callable[[], str], watchdog_s: float) -> None:
        hangs = ""
        while not self._ended.wait(watchdog_s / _SHARE):
            before, hangs = hangs, alive()
            if not hangs:
                self._tell("WATCHDOG=1")
            elif hangs != before:
                log.critical(Localized("log.gateway.hangs", what=hangs))

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is a Linux abstract socket.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(2)
                sock.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning(Localized("log.gateway.no_systemd", line=lines[0], why=error))


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return systemd's watchdog timeout; None: it has none, or watches another process."""
    process, microseconds = environment.get("WATCHDOG_PID", ""), environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or int(microseconds) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(microseconds) / 1_000_000
