"""Text messages by way of a daemon's spool folders: gammu-smsd's FILES backend, or one as SMS Server Tools 3 has it.

A received file is removed only once its frame is committed; a crash in between brings the frame again, which ingest
knows. gammu-smsd writes a received file in place, so one is read only when two looks found it the same, and one that
holds no frame is given time to become one.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sms import BEARER, REMINDED, SmsOrigin, Troubles
from siaga_gateway.adapters.sms_outbox import FORMATS, SpoolOutbox
from siaga_gateway.config_sms import SmsSettings
from siaga_gateway.domain.frame import FrameError, decode_uplink
from siaga_gateway.formats.sms import LARGEST_FILE, Message, NotAFrame, frame_of
from siaga_gateway.service.inbound import FrameSink, InboundFrame
from siaga_gateway.service.ports import Clock

WAY: Final = "spool"
ASIDE: Final = "other"  # folder in the inbox for messages that hold no frame
_LOOK_S: Final = 0.25
UNFINISHED_S: Final = 10.0  # how long a file without a whole frame may still be one that is being written
_ASIDE_KEPT: Final = 1_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SpoolCounts:
    """Since the start."""

    frames: int = 0
    refused: int = 0  # messages that hold no frame: set aside
    unknown: int = 0  # files that are no messages: left where they are


@dataclass(frozen=True, slots=True)
class _Seen:
    size: int
    mtime_ns: int
    since: float  # monotonic

    def same(self, found: os.stat_result) -> bool:
        return (self.size, self.mtime_ns) == (found.st_size, found.st_mtime_ns)


class SmsSpool:
    """adapters.sms.SmsSender, and the thread that looks into the folders. `settings.spool` is not "off"."""

    def __init__(
        self,
        settings: SmsSettings,
        *,
        clock: Clock,
        sink: FrameSink,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
        unfinished_s: float = UNFINISHED_S,
    ) -> None:
        """`on_change(up, why)` is called from the thread when the spool cannot be used, and when it can again."""
        self._format = FORMATS[settings.spool]
        self._inbox = settings.inbox or Path()
        self._clock = clock
        self._sink = sink
        self._unfinished_s = unfinished_s
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._troubles = Troubles(on_change)
        self.outbox = SpoolOutbox(settings.spool, settings.outbox or Path(), clock, self._troubles, self._wake.set)
        self._seen: dict[str, _Seen] = {}
        self._unknown: set[str] = set()
        self._under_way: set[str] = set()  # offered; not offered again before they are removed
        self._done: deque[str] = deque()  # committed; from any thread
        self._held_back = False
        self._thread = threading.Thread(target=self._run, name="sms-spool", daemon=True)
        self.counts = SpoolCounts()

    def start(self) -> None:
        self._thread.start()

    def hold_back(self) -> None:
        """Take no more messages; removing what is committed and sending go on."""
        self._held_back = True

    def stop(self) -> None:
        """End, once what is committed is removed and what waits to be sent is written."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        self.outbox.send(number, text, urgent=urgent)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            try:
                self._remove_done()
                self.outbox.write()
                if not self._held_back:
                    self._look()
                self.outbox.look()
            except Exception:
                log.exception("the spool of text messages: an unexpected fault; trying again")
                self._stop.wait(_LOOK_S)
        self._remove_done()
        self.outbox.write()

    def _look(self) -> None:
        try:
            files = sorted(self._inbox.iterdir())
        except OSError as error:
            self._troubles.note("inbox", f"sms.inbox {self._inbox} cannot be read: {error.strerror}")
            return
        self._troubles.over("inbox")
        present = {file.name for file in files}
        self._unknown &= present
        for name in self._seen.keys() - present:
            del self._seen[name]
        unreadable = None
        for file in files:
            if file.name in self._under_way:
                continue
            try:
                self._look_at(file)
            except FileNotFoundError:
                continue  # gone meanwhile
            except OSError as error:
                unreadable = error.strerror
        if unreadable is None:
            self._troubles.over("file")
        else:
            self._troubles.note("file", f"a message in sms.inbox {self._inbox} cannot be read or moved: {unreadable}")

    def _look_at(self, file: Path) -> None:
        """Offer the frame in it, if it is whole. Where there is no room, the next look offers it again; another file's
        may be more urgent. Raises OSError."""
        found = file.lstat()
        if not self._format.is_message(file.name) or not stat.S_ISREG(found.st_mode):
            self._note_unknown(file.name)
            return
        seen = self._seen.get(file.name)
        if seen is None or not seen.same(found):
            self._seen[file.name] = _Seen(found.st_size, found.st_mtime_ns, time.monotonic())
            return
        unfinished = time.monotonic() - seen.since < self._unfinished_s
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        try:
            message = self._format.read_message(file.name, content)
            frame = frame_of(message.text)
        except NotAFrame as error:
            if not unfinished:
                self._set_aside(file, error)
            return
        if unfinished and not _whole(frame):
            return
        self._offer(file.name, message, frame)

    def _offer(self, name: str, message: Message, frame: bytes) -> None:
        def acknowledge() -> None:
            self._done.append(name)
            self._wake.set()

        self._under_way.add(name)
        origin = None if message.number is None else SmsOrigin(WAY, message.number)
        inbound = InboundFrame(frame, self._clock.now_ms(), BEARER, acknowledge, origin, kept_by_bearer=True)
        if self._sink.offer(inbound, 0):
            self.counts.frames += 1
        else:
            self._under_way.discard(name)

    def _remove_done(self) -> None:
        for _ in range(len(self._done)):
            name = self._done.popleft()
            try:
                (self._inbox / name).unlink(missing_ok=True)
            except OSError as error:
                # It stays under way, or its frame would be offered again and again.
                self._done.append(name)
                self._troubles.note(
                    "remove", f"messages in sms.inbox {self._inbox} cannot be removed: {error.strerror}"
                )
                return
            self._under_way.discard(name)
            self._seen.pop(name, None)
        self._troubles.over("remove")

    def _note_unknown(self, name: str) -> None:
        if name in self._unknown or name == ASIDE or name.startswith("."):
            return
        self._unknown.add(name)
        self.counts.unknown += 1
        if self.counts.unknown % REMINDED == 1:
            hint = "; set inboxformat = unicode in gammu-smsdrc" if name.endswith(".smsbackup") else ""
            log.warning("%d files in %s are no messages and stay there%s", self.counts.unknown, self._inbox, hint)

    def _set_aside(self, file: Path, why: NotAFrame) -> None:
        """Kept for a person, the newest ones. Raises OSError."""
        folder = self._inbox / ASIDE
        folder.mkdir(mode=0o770, exist_ok=True)
        file.replace(folder / file.name)
        kept = sorted(folder.iterdir(), key=lambda each: each.lstat().st_mtime_ns)
        for old in kept[:-_ASIDE_KEPT]:
            old.unlink(missing_ok=True)
        self.counts.refused += 1
        if self.counts.refused % REMINDED == 1:
            said = "%d text messages hold no frame and were set aside in %s; the last: %s"
            log.warning(said, self.counts.refused, folder, why)


def _whole(frame: bytes) -> bool:
    """Well formed: nothing of it is missing."""
    try:
        decode_uplink(frame)
    except FrameError:
        return False
    return True
