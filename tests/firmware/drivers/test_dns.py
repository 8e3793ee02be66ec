"""Host names without blocking: the parser against noise, the whole against a name server on loopback."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers import embedded_broker
from micropython import run_micropython
from siaga.core.errors import SiagaError
from siaga.drivers.dns import answer, is_address, query


def reply(question: bytes, *addresses: bytes, code: int = 0, alias: bool = False) -> bytes:
    """A name server's answer; an address of 16 bytes is one of IPv6."""
    number = question[:2]
    records = b""
    if alias:
        records += b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 4) + b"\x01x\xc0\x0c"
    addresses = addresses or (b"\x7f\x00\x00\x07",)
    for address in addresses:
        kind = 28 if len(address) == 16 else 1
        records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(address)) + address
    count = len(addresses) + alias
    return number + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0) + question[12:] + records


def test_a_question_is_laid_out_as_the_standard_says():
    assert query("mq.siaga.id", 0x1234) == (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02mq\x05siaga\x02id\x00\x00\x01\x00\x01"
    )
    for bad in ("", "a..b", "x" * 64 + ".id"):
        with pytest.raises(SiagaError):
            query(bad, 1)


def test_an_answer_is_found_behind_an_alias_too():
    question = query("mq.siaga.id", 7)
    assert answer(reply(question), 7) == ["127.0.0.7"]
    assert answer(reply(question, alias=True), 7) == ["127.0.0.7"]
    assert answer(reply(question), 8) is None and answer(question, 7) is None
    for code, why in ((1, "FORMERR"), (2, "SERVFAIL"), (3, "does not know this host"), (5, "REFUSED"), (9, "code 9")):
        with pytest.raises(SiagaError, match=why):
            answer(reply(question, code=code), 7)


def test_all_its_addresses_are_told_and_what_is_none_is_told_by_name():
    question = query("mq.siaga.id", 7)
    both = answer(
        reply(question, b"\x0a\x00\x00\x01", b"\x00\x00\x00\x00", b"\x0a\x00\x00\x02", b"\x0a\x00\x00\x01"), 7
    )
    assert both == ["10.0.0.1", "10.0.0.2"]
    for records, why in (
        ([b"\x00\x00\x00\x00"], "0.0.0.0"),
        ([b"\xe0\x00\x00\x01"], "224.0.0.1"),
        ([bytes(16)], "IPv6"),
    ):
        with pytest.raises(SiagaError, match=why):
            answer(reply(question, *records), 7)
    with pytest.raises(SiagaError, match="no address"):
        answer(reply(question, bytes(5)), 7)


@given(st.binary(max_size=200))
def test_noise_is_no_address(noise):
    for message in (noise, b"\x00\x07\x81\x80" + noise):
        with contextlib.suppress(SiagaError):
            found = answer(message, 7)
            assert found is None or all(is_address(each) for each in found)


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_garbled_answer_is_an_address_or_an_error(at, byte):
    message = bytearray(reply(query("mq.siaga.id", 7), alias=True))
    message[at % len(message)] = byte
    with contextlib.suppress(SiagaError):
        found = answer(bytes(message), 7)
        assert found is None or all(is_address(each) for each in found)


@contextlib.contextmanager
def name_server(drops: int, host: str = "127.0.0.1", port: int = 0, code: int = 0) -> Iterator[int]:
    """Answers after having ignored so many questions."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, port))
        server.settimeout(20)

        def serve() -> None:
            with contextlib.suppress(OSError):
                for n in range(drops + 1):
                    question, sender = server.recvfrom(512)
                    if n == drops:
                        server.sendto(b"\x00\x00stray", sender)
                        server.sendto(reply(question, code=code), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.close()
        thread.join(1)


PROGRAM = """
import asyncio, time
from siaga.drivers import dns
dns._TRY_MS = 400
async def main():
    last = time.ticks_ms()
    longest = 0
    def beaten():
        nonlocal last, longest
        now = time.ticks_ms()
        longest, last = max(longest, time.ticks_diff(now, last)), now
    async def beat():
        while True:
            beaten()
            await asyncio.sleep_ms(10)
    asyncio.create_task(beat())
    try:
        print(await dns.resolve("mq.siaga.id", %s))
    except Exception as error:
        print(error)
    beaten()
    # Whatever blocks for one try stops the beat for as long as that, once; a busy machine only makes beats rarer.
    print(longest < dns._TRY_MS * 3 // 4)
asyncio.run(main())
"""


@pytest.mark.parametrize(("drops", "expected"), [(0, "127.0.0.7"), (1, "127.0.0.7"), (9, "does not answer")])
def test_a_lost_question_is_asked_again_and_nothing_blocks(drops, expected):
    with name_server(drops) as port:
        said, beating = run_micropython(PROGRAM % f'"127.0.0.1", {port}').splitlines()
    assert expected in said and beating == "True"


@pytest.mark.parametrize("first", ["0.0.0.0", "127.0.0.9", "127.0.0.2", "127.0.0.3"])  # none, dead, silent, SERVFAIL
def test_the_next_name_server_is_asked(first):
    with name_server(0) as port, name_server(9, "127.0.0.2", port), name_server(0, "127.0.0.3", port, code=2):
        said, beating = run_micropython(PROGRAM % f'"{first}", {port}, ("127.0.0.1",)').splitlines()
    assert said == "['127.0.0.7']" and beating == "True"


def test_what_a_name_server_said_is_told_rather_than_that_another_was_silent():
    with name_server(9) as port, name_server(0, "127.0.0.3", port, code=2):
        said, _ = run_micropython(PROGRAM % f'"127.0.0.3", {port}, ("127.0.0.1",)').splitlines()
        none, _ = run_micropython(PROGRAM % f'"0.0.0.0", {port}, ("0.0.0.0",)').splitlines()
    assert said == "mq.siaga.id: the name server fails (SERVFAIL) (127.0.0.3)" and none == "no name server is known"


KNOWN = """
import asyncio
from siaga.app import flash_records as flash
from siaga.app.broker_addresses import KnownHosts
writes = []
write = flash.write_record
flash.write_record = lambda *a: (writes.append(1), write(*a))
known = KnownHosts("%s")
print(known.address("a"))
known.keep("a", "10.0.0.1", ["10.0.0.1", "10.0.0.2"])
for turn in range(9):
    known.keep("a", "10.0.0.2", ["10.0.0.2", "10.0.0.1"])   # they take turns
print(known.address("a"), len(writes))
known.keep("a", "10.0.0.3", ["10.0.0.3"])
known.keep("10.0.0.4", "10.0.0.4", ["10.0.0.4"])
print(KnownHosts("%s").address("a"), len(writes))
for letter in "bcdef":
    known.keep(letter, "10.0.0.9", ["10.0.0.9"])
print(len(KnownHosts("%s")._known))
with open("%s/hosts", "wb") as file: file.write(flash.seal(b"SGH1", b"[1]"))
print(repr(KnownHosts("%s").address("a")))
"""


def test_the_last_good_address_is_kept(tmp_path: Path):
    assert run_micropython(KNOWN.replace("%s", str(tmp_path))).splitlines() == [
        "",
        "10.0.0.1 1",
        "10.0.0.3 2",
        "2",
        "''",
    ]


MEET = """
import asyncio
from siaga.core.errors import SiagaError
from siaga.core.mqtt import Session
from siaga.drivers.bearer import Owner
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.board_parts import Network
from siaga.drivers.wifi_mqtt import WifiMqtt

class Names(Network):
    answers = []
    def is_up(self): return True
    async def resolve(self, host):
        if not self.answers:
            raise SiagaError("no name server answers")
        return self.answers

class FakeKnownHosts:
    kept = ""
    def address(self, host): return self.kept
    def keep(self, host, address, named):
        print("kept", host, address, named)

class Told(Owner):
    heard = asyncio.Event()
    def on_bearer(self, bearer, up, why):
        print(up, why)
        self.heard.set()

async def main():
    network, known = Names(), FakeKnownHosts()
    to = [("mq.siaga.id", PORT)], known, None, ""
    bearer = WifiMqtt(network, Clock(Rtc()), Told(), Session("id", "", "", "down"), "id", *to)
    async def once():
        task = asyncio.create_task(bearer.run())
        Told.heard.clear()
        await asyncio.wait_for(Told.heard.wait(), 60)
        await bearer.close()
        task.cancel()
        await asyncio.sleep_ms(0)
    network.answers = ["127.0.0.99", "127.0.0.1"]       # the first is dead
    await once()
    network.answers = []                                # the name server is away
    await once()
    known.kept = "127.0.0.1"
    await once()
    network.answers = ["127.0.0.99"]                    # it was moved to a dead one
    await once()
asyncio.run(main())
"""


def test_every_address_of_a_broker_is_tried_and_the_kept_one_where_none_is_told():
    with embedded_broker() as port:
        said = run_micropython(MEET.replace("PORT", str(port))).splitlines()
    ups = [line for line in said if line.startswith(("kept", "True"))]
    assert ups == [
        "kept mq.siaga.id 127.0.0.1 ['127.0.0.99', '127.0.0.1']",
        "True subscribed",
        "kept mq.siaga.id 127.0.0.1 ['127.0.0.1']",
        "True subscribed",
        "kept mq.siaga.id 127.0.0.1 ['127.0.0.99', '127.0.0.1']",
        "True subscribed",
    ]
    assert "False no name server answers" in said
