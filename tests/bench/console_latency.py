"""From a button's publish to the event on an operator's console, at 100 presses a second, each opening an incident.

The gateway is the real process with broker, store and console; the console is a client of its live stream. Frames are
signed beforehand, so that making them costs nothing while the clock runs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))

import httpx
import paho.mqtt.client as paho
from enrolled import enrolled_buttons
from paho.mqtt.enums import CallbackAPIVersion

from brokers import embedded_broker
from pressing import PressingButton, at
from siaga_gateway.adapters.sql import SqlStore, store_path
from system.house import Gateway

RATE = 100
WARM_UP = 100
PRESSES = 1_500
DEADLINE_S = 30.0


class Console:
    """An operator's page, without the page: signs in, reads the live stream, notes when each incident shows."""

    def __init__(self, url: str) -> None:
        self.shown: dict[int, float] = {}  # incident: monotonic seconds
        self._client = httpx.Client(base_url=url, timeout=DEADLINE_S, headers={"Origin": url.rstrip("/")})
        answer = self._client.post("/sign-in", data={"name": "Bench"})
        if answer.status_code != 303:
            raise SystemExit(f"the console did not let us in: {answer.status_code}")
        self._ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if not self._ready.wait(DEADLINE_S):
            raise SystemExit("the console's live stream did not begin")

    def _read(self) -> None:
        with self._client.stream("GET", "/live") as stream:
            for line in stream.iter_lines():
                self._ready.set()
                if line.startswith("data: ") and '"incident_opened"' in line:
                    now = time.monotonic()
                    self.shown.setdefault(json.loads(line[6:])["incident"], now)


def press(port: int, buttons: list[PressingButton], frames: list[bytes]) -> dict[bytes, float]:
    """Publish at an even rate. Returns when each device pressed, monotonic seconds."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-buttons")
    client.connect("127.0.0.1", port)
    client.loop_start()
    pressed: dict[bytes, float] = {}
    begun = time.monotonic()
    for number, (button, frame) in enumerate(zip(buttons, frames, strict=True)):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        pressed[button.device_id] = time.monotonic()
        client.publish(f"siaga/v1/up/{button.device_id.hex()}", frame, qos=1)
    time.sleep(0.5)
    client.disconnect()
    client.loop_stop()
    return pressed


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, embedded_broker() as port:
        gateway = Gateway(Path(folder), port)
        buttons = enrolled_buttons(gateway.data, WARM_UP + PRESSES)
        frames = [button.press(int(time.time()), **at()) for button in buttons]
        with gateway:
            console = Console(gateway.console)
            pressed = press(port, buttons, frames)
            deadline = time.monotonic() + DEADLINE_S
            while len(console.shown) < len(buttons):
                if time.monotonic() > deadline:
                    raise SystemExit(f"{len(buttons) - len(console.shown)} incidents were never shown")
                time.sleep(0.05)
            gateway.stop()
        store = SqlStore(store_path(gateway.data), 0)
        devices = dict(store.fetch("SELECT id, device_id FROM incident"))
        store.close()
    measured = {button.device_id for button in buttons[WARM_UP:]}
    waits = sorted(
        (shown - pressed[devices[incident]]) * 1000
        for incident, shown in console.shown.items()
        if devices[incident] in measured
    )
    for percent in (50, 95, 99):
        value = waits[min(len(waits) - 1, len(waits) * percent // 100)]
        print(json.dumps({"name": f"press to console event, p{percent}", "value": round(value, 1), "unit": "ms"}))
    print(json.dumps({"name": "presses not shown", "value": len(buttons) - len(console.shown), "unit": "presses"}))


if __name__ == "__main__":
    main()
