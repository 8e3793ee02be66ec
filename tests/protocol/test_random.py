"""What one runtime makes, the other must take; what nobody made, neither may take. Every run uses the same seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from protocol.shared_vectors import DEVICE, GATEWAY, ON_BUTTON, VECTORS, load
from siaga_gateway.domain import frame
from siaga_gateway.domain.frame_authentication import verify, verify_enrol

SEED = 20261123


def test_2000_frames_signed_on_the_button_verify_on_the_gateway() -> None:
    devices, frames = 8, 250
    print(f"seed {SEED}")
    printed = run_micropython(
        ON_BUTTON / "sign_random.py", str(SEED), str(devices), str(frames), GATEWAY.public_xy.hex()
    )
    signed, maced, with_status = 0, 0, 0
    for line in printed.splitlines():
        first, second, *rest = line.split()
        if first == "device":
            key = GATEWAY.device_key(bytes.fromhex(second))
            enrol = frame.decode_uplink(bytes.fromhex(rest[0]))
            assert verify_enrol(enrol) and verify(enrol, key) and enrol.public_key == key.public_xy
            continue
        kind, counter, *numbers = map(int, rest)
        es256, hs256 = (frame.decode_uplink(bytes.fromhex(form)) for form in (first, second))
        assert verify(es256, key) and verify(hs256, key)
        assert (es256.suite, hs256.suite) == (frame.Suite.ES256, frame.Suite.HS256_64)
        assert es256.body == hs256.body
        for form in (es256, hs256):
            assert (form.kind, form.counter, form.device_id) == (kind, counter, key.device_id)
            assert form.report is not None
            assert list(dataclasses.astuple(form.report)) == numbers[:8]
            if len(numbers) > 8:
                assert form.status is not None
                version, *others = dataclasses.astuple(form.status)
                assert [*version, *others] == numbers[8:]
        signed, maced, with_status = signed + 1, maced + 1, with_status + (len(numbers) > 8)
    assert (signed, maced) == (2000, 2000)
    assert with_status > 50


def test_2000_downlinks_of_the_gateway_verify_on_the_button() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    frames, expected, about = [], [], []
    for number in range(2000):
        counter, time = chance.getrandbits(32), chance.getrandbits(32)
        common = (DEVICE.mac_down, DEVICE.device_id, counter)
        if number % 10:
            stage, eta = frame.Stage(chance.randint(1, 7)), chance.getrandbits(8)
            uplink, digest = chance_uplink(chance, counter)
            about.append(uplink)
            frames.append(frame.encode_ack(*common, digest, time, stage, eta))
            expected.append(f"129 {counter} {time} {int(stage)} {eta}")
        else:
            code, arguments = chance.getrandbits(8), chance.randbytes(chance.randint(0, 255))
            about.append(b"")
            frames.append(frame.encode_command(*common, time, code, arguments))
            expected.append(f"130 {counter} {time} {code} 0x{arguments.hex()}")
    assert read_on_button(frames, about) == expected
    for place, raw in enumerate(about):
        if raw:  # for a message that differs in one byte none of them is an acknowledgement
            at = chance.choice([1, *range(10, 14 + BODY[frame.Kind(raw[1])])])
            other = raw[at] % 7 + 1 if at == 1 else raw[at] ^ 1 << at % 8
            about[place] = raw[:at] + bytes([other]) + raw[at + 1 :]
    told = read_on_button(frames, about)
    assert [line for line, raw in zip(told, about, strict=True) if raw] == ["forged"] * 1800


# Bytes of body that count, by kind.
BODY = {kind: {frame.Kind.ENROL: 64, frame.Kind.RECEIPT: 5}.get(kind, 21) for kind in frame.Kind if kind < 8}


def chance_uplink(chance: random.Random, counter: int) -> tuple[bytes, bytes]:
    """The form of an uplink, with any body, and the digest by which its ACK is bound to it."""
    kind = chance.choice(list(BODY))
    suite = chance.choice([1, 2]) if kind is not frame.Kind.ENROL else 1
    body = chance.randbytes(BODY[kind])
    status = chance.randbytes(8) if kind is frame.Kind.CHECKIN and chance.random() < 0.5 else b""
    head = bytes([0x10 | suite, kind]) + DEVICE.device_id + counter.to_bytes(4, "big")
    raw = head + body + status + bytes(64 if suite == 1 else 8)
    return raw, frame.event_digest(kind, counter, body)


def read_on_button(frames: list[bytes], about: list[bytes]) -> list[str]:
    return run_micropython(
        ON_BUTTON / "read_downlinks.py",
        DEVICE.mac_down.hex(),
        DEVICE.device_id.hex(),
        feed="".join(f"{raw.hex()} {uplink.hex()}\n" for raw, uplink in zip(frames, about, strict=True)),
    ).splitlines()


def test_a_downlink_to_another_device_is_not_taken() -> None:
    other = GATEWAY.device_key(GATEWAY.public_xy)
    uplink, digest = chance_uplink(random.Random(SEED), 1)
    told = (1, digest, 2, frame.Stage.SEEN)
    to_other = frame.encode_ack(other.mac_down, other.device_id, *told)
    readdressed = frame.encode_ack(other.mac_down, DEVICE.device_id, *told)
    misaddressed = frame.encode_ack(DEVICE.mac_down, other.device_id, *told)
    true = frame.encode_ack(DEVICE.mac_down, DEVICE.device_id, *told)
    read = read_on_button([true, to_other, readdressed, misaddressed], [uplink] * 4)
    assert read == ["129 1 2 2 255", *["forged"] * 3]


def taken(raw: bytes) -> bool:
    """Whether the gateway would take these bytes for the device's, even if it looked the key up wrongly."""
    try:
        uplink = frame.decode_uplink(raw)
    except frame.FrameError:
        return False
    return verify(uplink, dataclasses.replace(DEVICE, device_id=uplink.device_id))


FIRST_OF_EACH = {(v["kind"], v["suite"], len(v["frame"])): v for v in load("uplinks.json")}


@pytest.mark.parametrize("vector", FIRST_OF_EACH.values(), ids=lambda vector: vector["name"])
def test_no_changed_byte_of_an_uplink_verifies(vector: dict[str, str]) -> None:
    raw = bytes.fromhex(vector["frame"])
    assert taken(raw)
    # A MAC is cheap to check, so all 255 changes of every byte; of a signed frame each bit, and all bits.
    changes = range(1, 256) if raw[0] & 15 == frame.Suite.HS256_64 else [*(1 << bit for bit in range(8)), 255]
    for place in range(len(raw)):
        for change in changes:
            changed = raw[:place] + bytes([raw[place] ^ change]) + raw[place + 1 :]
            assert not taken(changed), f"byte {place} changed by {change:#04x}: {changed.hex()}"
    for size in range(len(raw)):
        assert not taken(raw[:size])


def test_no_changed_byte_is_taken_on_the_button() -> None:
    result = json.loads(run_micropython(ON_BUTTON / "tamper.py", str(VECTORS)))
    assert result == {"downlinks": (36 + 36 + 37) * 255, "signatures": 10 + 99, "taken": []}


def test_the_gateway_s_decoder_survives_100000_random_inputs() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    genuine = [bytes.fromhex(vector["frame"]) for vector in load("uplinks.json")]
    outcomes: Counter[str] = Counter()
    for number in range(100_000):
        if number % 3 == 0:
            raw = chance.randbytes(chance.randint(0, 160))
        elif number % 3 == 1:
            # A frame's header before noise of a length that some frame has.
            size = chance.choice([35, 43, 51, 83, 99, 107, 142, chance.randint(14, 150)])
            raw = bytes([0x11 + chance.getrandbits(1), chance.randint(0, 8)]) + chance.randbytes(size - 2)
        else:
            changed = bytearray(chance.choice(genuine))
            for _ in range(chance.randint(1, 3)):
                changed[chance.randrange(len(changed))] = chance.getrandbits(8)
            raw = bytes(changed[: chance.choice([len(changed), chance.randint(0, len(changed))])])
        try:
            uplink = frame.decode_uplink(raw)
        except frame.FrameError as error:
            outcomes[error.reason] += 1
        else:
            outcomes["laid out"] += 1
            assert uplink.signed + uplink.tag == raw
            if uplink.report is not None:
                read_everything(uplink.report)
            if uplink.status is not None:
                read_everything(uplink.status)
    assert sum(outcomes.values()) == 100_000
    # It must have come far enough in to mean something.
    assert outcomes["laid out"] > 10_000
    assert set(outcomes) == {"laid out", *frame.Reason} - {frame.Reason.KEY}


def read_everything(part: frame.Report | frame.Status) -> None:
    for name in dir(type(part)):
        if isinstance(getattr(type(part), name), property):
            getattr(part, name)


def test_the_button_s_decoder_survives_100000_random_inputs() -> None:
    print(f"seed {SEED}")
    outcomes = json.loads(run_micropython(ON_BUTTON / "survive.py", str(SEED), "100000"))
    assert sum(outcomes.values()) == 100_000
    assert outcomes["taken"] > 1_000
    assert set(outcomes) == {"taken", "length", "version", "suite", "kind", "stage"}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_frame_error(raw: bytes) -> None:
    try:
        uplink = frame.decode_uplink(raw)
    except frame.FrameError as error:
        assert isinstance(error.reason, frame.Reason)
    else:
        assert uplink.signed + uplink.tag == raw


@given(st.binary(min_size=21, max_size=21))
def test_any_21_bytes_are_a_report(body: bytes) -> None:
    raw = b"\x12\x01" + bytes(12) + body + bytes(8)
    report = frame.decode_uplink(raw).report
    assert report is not None
    read_everything(report)
    assert (report.latitude_degrees is None) is (report.longitude_degrees is None) is (not report.has_position)
    if report.latitude_degrees is not None and report.longitude_degrees is not None:
        assert -90 <= report.latitude_degrees <= 90 and -180 <= report.longitude_degrees <= 180
        assert round(report.latitude_degrees * 10**7) == report.latitude


@given(st.binary(min_size=29, max_size=29))
def test_a_check_in_s_status_is_read_byte_by_byte(body: bytes) -> None:
    status = frame.decode_uplink(b"\x12\x04" + bytes(12) + body + bytes(8)).status
    assert status is not None
    read_everything(status)
    signal = status.signal if status.signal >= 0 else status.signal + 256
    rest = bytes([signal, status.bearer << 4 | status.waiting, status.uptime_hours, status.restarts, status.rejected])
    assert bytes(status.version) + rest == body[21:]


@given(st.binary(max_size=64))
def test_a_device_id_is_a_hash(noise: bytes) -> None:
    public = hashlib.sha512(noise).digest()
    raw = b"\x11\x06" + hashlib.sha256(public).digest()[:8] + bytes(4) + public + bytes(64)
    with pytest.raises(frame.FrameError) as refusal:
        frame.decode_uplink(raw)
    assert refusal.value.reason is frame.Reason.KEY
