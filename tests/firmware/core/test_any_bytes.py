"""Whatever comes in from outside is read or refused: no reader raises anything else, and the chip's interpreter reads
it as this one does."""

from __future__ import annotations

import base64
import random
import struct
import sys
from pathlib import Path

import pytest

from micropython import run_micropython

PROGRAM = Path(__file__).parents[1] / "on_button" / "any_bytes.py"
sys.path.append(str(PROGRAM.parent))

from any_bytes import READERS, outcome  # noqa: E402

_NAME = b"\x06broker\x02id\x00\x00\x01\x00\x01"
_DER = base64.encodebytes(b"\x30\x82" + bytes(range(100))).decode()
# What is true, to be hurt.
TRUE: dict[str, list[bytes]] = {
    "nmea": [
        b"$GNRMC,123519.00,A,0525.7520,S,10515.6600,E,0.02,77.5,150726,,,A*73\r\n"
        b"$GNGNS,123519.00,0525.7520,S,10515.6600,E,AAN,09,0.9,545.4,46.9,,,V*1F\r\n"
        b"$GNGLL,0525.7520,S,10515.6600,E,123519.00,A,A*7F\r\n"
    ],
    "modem_fix": [
        b"+CGNSSINFO: 3,07,,03,00,22.6562366,N,114.0598297,E,291126,023114.00,118.4,0.679,,3.43,2.74,2.06,06",
        b"+CGPSINFO: 0525.752000,S,10515.660000,E,291126,023114.00,42.1,0.0,0.0",
        b"+CGNSINF: 1,1,20261129023114.000,-0.429200,-105.261000,118.4,0.00,0.0,1,,0.9,1.2,0.8,,12,6,,,38,,",
    ],
    "at": [b'\r\n+X: 1,"a,b"\r\n+CMQTTRXPAYLOAD: 0,5\r\nhello\r\n+CMGL: 1,1,,24\r\n0791\r\n\r\nOK\r\n'],
    "rui3": [
        b"\r\nOK\r\n+EVT:RX_1:-70:8:UNICAST:10:1382aabb\r\nRestricted_Wait_12_ms\r\nCurrent Work Mode: LoRaWAN.\r\n"
    ],
    "downlink": [b"+EVT:RX_1:-70:8:UNICAST:10:1382aabb", b"+EVT:RX_C:-128:-20:UNICAST:223:00"],
    "simcom": [
        b'+CREG: 2,1,"1A2B","01C3D4E5"\n+CSQ: 20,99\n+COPS: 0,0,"TELKOMSEL",7\nA7670E-FASE',
        b"+CMQTTRXSTART: 0,5,2\n+CMQTTRXTOPIC: 0,5\n+CMQTTRXPAYLOAD: 0,2\n+CMQTTRXEND: 0\n+CMQTTSTART: 23",
    ],
    "sms_frame": [base64.b64encode(bytes(range(36)))],
    "sms_delivered": [
        b"07912618010000F5040C912618325476980000627011321500820441E19008",
        b"0004039121F300046270113215008203010203",
    ],
    "dns": [
        struct.pack(">HHHHHH", 0x1234, 0x8180, 1, 2, 0, 0)
        + _NAME
        + b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"
        + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x01\x02\x03"
    ],
    "mqtt": [b"\x90\x03\x00\x01\x01\x32\x0a\x00\x01t\x00\x07hello\x40\x02\x00\x07\xd0\x00"],
    "down": [
        b"\x13\x81" + bytes(34),
        b"\x13\x81" + bytes(16) + b"\x01" + bytes(17),
        b"\x13\x82" + bytes(17) + b"\x03" + bytes(19),
    ],
    "bundle": [
        b"SIAB\x01\x01\x02\x03\x1e\x01\x00\x01" + struct.pack(">I", 16 + 24 + 88 + 3 + 64) + b"t_a7670".ljust(24, b"\0")
        + b"siaga/a.mpy".ljust(48, b"\0") + struct.pack(">II", 128, 3) + bytes(32) + b"abc" + bytes(64)
    ],
    "http": [b"Content-Length: 1024\nETag: \"a\"\nContent-Range: bytes 5-9/100\nTransfer-Encoding: chunked", b"1a;x=y"],
    "url": [b"https://siaga.example:8443/firmware/t_a7670.bin?x=1", b"http://h"],
    "pem": [f"-----BEGIN CERTIFICATE-----\n{_DER}-----END CERTIFICATE-----\n".encode()],
}  # fmt: skip


# CPython's base64 refuses letters that are none of its own, MicroPython's passes over them.
LAX = {"pem"}


def hurt(true: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, removed, added, doubled; or something else altogether."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(80))
    content = bytearray(true)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(5):
            case 0:
                content[at : at + 1] = bytes([chance.choice((0, 0x0A, 0x2C, 0x2D, 0x30, 0x39, 0x7F, 0x80, 0xFF))])
            case 1:
                content[at : at + 1] = chance.randbytes(1)
            case 2:
                del content[at : at + chance.randrange(1, 12)]
            case 3:
                content[at:at] = chance.randbytes(chance.randrange(1, 4))
            case _:
                content[at:at] = content[at : at + chance.randrange(1, 20)]
    return bytes(content)


def test_there_is_something_true_for_every_reader() -> None:
    assert set(TRUE) == set(READERS)
    for name, truths in TRUE.items():
        assert not any(outcome(name, true).startswith("raised") for true in truths), name


@pytest.mark.parametrize("seed", [1, 2])
def test_any_bytes_are_read_or_refused_and_alike_on_the_chip(seed: int) -> None:
    chance = random.Random(seed)
    asked = [(name, true) for name, truths in TRUE.items() for true in truths]
    asked += [(name, hurt(chance.choice(truths), chance)) for name, truths in TRUE.items() for _ in range(400)]
    feed = "".join(f"{name} {content.hex()}\n" for name, content in asked)
    answers = run_micropython(PROGRAM, feed=feed, heap="8M").splitlines()
    assert len(answers) == len(asked)
    wrong = [(name, content, said) for (name, content), said in zip(asked, answers, strict=True) if "raised" in said]
    assert wrong == []
    others = [
        (name, content, said, mine)
        for (name, content), said in zip(asked, answers, strict=True)
        if (mine := outcome(name, content)) != said and name not in LAX
    ]
    assert others == []
