"""What Mosquitto's two ways to know a hundred thousand buttons cost: a password file with rules by pattern that is read
anew on SIGHUP, and the dynamic-security plugin with a role for each button.

For each: seconds until it takes connections, memory, seconds until one more button can log in, and for how long nothing
is passed on meanwhile (another client's messages to itself, every 5 ms). `python tests/bench/broker_access.py [devices
[connected]]`: how many are known, and how many of them are connected.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

import paho.mqtt.client as paho  # noqa: E402
from paho.mqtt.enums import CallbackAPIVersion  # noqa: E402

from brokers import Mosquitto, free_port, wait_until_open  # noqa: E402
from siaga_gateway.adapters.mqtt.paho_client import PahoClient  # noqa: E402
from waiting import eventually  # noqa: E402

PLUGIN: Final = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"
CONTROL: Final = "$CONTROL/dynamic-security/v1"
SECRET: Final = "a password for the bench"
DEADLINE_S: Final = 300.0
RULES: Final = """\
user gateway
topic read siaga/v1/up/+
topic write siaga/v1/down/+
topic readwrite bench/#

pattern write siaga/v1/up/%u
pattern read siaga/v1/down/%u
"""


def name(number: int) -> str:
    return f"{number:016x}"


def hashed(iterations: int) -> tuple[str, str]:
    """(salt, hash) of the one password of this bench, base64."""
    salt = b"bench salt 1"
    digest = hashlib.pbkdf2_hmac("sha512", SECRET.encode(), salt, iterations)
    return base64.b64encode(salt).decode(), base64.b64encode(digest).decode()


def password_line(user: str, iterations: int) -> str:
    salt, digest = hashed(iterations)
    return f"{user}:$7${iterations}${salt}${digest}\n"


class Files:
    """Password file and patterns."""

    def __init__(self, folder: Path, devices: int, iterations: int) -> None:
        self.title = f"files, {iterations} rounds"
        self._iterations = iterations
        self._passwords = folder / "passwords"
        rules = folder / "rules"
        rules.write_text(RULES)
        salt, digest = hashed(iterations)
        ours = f"$7${iterations}${salt}${digest}\n"
        with self._passwords.open("w") as file:
            file.writelines(f"{name(number)}:{ours}" for number in range(devices))
            file.write(f"gateway:{ours}")
        port = free_port()
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {self._passwords}"]
        self.broker = Mosquitto(
            folder / "broker",
            "per_listener_settings true",
            *lines,
            f"acl_file {rules}",
            "max_connections -1",
            port=port,
        )

    def add(self, user: str, _client: paho.Client) -> None:
        text = self._passwords.read_text() + password_line(user, self._iterations)
        draft = self._passwords.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self._passwords)
        assert self.broker.process is not None
        self.broker.process.send_signal(signal.SIGHUP)


class Plugin:
    """A client and a role for each button in the plugin's own file."""

    title = "plugin, 101 rounds"

    def __init__(self, folder: Path, devices: int, _iterations: int) -> None:
        kept = folder / "dynamic-security.json"
        salt, digest = hashed(101)
        secret = {"password": digest, "salt": salt, "iterations": 101}
        clients = [
            {"username": name(n), **secret, "roles": [{"rolename": name(n)}], "textName": ""} for n in range(devices)
        ]
        roles: list[dict[str, Any]] = [{"rolename": name(n), "acls": acls(name(n))} for n in range(devices)]
        everything = [
            {"acltype": kind, "topic": "#" if "Pattern" in kind or "publish" in kind else "", "allow": True}
            for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
        ]
        everything.append({"acltype": "publishClientSend", "topic": "$CONTROL/#", "allow": True})
        everything.append({"acltype": "subscribePattern", "topic": "$CONTROL/#", "allow": True})
        everything.append({"acltype": "publishClientReceive", "topic": "$CONTROL/#", "allow": True})
        clients.append({"username": "gateway", **secret, "roles": [{"rolename": "gateway"}]})
        roles.append({"rolename": "gateway", "acls": everything})
        closed = dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe"), False)
        whole = {"defaultACLAccess": {**closed, "unsubscribe": True}, "clients": clients, "groups": [], "roles": roles}
        kept.write_text(json.dumps(whole))
        port = free_port()
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"plugin {PLUGIN}"]
        self.broker = Mosquitto(
            folder / "broker", "per_listener_settings false", *lines, f"plugin_opt_config_file {kept}", port=port
        )

    def add(self, user: str, client: paho.Client) -> None:
        role = {"command": "createRole", "rolename": user, "acls": acls(user)}
        button = {"command": "createClient", "username": user, "password": SECRET, "roles": [{"rolename": user}]}
        client.publish(CONTROL, json.dumps({"commands": [role, button]}), qos=1)


def acls(user: str) -> list[dict[str, Any]]:
    up, down = f"siaga/v1/up/{user}", f"siaga/v1/down/{user}"
    return [
        {"acltype": "publishClientSend", "topic": up, "priority": 0, "allow": True},
        {"acltype": "publishClientReceive", "topic": down, "priority": 0, "allow": True},
        {"acltype": "subscribeLiteral", "topic": down, "priority": 0, "allow": True},
    ]


def log_in(port: int, user: str, keepalive_s: int = 600) -> socket.socket | None:
    """A bare MQTT connection that is held; None where it is refused."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(2, "big") + value.encode()

    body = text("MQTT") + bytes([4, 0xC2]) + keepalive_s.to_bytes(2, "big") + text(user) + text(user) + text(SECRET)
    sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    with contextlib.suppress(OSError):
        sock.sendall(bytes([0x10, len(body)]) + body)
        answer = sock.recv(4)
        if len(answer) == 4 and answer[3] == 0:
            return sock
    sock.close()
    return None


class Pulse:
    """Messages of one client to itself, and the longest time between two that came."""

    def __init__(self, port: int) -> None:
        self.client = PahoClient(CallbackAPIVersion.VERSION2, client_id="gateway")
        self.client.username_pw_set("gateway", SECRET)
        self._there = threading.Event()
        self._last = 0.0
        self._longest = 0.0
        self._stop = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe("bench/pulse", qos=0)
        self.client.on_message = self._came
        self.client.connect("127.0.0.1", port, keepalive=600)
        self.client.loop_start()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        assert self._there.wait(DEADLINE_S), "no message came back"

    def _beat(self) -> None:
        while not self._stop.wait(0.005):
            self.client.publish("bench/pulse", b"x")

    def _came(self, *_: object) -> None:
        now = time.monotonic()
        if self._last:
            self._longest = max(self._longest, now - self._last)
        self._last = now
        self._there.set()

    def longest(self) -> float:
        """Seconds, since the last call."""
        found, self._longest = max(self._longest, time.monotonic() - self._last), 0.0
        return found

    def stop(self) -> None:
        self._stop.set()
        self.client.disconnect()
        self.client.loop_stop()


def measure(
    way: Callable[[Path, int, int], Files | Plugin], devices: int, connected: int, rounds: int
) -> Iterator[Any]:
    """(name, value, unit)."""
    with tempfile.TemporaryDirectory() as folder:
        made = way(Path(folder), devices, rounds)
        broker = made.broker
        began = time.monotonic()
        with broker:
            wait_until_open(broker.port, DEADLINE_S)
            yield f"{made.title}: start", time.monotonic() - began, "s"
            assert broker.process is not None
            yield f"{made.title}: memory", memory_mb(broker.process.pid), "MB"
            pulse = Pulse(broker.port)  # first: paho waits by select(), which knows 1,024 files only
            held = [log_in(broker.port, name(number)) for number in range(min(connected, devices))]
            assert None not in held, "a known button was refused"
            time.sleep(1)
            pulse.longest()
            time.sleep(1)
            yield f"{made.title}: longest silence at rest", 1000 * pulse.longest(), "ms"
            adding, silent = [], []
            for number in range(devices, devices + 3):
                user = name(number)
                began = time.monotonic()
                made.add(user, pulse.client)
                new = eventually(
                    lambda user=user: log_in(broker.port, user), "it knows the new button", timeout_s=DEADLINE_S
                )
                adding.append(time.monotonic() - began)
                held.append(new)
                time.sleep(1)
                silent.append(pulse.longest())
            yield f"{made.title}: one more button, until it is in", sorted(adding)[1], "s"
            yield f"{made.title}: longest silence meanwhile", 1000 * sorted(silent)[1], "ms"
            yield f"{made.title}: memory at the end", memory_mb(broker.process.pid), "MB"
            pulse.stop()
            for sock in held:
                if sock is not None:
                    sock.close()


def memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def main(devices: int = 100_000, connected: int = 2_000) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    ways: list[tuple[Callable[[Path, int, int], Files | Plugin], int]] = [(Files, 1), (Files, 101), (Plugin, 101)]
    for way, rounds in ways:
        for what, value, unit in measure(way, devices, connected, rounds):
            print(json.dumps({"name": what, "value": value, "unit": unit}), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    main(*map(int, sys.argv[1:]))
