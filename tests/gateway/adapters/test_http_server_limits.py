"""A web server among strangers: who says nothing, says it slowly or does not read, holds no place that others need."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from siaga_gateway.adapters.http_server_limits import (
    ConnectionLimiter,
    ConnectionLimits,
    behind_proxies,
    connections_within,
)
from siaga_gateway.bootstrap.preflight import bound_socket
from waiting import ENDS_S, eventually


async def _hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"hello {len(await request.body())}")


async def _flood(_: Request) -> StreamingResponse:
    async def much() -> object:
        for _ in range(10_000):
            yield b"x" * 65_536

    return StreamingResponse(much())  # type: ignore[arg-type]


async def _slow(request: Request) -> PlainTextResponse:
    await request.body()
    await asyncio.sleep(600)
    return PlainTextResponse("at last")


async def _who(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{request.client and request.client.host} {request.url.scheme}")


class Walled:
    def __init__(self, limits: ConnectionLimits, host: str = "127.0.0.1") -> None:
        self.limiter = ConnectionLimiter("test", limits)
        hello = [Route(path, _hello, methods=["GET", "POST"]) for path in ("/", "/file")]
        routes = [*hello, Route("/flood", _flood)]
        app = Starlette(routes=[*routes, Route("/slow", _slow, methods=["GET", "POST"]), Route("/who", _who)])
        guarded = self.limiter.guard(behind_proxies(app, limits.proxies))
        self.server = uvicorn.Server(
            uvicorn.Config(
                guarded, http=self.limiter.protocol, log_config=None, lifespan="off", ws="none", proxy_headers=False
            )
        )
        self.bound = bound_socket("test", host, 0)
        self.thread = threading.Thread(target=self.server.run, args=([self.bound],), daemon=True)
        self.thread.start()
        eventually(lambda: self.server.started, "it listens")

    def knock(self, said: bytes = b"") -> socket.socket:
        line = socket.create_connection(self.bound.getsockname(), 30)
        line.sendall(said)
        return line

    def asks(self) -> str:
        host, port = self.bound.getsockname()[:2]
        return httpx.get(f"http://{host}:{port}/", timeout=ENDS_S, trust_env=False, verify=False).text

    def end(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(ENDS_S)
        self.bound.close()


@pytest.fixture
def walled() -> Iterator[object]:
    with contextlib.ExitStack() as stack:

        def start(host: str = "127.0.0.1", **limits: object) -> Walled:
            given = {"connections": 20, "each": 20, **limits}
            made = Walled(ConnectionLimits(**given), host)  # type: ignore[arg-type]
            stack.callback(made.end)
            return made

        yield start


def gone(line: socket.socket) -> bool:
    line.settimeout(ENDS_S)
    try:
        while line.recv(65_536):
            pass
    except ConnectionError:
        return True
    return True


def test_who_holds_all_places_and_says_nothing_gives_way_to_who_asks(walled) -> None:  # type: ignore[no-untyped-def]
    server = walled(head_s=600)
    strangers = [server.knock() for _ in range(60)]
    eventually(lambda: server.limiter.connections == 20, "no more than there may be")
    started = [server.knock(b"GET / HTTP/1.1\r\nHost: x\r\n") for _ in range(30)]
    assert [server.asks() for _ in range(5)] == ["hello 0"] * 5
    assert all(gone(line) for line in strangers), "the oldest went first"
    for line in started:
        line.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",  # answered, and then nothing more
    ],
    ids=["nothing", "half a head", "half a body", "no chunk", "no second request"],
)
def test_what_does_not_come_in_time_is_not_waited_for(walled, said: bytes) -> None:  # type: ignore[no-untyped-def]
    server = walled(head_s=0.5, body_s=0.5)
    line = server.knock(said)
    assert gone(line)
    eventually(lambda: server.limiter.connections == 0, "its place is free")


def test_a_head_in_drips_is_cut_off_and_one_without_end_is(walled) -> None:  # type: ignore[no-untyped-def]
    server = walled(head_s=1)
    line = server.knock(b"GET / HTTP/1.1\r\n")
    deadline = time.monotonic() + ENDS_S
    with pytest.raises(ConnectionError):
        while time.monotonic() < deadline:
            line.sendall(b"X: y\r\n")
            time.sleep(0.02)  # no wait of a test: its drips
    endless = server.knock(b"GET / HTTP/1.1\r\nX-Endless: ")
    with pytest.raises(ConnectionError):
        while time.monotonic() < deadline:
            endless.sendall(b"x" * 65_536)


@pytest.mark.parametrize(
    "asked",
    [b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"],
    ids=["without a body", "with one"],
)
def test_a_head_without_end_behind_a_request_under_way_is_cut_off(walled, asked: bytes) -> None:  # type: ignore[no-untyped-def]
    server = walled(body_s=600)
    line = server.knock(asked + b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: ")
    with pytest.raises(ConnectionError):
        for _ in range(400):  # 26 MB
            line.sendall(b"x" * 65_536)


def test_a_proxy_that_comes_by_ipv4_to_a_door_for_both_is_known(walled) -> None:  # type: ignore[no-untyped-def]
    server = walled("::", proxies=("127.0.0.0/8",))
    port = server.bound.getsockname()[1]
    headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    told = httpx.get(
        f"http://127.0.0.1:{port}/who", headers=headers, timeout=ENDS_S, trust_env=False, verify=False
    ).text
    assert told == "203.0.113.9 https"


def test_who_does_not_read_is_cut_off(walled) -> None:  # type: ignore[no-untyped-def]
    server = walled(read_s=1)
    line = server.knock(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
    eventually(lambda: server.limiter.connections == 1, "it is there")
    eventually(lambda: server.limiter.connections == 0, "and cut off")
    line.close()


def test_a_body_that_comes_is_read_and_long_work_is_not_cut_off(walled) -> None:  # type: ignore[no-untyped-def]
    server = walled(head_s=0.5, body_s=5)
    line = server.knock(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\n12")
    time.sleep(0.2)
    line.sendall(b"34")
    with line, line.makefile("rb") as answer:
        assert b"hello 4" in answer.read()


def test_a_file_has_longer_to_come_and_no_other_body_has(walled) -> None:  # type: ignore[no-untyped-def]
    server = walled(body_s=0.5, upload_s=600, is_upload=lambda path: path == "/file")
    head = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\n12"
    file, other = server.knock(b"POST /file" + head), server.knock(b"POST /" + head)
    assert gone(other)
    file.sendall(b"34")
    with file, file.makefile("rb") as answer:
        assert b"hello 4" in answer.read()


def test_where_few_files_may_be_open_some_are_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {1024: 400, 512: 230, 256: 76, 64: 16, resource.RLIM_INFINITY: 400}
    for limit, connections in allowed.items():
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert connections_within(400, 0.6) == connections


def test_one_address_has_its_share_of_places_and_one_that_many_share_has_all(walled) -> None:  # type: ignore[no-untyped-def]
    limiter = ConnectionLimiter("test", ConnectionLimits(10, 3, ("10.1.0.0/16", "192.0.2.7")))
    for shared in ("127.0.0.1", "::1", "10.1.2.3", "192.0.2.7", ""):
        assert limiter._shared(shared), shared
    for one in ("10.2.0.1", "192.0.2.8", "2001:db8::1"):
        assert not limiter._shared(one), one
    server = walled(each=3, head_s=600)
    server.limiter._shared = lambda address: False  # as if this machine were another
    first, *others = [server.knock() for _ in range(6)]
    assert gone(first)
    assert server.asks() == "hello 0"
    assert server.limiter.connections <= 3
    for line in others:
        line.close()
