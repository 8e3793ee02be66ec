"""The gateway's key file, and arguments that make no frame."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from protocol.shared_vectors import DEVICE, GATEWAY, load
from siaga_gateway.domain import frame
from siaga_gateway.domain.frame_authentication import GatewayKey, KeyFormatError, device_id_of, verify
from vectors import bare


def test_a_key_survives_its_file() -> None:
    key = GatewayKey.generate()
    again = GatewayKey.from_pem(key.to_pem())
    assert again.public_xy == key.public_xy
    assert again.device_key(DEVICE.public_xy) == key.device_key(DEVICE.public_xy)
    assert GatewayKey.generate().public_xy != key.public_xy


def pem(private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "no unencrypted PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no unencrypted PEM private key"),
        (pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "no unencrypted PEM private key"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "secp384r1; it must be on P-256"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "secp256k1; it must be on P-256"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "not an elliptic-curve key"),
    ],
    ids=["empty", "cut", "encrypted", "p384", "k256", "ed25519"],  # a key's own text would be another in each process
)
def test_a_file_that_is_no_p256_key_is_refused_by_what_it_is(text: bytes, complaint: str) -> None:
    with pytest.raises(KeyFormatError, match=complaint):
        GatewayKey.from_pem(text)


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_a_public_key_of_another_size_is_refused(size: int) -> None:
    for load_key in (device_id_of, GATEWAY.device_key, lambda xy: GATEWAY.mac_keys(xy, bytes(8))):
        with pytest.raises(KeyFormatError, match=f"64 bytes, not {size}"):
            load_key(bytes(size))


def test_secrets_are_not_in_a_key_s_text() -> None:
    assert DEVICE.mac_up.hex() not in repr(DEVICE)
    assert repr(DEVICE.mac_up) not in repr(DEVICE)
    assert repr(DEVICE.mac_down) not in repr(DEVICE)


def test_a_genuine_frame_is_not_another_device_s() -> None:
    uplink = frame.decode_uplink(bytes.fromhex(load("uplinks.json")[0]["frame"]))
    stranger = GATEWAY.device_key(GatewayKey.generate().public_xy)
    assert verify(uplink, DEVICE)
    assert not verify(uplink, stranger)


@pytest.mark.parametrize("suite", [bare.ES256, bare.HS256_64])
def test_a_device_s_key_does_not_speak_for_another_device_id(suite: int) -> None:
    unsigned = bare.header(1, suite, bare.PRESS, bytes(8), 1) + bytes(21)
    by_key = {
        bare.ES256: bare.sign(bare.DEVICE, bare.UP + unsigned),
        bare.HS256_64: bare.mac(DEVICE.mac_up, bare.UP + unsigned, 8),
    }
    assert not verify(frame.decode_uplink(unsigned + by_key[suite]), DEVICE)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"mac_down_key": bytes(16)}, "MAC key is 32"),
        ({"device_id": bytes(7)}, "device_id of 7 bytes"),
        ({"counter": -1}, "counter -1"),
        ({"counter": 2**32}, "counter 4294967296"),
        ({"time": -1}, "time -1"),
        ({"time": 2**32}, "time 4294967296"),
        ({"stage": 0}, "0 is not a valid Stage"),
        ({"stage": 8}, "8 is not a valid Stage"),
        ({"eta": -1}, "eta -1"),
        ({"digest": bytes(16)}, "digest of 16 bytes"),
    ],
)
def test_an_ack_that_cannot_be_is_refused(changed: dict[str, object], complaint: str) -> None:
    good = {"mac_down_key": bytes(32), "device_id": bytes(8), "counter": 1, "digest": bytes(32), "time": 2}
    good["stage"] = frame.Stage.SEEN
    assert len(frame.encode_ack(**good)) == 36  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=complaint):
        frame.encode_ack(**{**good, **changed})  # type: ignore[arg-type]


def test_a_long_way_is_254_minutes_or_more() -> None:
    def eta(minutes: int) -> int:
        return frame.encode_ack(bytes(32), bytes(8), 1, bytes(32), 2, frame.Stage.ASSIGNED, minutes)[19]

    assert [eta(minutes) for minutes in (0, 254, 255, 256, 10**6)] == [0, 254, 255, 254, 254]


@pytest.mark.parametrize(
    ("code", "arguments", "complaint"), [(-1, b"", "code -1"), (256, b"", "code 256"), (1, bytes(256), "256 bytes")]
)
def test_a_command_that_cannot_be_is_refused(code: int, arguments: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        frame.encode_command(bytes(32), bytes(8), 1, 2, code, arguments)
