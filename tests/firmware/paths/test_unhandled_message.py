"""What the button could not handle stays with the broker."""

from __future__ import annotations

import socket

from firmware.tcp_listener import listener
from micropython import run_micropython

UNHANDLED = """
import asyncio, sys
from siaga.core.mqtt import Session
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.mqtt import Handler, Link

class Clumsy(Handler):
    def on_message(self, topic, payload):
        if payload == b"bad":
            raise ValueError("cannot")
        print("handled", payload)
    def on_trouble(self, error):
        print("trouble", error)

async def main():
    link = Link(Session("id", "", "", "down"), Clock(Rtc()))
    try:
        await link.run("127.0.0.1", %d, None, "", Clumsy())
    except Exception as error:
        print(error)
asyncio.run(main())
"""


def test_a_message_that_was_not_handled_is_not_acknowledged_to_the_broker():
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(500)
        connection.sendall(b"\x20\x02\x00\x00")
        connection.recv(500)
        connection.sendall(b"\x90\x03\xff\xff\x01")
        for packet_id, payload in ((1, b"one"), (2, b"bad"), (3, b"two")):
            connection.sendall(bytes([0x32, 8 + len(payload), 0, 4]) + b"down" + bytes([0, packet_id]) + payload)
        connection.settimeout(2)
        while len(b"".join(heard)) < 8:
            heard.append(connection.recv(500))
        connection.close()

    with listener(serve) as port:
        said = run_micropython(UNHANDLED % port).splitlines()
    assert said == ["handled b'one'", "trouble cannot", "handled b'two'", "the broker closed the connection"]
    assert b"".join(heard) == b"\x40\x02\x00\x01\x40\x02\x00\x03"
