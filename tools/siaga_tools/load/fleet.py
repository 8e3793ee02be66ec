"""A fleet of virtual devices: keys derived from one seed, the file that stores it, and the registrar's import file.

INVENTED: the owners are nobody. See siaga_tools/demo/owners.py for what makes their numbers impossible.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TextIO

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from siaga_gateway.domain.device_report import PositionSource
from siaga_gateway.domain.frame import UP_CONTEXT, VERSION, Flags, Kind, Suite
from siaga_gateway.domain.frame_authentication import GatewayKey, KeyFormatError, device_id_of
from siaga_tools.load.plan import PlannedFrame
from siaga_tools.messages import Trouble

FORMAT: Final = "siaga fleet 1"
LARGEST: Final = 1_000_000
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_HEAD: Final = struct.Struct(">BB8sI")
_REPORT: Final = struct.Struct(">IiiHHBHH")
_STATUS: Final = struct.Struct(">BBBbBBBB")
_SHA256: Final = ec.ECDSA(hashes.SHA256())
_LTE: Final = 1 << 4
# The demo's town and around, degrees x 10^7.
_SOUTH, _WEST, _WIDE = -55_000_000, 1_051_500_000, 2_000_000
# The columns that a registrar's file may have; see gateway/README.md.
COLUMNS: Final = ("frame", "name", "nik", "phone", "address", "language", "label", "valid_until", "installed")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Virtual devices 0 to devices - 1.

    next_counter: the lowest that none of them has used
    """

    seed: bytes
    devices: int
    gateway_xy: bytes
    next_counter: int = 1

    @classmethod
    def new(cls, devices: int, gateway_xy: bytes, seed: bytes | None = None) -> Fleet:
        return cls(os.urandom(32) if seed is None else seed, devices, gateway_xy)

    @classmethod
    def load(cls, path: Path) -> Fleet:
        """Load a fleet. Raises Trouble."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw["format"] != FORMAT:
                raise ValueError(f"format {raw['format']!r}")
            fleet = cls(
                bytes.fromhex(raw["seed"]),
                int(raw["devices"]),
                bytes.fromhex(raw["gateway_key"]),
                int(raw["next_counter"]),
            )
            if len(fleet.seed) != 32 or not 1 <= fleet.devices <= LARGEST or len(fleet.gateway_xy) != 64:
                raise ValueError("a value is out of its range")
        except OSError as error:
            raise Trouble("load_fleet_unread", file=path, why=error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise Trouble("load_fleet_broken", file=path, why=error) from error
        return fleet

    def save(self, path: Path) -> None:
        """Save atomically, readable only by its owner. Raises Trouble."""
        raw = {
            "format": FORMAT,
            "seed": self.seed.hex(),
            "devices": self.devices,
            "gateway_key": self.gateway_xy.hex(),
            "next_counter": self.next_counter,
        }
        draft = path.with_name(f".{path.name}.draft")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(raw, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise Trouble("load_fleet_unwritten", file=path, why=error) from error

    def after(self, plan: Sequence[PlannedFrame]) -> Fleet:
        """Return the same fleet once the plan's counters are used."""
        return replace(self, next_counter=max((one.counter + 1 for one in plan), default=self.next_counter))


@dataclass(frozen=True, slots=True)
class Keys:
    """One virtual device's keys."""

    index: int
    device_id: bytes
    public_xy: bytes
    private: ec.EllipticCurvePrivateKey


def keys(seed: bytes, index: int) -> Keys:
    """Return the keys of device `index` of the fleet with that seed."""
    drawn = hmac.digest(seed, b"device" + index.to_bytes(4, "big"), "sha512")
    private = ec.derive_private_key(int.from_bytes(drawn, "big") % (_ORDER - 1) + 1, ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    public_xy = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    return Keys(index, device_id_of(public_xy), public_xy, private)


def sign(one: Keys, kind: Kind, counter: int, body: bytes) -> bytes:
    head = _HEAD.pack(VERSION << 4 | Suite.ES256, kind, one.device_id, counter) + body
    r, s = decode_dss_signature(one.private.sign(UP_CONTEXT + head, _SHA256))
    return head + r.to_bytes(32, "big") + s.to_bytes(32, "big")


def prove(one: Keys, mac_up: bytes, counter: int, body: bytes) -> bytes:
    """Return a CHECKIN that carries a MAC."""
    head = _HEAD.pack(VERSION << 4 | Suite.HS256_64, Kind.CHECKIN, one.device_id, counter) + body
    return head + hmac.digest(mac_up, UP_CONTEXT + head, "sha256")[:8]


def mac_keys(one: Keys, gateway_xy: bytes) -> tuple[bytes, bytes]:
    """Return the keys, up and down, that this device shares with its gateway. Raises Trouble if the gateway's key is
    invalid."""
    try:
        return GatewayKey(one.private).mac_keys(gateway_xy, one.device_id)
    except KeyFormatError as error:
        raise Trouble("load_key_wrong", why=error) from error


def body_of(planned: PlannedFrame, time_s: int, *, test: bool) -> bytes:
    """Return a report as such a device would make it: its position, a fresh fix, a status with a check-in."""
    spot = hashlib.sha256(planned.device.to_bytes(4, "big")).digest()
    latitude = _SOUTH + int.from_bytes(spot[:4], "big") % _WIDE
    longitude = _WEST + int.from_bytes(spot[4:8], "big") % _WIDE
    # It moves a little, so that an UPDATE has something to report.
    latitude += planned.counter % 50 * 200
    flags = PositionSource.GNSS << 8 | (Flags.TEST if test and planned.kind is not Kind.CHECKIN else 0)
    battery = 40 + spot[8] % 61
    report = _REPORT.pack(time_s, latitude, longitude, 12, 1, battery, flags, planned.opening)
    if planned.kind is Kind.CHECKIN:
        return report + _STATUS.pack(0, 1, 0, -80 - spot[9] % 20, _LTE, 12, 0, 0)
    return report


def registration(fleet: Fleet, index: int) -> dict[str, str]:
    """Return a line of the registrar's import file: the signed ENROL frame, and an invented owner."""
    one = keys(fleet.seed, index)
    # Counter 0: not used by any run.
    frame = sign(one, Kind.ENROL, 0, one.public_xy)
    number = int.from_bytes(one.device_id, "big") % 10**13
    return {
        "frame": frame.hex(),
        "name": f"Contoh Beban {index + 1}",
        "nik": f"99{number:014d}",
        "phone": f"+620{number % 10**9:09d}",
        "address": "Jl. Contoh (alamat rekaan, uji beban)",
        "language": "id",
        "label": f"uji beban {index + 1}",
    }


def write_registrations(fleet: Fleet, out: TextIO, valid_until: str) -> Iterator[int]:
    """Write CSV, a line a device; yields the number of lines so far. valid_until: YYYY-MM-DD."""
    writer = csv.DictWriter(out, [name for name in COLUMNS if name != "installed"], lineterminator="\n")
    writer.writeheader()
    for index in range(fleet.devices):
        writer.writerow({**registration(fleet, index), "valid_until": valid_until})
        yield index + 1
