"""Events a second, against Node-RED doing the same: MQTT in, P-256 verified, stored with fsync, an HTTP request out.

The same frames through the same Mosquitto to the same receiver, one after the other on the same machine. Node-RED is
installed from npm into build/ once, at the versions of tests/bench/node_red/package-lock.json. It is given what helps
it: keys loaded beforehand, better-sqlite3 in the function node, one table with one index. The gateway does all that it
does: incidents, journal, audit chain, signed answers.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sqlite3

import httpx
from publisher import Publisher
from telling import say

from brokers import Mosquitto, wait_until_open
from gateway.enrolled_devices import enrolled_buttons
from pressing_button import PressingButton, at
from siaga_gateway.adapters.sql import store_path
from system.running_gateway import Gateway
from waiting import eventually

HERE = Path(__file__).resolve().parent / "node_red"
INSTALLED = HERE.parents[2] / "build" / "node-red"
BUTTONS = 500
EVENTS = 10_000
DEADLINE_S = 300.0
BROKER = ("max_inflight_messages 0", "set_tcp_nodelay true")


def installed() -> Path:
    """Node-RED's start script. SystemExit with a clear word where it cannot be had."""
    start = INSTALLED / "node_modules" / "node-red" / "red.js"
    lock = (HERE / "package-lock.json").read_bytes()
    if start.exists() and (INSTALLED / "package-lock.json").read_bytes() == lock:
        return start
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, INSTALLED)
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=INSTALLED,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode != 0:
        skip(f"npm cannot install Node-RED: {done.stderr.strip()[-300:]}")
    return start


def skip(why: str) -> None:
    print(json.dumps({"name": f"skipped: {why}", "value": 0, "unit": ""}), flush=True)
    raise SystemExit(0)


@contextmanager
def receiver() -> Iterator[int]:
    process = subprocess.Popen(["node", str(HERE / "receiver.js")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def taken(port: int) -> int:
    return int(httpx.get(f"http://127.0.0.1:{port}/count", timeout=30).text)


@contextmanager
def node_red(folder: Path, port: int, url: str, buttons: Sequence[PressingButton]) -> Iterator[Path]:
    """Gives its store."""
    start = installed()
    keys = {button.device_id.hex(): _jwk(button.public_xy) for button in buttons}
    (folder / "keys.json").write_text(json.dumps(keys))
    flow = (HERE / "flow.json").read_text().replace('"PORT"', json.dumps(str(port))).replace('"URL"', json.dumps(url))
    flow = flow.replace('"FUNCTION"', json.dumps((HERE / "check.js").read_text()))
    (folder / "flow.json").write_text(flow)
    environment = {**os.environ, "BENCH_FOLDER": str(folder), "NODE_PATH": str(INSTALLED / "node_modules")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["node", str(start), "-s", str(HERE / "settings.js"), "-u", str(folder)],
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        yield folder / "node-red.db"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _jwk(public_xy: bytes) -> dict[str, str]:
    x, y = (base64.urlsafe_b64encode(half).rstrip(b"=").decode() for half in (public_xy[:32], public_xy[32:]))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def events_in(store: Path) -> int:
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])
    finally:
        connection.close()


def measure(port: int, store: Path, out: int, frames: Sequence[bytes], before: int) -> tuple[float, float]:
    """(stored, delivered) a second, from the first publish on."""
    with Publisher() as publishers:
        begun = time.monotonic()
        publishing = publishers.start(port, "bench-buttons", frames, 0, begun)
        eventually(lambda: events_in(store) >= before + len(frames), "storing", timeout_s=DEADLINE_S)
        stored = time.monotonic() - begun
        eventually(lambda: taken(out) >= before + len(frames), "delivering", timeout_s=DEADLINE_S)
        delivered = time.monotonic() - begun
        publishing.result(DEADLINE_S)
    return len(frames) / stored, len(frames) / delivered


def main() -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        skip("Node-RED needs npm and Node.js: sudo apt-get install npm")
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    installed()
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as ours_folder,
        tempfile.TemporaryDirectory() as broker_folder,
        Mosquitto(Path(broker_folder), *BROKER) as broker,
        receiver() as out,
    ):
        url = f"http://127.0.0.1:{out}/cad"
        gateway = Gateway(Path(ours_folder), broker.port, out)
        buttons = enrolled_buttons(gateway.data, BUTTONS)
        now_s = int(time.time())
        frames = [buttons[n % BUTTONS].press(now_s, again=n >= BUTTONS, **at()) for n in range(events + BUTTONS)]
        first, rest = frames[:BUTTONS], frames[BUTTONS:]  # the first warm both up: keys, caches, connections
        with node_red(Path(folder), broker.port, url, buttons) as store, Publisher() as publishers:
            eventually(store.exists, "Node-RED's start", timeout_s=DEADLINE_S)
            time.sleep(5)  # its subscription: nothing tells of it from outside
            publishers.start(broker.port, "bench-warm", first, 0).result(DEADLINE_S)
            eventually(
                lambda: events_in(store) >= BUTTONS and taken(out) >= BUTTONS, "warming up", timeout_s=DEADLINE_S
            )
            theirs = measure(broker.port, store, out, rest, BUTTONS)
        before = taken(out)
        wait_until_open(broker.port)
        with gateway, Publisher() as publishers:
            store = store_path(gateway.data)
            publishers.start(broker.port, "bench-warm", first, 0).result(DEADLINE_S)
            eventually(
                lambda: events_in(store) >= BUTTONS and taken(out) >= before + BUTTONS,
                "warming up",
                timeout_s=DEADLINE_S,
            )
            with Publisher() as publishers:
                begun = time.monotonic()
                publishing = publishers.start(broker.port, "bench-buttons", rest, 0, begun)
                eventually(lambda: events_in(store) >= len(frames), "storing", timeout_s=DEADLINE_S)
                stored = len(rest) / (time.monotonic() - begun)
                eventually(lambda: taken(out) >= before + len(frames), "delivering", timeout_s=DEADLINE_S)
                delivered = len(rest) / (time.monotonic() - begun)
                publishing.result(DEADLINE_S)
            gateway.stop()
    say("Node-RED: verified and stored", theirs[0], "1/s")
    say("gateway: verified and stored", stored, "1/s")
    say("verified and stored / Node-RED", stored / theirs[0], "times", "Node-RED: verified and stored")
    say("Node-RED: delivered by HTTP", theirs[1], "1/s")
    say("gateway: delivered by HTTP", delivered, "1/s")
    say("delivered by HTTP / Node-RED", delivered / theirs[1], "times", "Node-RED: delivered by HTTP", "at least 8")


if __name__ == "__main__":
    main()
