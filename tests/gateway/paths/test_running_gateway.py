"""A running gateway as those see it who keep it running: figures, health, signs of life, a log without people."""

from __future__ import annotations

import json
import queue
import re
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from bare_mqtt import BareClient
from brokers import Mosquitto, embedded_broker
from gateway.command_button import ObeyingButton
from gateway.enrolled_devices import enrolled_buttons
from gateway.outputs.http_receiver import Receiver, answer
from gateway.stubborn_buttons import Crowd
from muting import MutingProxy
from pressing_button import at
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.domain.frame import Flags, Kind
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

# The invented owner of enrolled_buttons.
PERSON = ("Contoh Wati", "Wati", "9900000000000001", "+620000000001", "620000000001", "Jl. Contoh", "Toko Contoh")
LABELS = {"outcome", "stage", "le", "bearer", "lane", "reason", "why", "output", "state", "version", "python", "cause"}


class Observed(Gateway):
    """A gateway with figures."""

    def configure(self, above: str = "", port: int = 0, watch: str = "") -> Observed:
        """above: settings that stand above the first section."""
        before = self.config.read_text(encoding="utf-8")
        self.config.write_text(f"{above}\n{before}\n[metrics]\nport = {port}\n{watch}", encoding="utf-8")
        return self

    @property
    def operations(self) -> str:
        return str(self.ready.get("operations", ""))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "600000"}

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.operations}{path}", timeout=ENDS_S, verify=False)

    def figures(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every sample by name and labels, as Prometheus' own reader sees it."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def figure(self, name: str, **labels: str) -> float:
        return self.figures()[name, tuple(sorted(labels.items()))]


def _hear(systemd: socket.socket, told: queue.Queue[bytes]) -> None:
    with systemd:
        while not told.queue or told.queue[-1] != b"STOPPING=1":
            told.put(systemd.recv(1000))


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_figures_and_log_tell_of_presses_and_name_nobody(tmp_path: Path, log_format: str) -> None:
    told: queue.Queue[bytes] = queue.Queue()
    with embedded_broker() as port, Receiver() as receiver:
        gateway = Observed(tmp_path / "gateway", port, receiver.port)
        gateway.configure(f'log_format = "{log_format}"\nlog_level = "debug"')
        systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        systemd.bind(gateway.environment["NOTIFY_SOCKET"])
        threading.Thread(target=_hear, args=(systemd, told), daemon=True).start()
        buttons = enrolled_buttons(gateway.data, 3)
        crowd = Crowd(port, buttons, pause_s=0.01, seed=7)
        stranger = PahoClient(CallbackAPIVersion.VERSION2)
        with gateway:
            assert told.get(timeout=ENDS_S) == b"READY=1\nSTATUS=takes presses"
            assert told.get(timeout=ENDS_S) == b"WATCHDOG=1"
            crowd.start()
            stranger.connect("127.0.0.1", port)
            stranger.loop_start()
            forged = bytearray(buttons[0].frame(1, 9_000_000, bytes(21)))
            forged[-1] ^= 1
            for frame in (b"noise", bytes(forged)):
                stranger.publish("siaga/v1/up/0000000000000000", frame, qos=1)
            eventually(lambda: sum(len(one.acknowledged) for one in crowd.buttons) > 20, "presses are answered")
            crowd.finish(ENDS_S)
            frames = sum(len(one.sent) for one in crowd.buttons)
            eventually(lambda: gateway.figure("siaga_deliveries_pending", output="cad") == 0, "all delivered")
            found = gateway.figures()
            stored = found["siaga_frames_total", (("outcome", "stored"),)]
            assert stored == frames
            assert found["siaga_frames_total", (("outcome", "malformed"),)] == 1
            assert found["siaga_frames_total", (("outcome", "forged"),)] == 1
            assert found["siaga_stage_seconds_count", (("stage", "committed"),)] >= frames + 2
            assert found["siaga_frame_seconds_bucket", (("le", "+Inf"),)] == found["siaga_frame_seconds_count", ()]
            opened = len([one for one in crowd.buttons if one.presses])
            assert found["siaga_incidents", (("state", "open"),)] == opened
            assert found["siaga_incident_unseen_seconds", ()] > 0
            assert found["siaga_press_delivered_seconds_count", (("output", "cad"),)] == opened
            assert found["siaga_bearer_up", (("bearer", "mqtt"),)] == 1 == found["siaga_ready", ()]
            assert found["siaga_store_up", ()] == 1
            assert found["process_resident_memory_bytes", ()] > 10_000_000
            assert gateway.get("/nothing").status_code == 404
            figures = gateway.get("/metrics").text
            console = httpx.Client(
                verify=False, base_url=gateway.console, headers={"Origin": gateway.console.rstrip("/")}
            )
            assert console.post("/sign-in", data={"name": "Contoh Operator"}).status_code == 303
            assert console.post("/incidents/1/nik").status_code == 200, "a person has looked at the NIK"
            assert gateway.stop() == 0
        stranger.disconnect()
        stranger.loop_stop()
    while (last := told.get(timeout=ENDS_S)) == b"WATCHDOG=1":
        pass
    assert last == b"STOPPING=1"

    hexes = {one.button.device_id.hex() for one in crowd.buttons}
    assert not [each for each in hexes if each in figures], "no figure is about one device"
    assert {name for _, labels in found for name, _ in labels} <= LABELS
    text = gateway.stderr()
    for word in PERSON:
        assert word not in text and word not in figures, f"{word!r} is in the log or in the figures"
    if log_format == "json":
        lines = [json.loads(line) for line in text.splitlines()]
        ours = {(line["device"], line["counter"]) for line in lines if line.get("device") in hexes}
        assert {"console.journal.forged", "console.journal.malformed"} <= {line.get("event") for line in lines}
    else:
        ours = {(device, int(counter)) for device, counter in re.findall(r"device=(\w+) counter=(\d+)", text)}
    assert ours >= {(one.button.device_id.hex(), counter) for one in crowd.buttons for counter in one.sent}


def test_ready_means_that_a_press_would_be_taken(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        gateway = Observed(tmp_path / "gateway", broker.port)
        gateway.configure()
        with gateway:
            assert gateway.get("/healthz").json() == {"alive": True}
            answer = gateway.get("/readyz")
            assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": {}})
            assert gateway.figure("siaga_personal_key_up") == 1
            ((key, text),) = [(path, path.read_text()) for path in tmp_path.rglob("personal-key")]
            key.unlink()
            eventually(lambda: "personal_key" in gateway.get("/readyz").json().get("warnings", ()), "it is missed")
            assert gateway.get("/readyz").status_code == 200
            eventually(lambda: gateway.figure("siaga_personal_key_up") == 0, "in the figures too")
            console = httpx.Client(
                verify=False, base_url=gateway.console, headers={"Origin": gateway.console.rstrip("/")}
            )
            assert console.post("/sign-in", data={"name": "Contoh Operator"}).status_code == 303
            eventually(
                lambda: re.search(r'"troubles": *\["personal_key_file"\]', console.get("/").text), "a banner too"
            )
            assert gateway.figure("siaga_ready") == 1
            key.write_text(text)
            key.chmod(0o600)
            eventually(lambda: "warnings" not in gateway.get("/readyz").json(), "it is back")

            broker.kill()
            eventually(lambda: gateway.get("/readyz").status_code == 503, "not ready without a broker")
            assert list(gateway.get("/readyz").json()["problems"]) == ["broker"]
            assert gateway.figure("siaga_bearer_up", bearer="mqtt") == 0 == gateway.figure("siaga_ready")
            assert gateway.get("/healthz").status_code == 200, "starting it anew would mend nothing"
            broker.start()
            eventually(lambda: gateway.get("/readyz").status_code == 200, "ready again")
            assert gateway.stop() == 0


def test_a_broker_that_delivers_nothing_is_a_broker_that_is_lost(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path / "broker") as broker,
        MutingProxy(broker.port, "siaga-gateway-siaga.test") as proxy,
        Receiver(answer(200)) as switch,
        Observed(tmp_path / "gateway", proxy.port).configure(watch=_watched(switch)) as gateway,
    ):
        eventually(lambda: switch.requests, "the dead man's switch hears that all is well")
        (button,) = enrolled_buttons(gateway.data, 1)
        console = httpx.Client(verify=False, base_url=gateway.console, headers={"Origin": gateway.console.rstrip("/")})
        assert console.post("/sign-in", data={"name": "Contoh Operator"}).status_code == 303
        eventually(lambda: proxy.asks, "it hears itself as soon as it is there")
        proxy.mutes = True
        eventually(lambda: gateway.get("/readyz").status_code == 503, "not ready without a broker")
        assert gateway.get("/readyz").json()["problems"] == {"broker": "deaf"}
        assert gateway.figure("siaga_bearer_up", bearer="mqtt") == 0
        eventually(lambda: "broker_lost" in gateway.kinds(), "told")
        assert "delivers nothing" in json.dumps(gateway.log())
        assert re.search(r'"broker_lost": *\d', console.get("/").text), "the banner"
        proxy.mutes = False
        eventually(lambda: gateway.get("/readyz").status_code == 200, "ready again")
        with BareClient(broker.port) as client:
            client.connect(None, None)
            client.publish(f"siaga/v1/up/{button.device_id.hex()}", button.press(int(time.time()), **at()))
        eventually(lambda: "incident_opened" in gateway.kinds(), "presses come again")
        assert gateway.kinds().count("broker_back") == 1
        assert "no_echo" not in json.dumps(gateway.log())
        missed = re.compile(r'"troubles": *\["watchers_silent"\]')
        eventually(lambda: missed.search(console.get("/").text), "nobody has watched")
        assert gateway.get("/readyz").json()["warnings"] == {"watchers": "–"}
        head = {"Siaga-Watcher": "watcher-1", "Authorization": f"Bearer {TOKEN}"}
        told = httpx.get(f"{gateway.operations}/readyz", headers=head, timeout=ENDS_S).json()
        assert told == {"ready": True, "problems": {}, "watcher": "heard"}
        assert not missed.search(console.get("/").text)
        assert gateway.stop() == 0


TOKEN = "0123456789abcdef"


def _watched(switch: Receiver) -> str:
    ping = f'ping_url = "{switch.url}"\nping_method = "POST"'
    return f'[watch]\ntoken = "{TOKEN}"\nsilent_after_s = 10\n{ping}\n'


def test_whoever_asks_for_figures_without_an_end_does_not_keep_others_out(tmp_path: Path) -> None:
    with embedded_broker() as port:
        gateway = Observed(tmp_path / "gateway", port)
        gateway.configure()
        with gateway:
            host, _, at = gateway.operations.removeprefix("http://").partition(":")
            slow: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
            for _ in range(20):
                one = socket.create_connection((host, int(at)))
                one.sendall(b"GET /metrics HTTP/1.1\r\n")
                slow.put(one)

            def answered() -> bool:
                try:
                    return gateway.get("/healthz").status_code == 200
                except httpx.TransportError:
                    return False

            eventually(answered, "somebody else is answered")  # eight are heard out, until their time is over
            while not slow.empty():
                slow.get().close()


def test_a_button_that_runs_low_becomes_a_case_that_an_installer_closes(tmp_path: Path) -> None:
    with embedded_broker() as port:
        gateway = Observed(tmp_path / "gateway", port).configure()
        (button,) = enrolled_buttons(gateway.data, 1)
        device = button.device_id.hex()
        said = gateway.command("checkin", device, "deep", "--by", "registrar")
        assert said == f"{device}: every 86400 s\n"
        person = ObeyingButton(button)
        with gateway:
            person.wake(port)
            frame = button.follow(Kind.CHECKIN, int(time.time()), battery=8, flags=Flags.LOW_BATTERY)
            assert person.say(button.counter, frame) == 1
            gateway.stop()
            gateway.start()  # it looks at once, and once a minute after that
            cases = eventually(lambda: gateway.command("maintenance", "--json"), "a case is opened", timeout_s=ENDS_S)
            case = json.loads(cases)
            assert (case["device_id"], case["cause"], case["closed_ms"]) == (device, "low_battery", None)
            assert f"{device}  Toko Contoh" in gateway.command("maintenance")
            opened = [entry for entry in gateway.log() if entry["kind"] == "maintenance_opened"]
            assert [entry["facts"] for entry in opened] == [{"case": 1, "cause": "low_battery", "battery": 8}]
            assert "say in a note" in gateway.command(
                "maintenance", "close", "1", "--note", " ", "--by", "Contoh Teknisi", check=False
            )
            gateway.command("maintenance", "close", "1", "--note", "baterai diganti", "--by", "Contoh Teknisi")
            assert gateway.command("maintenance") == "no open case\n"
            assert "baterai diganti" in gateway.command("maintenance", "--device", device)
            assert gateway.stop() == 0
        person.sleep()


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken, embedded_broker() as port:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        gateway = Observed(tmp_path / "gateway", port)
        gateway.configure(port=taken.getsockname()[1])
        said = gateway.command("run", check=False)
    assert said.startswith("siaga: metrics.port = ") and "another program listens there" in said
