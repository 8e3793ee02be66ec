"""The chip's calendar clock, and the memory beside it."""

import binascii
import struct
import time

import machine

from siaga.drivers.clock import Rtc

# The epoch of this port's calendar, in Unix seconds.
EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0
_MAGIC = b"SGM3"
_CALENDAR = ">Bqq"
_LATCH = 20  # bytes at the start, which belong to siaga_latch.py


class Memory:
    """The 2 KB of RTC memory, which survive every reset and deep sleep, but no power cut.

    Holds whether a trusted source set the clock, how far it is ahead of the true time, how far it has been moved back
    in total, both in seconds, which calls are skipped, and a record. Layout: the latch's bytes, magic, these, record,
    CRC-32.
    """

    def __init__(self, rtc: machine.RTC) -> None:
        self._rtc = rtc
        self.is_set = False
        self.ahead_s = self.back_s = 0
        self.record = self.left_out = b""
        content = bytes(rtc.memory())[_LATCH:]
        start = 5 + struct.calcsize(_CALENDAR)
        whole = len(content) >= start + 4 and content[:4] == _MAGIC
        if whole and binascii.crc32(content[:-4]) == int.from_bytes(content[-4:], "big"):
            is_set, self.ahead_s, self.back_s = struct.unpack(_CALENDAR, content[5:start])
            self.is_set = bool(is_set)
            self.left_out = content[start : start + content[4]]
            self.record = content[start + content[4] : -4]

    def write(self) -> None:
        content = _MAGIC + bytes((len(self.left_out),))
        content += struct.pack(_CALENDAR, self.is_set, self.ahead_s, self.back_s) + self.left_out + self.record
        before = bytes(self._rtc.memory())[:_LATCH]
        before += bytes(_LATCH - len(before))
        self._rtc.memory(before + content + binascii.crc32(content).to_bytes(4, "big"))


class ChipRtc(Rtc):
    """The chip's calendar clock. It starts in 2000 after a power cut and continues through every reset. mbedTLS judges
    certificates by it, so it may be set ahead of the true time, or behind."""

    def __init__(self, rtc: machine.RTC, memory: Memory) -> None:
        self._rtc = rtc
        self._memory = memory

    def unix(self) -> int:
        return self.judged_at() - self._memory.ahead_s if self._memory.is_set else 0

    def seconds(self) -> int:
        return self.judged_at() + self._memory.back_s

    def set_unix(self, seconds: int) -> None:
        self._memory.is_set = True
        self._move(seconds, 0)

    def judged_at(self) -> int:
        return time.time() + EPOCH

    def judge_at(self, seconds: int) -> None:
        self._move(seconds, self._memory.ahead_s + seconds - self.judged_at())

    def _move(self, seconds: int, ahead_s: int) -> None:
        year, month, day, hour, minute, second, weekday = time.gmtime(seconds - EPOCH)[:7]
        self._memory.back_s -= seconds - self.judged_at()
        self._memory.ahead_s = ahead_s
        self._rtc.datetime((year, month, day, weekday, hour, minute, second, 0))
        self._memory.write()
