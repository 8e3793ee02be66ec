"""A file by the modem's HTTP(S): the driver under MicroPython, a simulated A7670 or SIM7600, a real server behind."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.bundle_server import BundleServer
from firmware.drivers.driver_process import Conversation
from gateway.outputs.receiver_certificates import Authority
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_faults import Fault

pytestmark = pytest.mark.side_by_side(4)

PROGRAM = Path(__file__).resolve().parent / "on_button" / "fetch.py"
PACE = 0.04
FILE = random.Random(7).randbytes(20_000)


class Fetching:
    def __init__(self, folder: Path, model: str, ca: str) -> None:
        self.modem = A7670(folder, pace=PACE, model=model)
        file = folder / "settings.json"
        file.write_text(json.dumps({"percent": int(PACE * 100), "ca": ca}))
        self._start = lambda: Conversation(PROGRAM, self.modem.path, self.modem.pins.path, str(file))

    def __enter__(self) -> Fetching:
        self.modem.__enter__()
        self.program = self._start()
        self.program.until(60, up=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__()
        self.modem.__exit__(None, None, None)

    def get(self, url: str, start: int = 0) -> dict[str, Any]:
        known = len(self.program.heard)
        self.program.say(f"get {start} {url}")
        while True:
            told = self.program.until(60)
            if "got" in told and len(self.program.heard) > known:
                return told


Maker = Callable[..., Fetching]


@pytest.fixture
def fetching(tmp_path: Path) -> Iterator[Maker]:
    made: list[Fetching] = []

    def make(*faults: Fault, model: str = "A7670E-FASE", ca: str = "") -> Fetching:
        one = Fetching(tmp_path, model, ca)
        one.modem.faults.update(faults)
        made.append(one)
        return one.__enter__()

    yield make
    for each in made:
        each.__exit__()


@pytest.fixture
def server() -> Iterator[BundleServer]:
    with BundleServer(FILE) as running:
        yield running


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("model", ["A7670E-FASE", "SIMCOM_SIM7600E-H"])
def test_a_file_comes_in_parts_from_any_place(fetching: Maker, server: BundleServer, model: str):
    it = fetching(model=model)
    whole = it.get(server.url)
    assert (whole["got"], whole["start"], whole["total"], whole["sha"]) == (20_000, 0, 20_000, sha(FILE))
    assert whole["validator"] == '"1"' and whole["longest"] <= 1024
    assert server.asked == ["bytes=0-8191", "bytes=8192-16383", "bytes=16384-24575"]
    rest = it.get(server.url, 12_345)
    assert (rest["got"], rest["start"], rest["total"], rest["sha"]) == (7_655, 12_345, 20_000, sha(FILE[12_345:]))
    server.content = FILE[: 2 * 8192]
    assert it.get(server.url)["sha"] == sha(server.content), "the last part is a full one"
    asked = [text for text in it.modem.asked if text.startswith("AT+HTTPREAD")]
    assert asked[:2] == ["AT+HTTPREAD=0,1024", "AT+HTTPREAD=1024,1024"]


def test_a_server_without_ranges_gives_it_whole(fetching: Maker, server: BundleServer):
    server.ranges = False
    it = fetching()
    whole = it.get(server.url, 5_000)
    assert (whole["got"], whole["start"], whole["sha"]) == (20_000, 0, sha(FILE))
    assert len(server.asked) == 1


def test_stray_words_noise_and_results_first(fetching: Maker, server: BundleServer):
    it = fetching(Fault.STRAY_WORDS, Fault.RESULT_FIRST, Fault.NOISE)
    assert it.get(server.url)["sha"] == sha(FILE)


def test_what_a_server_refuses_and_what_breaks_is_told(fetching: Maker, server: BundleServer):
    it = fetching()
    server.status = 404
    assert it.get(server.url) == {"got": 0, "failed": "the server answers 404", "kind": "HttpError", "final": True}
    server.status = 503
    assert it.get(server.url)["final"] is False
    server.status = 0
    assert it.get(server.url, 20_000)["failed"] == "the server answers 416"
    server.cut_after = 3_000
    assert "error 706" in it.get(server.url)["failed"]
    server.cut_after = None
    assert "error 714" in it.get("http://127.0.0.1:9/b.siaga")["failed"]
    assert "letters" in it.get("ftp://127.0.0.1/b.siaga")["failed"]
    assert "mqtt_ca is missing" in it.get("https://localhost/b.siaga")["failed"]
    it.modem.fail(Fault.NO_DATA)
    assert it.get(server.url)["failed"]
    it.modem.heal()
    assert it.get(server.url)["sha"] == sha(FILE), "and it goes on after all that"


def test_a_file_that_changes_in_the_middle_is_noticed(fetching: Maker, server: BundleServer):
    it = fetching()
    server.stall_at = 7_000  # in the first part, while the file is replaced
    it.program.say(f"get 0 {server.url}")
    assert server.stalled.wait(60)
    server.etag, server.stall_at = '"2"', None
    server.go_on.set()
    assert it.program.until(60, failed="the file has changed")["got"] == 8192


def test_tls_verifies_the_server(fetching: Maker, tmp_path: Path):
    authority, stranger = Authority(tmp_path, "house"), Authority(tmp_path, "stranger")
    for maker in (authority, stranger):
        maker.server("localhost")
        certificate = (tmp_path / "localhost-False.pem").rename(tmp_path / f"{maker is authority}.pem")
        assert certificate.exists()
    it = fetching(ca=authority.file.read_text())
    with BundleServer(FILE, tmp_path / "True.pem") as server:
        assert it.get(server.url)["sha"] == sha(FILE)
        assert it.modem.http.verified
    with BundleServer(FILE, tmp_path / "False.pem") as server:
        assert "certificate" in it.get(server.url)["failed"]
        assert not server.asked
