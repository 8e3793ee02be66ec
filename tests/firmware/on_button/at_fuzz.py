"""The AT parser under real MicroPython: what a modem says, cut at random places, with URCs at every line end and
noise before it, gives the same events; pure noise gives none that a command would believe, and holds no memory."""

import gc
import random

from siaga.core.at import FINAL, PROMPT, REPLY, URC, Parser

random.seed(20261)

URCS = (
    (b"SMS DONE", None),
    (b"+CGEV: EPS PDN ACT 1", None),
    (b"*ATREADY: 1", None),
    (b"+CMQTTCONNLOST: 0,1", None),
    (b"+CMQTTRXPAYLOAD: 0,36", bytes(range(36))),
    (b"+CMQTTRXTOPIC: 0,9", b"OK\r\nERROR"),
    (b"+CMQTTRXPAYLOAD: 0,0", b""),
    (b"+CMT: ,27", b"0791261801000000040C9126180000000000"),
    (b'+CMT: "",6', b""),
)


def said(urc):
    line, payload = urc
    if payload is None:
        return b"\r\n" + line + b"\r\n"
    return b"\r\n" + line + b"\r\n" + payload + b"\r\n"


def feed(parser, wire):
    events = []
    at = 0
    while at < len(wire):
        step = random.randrange(1, 9)
        events += parser.feed(wire[at : at + step], 0)
        at += step
    return events


def one():
    parser = Parser()
    parser.begin(b"AT+CREG?", b"+CREG:", True)
    script = [
        (b"AT+CREG?\r", ()),
        (b"\r\n+CREG: 2,1\r\n", ((REPLY, b"+CREG: 2,1", None),)),
        (b"\r\n> ", ((PROMPT,),)),
        (b"\r\n+CREG: 2,5\r\n", ((REPLY, b"+CREG: 2,5", None),)),
        (random.choice((b"\r\nOK\r\n", b"\r\n+CME ERROR: 10\r\n")), None),
    ]
    wire = random.choice((b"", b"\xff\xfe\x00", b"\r\n\x80\x81\r\n"))
    expected = []
    for part, events in script:
        while random.randrange(3) == 0:
            urc = random.choice(URCS)
            wire += said(urc)
            expected.append((URC, urc[0], urc[1]))
        wire += part
        expected += ((FINAL, part.strip()),) if events is None else events
    got = feed(parser, wire)
    assert got == expected, (wire, got, expected)


for _ in range(400):
    one()
print("holds: any split, any URC at any line end, noise before all")

parser = Parser()
parser.begin(b"AT", b"+X:")
finals = 0
gc.collect()
before = gc.mem_alloc()
for _ in range(300):
    noise = bytes([random.randrange(256) for _ in range(64)])
    for event in parser.feed(noise, 0):
        finals += event[0] == FINAL
gc.collect()
assert not finals and parser.garbage > 10
for _ in range(200):
    assert parser.feed(b"x" * 50, 0) == []
gc.collect()
grown = gc.mem_alloc() - before
assert grown < 2000 and parser.cut, (grown, parser.cut)
assert parser.feed(b"\r\nOK\r\n", 0) == [(FINAL, b"OK")]
print("holds: noise is counted, a line without an end is cut, and the next word is understood")
