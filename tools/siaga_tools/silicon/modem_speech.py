"""What a simulated modem says into a call and hears of its far end: texts read aloud, recordings, keys.

Output as in the SIMCom A76XX AT Command Manual V1.09, chapters 20 (+CTTS, +CDTAM) and 21 (+CCMXPLAY, +CCMXSTOP), and
as SIM7600 users log keys (+RXDTMF). No sound is carried: the far end gets the text, or the file's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

# Seconds.
LETTER_S = 0.06
RECORDING_S = 2.0
THINKS_S = 0.5
KEY_S = 0.2
_LONGEST = 510  # letters of a text


class ModemSpeech:
    """The part of it.

    reads_aloud: its firmware has a voice
    recordings: files that it can play
    said: what the far end heard, in order
    hears: called with each of these; returns the keys that are pressed then
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self.reads_aloud = True
        self.recordings: set[str] = set()
        self.said: list[str] = []
        self.hears: Callable[[str], str] = lambda said: ""
        self._saying: asyncio.Task[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Reset what a start forgets."""
        self._cancel()
        self._to_far_end = False
        self._tells_keys = False

    def press(self, keys: str) -> None:
        """Press keys at the far end, one after another. From any thread."""
        self._modem.do(lambda: self._press(keys))

    def _press(self, keys: str) -> None:
        for place, key in enumerate(keys):
            self._modem.later(place * KEY_S, self._tell, key)

    def _tell(self, key: str) -> None:
        if self._modem.voice.is_up and self._tells_keys:
            self._modem.urc(f"+RXDTMF: {key}")

    def _cancel(self) -> bool:
        saying, self._saying = self._saying, None
        if saying is None or saying.done():
            return False
        saying.cancel()
        return True

    def _say(self, what: str, seconds: float, remote: bool, begin: str, end: str) -> None:
        async def life() -> None:
            if begin:
                self._modem.urc(begin)
            await self._modem.wait(seconds)
            if remote and self._modem.voice.is_up:
                self.said.append(what)
                if keys := self.hears(what):
                    self._modem.later(THINKS_S, self._press, keys)
            self._saying = None
            self._modem.urc(end)

        self._saying = self._modem.loop.create_task(life())

    # Commands

    async def at_ddet(self, command: Command) -> None:
        self._tells_keys = command.arguments[0] == "1"

    async def at_cdtam(self, command: Command) -> None:
        if not self.reads_aloud:
            raise Refused("ERROR")
        self._to_far_end = command.arguments[0] == "1"

    async def at_ctts(self, command: Command) -> None:
        if not self.reads_aloud:
            raise Refused("ERROR")
        mode = command.arguments[0]
        if mode == "0":
            if self._cancel():
                self._modem.urc("+CTTS: 0")
            return
        text = command.arguments[1]
        if mode != "2" or not 0 < len(text) <= _LONGEST or self._saying is not None:
            raise Refused("ERROR")
        self._modem.urc("+CTTS:")
        self._modem.later(0, self._say, text, LETTER_S * len(text), self._to_far_end, "", "+CTTS: 0")

    async def at_ccmxplay(self, command: Command) -> None:
        file, path, _ = command.arguments
        if file not in self.recordings or self._saying is not None:
            raise Refused("ERROR")
        self._modem.urc("+CCMXPLAY:")
        stop = "+AUDIOSTATE: audio play stop"
        self._modem.later(0, self._say, file, RECORDING_S, path == "1", "+AUDIOSTATE: audio play", stop)

    async def at_ccmxstop(self, command: Command) -> None:
        self._modem.urc("+CCMXSTOP:")
        if self._cancel():
            self._modem.later(0, self._modem.urc, "+AUDIOSTATE: audio play stop")
