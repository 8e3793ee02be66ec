"""What systemd is told: that the gateway is ready, that it still works, that it ends (sd_notify(3)).

A datagram to the socket that NOTIFY_SOCKET names; without one nothing happens. These lines are no reason for a package.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final

log = logging.getLogger(__name__)

_SHARE: Final = 3  # a sign of life so many times in the time that the watchdog allows


class ServiceManager:
    """`ready`, `watch`, `stopping`. From any thread."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        found = os.environ if environment is None else environment
        self._address = found.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_s(found)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def ready(self, status: str = "") -> None:
        """Takes presses from now on."""
        self._tell("READY=1", *([f"STATUS={status}"] if status else ()))

    def stopping(self) -> None:
        """Is about to end; no sign of life from now on, so that an end that hangs is ended."""
        self._ended.set()
        self._tell("STOPPING=1")
        if self._thread is not None:
            self._thread.join(5)

    def watch(self, alive: Callable[[], str]) -> None:
        """Give signs of life for as long as `alive` names nothing that hangs. Does nothing without a watchdog."""
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
                log.critical("%s: without a sign of life for systemd, which will start the gateway anew", hangs)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is one of Linux' abstract sockets.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(2)
                sock.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("systemd could not be told %s: %s", lines[0], error)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """How long systemd waits for a sign of life; None: it does not, or waits for another process."""
    process, microseconds = environment.get("WATCHDOG_PID", ""), environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or int(microseconds) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(microseconds) / 1_000_000
