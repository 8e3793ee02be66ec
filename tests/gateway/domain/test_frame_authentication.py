"""Whose frame it is (domain/frame_authentication.py): every part of a tag counts, and no key stands in for another."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pressing_button import PressingButton, report_body
from siaga_gateway.domain.frame import Kind, Suite, decode_uplink
from siaga_gateway.domain.frame_authentication import (
    DeviceKey,
    GatewayKey,
    KeyFormatError,
    device_id_of,
    is_signed,
    load_public,
    verify,
    verify_enrol,
)
from spoiling import spoilt

GATEWAY = GatewayKey(ec.derive_private_key(7, ec.SECP256R1()))
BUTTON = PressingButton(private=ec.derive_private_key(11, ec.SECP256R1())).meet(GATEWAY)
KEY = GATEWAY.device_key(BUTTON.public_xy)
STRANGER = PressingButton(private=ec.derive_private_key(13, ec.SECP256R1())).meet(GATEWAY)
SIGNED = BUTTON.frame(Kind.PRESS, 5, report_body())
MACED = BUTTON.frame(Kind.PRESS, 5, report_body(), Suite.HS256_64)


@pytest.mark.parametrize("frame", [SIGNED, MACED])
def test_a_frame_is_its_maker_s_and_no_byte_of_it_can_be_another(frame: bytes) -> None:
    assert verify(decode_uplink(frame), KEY)
    for at in range(10, len(frame)):
        assert not verify(decode_uplink(spoilt(frame, at)), KEY), at


def test_a_frame_under_another_name_is_nobody_s() -> None:
    other = GATEWAY.device_key(STRANGER.public_xy)
    for suite in (Suite.ES256, Suite.HS256_64):
        head = decode_uplink(BUTTON.frame(Kind.PRESS, 5, report_body(), suite)).signed
        named = head[:2] + STRANGER.device_id + head[10:]
        by_button = decode_uplink(named + BUTTON.tag(named, suite))
        assert not verify(by_button, KEY), "its tag is right, its name is not"
        assert not verify(by_button, other)


def test_a_whole_signed_frame() -> None:
    public = load_public(BUTTON.public_xy)
    assert is_signed(SIGNED, public)
    for at in (0, len(SIGNED) - 65, len(SIGNED) - 64, len(SIGNED) - 33, len(SIGNED) - 32, len(SIGNED) - 1):
        assert not is_signed(spoilt(SIGNED, at), public), at
    assert not is_signed(SIGNED, load_public(STRANGER.public_xy))


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (2**256 - 1, 2**256 - 1)])
def test_a_signature_of_impossible_numbers_is_none_and_no_error(r: int, s: int) -> None:
    assert not verify(decode_uplink(SIGNED[:-64] + r.to_bytes(32, "big") + s.to_bytes(32, "big")), KEY)


def test_an_enrolment_proves_that_the_sender_holds_the_key_that_it_brings() -> None:
    frame = BUTTON.enrol()
    assert verify_enrol(decode_uplink(frame))
    assert not verify_enrol(decode_uplink(spoilt(frame)))
    head = frame[:-64]
    assert not verify_enrol(decode_uplink(head + STRANGER.tag(head, Suite.ES256))), "somebody else signs for it"
    assert not verify_enrol(decode_uplink(SIGNED)), "a press brings no key"


# Keys


def test_both_halves_come_to_the_same_keys_and_to_two_of_them() -> None:
    assert (KEY.mac_up, KEY.mac_down) == (BUTTON.mac_up, BUTTON.mac_down)
    assert GATEWAY.mac_keys(BUTTON.public_xy, BUTTON.device_id) == (KEY.mac_up, KEY.mac_down)
    assert (len(KEY.mac_up), len(KEY.mac_down)) == (32, 32) and KEY.mac_up != KEY.mac_down
    assert (KEY.device_id, KEY.public_xy) == (BUTTON.device_id, BUTTON.public_xy)
    shared = BUTTON.private.exchange(ec.ECDH(), load_public(GATEWAY.public_xy))
    extracted = hmac.digest(bytes(32), shared, "sha256")
    for label, mac in ((b"siaga/1 mac up", KEY.mac_up), (b"siaga/1 mac down", KEY.mac_down)):
        assert hmac.digest(extracted, label + BUTTON.device_id + b"\x01", "sha256") == mac


def test_a_device_is_named_by_the_start_of_its_key_s_hash() -> None:
    assert device_id_of(BUTTON.public_xy) == sha256(BUTTON.public_xy).digest()[:8]
    assert len(device_id_of(bytes(64))) == 8


def test_the_broker_s_password_is_half_a_digest_in_hexadecimal() -> None:
    assert KEY.broker_password == hmac.digest(KEY.mac_up, b"siaga/1 mqtt", "sha256").hex()[:32]


def test_the_name_that_workers_share_frames_under_is_no_other_gateway_s() -> None:
    scalar = (7).to_bytes(32, "big")
    assert GATEWAY.share_name == "siaga-" + hmac.digest(scalar, b"siaga/1 share", "sha256").hex()[:16]


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_a_key_of_another_length_is_refused_as_one_of_another_length(size: int) -> None:
    for asked in (device_id_of, load_public):
        with pytest.raises(KeyFormatError) as refused:
            asked(bytes(size))
        assert (refused.value.key, refused.value.values["public_xy"]) == ("key.length", size)


def test_a_point_beside_the_curve_is_no_key() -> None:
    for refuses in (load_public, GATEWAY.device_key, lambda xy: GATEWAY.mac_keys(xy, bytes(8))):
        with pytest.raises(KeyFormatError) as refused:
            refuses(bytes(63) + b"\x01")
        assert refused.value.key == "key.no_point"


def test_a_gateway_s_key_survives_its_file_and_is_on_the_one_curve() -> None:
    again = GatewayKey.from_pem(GATEWAY.to_pem())
    assert (again.public_xy, again.share_name) == (GATEWAY.public_xy, GATEWAY.share_name)
    with pytest.raises(KeyFormatError) as refused:
        GatewayKey(ec.generate_private_key(ec.SECP384R1()))
    assert refused.value.key == "key.curve"
    with pytest.raises(KeyFormatError):
        GatewayKey.from_pem(b"")
    public, other = GatewayKey.generate().public_xy, GatewayKey.generate().public_xy
    assert len(public) == 64 and public != other and load_public(public)


def test_what_is_secret_is_in_no_text_of_a_key_and_the_loaded_half_makes_no_difference() -> None:
    text = repr(KEY)
    assert repr(KEY.mac_up) not in text and repr(KEY.mac_down) not in text and "public=" not in text
    assert GATEWAY.device_key(BUTTON.public_xy) == KEY, "loaded twice it is the same"
    assert DeviceKey(KEY.device_id, KEY.public_xy, KEY.public, KEY.mac_down, KEY.mac_up) != KEY
    with pytest.raises(AttributeError):
        KEY.mac_up = b""  # type: ignore[misc]
    assert not hasattr(KEY, "__dict__")
