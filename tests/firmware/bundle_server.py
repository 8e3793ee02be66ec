"""A real HTTP server on loopback for one file, as web servers are: with ranges or without, slow, rude, and with a file
that changes."""

from __future__ import annotations

import contextlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class BundleServer:
    """content, etag: of the file. cut_after: bytes after which each connection breaks, None = never. ranges: whether it
    knows Range. status: answered instead, 0 = none. asked: the Range of each request, "" = none. stall_at:
    where in the file an answer stops until go_on is set."""

    def __init__(self, content: bytes = b"", certificate: Path | None = None) -> None:
        self.content = content
        self.etag = '"1"'
        self.cut_after: int | None = None
        self.ranges = True
        self.chunked = False
        self.status = 0
        self.stall_at: int | None = None
        self.asked: list[str] = []
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._tls = certificate is not None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        port = self._server.server_address[1]
        return f"https://localhost:{port}/b.siaga" if self._tls else f"http://127.0.0.1:{port}/b.siaga"

    def __enter__(self) -> BundleServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.asked.append(asked)
        content, start, end, status = self.content, 0, len(self.content), 200
        if self.status:
            request.send_response(self.status)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if asked and self.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, status = int(first), 206
            end = min(end, int(last) + 1) if last else end
            if start >= len(content):
                request.send_response(416)
                request.send_header("Content-Range", f"bytes */{len(content)}")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
        request.send_response(status)
        if self.etag:
            request.send_header("ETag", self.etag)
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        if self.chunked:
            request.send_header("Transfer-Encoding", "chunked")
        else:
            request.send_header("Content-Length", str(end - start))
        request.end_headers()
        with contextlib.suppress(OSError):
            self._send(request, content[start:end], start)

    def _send(self, request: BaseHTTPRequestHandler, body: bytes, start: int) -> None:
        sent = 0
        for at in range(0, len(body), 700):
            piece = body[at : at + 700]
            if self.stall_at is not None and start + at >= self.stall_at:
                self.stalled.set()
                self.go_on.wait(60)
            if self.cut_after is not None and sent + len(piece) > self.cut_after:
                request.wfile.flush()
                request.close_connection = True
                request.connection.close()
                return
            if self.chunked:
                piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            request.wfile.write(piece)
            sent += len(body[at : at + 700])
        if self.chunked:
            request.wfile.write(b"0\r\n\r\n")
