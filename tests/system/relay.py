"""A TCP port that leads to another one: a broker's own address, which can go away or lead elsewhere."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Relay:
    """port: its own, on loopback. target: the one that new connections are led to, 0 = to nobody."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def lead(self, target: int) -> None:
        """Elsewhere from now on; who is connected is cut off."""
        self.target = target
        self.cut()

    def cut(self) -> None:
        """Every connection ends."""
        ended, self._open = self._open, []
        for each in ended:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError):
            if not self.target:
                return
            with socket.create_connection(("127.0.0.1", self.target)) as onward:
                self._open += [caller, onward]
                threading.Thread(target=self._pass_on, args=(onward, caller), daemon=True).start()
                self._pass_on(caller, onward)

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(4096):
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
