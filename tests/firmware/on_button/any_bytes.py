"""Under MicroPython: what the firmware's readers make of any bytes. A line on stdin is a reader's name and hexadecimal
digits; a line on stdout what came of it. The test calls the same under its own interpreter, and the two must agree."""

import binascii
import sys

from siaga.core import at, frame, modem_fix, nmea, pem, rui3, simcom, sms
from siaga.core.bundle import Check
from siaga.core.errors import SiagaError
from siaga.core.mqtt import MqttError, Session
from siaga.drivers import dns, http_source


def _text(content):
    return "".join(chr(byte) for byte in content)


def _nmea(content):
    decoder = nmea.Decoder()
    fixes = decoder.feed(content)
    return [(fix.latitude, fix.longitude, fix.accuracy, fix.time) for fix in fixes], sorted(decoder.by_reason.items())


def _modem_fix(content):
    fix = modem_fix.modem_fix(content)
    return fix and (fix.latitude, fix.longitude, fix.accuracy, fix.time, fix.epoch)


def _at(content):
    parser = at.Parser()
    parser.begin(b"AT+X?", b"+X")
    return [tuple(None if part is None else part for part in event) for event in parser.feed(content, 0)]


def _rui3(content):
    told = []
    for line in rui3.Lines().feed(content):
        down = rui3.downlink(line)
        told.append((line, rui3.is_final(line), rui3.is_started(line), rui3.restricted_ms(line)))
        told.append(down and (down.port, down.payload, down.rssi, down.snr))
    return told


def _downlink(content):
    down = rui3.downlink(content)
    return down and (down.port, down.payload, down.rssi, down.snr)


def _simcom(content):
    """Only lines get there, which are letters."""
    lines = [line for line in content.split(b"\n") if line and all(32 <= byte < 127 for byte in line)]
    first = lines[0] if lines else b""
    inbox = simcom.Inbox()
    return (
        [simcom.registration(lines), simcom.dbm(lines), simcom.operator(lines), simcom.model(lines)],
        simcom.mqtt_error(first),
        [inbox.hear(line, line) for line in lines],
        at.fields(first),
    )


def _mqtt(content):
    session = Session("d", "u", "p", "t", 30, 10000)
    session.connect(0)
    return session.feed(b"\x20\x02\x00\x00" + content)


def _down(content):
    down = frame.decode_down(content)
    return down.kind, down.counter, down.code, down.arguments


def _bundle(content):
    check = Check(lambda start, length: content[start : start + length], [], lambda header: None)
    while check.step(len(content)):
        pass
    return check.at, check.header and (check.header.boards, check.header.version)


def _http(content):
    headers = http_source.Headers()
    for line in content.split(b"\n"):
        headers.take(line)
    told = headers.length, headers.start, headers.total, headers.chunked, headers.validator, http_source.size(content)
    answer = http_source.answer(206 if headers.start >= 0 else 200, headers, 5)
    return told, answer.start, answer.total, answer.validator


# Each with the only errors that it may raise.
READERS = {
    "nmea": (_nmea, ()),
    "modem_fix": (_modem_fix, SiagaError),
    "at": (_at, ()),
    "rui3": (_rui3, ()),
    "downlink": (_downlink, ()),
    "simcom": (_simcom, ()),
    "sms_frame": (sms.frame, ()),
    "sms_delivered": (sms.delivered, ()),
    "dns": (lambda content: dns.answer(content, 0x1234), SiagaError),
    "mqtt": (_mqtt, MqttError),
    "down": (_down, SiagaError),
    "bundle": (_bundle, SiagaError),
    "http": (_http, SiagaError),
    "url": (lambda content: http_source.split_url(_text(content)), SiagaError),
    "pem": (lambda content: pem.ders_of(_text(content)), SiagaError),
}


def _plain(value):
    """Written alike by every interpreter."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "x" + str(binascii.hexlify(bytes(value)), "ascii")
    if isinstance(value, str):
        return "s" + str(binascii.hexlify(value.encode()), "ascii")
    if isinstance(value, (list, tuple)):
        return "[" + " ".join([_plain(part) for part in value]) + "]"
    return str(value)


def outcome(name, content):
    reader, refusals = READERS[name]
    try:
        return _plain(reader(content))
    except Exception as error:
        if refusals and isinstance(error, refusals):
            return "refused"
        return "raised " + repr(error)


if __name__ == "__main__":
    for line in sys.stdin:
        words = line.split()
        print(outcome(words[0], binascii.unhexlify(words[1] if len(words) > 1 else "")))
