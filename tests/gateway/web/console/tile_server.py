"""A small tile server of a site, on loopback: it can be away and come back at the same address."""

from __future__ import annotations

import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from brokers import free_port
from siaga_tools.demo import invented_town
from waiting import ENDS_S

_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


class TileServer:
    """Serves tiles of invented towns, or plain pictures, at `/{z}/{x}/{y}`."""

    def __init__(self, schema: str) -> None:
        """schema: protomaps, openmaptiles or raster."""
        self.port = free_port()
        self.asked = 0
        self._schema = schema
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def tiles(self) -> str:
        return f"http://127.0.0.1:{self.port}/{{z}}/{{x}}/{{y}}"

    def start(self) -> None:
        served = self

        class Tiles(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked += 1
                zoom, x, y = (int(part) for part in self.path.strip("/").split("/"))
                body, kind = served.tile(zoom, x, y)
                self.send_response(200)
                for name, value in (*_HEADERS.items(), ("Content-Type", kind), ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Tiles)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away: nobody answers at its address."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(ENDS_S)
            self._server = None

    def tile(self, zoom: int, x: int, y: int) -> tuple[bytes, str]:
        if self._schema == "raster":
            return PICTURE, "image/png"
        return invented_town.tile(zoom, x, y, self._schema), "application/vnd.mapbox-vector-tile"


def _png(red: int, green: int, blue: int, side: int = 256) -> bytes:
    """Return a picture of one colour."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    head = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


PICTURE: Final = _png(200, 40, 160)
