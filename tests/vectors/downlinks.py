"""Downlink frames: every stage, and commands of every size of argument."""

from __future__ import annotations

from typing import Any

from vectors import bare
from vectors.bare import ACK, COMMAND

Vector = dict[str, Any]

STAGES = {1: "RECEIVED", 2: "SEEN", 3: "ASSIGNED", 4: "ON_SCENE", 5: "CLOSED", 6: "TEST", 7: "REFUSED"}
NOON = 1_900_000_000
PRESSED = bare.report(NOON - 1, -53_971_400, 1_052_668_000, 12, 3, 80, 1 << 8, 0)


def ack(name: str, counter: int, time: int, stage: int, eta: int) -> Vector:
    about = bare.digest(bare.PRESS, counter, PRESSED)
    frame = bare.ack(counter, time, stage, eta, about)
    return {
        "name": name,
        "kind": ACK,
        "counter": counter,
        "time": time,
        "stage": stage,
        "eta": eta,
        "about": {"kind": bare.PRESS, "body": PRESSED.hex(), "digest": about.hex()},
        "frame": frame.hex(),
    }


def command(name: str, counter: int, time: int, code: int, arguments: bytes) -> Vector:
    frame = bare.command(counter, time, bytes([code, len(arguments)]) + arguments)
    return {
        "name": name,
        "kind": COMMAND,
        "counter": counter,
        "time": time,
        "code": code,
        "arguments": arguments.hex(),
        "frame": frame.hex(),
    }


def frames() -> list[Vector]:
    out = []
    for stage, name in STAGES.items():
        for eta in (0, 7, 254, 255) if stage == 3 else (255,):
            out.append(ack(f"ACK {name}, eta {eta}", 100 + stage, NOON + stage, stage, eta))
    out += [
        ack("ACK of counter 0", 0, NOON, 1, 255),
        ack("ACK of the last counter", 2**32 - 1, NOON, 1, 255),
        ack("ACK of a gateway without a clock", 5, 0, 1, 255),
        ack("ACK in the last second of a u32", 5, 2**32 - 1, 1, 255),
        command("COMMAND without arguments", 1, NOON, 1, b""),
        command("COMMAND with one byte", 2, NOON, 0, b"\x00"),
        command("COMMAND with 16 bytes", 3, NOON, 127, bytes(range(16))),
        command("COMMAND with 255 bytes", 2**32 - 1, NOON, 255, bytes(range(255))),
    ]
    return out
