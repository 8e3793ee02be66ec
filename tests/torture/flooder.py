"""Somebody who floods the broker at full speed, in a process of its own.

Told by JSON what he does, `how`: "frames" with a login, "names" the same under ever other names, "logins" with a wrong
password, "large" packets with a login.
He comes back at once when he is cut off. Prints, as JSON, what he sent and how often he was cut off or kept out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

from bare_mqtt import BareClient, Closed, packet, text  # noqa: E402
from waiting import ENDS_S  # noqa: E402

BLOCK: Final = 400  # frames in one write
_REFUSED_PAUSE_S: Final = 0.2


@dataclass(frozen=True)
class Attack:
    """seconds: for so long. ca: PEM file."""

    how: str
    port: int
    ca: str
    user: str
    password: str
    topic: str
    seconds: float
    qos: int = 0


def frames(attack: Attack) -> bytes:
    """As a button's, each another: a PRESS by its header, a signature that is none."""
    device_id = bytes.fromhex(attack.topic.rpartition("/")[2])
    size = 2_000 if attack.how == "large" else 85
    parts = []
    for number in range(1 if attack.how == "large" else BLOCK):
        topic = attack.topic
        if attack.how == "names":
            device_id = os.urandom(8)
            topic = f"{topic.rpartition('/')[0]}/{device_id.hex()}"
        frame = bytes((0x11, 0x01)) + device_id + (1000 + number).to_bytes(4, "big") + os.urandom(size)
        name = (number + 1).to_bytes(2, "big") if attack.qos else b""
        parts.append(packet(0x30 | attack.qos << 1, text(topic) + name + frame))
    return b"".join(parts)


def run(attack: Attack) -> dict[str, int]:
    found = {"sent": 0, "cut": 0, "refused": 0}
    raw = frames(attack)
    ends = time.monotonic() + attack.seconds
    while time.monotonic() < ends:
        try:
            with BareClient(attack.port, Path(attack.ca)) as client:
                if client.connect(attack.user, attack.password, attack.user) != 0:
                    found["refused"] += 1
                    if attack.how != "logins":
                        time.sleep(_REFUSED_PAUSE_S)  # no wait of a test: its pace
                    continue
                client.sock.settimeout(ENDS_S)
                while time.monotonic() < ends:
                    client.send(raw)
                    found["sent"] += 1 if attack.how == "large" else BLOCK
                    if attack.qos:
                        _read_acknowledgements(client)
        except (Closed, OSError):
            found["cut"] += 1
    return found


def _read_acknowledgements(client: BareClient) -> None:
    """Or the broker stops reading."""
    got = 0
    while got < BLOCK * 4:
        came = client.sock.recv(65_536)
        if not came:
            raise Closed("the broker closed the connection")
        got += len(came)


def command(attack: Attack) -> list[str]:
    return [sys.executable, str(Path(__file__)), json.dumps(asdict(attack))]


if __name__ == "__main__":
    print(json.dumps(run(Attack(**json.loads(sys.argv[1])))))
