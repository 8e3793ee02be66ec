"""The shared vectors and the two parties of all of them, for the tests in this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from siaga_gateway.domain.frame_authentication import DeviceKey, GatewayKey

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
ON_BUTTON = Path(__file__).resolve().parent / "on_button"


def load(name: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="ascii"))
    assert vectors
    return vectors


KEYS = {key["name"]: key for key in load("keys.json")}
GATEWAY = GatewayKey(ec.derive_private_key(int(KEYS["gateway"]["private"], 16), ec.SECP256R1()))
DEVICE: DeviceKey = GATEWAY.device_key(bytes.fromhex(KEYS["device"]["public"]))
