"""A modem that says what it is told to: real exchanges, over a real pty, to the firmware's own drivers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from firmware.drivers.driver_process import Conversation
from siaga_tools.silicon.pty_line import PtyLine
from waiting import eventually

PROGRAM = Path(__file__).resolve().parent / "on_button" / "modem.py"
PERCENT = 4  # of the documented times
# One answer: its lines in order. ">" is a prompt, which takes the payload; a number is a pause, in real seconds.
Answer = Sequence["str | float"]
OK: Answer = ("OK",)

# A modem that is well. By the beginning of a command; what is not here is answered with OK.
WELL: dict[str, Answer] = {
    "AT+CGMM": ("A7670E-FASE", "OK"),
    "AT+CPIN?": ("+CPIN: READY", "OK"),
    "AT+CICCID": ("+ICCID: 8962100000000000001", "OK"),
    "AT+CGDCONT?": ('+CGDCONT: 1,"IP","internet","0.0.0.0",0,0,,,,', "OK"),
    "AT+CEREG?": ('+CEREG: 2,1,"2F1A","0A1B2C3D",7', "OK"),
    "AT+CGREG?": ('+CGREG: 2,1,"2F1A","0A1B2C3D",7', "OK"),
    "AT+CREG?": ('+CREG: 2,1,"2F1A","0A1B2C3D",7', "OK"),
    "AT+CSQ": ("+CSQ: 20,99", "OK"),
    "AT+COPS?": ('+COPS: 0,2,"51010",7', "OK"),
    "AT+CGPADDR": ("+CGPADDR: 1,10.35.123.95", "OK"),
    "AT+CMQTTCONNECT?": ("+CMQTTCONNECT: 0", "+CMQTTCONNECT: 1", "OK"),
    "AT+CMQTTSTART": ("OK", "+CMQTTSTART: 0"),
    "AT+CMQTTSTOP": ("OK", "+CMQTTSTOP: 0"),
    "AT+CMQTTDISC": ("+CMQTTDISC: 0,11", "ERROR"),
    "AT+CMQTTREL": ("+CMQTTREL: 0,20", "ERROR"),
    "AT+CMQTTCONNECT=": ("OK", "+CMQTTCONNECT: 0,0"),
    "AT+CMQTTSUB=": (">", "OK", "+CMQTTSUB: 0,0"),
    "AT+CMQTTTOPIC": (">", "OK"),
    "AT+CMQTTPAYLOAD": (">", "OK"),
    "AT+CMQTTPUB": ("OK", "+CMQTTPUB: 0,0"),
    "AT+CCERTDOWN": (">", "OK"),
    "AT+CMGS": (">", "+CMGS: 7", "OK"),
    "AT+CGNSSINFO": ("+CGNSSINFO: ,,,,,,,,", "OK"),
}


class Scripted:
    """The program under MicroPython and its modem. replies: beside or instead of WELL's; a list of answers is given
    one after the other, the last one for ever. asked: the commands, payloads: what came at their prompts."""

    program_file = PROGRAM

    def __init__(self, folder: Path, replies: Mapping[str, Answer | list[Answer]] | None = None, **given: Any) -> None:
        self._line = PtyLine()
        self._pins = PtyLine()
        self._replies: dict[str, list[Answer]] = {}
        for start, reply in {**WELL, **(replies or {})}.items():
            self._replies[start] = list(reply) if isinstance(reply, list) else [reply]
        self.asked: list[str] = []
        self.payloads: dict[str, bytes] = {}
        self._rest = b""
        self._echoes = True
        self._file = folder / "settings.json"
        settings = {"port": 1883, "percent": PERCENT, "store": str(folder / "sim"), **given}
        self._file.write_text(json.dumps(settings), encoding="utf-8")
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scripted modem", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__()
        self._ends.set()
        self._thread.join(10)
        self._line.close()
        self._pins.close()

    def start(self) -> None:
        """The chip starts."""
        self._begin(self._line.path, self._pins.path)

    def _begin(self, line: str, pins: str) -> None:
        self.program = Conversation(self.program_file, line, pins, str(self._file))

    def restart(self) -> None:
        """The chip loses its power; the modem does not."""
        self.program.__exit__()
        self.start()

    def says(self, *lines: str) -> None:
        """Unasked."""
        for line in lines:
            self._line.write(b"\r\n" + line.encode("latin-1") + b"\r\n")

    def until(self, within: float = 90, **facts: object) -> dict[str, Any]:
        try:
            return self.program.until(within, **facts)
        except AssertionError as error:
            raise AssertionError(f"{error}\nasked: {self.asked[-40:]}") from None

    def up(self, bearer: str = "lte") -> None:
        self.until(bearer=bearer, up=True)

    def state(self) -> dict[str, Any]:
        self.program.say("state")
        while "heap" not in (fact := self.until()):
            pass
        return fact

    def count(self, start: str) -> int:
        return sum(command.startswith(start) for command in list(self.asked))

    def until_asked(self, start: str, times: int = 1) -> None:
        eventually(
            lambda: self.count(start) >= times,
            lambda: f"{start} {times} times, it was asked {self.count(start)} times: {self.asked[-60:]}",
        )

    # The modem.

    def _run(self) -> None:
        while not self._ends.is_set():
            self._rest += self._line.read(0.05)
            while b"\r" in self._rest:
                line, _, self._rest = self._rest.partition(b"\r")
                at = line.find(b"AT")
                if at >= 0:
                    self._answer(line[at:].decode("latin-1"))

    def _answer(self, command: str) -> None:
        self.asked.append(command)
        if self._echoes:
            self._line.write(command.encode("latin-1") + b"\r")
            self._echoes = command != "ATE0"
        found = [start for start in self._replies if command.startswith(start)]
        answers = self._replies[max(found, key=len)] if found else [OK]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        for line in answer:
            if isinstance(line, float | int):
                self._ends.wait(line)
            elif line == ">":
                self._line.write(b"\r\n>")
                self._take(command)
            else:
                self.says(line)

    def _take(self, command: str) -> None:
        """The payload: of the length that the command names last but for a QoS, or up to Ctrl-Z."""
        text = command.startswith("AT+CMGS")
        numbers = [int(part) for part in command.partition("=")[2].split(",") if part.isdigit()]
        numbers = numbers[1:2] if command.startswith("AT+CMQTT") else numbers[-1:]
        length = numbers[0] if numbers else 0  # cut off with the program's life
        until = time.monotonic() + 10
        while b"\x1a" not in self._rest if text else len(self._rest) < length:
            if self._ends.is_set() or time.monotonic() > until:
                return  # the program ended in the middle: nobody must wait for what it would have said
            self._rest += self._line.read(0.05)
        if text:
            payload, _, self._rest = self._rest.partition(b"\x1a")
        else:
            payload, self._rest = self._rest[:length], self._rest[length:]
        self.payloads[command.partition("=")[0]] = payload
