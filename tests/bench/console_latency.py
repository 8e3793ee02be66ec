"""From a button's publish to the event on an operator's console, through Mosquitto and the gateway's own process.

Three runs: many presses a second; a few a second; the same few while others send thousands of check-ins a second beside
them, which is more than two cores with broker and senders can take, so that some are let go. The console is a client of
the live stream in a process of its own. Frames are signed beforehand.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
from publisher import Publisher
from telling import say

from brokers import Mosquitto
from gateway.enrolled_devices import enrolled_buttons
from pressing_button import PressingButton, at, report_body
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame import Kind, Suite
from system.running_gateway import Gateway
from waiting import eventually

MANY = (1_000, 60)  # presses a second, seconds
FEW = (50, 20)
CHECK_INS = 20_000  # a second, by MAC; each button's first one came before the clock ran
BUTTONS = 4_000
WARM_UP_S = 3.0
DEADLINE_S = 120.0
# Against a broker that gives the gateway all that it can take, and acknowledges at once.
BROKER = ("max_inflight_messages 0", "set_tcp_nodelay true")


def listen(url: str, cookie: str, pipe: Connection) -> None:
    """An operator's page, without the page: notes when each row of the journal came, until told to end."""
    shown: dict[int, float] = {}
    row = 0
    headers = {"Cookie": cookie, "Origin": url.rstrip("/")}
    with httpx.Client(timeout=None) as client, client.stream("GET", f"{url}live", headers=headers) as stream:
        pipe.send("ready")
        rest = b""
        for part in stream.iter_raw():
            now = time.monotonic()
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if line.startswith(b"id: "):
                    row = int(line[4:])
                elif line.startswith(b"data: "):
                    shown[row] = now
            if pipe.poll():
                break
    pipe.send(shown)


class Console:
    def __init__(self, url: str) -> None:
        with httpx.Client(base_url=url, headers={"Origin": url.rstrip("/")}, timeout=30) as client:
            answer = client.post("/sign-in", data={"name": "Bench"})
            if answer.status_code != 303:
                raise SystemExit(f"the console did not let us in: {answer.status_code}")
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process: BaseProcess = context.Process(target=listen, args=(url, cookie, other), daemon=True)
        self._process.start()
        if not self._pipe.poll(60):
            raise SystemExit("the console's live stream did not begin")
        self._pipe.recv()

    def end(self) -> dict[int, float]:
        """When each row of the journal was shown; monotonic seconds. The next row or tick ends it."""
        self._pipe.send("end")
        if not self._pipe.poll(60):
            raise SystemExit("the console did not end")
        shown: dict[int, float] = self._pipe.recv()
        self._process.join(10)
        return shown


def run(rate: int, seconds: int, *, check_ins: int = 0) -> tuple[list[float], int, int, int]:
    """(waits in ms, sorted, without the warm-up's; presses not shown; check-ins taken in; those let go and counted)."""
    presses = rate * seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as broker_folder,
        Mosquitto(Path(broker_folder), *BROKER) as broker,
        Publisher(2) as publishers,
    ):
        gateway = Gateway(Path(folder), broker.port)
        count = min(presses, BUTTONS)
        buttons = enrolled_buttons(gateway.data, count + (BUTTONS if check_ins else 0))
        now_s = int(time.time())
        frames = [buttons[n % count].press(now_s, again=n >= count, **at()) for n in range(presses)]
        routine = made_check_ins(buttons[count:], check_ins * seconds, now_s) if check_ins else []
        with gateway:
            console = Console(gateway.console)
            begin = time.monotonic() + 1.0
            pressing = publishers.start(broker.port, "bench-presses", frames, rate, begin)
            checking = publishers.start(broker.port, "bench-check-ins", routine, check_ins, begin) if routine else None
            sent = pressing.result(seconds + DEADLINE_S)
            if checking is not None:
                checking.result(seconds + DEADLINE_S)
            settle(gateway.data, presses)
            shown = console.end()
            gateway.stop()
        store = SqlStore(store_path(gateway.data), 0)
        rows = store.fetch(
            "SELECT id, device_id, json_extract(facts, '$.counter') FROM journal "
            "WHERE kind IN ('incident_opened', 'pressed_again')"
        )
        # Check-ins are counted, not stored; presses are both.
        heard = store.fetch("SELECT coalesce(sum(events), 0) FROM device_status")[0][0]
        stored = heard - store.fetch("SELECT count(*) FROM event WHERE kind <> ?", (int(Kind.CHECKIN),))[0][0]
        let_go = store.fetch(
            "SELECT coalesce(sum(coalesce(json_extract(facts, '$.count'), 1)), 0) FROM journal WHERE kind = 'shed'"
        )[0][0]
        store.close()
    row_of = {(device_id, counter): row for row, device_id, counter in rows}
    waits, lost = [], 0
    for frame, stamp in zip(frames, sent, strict=True):
        when = shown.get(row_of.get((frame[2:10], int.from_bytes(frame[10:14], "big")), -1))
        if when is None:
            lost += 1
        elif stamp - begin >= WARM_UP_S:
            waits.append((when - stamp) * 1000)
    return sorted(waits), lost, stored, let_go


def made_check_ins(buttons: Sequence[PressingButton], count: int, now_s: int) -> list[bytes]:
    frames = []
    for n in range(count):
        button = buttons[n % len(buttons)]
        button.counter += 1
        body = report_body(now_s, battery=80, **at())
        frames.append(button.frame(Kind.CHECKIN, button.counter, body, Suite.HS256_64))
    return frames


def settle(data: Path, presses: int) -> None:
    """Wait until all presses are stored."""
    store = SqlStore(store_path(data), 0)
    counted = "SELECT count(*) FROM event WHERE kind = ?"
    eventually(
        lambda: store.fetch(counted, (int(Kind.PRESS),))[0][0] >= presses, "all are stored", timeout_s=DEADLINE_S
    )
    store.close()
    time.sleep(1.5)  # a tick of the stream, at the latest, brings the last rows


def percentile(waits: Sequence[float], percent: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * percent / 100))]


def main() -> None:
    rate, seconds = MANY
    if len(sys.argv) > 1:
        seconds = int(sys.argv[1])
    waits, lost, _, _ = run(rate, seconds)
    for percent, wanted in ((50, "under 20"), (95, None), (99, "under 150")):
        say(f"{rate} presses/s, press to console, p{percent}", percentile(waits, percent), "ms", wanted=wanted)
    say(f"{rate} presses/s, of {rate * seconds} not shown", lost, "presses", wanted="0")
    rate, seconds = FEW
    alone, lost_alone, _, _ = run(rate, seconds)
    beside, lost_beside, stored, let_go = run(rate, seconds, check_ins=CHECK_INS)
    base = f"{rate} presses/s, press to console, p99"
    say(base, percentile(alone, 99), "ms")
    name = f"{rate} presses/s beside {CHECK_INS} check-ins/s, p99"
    say(name, percentile(beside, 99), "ms")
    say(f"{name} / without", percentile(beside, 99) / percentile(alone, 99), "times", base, "at most 1.5")
    say("check-ins taken in of those sent", stored / (CHECK_INS * seconds), "times")
    counted = (stored + let_go) / (CHECK_INS * seconds)
    say("check-ins taken in, or let go and counted", counted, "times", wanted="1")
    say("presses not shown, both", lost_alone + lost_beside, "presses", wanted="0")


if __name__ == "__main__":
    main()
