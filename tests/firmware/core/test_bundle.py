"""Firmware bundles: the writer of the tools against the reader of the button, and whatever is not a true bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.core.bundle import BundleError, Check, Header, check_path
from siaga_tools.firmware_build import bundle as tools

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = bytes.fromhex(tools.public_hex(KEY))
STRANGER = bytes.fromhex(tools.public_hex(ec.generate_private_key(ec.SECP256R1())))
FILES = {"siaga/__init__.mpy": b"", "siaga/app/a.mpy": bytes(range(256)) * 9, "siaga/core/b.mpy": b"b"}
GOOD = tools.write_bundle(tools.Bundle((1, 2, 3), ("t_a7670", "esp32_devkit"), 30, FILES), KEY)


def check(content: bytes, steps: list[int] | None = None, keys: list[bytes] | None = None) -> Check:
    """Read a bundle that arrives in these steps, and then whole."""
    checking = Check(lambda at, length: content[at : at + length], keys or [PUBLIC], lambda header: None)
    for have in [*sorted(min(step, len(content)) for step in steps or []), len(content)]:
        while checking.step(have):
            assert checking.at <= have
    return checking


@given(st.lists(st.integers(0, len(GOOD)), max_size=30))
@settings(deadline=None, max_examples=30)
def test_the_button_reads_what_the_tools_write_however_it_arrives(steps: list[int]):
    checking = check(GOOD, steps, [STRANGER, PUBLIC])
    assert checking.done and checking.at == len(GOOD)
    header = checking.header
    assert header is not None
    assert (header.version, header.boards, header.battery) == ((1, 2, 3), ["t_a7670", "esp32_devkit"], 30)
    assert checking.digest == hashlib.sha256(GOOD[:-64]).digest()
    assert tools.read_bundle(GOOD, PUBLIC) == tools.Bundle((1, 2, 3), ("t_a7670", "esp32_devkit"), 30, FILES)


def test_every_single_changed_bit_is_refused_on_both_sides():
    for at in [*range(0, len(GOOD) - 2304, 7), *range(len(GOOD) - 2304, len(GOOD), 61), len(GOOD) - 64, len(GOOD) - 1]:
        content = GOOD[:at] + bytes([GOOD[at] ^ 1 << at % 8]) + GOOD[at + 1 :]
        with pytest.raises(tools.BundleError):
            tools.read_bundle(content, PUBLIC)
        try:
            assert not check(content).done  # it says that it is longer, and waits for the rest
        except BundleError as error:
            assert str(error)


def test_a_damaged_byte_in_head_or_table_is_damage_or_unfit_whatever_it_becomes():
    """Nothing but BundleError: any other error would be taken for one that passes."""
    for at in range(4, 16 + 2 * 24 + 3 * 88):
        for byte in (0x00, 0x2F, 0x41, 0x7F, 0x80, 0xC3, 0xFF):
            content = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
            try:
                assert content == GOOD or not check(content).done
            except BundleError as error:
                assert error.is_damage or at < 10, error  # a format that is not read here may be a true bundle's


def test_a_bundle_in_part_is_never_done_and_one_too_long_is_refused():
    for length in range(0, len(GOOD), 13):
        assert not check(GOOD[:length]).done
        with pytest.raises(tools.BundleError):
            tools.read_bundle(GOOD[:length], PUBLIC)
    with pytest.raises(BundleError, match="longer"):
        check(GOOD + b"x")
    with pytest.raises(tools.BundleError):
        tools.read_bundle(GOOD + b"x", PUBLIC)


def test_another_key_is_no_release_key():
    with pytest.raises(BundleError, match="signature"):
        check(GOOD, keys=[STRANGER])
    with pytest.raises(tools.BundleError, match="signature"):
        tools.read_bundle(GOOD, STRANGER)


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_refused_or_waited_for(content: bytes):
    for given_bytes in (content, b"SIAB\x01" + content):
        try:
            assert not check(given_bytes).done
        except BundleError as error:
            assert str(error)


def test_a_bundle_for_others_is_refused_at_its_head():
    asked: list[Header] = []

    def refuse(header: Header) -> None:
        asked.append(header)
        raise BundleError("not for this board")

    checking = Check(lambda at, length: GOOD[at : at + length], [PUBLIC], refuse)
    with pytest.raises(BundleError, match="not for this board"):
        while checking.step(64):
            pass
    assert asked[0].boards == ["t_a7670", "esp32_devkit"] and checking.at == 64


@pytest.mark.parametrize(
    "path",
    ["/siaga/a.mpy", "siaga/../a.mpy", "../a.mpy", "siaga//a.mpy", "siaga/a", "main.py", "siaga_boot.py", "siaga.py",
     "siaga/identity", "siaga/a.json", "siaga/a.b.mpy", "siaga/.mpy", "siaga-state/identity.mpy", "siaga/A.mpy", "",
     "siaga/"],
)  # fmt: skip
def test_no_path_leaves_the_slot(path: str):
    with pytest.raises(BundleError):
        check_path(path.encode())
    with pytest.raises(tools.BundleError):
        tools.write_bundle(tools.Bundle((1, 0, 0), (), 0, {path: b""}), KEY)


@given(st.from_regex(r"siaga(/[a-z0-9_]{1,8}){1,4}\.m?py", fullmatch=True) | st.text(max_size=20))
def test_both_sides_agree_about_paths(path: str):
    def is_taken(call: object, *arguments: object) -> bool:
        try:
            call(*arguments)  # type: ignore[operator]
        except (BundleError, tools.BundleError):
            return False
        return True

    written = is_taken(tools.write_bundle, tools.Bundle((1, 0, 0), (), 0, {path: b""}), KEY)
    assert written == (is_taken(check_path, path.encode()) and len(path) <= 48)


def test_keys_are_made_once_and_read_again(tmp_path: Path):
    file = tmp_path / "release.pem"
    key = tools.make_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert tools.public_hex(tools.read_key(file)) == tools.public_hex(key)
    with pytest.raises(tools.BundleError, match="never overwritten"):
        tools.make_key(file)
    file.write_text("no key")
    with pytest.raises(tools.BundleError):
        tools.read_key(file)
    for wrong in ("1.2", "1.2.256", "v1.2.3", "1.2.3.4"):
        with pytest.raises(tools.BundleError, match="no version"):
            tools.parse_version(wrong)
