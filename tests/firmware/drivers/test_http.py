"""The button's HTTP client under MicroPython against real servers, well-behaved and not."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.bundle_server import BundleServer
from gateway.outputs.receiver_certificates import Authority
from micropython import run_micropython

PROGRAM = Path(__file__).resolve().parents[1] / "on_button" / "fetch.py"
FILE = random.Random(7).randbytes(20_000)


def fetch(*asked: tuple[int, str], ca: str = "") -> list[dict[str, Any]]:
    lines = [json.dumps({"ca": ca})] + [f"{start} {url}" for start, url in asked]
    said = run_micropython(PROGRAM, feed="\n".join(lines) + "\n")
    return [json.loads(line) for line in said.splitlines()]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def answering(words: bytes, hold: bool = False) -> Iterator[str]:
    """A server that says these bytes to whoever comes, and hangs up, or does not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def serve() -> None:
            try:
                while True:
                    connection, _ = listening.accept()
                    held.append(connection)
                    connection.recv(4096)
                    connection.sendall(words)
                    if not hold:
                        connection.close()
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/b.siaga"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()
            thread.join(10)


def test_a_file_comes_whole_and_from_any_place():
    with BundleServer(FILE) as server:
        whole, rest, beyond = fetch((0, server.url), (12_345, server.url), (20_000, server.url))
        assert (whole["got"], whole["total"], whole["sha"], whole["validator"]) == (20_000, 20_000, sha(FILE), '"1"')
        assert (rest["start"], rest["total"], rest["sha"]) == (12_345, 20_000, sha(FILE[12_345:]))
        assert whole["longest"] <= 1024 and "416" in beyond["failed"]
        assert server.asked == ["", "bytes=12345-", "bytes=20000-"]


def test_servers_without_ranges_and_with_chunks():
    with BundleServer(FILE) as server:
        server.ranges = False
        [whole] = fetch((5_000, server.url))
        assert (whole["start"], whole["sha"]) == (0, sha(FILE))
        server.ranges, server.chunked = True, True
        [whole, rest] = fetch((0, server.url), (777, server.url))
        assert (whole["total"], whole["sha"]) == (-1, sha(FILE))
        assert (rest["total"], rest["sha"]) == (20_000, sha(FILE[777:]))


@pytest.mark.side_by_side(2)
def test_what_breaks_or_is_refused_is_told():
    with BundleServer(FILE) as server:
        server.cut_after = 3_000
        assert "closed in the middle of the file" in fetch((0, server.url))[0]["failed"]
        server.cut_after, server.stall_at = None, 3_000
        assert "stopped in the middle" in fetch((0, server.url))[0]["failed"]
        server.status = 404
        assert fetch((0, server.url))[0]["final"] is True
        server.status = 302
        assert "redirects" in fetch((0, server.url))[0]["failed"]
        server.status = 503
        assert fetch((0, server.url))[0]["final"] is False
    assert fetch((0, "https://localhost/b"))[0]["failed"].startswith("setting mqtt_ca is missing")
    assert "port" in fetch((0, "http://localhost:x/b"))[0]["failed"]


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 5_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-9/20\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_nonsense_is_an_error_with_a_reason(words: bytes):
    with answering(words) as url:
        [told] = fetch((0, url))
    assert told["kind"] == "HttpError" and told["failed"]


@pytest.mark.side_by_side(2)
def test_a_server_that_says_nothing_is_given_up():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Le", hold=True) as url:
        [told] = fetch((0, url))
    assert told["kind"] == "HttpError"


def test_a_body_without_a_length_ends_with_the_connection():
    with answering(b"HTTP/1.1 200 OK\r\nLast-Modified: Tue, 24 Nov 2026 00:00:00 GMT\r\n\r\nabc") as url:
        [told] = fetch((0, url))
    assert (told["got"], told["total"], told["validator"]) == (3, -1, "Tue, 24 Nov 2026 00:00:00 GMT")


def test_tls_verifies_the_server_and_its_name(tmp_path: Path):
    authority = Authority(tmp_path, "house")
    authority.server("localhost")
    with BundleServer(FILE, tmp_path / "localhost-False.pem") as server:
        [whole] = fetch((0, server.url), ca=authority.file.read_text())
        assert whole["sha"] == sha(FILE)
        [named] = fetch((0, server.url.replace("localhost", "other.example")), ca=authority.file.read_text())
        [strange] = fetch((0, server.url), ca=Authority(tmp_path, "stranger").file.read_text())
        assert named["kind"] in ("ValueError", "OSError") and strange["kind"] in ("ValueError", "OSError")
        assert len(server.asked) == 1


@given(st.text(max_size=80) | st.from_regex(r"https?://[a-z0-9.]+(:[0-9]+)?(/[ -~]*)?", fullmatch=True))
def test_an_address_is_taken_apart_or_refused(url: str):
    from siaga.core.errors import SiagaError
    from siaga.drivers.http_source import split_url

    try:
        tls, host, port, path = split_url(url)
    except SiagaError:
        return
    assert host and 0 < port < 65536 and path.startswith("/")
    assert not set(host + path) & set(' "\r\n\\')
    assert url.startswith("https://" if tls else "http://")


def test_a_connection_that_finds_no_memory_says_so():
    """Outside Python's heap: lwIP and mbedTLS tell it so (extmod/modtls_mbedtls.c)."""
    program = "from siaga.drivers.tcp import reason\n" + "".join(
        f"print(reason({error}))\n"
        for error in ("OSError(12)", "OSError(-32512, 'MBEDTLS_ERR_SSL_ALLOC_FAILED')", "OSError(111)", "OSError()")
    )
    said = run_micropython(program).splitlines()
    assert said[0].startswith("no memory beside Python's heap") and said[1].startswith("no memory beside Python's heap")
    assert (
        said[2:] == ["network error ECONNREFUSED", "OSError()"] or said[2] == "network error [Errno 111] ECONNREFUSED"
    )
