"""Uplink frames: every kind under every flag, both suites, and values at the edges of their fields."""

from __future__ import annotations

import base64
import itertools
from typing import Any

from vectors import bare
from vectors.bare import CANCEL, CHECKIN, ENROL, ES256, HS256_64, NONE, PRESS, RECEIPT, TAMPER, UPDATE

Vector = dict[str, Any]

# The order of a report's fields, everywhere.
FIELDS = ("time", "latitude", "longitude", "accuracy", "fix_age", "battery", "flags", "opening")
STATUS_FIELDS = ("version", "signal", "bearer", "waiting", "uptime_hours", "restarts", "rejected")

LAMPUNG = (-53_971_400, 1_052_668_000)
NOON = 1_900_000_000

SINGLE_FLAGS = {
    "test": 1 << 0,
    "silent": 1 << 1,
    "duress": 1 << 2,
    "external_power": 1 << 3,
    "moving": 1 << 4,
    "tamper_open": 1 << 5,
    "low_battery": 1 << 6,
    "restarted": 1 << 7,
}
SOURCES = ("NONE", "GNSS", "NETWORK", "INSTALLED")
TRIGGERS = ("HOLD", "TRIPLE_TAP", "EXTERNAL_INPUT", "FALL")
BEARERS = ("UNKNOWN", "LTE", "SMS", "LORAWAN", "WIFI")


def keys() -> list[Vector]:
    """Whose frames these are. Both private keys are published here: never use them."""
    return [
        {
            "name": "device",
            "private": bare.DEVICE.to_bytes(32, "big").hex(),
            "public": bare.DEVICE_XY.hex(),
            "device_id": bare.DEVICE_ID.hex(),
        },
        {"name": "gateway", "private": bare.GATEWAY.to_bytes(32, "big").hex(), "public": bare.GATEWAY_XY.hex()},
        {
            "name": "shared",
            "shared_x": bare.SHARED_X.hex(),
            "mac_up": bare.MAC_UP.hex(),
            "mac_down": bare.MAC_DOWN.hex(),
            "broker_password": bare.mac(bare.MAC_UP, b"siaga/1 mqtt", 16).hex(),
        },
    ]


def meaning(fields: tuple[int, ...]) -> Vector:
    """What a reader makes of a report, None where it knows nothing."""
    time, latitude, longitude, accuracy, fix_age, battery, flags, _ = fields
    there = -900_000_000 <= latitude <= 900_000_000 and -1_800_000_000 <= longitude <= 1_800_000_000
    return {
        "clock_set": time != 0,
        "has_position": there,
        "latitude_degrees": latitude / 1e7 if there else None,
        "longitude_degrees": longitude / 1e7 if there else None,
        "accuracy_m": accuracy if there and accuracy < 65535 else None,
        "fix_age_s": fix_age if there and fix_age < 65535 else None,
        "battery_percent": battery if battery <= 100 else None,
        "position_source": SOURCES[flags // 256 % 4] if there else "NONE",
        "trigger": TRIGGERS[flags // 1024 % 4],
        **{name: bool(flags & bit) for name, bit in SINGLE_FLAGS.items()},
        # Whoever acts under threat is not exercising.
        "test": flags & (SINGLE_FLAGS["test"] | SINGLE_FLAGS["duress"]) == SINGLE_FLAGS["test"],
    }


def _frame(name: str, suite: int, kind: int, counter: int, body: bytes, **more: Any) -> Vector:
    frame = bare.uplink(suite, kind, counter, body)
    tag_length = 64 if suite == ES256 else 8
    return {
        "name": name,
        "suite": suite,
        "kind": kind,
        "counter": counter,
        **more,
        "body": body.hex(),
        "tag": frame[-tag_length:].hex(),
        "frame": frame.hex(),
        "sms": base64.b64encode(frame).decode(),
    }


def _report_frames(
    name: str,
    kind: int,
    counter: int,
    fields: tuple[int, ...],
    status: tuple[Any, ...] | None = None,
    as_sent: bool = True,
) -> list[Vector]:
    """Both forms of one event. as_sent: a button encodes these fields to these very bytes."""
    body = bare.report(*fields)
    more: Vector = {
        "report": dict(zip(FIELDS, fields, strict=True)),
        "means": meaning(fields),
        "as_sent": as_sent,
    }
    if status is not None:
        body += bare.status(*status)
        more["status"] = dict(zip(STATUS_FIELDS, status, strict=True))
        more["status_means"] = {
            "signal_dbm": status[1] if status[1] != -128 else None,
            "bearer_in_use": BEARERS[status[2]] if status[2] < len(BEARERS) else "UNKNOWN",
        }
    return [
        _frame(f"{name}, {label}", suite, kind, counter, body, **more)
        for suite, label in ((ES256, "ES256"), (HS256_64, "HS256-64"))
    ]


def _flag_words() -> list[tuple[str, int]]:
    words = [("no flag", 0), *SINGLE_FLAGS.items()]
    words += [(f"source {name}", number << 8) for number, name in enumerate(SOURCES) if number]
    words += [(f"trigger {name}", number << 10) for number, name in enumerate(TRIGGERS) if number]
    return [*words, ("test and duress", 1 | 4), ("every flag", 0x0FFF)]


def frames() -> list[Vector]:
    counters = itertools.count(1)
    out: list[Vector] = []

    def event(name: str, kind: int, fields: tuple[int, ...], *status: Any, as_sent: bool = True) -> None:
        out.extend(_report_frames(name, kind, next(counters), fields, *status, as_sent=as_sent))

    for kind in (PRESS, UPDATE, CANCEL, CHECKIN, TAMPER):
        opening = 0 if kind in (PRESS, CHECKIN) else 3
        for name, word in _flag_words():
            fields = (NOON, *LAMPUNG, 12, 3, 80, word, opening)
            event(f"{bare.KINDS[kind]}, {name}", kind, fields)

    gnss = 1 << 8
    for name, fields in [
        ("no position, no clock, no battery", (0, NONE, NONE, 65535, 65535, 255, 0, 0)),
        ("at latitude 0, longitude 0", (NOON, 0, 0, 1, 0, 100, gnss, 0)),
        ("one step south-west of 0, 0", (NOON, -1, -1, 1, 0, 100, gnss, 0)),
        ("one step north-east of 0, 0", (NOON, 1, 1, 1, 0, 100, gnss, 0)),
        ("half a degree south, half a degree west", (NOON, -5_000_000, -5_000_000, 5, 1, 50, gnss, 0)),
        ("Pontianak, a hair south of the equator", (NOON, -263_000, 1_093_333_000, 8, 2, 50, gnss, 0)),
        ("north of the equator, west of the meridian", (NOON, 515_000_000, -1_278_000, 8, 2, 50, gnss, 0)),
        ("the north pole and the date line", (NOON, 900_000_000, 1_800_000_000, 8, 2, 50, gnss, 0)),
        ("the south pole and the date line", (NOON, -900_000_000, -1_800_000_000, 8, 2, 50, gnss, 0)),
        ("accuracy and fix age at their ends", (NOON, *LAMPUNG, 65534, 65534, 0, gnss, 0)),
        ("accuracy and fix age unknown", (NOON, *LAMPUNG, 65535, 65535, 255, gnss, 0)),
        ("accuracy and fix age nil", (NOON, *LAMPUNG, 0, 0, 100, gnss, 0)),
        ("the last second of a u32", (2**32 - 1, *LAMPUNG, 1, 1, 1, gnss, 65535)),
    ]:
        event(f"PRESS {name}", PRESS, fields)

    # What no button of ours sends, and every reader must take all the same.
    for name, fields in [
        ("latitude off the globe", (NOON, 900_000_001, 0, 1, 0, 100, gnss, 0)),
        ("latitude off the globe to the south", (NOON, -900_000_001, 0, 1, 0, 100, gnss, 0)),
        ("longitude off the globe", (NOON, 0, 1_800_000_001, 1, 0, 100, gnss, 0)),
        ("longitude off the globe to the west", (NOON, 0, -1_800_000_001, 1, 0, 100, gnss, 0)),
        ("largest i32 for both coordinates", (NOON, 2**31 - 1, 2**31 - 1, 1, 0, 100, gnss, 0)),
        ("latitude missing, longitude there", (NOON, NONE, 1_052_668_000, 1, 0, 100, gnss, 0)),
        ("longitude missing, latitude there", (NOON, -53_971_400, NONE, 1, 0, 100, gnss, 0)),
        ("no position, yet accuracy, fix age and source", (NOON, NONE, NONE, 9, 9, 9, 3 << 8, 0)),
        ("battery 101", (NOON, *LAMPUNG, 1, 0, 101, gnss, 0)),
        ("battery 254", (NOON, *LAMPUNG, 1, 0, 254, gnss, 0)),
        ("bits 12 to 15 set", (NOON, *LAMPUNG, 1, 0, 100, 0xF000 | gnss, 0)),
        ("every bit of the flags set", (NOON, *LAMPUNG, 1, 0, 100, 0xFFFF, 0)),
        ("opening in a PRESS", (NOON, *LAMPUNG, 1, 0, 100, gnss, 7)),
    ]:
        event(f"PRESS {name}", PRESS, fields, as_sent=False)

    supervision = (NOON, *LAMPUNG, 12, 3, 80, gnss, 0)
    for number, bearer in enumerate(BEARERS):
        status = ((1, 2, 3), -71, number, 2, 30, 1, 4)
        event(f"CHECKIN with status, bearer {bearer}", CHECKIN, supervision, status)
    for name, status in [
        ("all at nil", ((0, 0, 0), 0, 0, 0, 0, 0, 0)),
        ("all at their ends", ((255, 255, 255), 127, 4, 15, 255, 255, 255)),
        ("weakest signal", ((0, 1, 0), -127, 3, 1, 1, 1, 1)),
        ("signal unknown", ((0, 1, 0), -128, 0, 0, 0, 0, 0)),
    ]:
        event(f"CHECKIN with status, {name}", CHECKIN, supervision, status)
    unknown = ((0, 1, 0), -90, 15, 0, 0, 0, 0)
    event("CHECKIN with status, bearer 15", CHECKIN, supervision, unknown, as_sent=False)

    out.append(_frame("ENROL", ES256, ENROL, 0, bare.DEVICE_XY, public_key=bare.DEVICE_XY.hex()))
    for result, name in enumerate(("done", "refused", "failed")):
        body = (17 + result).to_bytes(4, "big") + bytes([result])
        receipt = {"down_counter": 17 + result, "result": result}
        counter = next(counters)
        out.append(_frame(f"RECEIPT {name}, ES256", ES256, RECEIPT, counter, body, receipt=receipt))
        out.append(_frame(f"RECEIPT {name}, HS256-64", HS256_64, RECEIPT, counter, body, receipt=receipt))
    last = b"\xff\xff\xff\xff\x00"
    receipt = {"down_counter": 2**32 - 1, "result": 0}
    out.append(_frame("RECEIPT, last counters", HS256_64, RECEIPT, 2**32 - 1, last, receipt=receipt))
    return out


def encodings() -> list[Vector]:
    """What a button must make of values that do not fit: the nearest that does, or "unknown". Never an error."""
    gnss = 1 << 8
    plain = (NOON, *LAMPUNG, 12, 3, 80, gnss, 0)

    def report(name: str, given: tuple[int, ...], sent: tuple[int, ...]) -> Vector:
        return {"name": name, "report": list(given), "body": bare.report(*sent).hex()}

    def swap(fields: tuple[int, ...], **changed: int) -> tuple[int, ...]:
        return tuple(changed.get(name, value) for name, value in zip(FIELDS, fields, strict=True))

    nowhere = (NOON, NONE, NONE, 65535, 65535, 80, 0, 0)
    out = [report("as it is", plain, plain)]
    for name, changes, sent in [
        ("time -1", {"time": -1}, {"time": 0}),
        ("time 2^32", {"time": 2**32}, {"time": 0}),
        ("accuracy 65536", {"accuracy": 65536}, {"accuracy": 65534}),
        ("accuracy 10^9", {"accuracy": 10**9}, {"accuracy": 65534}),
        ("accuracy -1", {"accuracy": -1}, {"accuracy": 65535}),
        ("fix age 65536", {"fix_age": 65536}, {"fix_age": 65534}),
        ("fix age of ten years", {"fix_age": 315_360_000}, {"fix_age": 65534}),
        ("fix age -1", {"fix_age": -1}, {"fix_age": 65535}),
        ("battery 101", {"battery": 101}, {"battery": 100}),
        ("battery 1000", {"battery": 1000}, {"battery": 100}),
        ("battery -1", {"battery": -1}, {"battery": 255}),
        ("flags beyond bit 11", {"flags": 0xFFFF}, {"flags": 0x0FFF}),
        ("flags beyond 16 bits", {"flags": 0x12345678}, {"flags": 0x0678}),
        ("opening 65535", {"opening": 65535}, {"opening": 65535}),
        ("opening 65536", {"opening": 65536}, {"opening": 65535}),
        ("opening 10^9", {"opening": 10**9}, {"opening": 65535}),
        ("opening -1", {"opening": -1}, {"opening": 0}),
    ]:
        out.append(report(name, swap(plain, **changes), swap(plain, **sent)))
    for name, changes in [
        ("no position", {"latitude": NONE, "longitude": NONE}),
        ("no latitude", {"latitude": NONE}),
        ("no longitude", {"longitude": NONE}),
        ("latitude beyond the north pole", {"latitude": 900_000_001}),
        ("latitude beyond the south pole", {"latitude": -900_000_001}),
        ("longitude beyond the date line", {"longitude": 1_800_000_001}),
        ("longitude beyond the date line, westward", {"longitude": -1_800_000_001}),
        ("latitude beyond an i32", {"latitude": 2**40}),
        ("longitude beyond an i32", {"longitude": -(2**40)}),
    ]:
        out.append(report(name, swap(plain, **changes), nowhere))

    def status(name: str, given: tuple[Any, ...], sent: tuple[Any, ...]) -> Vector:
        return {"name": name, "status": [list(given[0]), *given[1:]], "body": bare.status(*sent).hex()}

    out += [
        status("status as it is", ((1, 2, 3), -71, 1, 2, 3, 4, 5), ((1, 2, 3), -71, 1, 2, 3, 4, 5)),
        status("all beyond", ((256, 999, 300), 200, 4, 16, 256, 256, 256), ((255,) * 3, 127, 4, 15, 255, 255, 255)),
        status("far beyond", ((0, 0, 0), -500, 4, 9999, 99999, 99999, 99999), ((0,) * 3, -127, 4, 15, 255, 255, 255)),
        status("all below", ((-1, -1, -1), -128, -1, -1, -1, -1, -1), ((0,) * 3, -128, 0, 0, 0, 0, 0)),
        status("bearer 16", ((0, 0, 0), -128, 16, 0, 0, 0, 0), ((0,) * 3, -128, 0, 0, 0, 0, 0)),
    ]
    return out
