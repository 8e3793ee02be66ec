"""Road times in place of straight lines: from a server that answers in time; any other delays nobody."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.dispatch.test_duty import NOW, PLACE, WIB, Kept, beside, keys, person, position, put, shift
from siaga_gateway.adapters.road_times import OsrmRoadTimes
from siaga_gateway.config.dispatch import DispatchSettings
from siaga_gateway.domain.responders import FROM_HOME_S, Transport
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.formats.osrm import OsrmError, durations, table_path
from siaga_gateway.service.dispatch.duty import Duty
from waiting import ENDS_S


class Roads:
    """A server that answers what it is told to, after what it waits for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.body: bytes = b""
        self.go_on = threading.Event()
        self.go_on.set()
        roads = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                roads.asked.append(self.path)
                roads.go_on.wait(ENDS_S)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(roads.body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/osrm/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, *seconds: float | None) -> None:
        self.body = json.dumps({"code": "Ok", "durations": [[each] for each in seconds]}).encode()


@pytest.fixture
def roads() -> Iterator[Roads]:
    made = Roads()
    yield made
    made.go_on.set()
    made.server.shutdown()
    made.server.server_close()


def test_a_question_has_the_longitude_first_and_the_place_last() -> None:
    assert table_path([(-54_292_000, 1_052_611_000), (0, -1)], (10**7, 2 * 10**7)) == (
        "/table/v1/driving/105.2611000,-5.4292000;-0.0000001,0.0000000;2.0000000,1.0000000"
        "?sources=0;1&destinations=2&annotations=duration"
    )


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b'{"code":"NoTable"}', b'{"code":"Ok","durations":[[1]]}', b'{"code":"Ok","durations":[[],[]]}',
     b'{"code":"Ok","durations":[["x"],[1]]}', b"[" * 99_999],
)  # fmt: skip
def test_an_answer_without_times_is_none(raw: bytes) -> None:
    with pytest.raises(OsrmError, match="OSRM"):
        durations(raw, 2)


def test_times_are_whole_seconds_and_no_road_is_told() -> None:
    raw = b'{"code":"Ok","durations":[[61.6],[null],[-1],[1e300]]}'
    assert durations(raw, 4) == [62, None, None, None]


def test_whoever_is_sooner_by_road_comes_first(roads: Roads) -> None:
    near, far = person("near", transport=Transport.CAR), person("far")
    foot, home = person("foot", transport=Transport.FOOT), person("home", home=beside(PLACE, 3_000))
    kept = Kept(
        [near, far, foot, home], [shift("near"), shift("far"), shift("foot"), shift("home", duty=DutyState.AVAILABLE)]
    )
    put(kept, position("near", beside(PLACE, 500)), position("far", beside(PLACE, 2_000)))
    put(kept, position("foot", beside(PLACE, 100)))
    duty = Duty(kept, WIB, roads=OsrmRoadTimes(roads.url, deadline_s=60))
    roads.says(900, 200, 50)  # a river is in between
    found = duty.near(PLACE, NOW, 5_000)
    assert [(each.key, each.estimate_s, each.by_road) for each in found] == [
        ("foot", 100, False),
        ("far", 200, True),
        ("home", 50 + FROM_HOME_S, True),
        ("near", 900, True),
    ]
    assert roads.asked[0].startswith("/osrm/table/v1/driving/") and roads.asked[0].count(";") == 3 + 2
    roads.says(None, 200, None)
    assert [each.by_road for each in duty.near(PLACE, NOW, 5_000) if each.key != "far"] == [False] * 3


def test_a_server_that_hangs_or_lies_delays_nobody_and_is_left_alone_for_a_while(
    roads: Roads, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    times = OsrmRoadTimes(roads.url, clock=lambda: now)
    kept = Kept([person("a")], [shift("a")])
    duty = Duty(kept, WIB, roads=times)
    roads.go_on.clear()
    began = time.monotonic()
    assert keys(duty.near(PLACE, NOW, 5_000)) == ["a"]
    assert time.monotonic() - began < ENDS_S / 2, "and not for the server"
    assert caplog.text.count("no road times") == 1
    for _ in range(3):
        assert times.seconds([PLACE], PLACE) is None
    assert len(roads.asked) == 1, "it rests"
    now = 31.0
    assert times.seconds([PLACE], PLACE) is None, "the question before is still under way"
    roads.go_on.set()


def test_a_lie_is_no_answer_and_the_next_one_may_be(roads: Roads) -> None:
    now = 0.0
    times = OsrmRoadTimes(roads.url, deadline_s=ENDS_S, clock=lambda: now)
    roads.body = b"<html>"
    assert times.seconds([PLACE], PLACE) is None
    roads.says(7)
    assert times.seconds([PLACE], PLACE) is None, "not asked"
    now = 31.0
    assert times.seconds([PLACE], PLACE) == [7]
    roads.server.shutdown()
    roads.server.server_close()
    assert times.seconds([PLACE], PLACE) is None and times.seconds([], PLACE) is None


@pytest.mark.parametrize(
    "url", ["127.0.0.1:5000", "ftp://x", "http://", "http://roads.example", "https://u@x", "http://127.0.0.1?x"]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="osrm"):
        DispatchSettings(osrm=url)


def test_an_address_here_or_by_tls_is_taken() -> None:
    for url in ("http://127.0.0.1:5000", "http://localhost", "https://roads.example/osrm"):
        assert DispatchSettings(osrm=url).osrm == url
