"""A wire between a browser and a console that can go dead without a word, as radio links and routers do."""

from __future__ import annotations

import contextlib
import socket
import threading

from waiting import ENDS_S


class Wire:
    """Passes TCP connections on to `port`, until they are cut: then both ends stay open and hear nothing more."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._cut = threading.Event()  # of the present generation of connections
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        number: int = self._listening.getsockname()[1]
        return number

    def go_dead(self) -> None:
        """All connections that exist now; new ones work."""
        self._cut.set()
        self._cut = threading.Event()

    def close(self) -> None:
        self._listening.close()
        for end in self._open:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target), timeout=ENDS_S)
            except OSError:
                return
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink, self._cut), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            source.settimeout(None)
            while chunk := source.recv(65_536):
                if cut.is_set():
                    return  # and say nothing to either end
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
