"""Downloads a new firmware into the inactive slot, in small steps, and verifies it there (UPDATE.md).

The slot's file is what has arrived so far; a small record beside it says which bundle that is part of. Both survive a
restart and a power cut. Loaded only while there is something to download.
"""

import asyncio
import struct

from micropython import const
from siaga.app import flash_records
from siaga.app.version import VERSION
from siaga.core.bearer_policy import back_off_ms
from siaga.core.bundle import BundleError, Check, damaged
from siaga.core.errors import SiagaError
from siaga.drivers.http_source import HttpError
from siaga.drivers.tcp import reason

_MAGIC = b"SGU1"
# Flash is written at least this often: the most that a power cut costs.
_BATCH = const(4096)
_FIRST_MS = const(5000)
_LONGEST_MS = const(600000)
# Consecutive attempts without a byte received: about a day.
_TRIES = const(150)
_FINAL_TRIES = const(3)
_MOST_CHANGES = const(5)
_LOOK_MS = const(500)
_BETWEEN_MS = const(5)


class DownloadPaused(SiagaError):
    """Something more important is going on, or the battery is too low: the download resumes later."""


class Update:
    """bring() downloads one bundle.

    sources: in order of preference; the first that is up is used
    wishes: the conditions for an update, as in app/command_actions.py
    first_ms: pause after the first failure; it doubles with each one
    between_ms: pause between two steps
    """

    def __init__(self, folder: str, slots: "Slots", sources: "list[Source]", wishes: "Wishes") -> None:
        self._path = folder + "/update"
        self._slots = slots
        self._slot = slots.target
        self._file = slots.path(self._slot)
        self._sources = sources
        self._wishes = wishes
        self._least = wishes.low_battery
        self._resumed = False
        self._came = False
        self._changes = 0
        self._check = None  # type: Check | None
        self.first_ms = _FIRST_MS
        self.between_ms = _BETWEEN_MS

    async def bring(self, url: str) -> bytes:
        """Return the digest of the bundle at this address once it is in the slot, complete and verified. Raises
        BundleError if it is not usable, SiagaError if it cannot be downloaded; nothing of it is left then."""
        failures = finals = 0
        anew = False
        try:
            while True:
                await self._calm()
                self._came = False
                try:
                    return await self._attempt(url)
                except DownloadPaused as error:
                    self._wishes.tell("the update waits: %s" % error)
                    continue
                except BundleError as error:
                    if anew or not self._resumed or not error.is_damage:
                        raise
                    anew = True  # parts of two files may be mixed
                    self._wishes.tell("update begun anew: %s" % error)
                    self.discard()
                    continue
                except HttpError as error:
                    why, finals = str(error), finals + 1 if error.is_final else 0
                except (SiagaError, OSError, ValueError, MemoryError) as error:
                    why, finals = reason(error).strip(), 0
                failures = 1 if self._came else failures + 1
                self._wishes.tell("update interrupted at %d: %s" % (self._slots.size(self._slot), why))
                if failures >= _TRIES or finals >= _FINAL_TRIES:
                    raise SiagaError("it cannot be had: " + why)
                await asyncio.sleep_ms(back_off_ms(failures, self.first_ms, _LONGEST_MS, self._wishes.chance()))
        except SiagaError:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove the partial download."""
        flash_records.remove(self._path)
        self._slots.clear(self._slot)

    async def _calm(self) -> None:
        while self._why_not():
            await asyncio.sleep_ms(_LOOK_MS)

    def _why_not(self) -> str:
        if not self._wishes.is_calm():
            return "an incident, or a press"
        percent = self._wishes.board.battery()
        if percent is not None and percent < self._least and not self._wishes.board.external_power():
            return "the battery has %d %%, and it needs %d" % (percent, self._least)
        return ""

    async def _pause(self) -> None:
        """Yield between two small steps, and stop if something more important comes up."""
        await asyncio.sleep_ms(self.between_ms)
        why = self._why_not()
        if why:
            raise DownloadPaused(why)

    async def _attempt(self, url: str) -> bytes:
        """Make one connection. What has arrived is kept, however it ends."""
        kept = self._kept(url)
        have = self._slots.size(self._slot) if kept is not None else 0
        self._check = Check(self._read, self._wishes.keys, self._accept)
        await self._verify(have)
        if self._check.done:
            return self._check.digest
        source = self._up()
        try:
            try:
                answer = await source.open(url, have)
            except HttpError as error:
                if not error.is_beyond or not have:
                    raise
                raise self._changed()
            mine = self._identity(url, answer.total, answer.validator)
            skip = 0
            if mine != kept or answer.start > have:
                if answer.start:
                    raise self._changed()
                self._begin(mine)
                self._check = Check(self._read, self._wishes.keys, self._accept)
                have = 0
            elif answer.start < have:
                skip = have - answer.start  # the server ignores Range
            self._resumed = have > 0
            return await self._take(source, have, skip, answer.total)
        finally:
            await source.close()

    def _changed(self) -> SiagaError:
        """Return the error for a remote file that differs from the partial one here."""
        self._changes += 1
        if self._changes > _MOST_CHANGES:
            return BundleError("the file changes all the time")
        self.discard()
        return SiagaError("the file has changed")

    def _up(self) -> "Source":
        for source in self._sources:
            if source.is_up():
                return source
        raise SiagaError("no network")

    async def _take(self, source: "Source", have: int, skip: int, total: int) -> bytes:
        """Receive to the end."""
        check = self._check
        assert check is not None
        ended = False
        while not ended:
            file: "BinaryIO | None" = None
            batch = 0
            try:
                while batch < _BATCH:
                    await self._pause()
                    piece = await source.read()
                    if not piece:
                        ended = True
                        break
                    if skip:
                        dropped = min(skip, len(piece))
                        skip -= dropped
                        piece = piece[dropped:]
                        if not piece:
                            continue
                    if file is None:
                        file = open(self._file, "ab")
                    file.write(piece)
                    batch += len(piece)
            finally:
                if file is not None:
                    file.close()  # littlefs: only now is it stored
            have += batch
            self._came = self._came or batch > 0
            await self._verify(have)
            if check.done:
                return check.digest
        why = "the bundle ends after %d bytes" % have
        raise damaged(why) if have == total else SiagaError(why)

    async def _verify(self, have: int) -> None:
        """Verify what is on flash, a piece at a time."""
        check = self._check
        assert check is not None
        while check.step(have):
            await self._pause()

    def _read(self, offset: int, length: int) -> bytes:
        with open(self._file, "rb") as file:
            file.seek(offset)
            return file.read(length)

    def _accept(self, header: "Header") -> None:
        wishes = self._wishes
        if header.boards and wishes.board.name not in header.boards:
            raise BundleError("for %s; this is a %s" % (", ".join(header.boards), wishes.board.name))
        if header.version <= VERSION:
            raise BundleError("%d.%d.%d is not newer" % header.version)
        missing = header.length - self._slots.size(self._slot) - self._slots.room()
        if missing > 0:
            raise BundleError("no room: %d bytes are missing on the flash" % missing)
        self._least = max(self._least, header.battery)
        wishes.tell("firmware %d.%d.%d comes" % header.version)

    # The record of which bundle the slot's file is part of.

    def _identity(self, url: str, total: int, validator: bytes) -> bytes:
        return bytes([self._slot, len(validator)]) + struct.pack(">i", total) + validator + url.encode()

    def _kept(self, url: str) -> "bytes | None":
        try:
            record = flash_records.read_record(self._path, _MAGIC)
        except flash_records.CorruptRecord:
            return None
        if record is None or len(record) < 6 or record[0] != self._slot or record[6 + record[1] :] != url.encode():
            return None
        return record

    def _begin(self, mine: bytes) -> None:
        """Start a new download: remove the old one first, then write the record, so that no old part is taken for a new
        one."""
        self.discard()
        flash_records.write_record(self._path, _MAGIC, mine)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from siaga.app.command_actions import CommandActions
    from siaga.app.firmware_slots import Slots
    from siaga.core.bundle import Header
    from siaga.drivers.http_source import Source

    Wishes = CommandActions
