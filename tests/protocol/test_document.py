"""firmware/PROTOCOL.md is right: its tables, its client and its examples, on both runtimes."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys

import pytest

from micropython import FIRMWARE, run_micropython
from protocol.shared_vectors import DEVICE, GATEWAY, KEYS
from siaga_gateway.config.sms import SmsSettings
from siaga_gateway.domain import frame
from siaga_gateway.domain.frame_authentication import device_id_of, verify, verify_enrol
from siaga_gateway.service.ingest import lanes
from vectors import bare

DOCUMENT = (FIRMWARE / "PROTOCOL.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
FRAMES = [bytes.fromhex(text) for kind, text in BLOCKS if kind == "frame"]


def block(kind: str) -> str:
    (text,) = [text for name, text in BLOCKS if name == kind]
    return text


def test_the_keys() -> None:
    written = dict(re.findall(r"^([\w ]+):\n((?:    [0-9a-f]+\n)+)", block("keys"), re.MULTILINE))
    got = {name: bytes.fromhex(value) for name, value in written.items()}
    assert got == {
        "device private key": bytes.fromhex(KEYS["device"]["private"]),
        "device public key": DEVICE.public_xy,
        "device_id": DEVICE.device_id,
        "gateway private key": bytes.fromhex(KEYS["gateway"]["private"]),
        "gateway public key": GATEWAY.public_xy,
        "shared_x": bytes.fromhex(KEYS["shared"]["shared_x"]),
        "mac_up": DEVICE.mac_up,
        "mac_down": DEVICE.mac_down,
        "broker password": bytes.fromhex(DEVICE.broker_password),
    }
    # And not because the document and the vectors are wrong in the same way.
    assert device_id_of(got["device public key"]) == got["device_id"]
    assert bare.public(int.from_bytes(got["device private key"], "big")) == got["device public key"]
    assert bare.shared_x(int.from_bytes(got["gateway private key"], "big"), DEVICE.public_xy) == got["shared_x"]
    assert bare.mac_key(got["shared_x"], "up", got["device_id"]) == got["mac_up"]
    assert bare.mac_key(got["shared_x"], "down", got["device_id"]) == got["mac_down"]
    assert bare.mac(got["mac_up"], b"siaga/1 mqtt", 16) == got["broker password"]


def test_the_uplinks_say_what_the_text_around_them_says() -> None:
    uplinks = [frame.decode_uplink(raw) for raw in FRAMES if raw[1] < 0x80]
    assert all(verify(uplink, DEVICE) for uplink in uplinks)
    enrol, press, short, update, checkin, receipt = uplinks
    assert (enrol.kind, enrol.counter, enrol.public_key) == (frame.Kind.ENROL, 1, DEVICE.public_xy)
    assert verify_enrol(enrol)
    noon = 1795410000
    assert (press.kind, press.suite, press.counter) == (frame.Kind.PRESS, frame.Suite.ES256, 2)
    gnss = 1 << 8
    assert press.report == frame.Report(noon, -53971400, 1052668000, 12, 3, 80, gnss, 0)
    assert (short.kind, short.suite, short.counter) == (press.kind, frame.Suite.HS256_64, 2)
    assert short.body == press.body
    nothing = frame.NO_POSITION
    assert (update.kind, update.counter) == (frame.Kind.UPDATE, 3)
    assert update.report == frame.Report(noon + 30, nothing, nothing, 65535, 65535, 255, 2 | 4 | 2 << 10, 1)
    assert (checkin.kind, checkin.counter) == (frame.Kind.CHECKIN, 4)
    assert checkin.report == frame.Report(noon + 60, -53971400, 1052668000, 12, 63, 79, gnss, 0)
    assert checkin.status == frame.Status((0, 1, 0), -71, frame.Bearer.WIFI, 1, 5, 1, 0)
    assert (receipt.counter, receipt.receipt) == (5, frame.Receipt(1, frame.Result.REFUSED))


def test_the_downlinks_say_what_the_text_around_them_says() -> None:
    downlinks = [raw for raw in FRAMES if raw[1] >= 0x80]
    press = next(raw for raw in FRAMES if raw[1] == frame.Kind.PRESS)
    digest, written = frame.digest_of(press), "".join(DOCUMENT.split())
    noon, common = 1795410000, (DEVICE.mac_down, DEVICE.device_id)
    assert downlinks == [
        frame.encode_ack(*common, 2, digest, noon + 1, frame.Stage.RECEIVED),
        frame.encode_ack(*common, 2, digest, noon + 40, frame.Stage.ASSIGNED, 7),
        frame.encode_command(*common, 1, noon + 90, 0x2A, b"\x01\x02"),
    ]
    assert digest == hashlib.sha256(b"\x01\0\0\0\x02" + press[14:35]).digest() and digest.hex() in written
    feed = "".join(f"{raw.hex()} {press.hex()}\n" for raw in downlinks)
    program = FIRMWARE.parent / "tests" / "protocol" / "on_button" / "read_downlinks.py"
    printed = run_micropython(program, DEVICE.mac_down.hex(), DEVICE.device_id.hex(), feed=feed)
    assert printed.splitlines() == [
        f"129 2 {noon + 1} 1 255",
        f"129 2 {noon + 40} 3 7",
        f"130 1 {noon + 90} 42 0x0102",
    ]


def test_the_button_makes_the_uplinks_of_the_document() -> None:
    lines = [f"frame {raw.hex()}" for raw in FRAMES if raw[1] < 0x80]
    program = """
import binascii, sys
from siaga.core import frame, hmac as mac, p256
private, mac_up = int(sys.argv[1], 16), binascii.unhexlify(sys.argv[2])
for line in sys.stdin:
    raw = binascii.unhexlify(line.split()[1])
    suite, kind = raw[0] & 15, raw[1]
    tag = frame.tag_length(suite)
    counter = int.from_bytes(raw[10:14], "big")
    again = frame.unsigned(suite, kind, frame.device_id(p256.public_key(private)), counter, raw[14:-tag])
    text = frame.UP_CONTEXT + again
    again += p256.sign(private, text) if suite == frame.ES256 else mac.hmac_sha256(mac_up, text)[:tag]
    print("frame", again.hex())
"""
    path_arguments = (KEYS["device"]["private"], DEVICE.mac_up.hex())
    assert run_micropython(program, *path_arguments, feed="\n".join(lines)).splitlines() == lines


def test_the_client_makes_the_press_of_the_examples() -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")], capture_output=True, text=True, timeout=60, check=True
    )
    press = next(raw for raw in FRAMES if raw[1] == frame.Kind.PRESS)
    topic = f"siaga/v1/up/{DEVICE.device_id.hex()}"
    assert done.stdout.splitlines() == [topic, press.hex(), block("sms").strip(), "True"]
    ack = next(raw for raw in FRAMES if raw[1] == frame.Kind.ACK)
    assert ack.hex() in block("python") and DEVICE.mac_down.hex() in block("python")
    assert len(block("sms").strip()) == 132


LAYOUTS = re.findall(r"^\| offset \| size \| field \| content \|\n\|[-|]+\|\n((?:\|.*\n)+)", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize(
    ("layout", "start", "end"), list(zip(LAYOUTS, (0, 14, 35, 14, 0), (14, 35, 43, 19, 18), strict=True))
)
def test_the_fields_of_a_layout_meet(layout: str, start: int, end: int) -> None:
    for row in layout.splitlines():
        offset, size = (cell.strip() for cell in row.split("|")[1:3])
        assert int(offset) == start, row
        start += int(size) if size != "n" else 0
    assert start == end


def test_lengths_names_and_numbers_of_the_tables() -> None:
    kinds = re.findall(r"^\| (\d) \| ([A-Z]+) \| .*? \| ([\w ]+) \| ([\w ]+) \|", DOCUMENT, re.MULTILINE)
    assert {name: int(number) for number, name, _, _ in kinds} == {k.name: k for k in frame.Kind if k < 0x80}
    for number, name, *forms in kinds:
        for suite, lengths, tag in zip((1, 2), forms, (64, 8), strict=True):
            said = {int(length) for length in re.findall(r"\d+", lengths)}
            assert said == fitting(suite, int(number)), f"{name} under suite {suite}, tag of {tag}"
    stages = re.findall(r"^\| (\d) \| ([a-z ]+)", table("stage"), re.MULTILINE)
    assert [int(number) for number, _ in stages] == list(frame.Stage)
    flags = re.findall(r"^\| (\d) \| ([a-z ]+)", table("bit"), re.MULTILINE)
    assert {name.strip(): 1 << int(bit) for bit, name in flags} == {
        "test": frame.Flags.TEST,
        "silent": frame.Flags.SILENT,
        "duress": frame.Flags.DURESS,
        "external power": frame.Flags.EXTERNAL_POWER,
        "moving": frame.Flags.MOVING,
        "tamper": frame.Flags.TAMPER_OPEN,
        "low battery": frame.Flags.LOW_BATTERY,
        "restarted since the last frame": frame.Flags.RESTARTED,
    }
    assert (-5000000).to_bytes(4, "big", signed=True).hex() in DOCUMENT


def test_the_pauses_of_the_document_are_those_of_the_button() -> None:
    program = """
import json
from siaga.core import bearer_policy as bearers
print(json.dumps([[kind, bearers._WAITS[kind], bearers._COSTLY.get(kind)] for kind in sorted(bearers._WAITS)]))
entry, link = bearers.Waiting(1, 2, bytes(21), 0, 1), bearers.Link(True)
for _ in range(20):
    now_ms = entry.due_ms[0]
    bearers.sent(entry, 0, link, now_ms, 0, True)
print(2 * (entry.due_ms[0] - now_ms))
"""
    waits, sparse = run_micropython(program).splitlines()
    units = {"s": 1_000, "min": 60_000}
    written = []
    for cells in re.findall(r"^ +\| ([A-Z]+) \| (.*) \|$", DOCUMENT, re.MULTILINE):
        pauses = [cell.split() for cell in cells[1].split(" | ")]
        told = [None if pause == ["never"] else int(pause[0]) * units[pause[1]] for pause in pauses]
        written.append([int(frame.Kind[cells[0]]), told[:2], told[2:] if told[2] else None])
    assert written == json.loads(waits)
    assert f"the longest is at least {int(sparse) // 60_000} minutes" in " ".join(DOCUMENT.split())


def test_the_budgets_of_the_document_are_those_of_the_gateway() -> None:
    settings = SmsSettings()
    words = " ".join(DOCUMENT.split())
    assert f"it takes {lanes._BURST} frames at a stretch and {lanes._PER_S:.0f} a second" in words
    assert f"{settings.replies_per_minute} times a minute and {settings.replies_per_hour} times an hour" in words


def table(first_column: str) -> str:
    """The rows of the table whose first column has this title."""
    (rows,) = re.findall(rf"^\| {first_column} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", DOCUMENT, re.MULTILINE)
    return str(rows)


def fitting(suite: int, kind: int) -> set[int]:
    """The lengths at which the gateway does not refuse a frame for its length or suite."""
    good = set()
    for size in range(14, 200):
        try:
            frame.decode_uplink(bytes([0x10 | suite, kind]) + bytes(size - 2))
        except frame.FrameError as error:
            if error.reason in (frame.Reason.LENGTH, frame.Reason.SUITE):
                continue
        good.add(size)
    return good
