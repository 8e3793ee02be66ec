"""Host names without blocking: the parser against noise, the whole against a name server on loopback."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.core.errors import SiagaError
from siaga.drivers.dns import answer, is_address, query


def reply(question: bytes, address: bytes = b"\x7f\x00\x00\x07", code: int = 0, alias: bool = False) -> bytes:
    number = question[:2]
    records = b""
    if alias:
        records += b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 4) + b"\x01x\xc0\x0c"
    records += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + address
    return number + struct.pack(">HHHHH", 0x8180 | code, 1, 2 if alias else 1, 0, 0) + question[12:] + records


def test_a_question_is_laid_out_as_the_standard_says():
    assert query("mq.siaga.id", 0x1234) == (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02mq\x05siaga\x02id\x00\x00\x01\x00\x01"
    )
    for bad in ("", "a..b", "x" * 64 + ".id"):
        with pytest.raises(SiagaError):
            query(bad, 1)


def test_an_answer_is_found_behind_an_alias_too():
    question = query("mq.siaga.id", 7)
    assert answer(reply(question), 7) == "127.0.0.7"
    assert answer(reply(question, alias=True), 7) == "127.0.0.7"
    assert answer(reply(question), 8) is None and answer(question, 7) is None
    with pytest.raises(SiagaError, match="does not know"):
        answer(reply(question, code=3), 7)


@given(st.binary(max_size=200))
def test_noise_is_no_address(noise):
    for message in (noise, b"\x00\x07\x81\x80" + noise):
        with contextlib.suppress(SiagaError):
            found = answer(message, 7)
            assert found is None or is_address(found)


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_garbled_answer_is_an_address_or_an_error(at, byte):
    message = bytearray(reply(query("mq.siaga.id", 7), alias=True))
    message[at % len(message)] = byte
    with contextlib.suppress(SiagaError):
        found = answer(bytes(message), 7)
        assert found is None or is_address(found)


@contextlib.contextmanager
def name_server(drops: int) -> Iterator[int]:
    """Answers after having ignored so many questions."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)

        def serve() -> None:
            with contextlib.suppress(OSError):
                for n in range(drops + 1):
                    question, sender = server.recvfrom(512)
                    if n == drops:
                        server.sendto(b"\x00\x00stray", sender)
                        server.sendto(reply(question), sender)

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
    beats = 0
    async def beat():
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep_ms(10)
    asyncio.create_task(beat())
    began = time.ticks_ms()
    try:
        print(await dns.resolve("mq.siaga.id", "127.0.0.1", %d))
    except Exception as error:
        print(error)
    print(beats * 10 >= time.ticks_diff(time.ticks_ms(), began) // 2)
asyncio.run(main())
"""


@pytest.mark.parametrize(("drops", "expected"), [(0, "127.0.0.7"), (1, "127.0.0.7"), (9, "does not answer")])
def test_a_lost_question_is_asked_again_and_nothing_blocks(drops, expected):
    with name_server(drops) as port:
        said, beating = run_micropython(PROGRAM % port).splitlines()
    assert expected in said and beating == "True"
