"""Both runtimes against the same vectors."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from micropython import run_micropython
from protocol.shared_vectors import DEVICE, GATEWAY, KEYS, ON_BUTTON, VECTORS, load
from siaga_gateway.domain import frame
from siaga_gateway.domain.frame_authentication import GatewayKey, KeyFormatError, device_id_of, verify, verify_enrol
from vectors import generate


def by_name(name: str) -> Any:
    vectors = load(name)
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def test_the_button_agrees_with_every_vector() -> None:
    reports = [json.loads(line) for line in run_micropython(ON_BUTTON / "check_vectors.py", str(VECTORS)).splitlines()]
    assert [failure for report in reports for failure in report["failed"]] == []
    # refused_uplinks.json is for readers of uplinks, and a button is none.
    expected = {path.name: len(load(path.name)) for path in VECTORS.glob("*.json")}
    del expected["refused_uplinks.json"]
    assert {report["file"]: report["checked"] for report in reports} == expected


def test_the_vectors_are_what_their_generator_writes() -> None:
    for name, vectors in generate.files().items():
        assert generate.text(vectors) == (VECTORS / name).read_text(encoding="ascii"), f"{name}: run generate.py"
    assert {path.name for path in VECTORS.glob("*.json")} == set(generate.files())


def test_the_vectors_cover_what_they_promise() -> None:
    frames = load("uplinks.json")
    for kind in (frame.Kind.PRESS, frame.Kind.UPDATE, frame.Kind.CANCEL, frame.Kind.CHECKIN, frame.Kind.TAMPER):
        for suite in (frame.Suite.ES256, frame.Suite.HS256_64):
            words = {v["report"]["flags"] for v in frames if v["kind"] == kind and v["suite"] == suite}
            assert {1 << bit for bit in range(12)} | {0, 3 << 8, 3 << 10, 0x0FFF} <= words
    assert {len(v["frame"]) // 2 for v in frames if v["kind"] == frame.Kind.CHECKIN} == {99, 107, 43, 51}
    assert {(v["kind"], v["suite"]) for v in frames} == {(k, s) for k in range(1, 8) for s in (1, 2)} - {(6, 2)}
    assert {v.get("stage") for v in load("downlinks.json")} - {None} == set(frame.Stage)
    assert len(load("refused_uplinks.json")) >= 40
    assert {v["reason"] for v in load("refused_uplinks.json")} == set(frame.Reason)


def test_keys() -> None:
    device, shared = KEYS["device"], KEYS["shared"]
    assert GATEWAY.public_xy.hex() == KEYS["gateway"]["public"]
    assert device_id_of(bytes.fromhex(device["public"])).hex() == device["device_id"] == DEVICE.device_id.hex()
    assert (DEVICE.mac_up.hex(), DEVICE.mac_down.hex()) == (shared["mac_up"], shared["mac_down"])
    assert DEVICE.broker_password == shared["broker_password"]
    assert GATEWAY.mac_keys(DEVICE.public_xy, DEVICE.device_id) == (DEVICE.mac_up, DEVICE.mac_down)


@by_name("hmac.json")
def test_hmac(vector: dict[str, Any]) -> None:
    full = hmac.digest(bytes.fromhex(vector["key"]), bytes.fromhex(vector["message"]), hashlib.sha256)
    assert full.hex().startswith(vector["tag"])


@by_name("ecdsa.json")
def test_ecdsa(vector: dict[str, Any]) -> None:
    # What frame_authentication.py calls, held against the vectors that the button's own arithmetic is held against.
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + bytes.fromhex(vector["public"]))
    signature = bytes.fromhex(vector["signature"])
    verdict = len(signature) == 64
    if verdict:
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        try:
            key.verify(der, bytes.fromhex(vector["message"]), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            verdict = False
    assert verdict is vector["valid"]


@by_name("ecdh.json")
def test_ecdh(vector: dict[str, Any]) -> None:
    own = GatewayKey(ec.derive_private_key(int(vector["private"], 16), ec.SECP256R1()))
    public = bytes.fromhex(vector["public"])
    if vector["shared_x"] is None:
        with pytest.raises(KeyFormatError, match="no point of P-256"):
            own.device_key(public)
        with pytest.raises(KeyFormatError, match="no point of P-256"):
            own.mac_keys(public, bytes(8))
        return
    # The shared x is not handed out; the keys that are derived from it are.
    up, down = own.mac_keys(public, bytes(8))
    assert up == hkdf_once(vector["shared_x"], b"siaga/1 mac up" + bytes(8))
    assert down == hkdf_once(vector["shared_x"], b"siaga/1 mac down" + bytes(8))


def hkdf_once(ikm: str, info: bytes) -> bytes:
    """HKDF for 32 bytes and an empty salt, spelt out (RFC 5869, 2)."""
    extracted = hmac.digest(bytes(32), bytes.fromhex(ikm), "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


@by_name("uplinks.json")
def test_uplink(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["frame"])
    uplink = frame.decode_uplink(raw)
    assert (uplink.suite, uplink.kind, uplink.counter) == (vector["suite"], vector["kind"], vector["counter"])
    assert uplink.device_id == DEVICE.device_id
    assert (uplink.body.hex(), uplink.tag.hex()) == (vector["body"], vector["tag"])
    assert uplink.signed + uplink.tag == raw
    assert verify(uplink, DEVICE)
    assert verify_enrol(uplink) is (uplink.kind is frame.Kind.ENROL)
    parts = [uplink.report, uplink.public_key, uplink.receipt]
    assert sum(part is not None for part in parts) == 1
    if "report" in vector:
        assert uplink.report is not None
        for field, value in vector["report"].items():
            assert getattr(uplink.report, field) == value, field
        for meaning, value in vector["means"].items():
            got = getattr(uplink.report, meaning)
            assert (got.name if meaning in ("position_source", "trigger") else got) == value, meaning
    if "status" in vector:
        assert uplink.status is not None
        for field, value in vector["status"].items():
            got = getattr(uplink.status, field)
            assert (list(got) if field == "version" else got) == value, field
        assert uplink.status.signal_dbm == vector["status_means"]["signal_dbm"]
        assert uplink.status.bearer_in_use.name == vector["status_means"]["bearer_in_use"]
    else:
        assert uplink.status is None
    if "public_key" in vector:
        assert uplink.public_key == DEVICE.public_xy
    if "receipt" in vector:
        assert uplink.receipt == frame.Receipt(vector["receipt"]["down_counter"], vector["receipt"]["result"])


@by_name("refused_uplinks.json")
def test_refused_uplink(vector: dict[str, Any]) -> None:
    with pytest.raises(frame.FrameError) as refusal:
        frame.decode_uplink(bytes.fromhex(vector["frame"]))
    assert refusal.value.reason == vector["reason"]
    assert len(str(refusal.value.detail)) > 20
    assert str(refusal.value.detail) in str(refusal.value)


@pytest.mark.parametrize(
    "vector", [v for v in load("forged.json") if v["way"] == "up"], ids=lambda vector: vector["name"]
)
def test_forged_uplink(vector: dict[str, Any]) -> None:
    uplink = frame.decode_uplink(bytes.fromhex(vector["frame"]))
    assert not verify(uplink, DEVICE)
    assert not verify_enrol(uplink)


@by_name("downlinks.json")
def test_downlink(vector: dict[str, Any]) -> None:
    common = (DEVICE.mac_down, DEVICE.device_id, vector["counter"])
    if vector["kind"] == frame.Kind.ACK:
        about = vector["about"]
        digest = frame.event_digest(about["kind"], vector["counter"], bytes.fromhex(about["body"]))
        assert digest.hex() == about["digest"]
        made = frame.encode_ack(*common, digest, vector["time"], frame.Stage(vector["stage"]), vector["eta"])
    else:
        made = frame.encode_command(*common, vector["time"], vector["code"], bytes.fromhex(vector["arguments"]))
    assert made.hex() == vector["frame"]


@by_name("acks.json")
def test_an_ack_is_one_of_its_own_message_only(vector: dict[str, Any]) -> None:
    ack, uplink = bytes.fromhex(vector["ack"]), frame.decode_uplink(bytes.fromhex(vector["uplink"]))
    digest = frame.event_digest(uplink.kind, uplink.counter, uplink.body)
    assert frame.digest_of(bytes.fromhex(vector["uplink"])) == digest
    assert (frame.ack_tag(DEVICE.mac_down, ack[:-16], digest) == ack[-16:]) is vector["valid"]


@by_name("hkdf.json")
def test_hkdf(vector: dict[str, Any]) -> None:
    # As domain/frame_authentication.py calls it: SHA-256, an empty salt given as such.
    ikm, salt, info = (bytes.fromhex(vector[part]) for part in ("ikm", "salt", "info"))
    derived = HKDF(algorithm=hashes.SHA256(), length=vector["length"], salt=salt, info=info).derive(ikm)
    assert derived.hex() == vector["okm"]
