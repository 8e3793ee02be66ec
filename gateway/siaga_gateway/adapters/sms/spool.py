"""Text messages through a daemon's spool folders: gammu-smsd's FILES backend, or in the style of SMS Server Tools 3.

A received file is removed only after its frames are committed; after a crash they come again, and ingest recognizes
them. gammu-smsd writes a received file in place, so one is read only once it is unchanged between two polls, and one
without a frame is given time to get one. A possible part of a longer text stays until the others have arrived. What
holds no frame may be a responder's answer: these are read in a thread of their own, for no press waits for them.
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

from siaga_gateway.adapters.sms.answer_worker import AnswerWorker
from siaga_gateway.adapters.sms.multipart import MultipartAssembly
from siaga_gateway.adapters.sms.replies import BEARER, REMINDED, SmsOrigin, Troubles
from siaga_gateway.adapters.sms.spool_outbox import FORMATS, SpoolOutbox
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.sms import SmsSettings
from siaga_gateway.domain.frame import FrameError, decode_uplink
from siaga_gateway.domain.text_answer import parsed
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.sms import LARGEST_FILE, LetterCaseLost, Message, NotAFrame, frames_of
from siaga_gateway.formats.sms_frame_search import begins_in
from siaga_gateway.formats.sms_number import e164
from siaga_gateway.formats.sms_report import delivered_in
from siaga_gateway.service.inbound import FrameSink, InboundFrame, InboundText, TextOutcome, TextReader
from siaga_gateway.service.ports import Clock

WAY: Final = "spool"
ASIDE: Final = "other"  # folder in the inbox for messages without a frame
_LOOK_S: Final = 0.25
UNFINISHED_S: Final = 10.0  # how long a file without a whole frame may still be in the writing
ANSWER_SETTLED_S: Final = 1.0  # an answer is some bytes: so long after a part of it the rest is there
_TOLD_MS: Final = 10 * 60_000  # whoever wrote something else hears within this time that it was not understood
_ASIDE_KEPT: Final = 1_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SpoolCounts:
    """Counts since the start."""

    frames: int = 0
    answers: int = 0  # of responders, taken
    refused: int = 0  # messages without a frame: set aside
    case_lost: int = 0  # of these: all letters had been made lower or upper case
    unknown: int = 0  # files that are not messages: left alone


@dataclass(frozen=True, slots=True)
class _Seen:
    size: int
    mtime_ns: int
    since: float  # monotonic

    def same(self, found: os.stat_result) -> bool:
        return (self.size, self.mtime_ns) == (found.st_size, found.st_mtime_ns)


class _Files:
    """Files whose frames are on their way into the store. Thread-safe."""

    def __init__(self, names: list[str], frames: int, wake: Callable[[], None], done: deque[str]) -> None:
        self._names = names
        self._left = frames
        self._wake = wake
        self._done = done
        self._lock = threading.Lock()

    def one_stored(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        self._done.extend(self._names)
        self._wake()


class SmsSpool:
    """Implements adapters.sms.replies.SmsSender, with the thread that polls the folders. `settings.spool` is not
    "off"."""

    def __init__(
        self,
        settings: SmsSettings,
        *,
        clock: Clock,
        sink: FrameSink,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
        unfinished_s: float = UNFINISHED_S,
        texts: TextReader | None = None,
    ) -> None:
        """texts: reads what holds no frame. on_change(up, why): called in the thread when the spool becomes unusable,
        and when it works again."""
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
        self._parts = MultipartAssembly()
        self._under_way: set[str] = set()  # offered; not offered again before they are removed
        self._done: deque[str] = deque()  # committed; written from any thread
        self._answers = None if texts is None else AnswerWorker(texts)
        self._no_answers: set[str] = set()  # that read like one, and come from no responder
        self._read: deque[tuple[str, TextOutcome | None]] = deque()  # answers; written from its thread
        self._held_back = False
        self._thread = threading.Thread(target=self._run, name="sms-spool", daemon=True)
        self.counts = SpoolCounts()

    def start(self) -> None:
        if self._answers is not None:
            self._answers.start()
        self._thread.start()

    def hold_back(self) -> None:
        """Accept no more messages; removing what is committed and sending go on."""
        self._held_back = True
        if self._answers is not None:
            self._answers.end()

    def stop(self) -> None:
        """Stop, after removing what is committed and writing what waits to be sent."""
        self._stop.set()
        if self._answers is not None:
            self._answers.stop()
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
                self._settle_answers()
                self._remove_done()
                self.outbox.write()
                if not self._held_back:
                    self._look()
                self.outbox.look()
            except Exception:
                log.exception(Localized("log.sms.spool_fault"))
                self._stop.wait(_LOOK_S)
        self._settle_answers()
        self._remove_done()
        self.outbox.write()

    def _look(self) -> None:
        try:
            files = sorted(self._inbox.iterdir())
        except OSError as error:
            self._troubles.note("inbox", str(Localized("errors.sms.inbox_unread", folder=self._inbox, why=error)))
            return
        self._troubles.over("inbox")
        present = {file.name for file in files}
        self._unknown &= present
        self._no_answers &= present
        for name in self._seen.keys() - present:
            del self._seen[name]
            self._parts.forget(name)
        unreadable = None
        for file in files:
            if file.name in self._under_way:
                continue
            try:
                self._look_at(file)
            except FileNotFoundError:
                continue  # gone meanwhile
            except OSError as error:
                unreadable = error
        if unreadable is None:
            self._troubles.over("file")
        else:
            self._troubles.note("file", str(Localized("errors.sms.message_unread", folder=self._inbox, why=unreadable)))

    def _look_at(self, file: Path) -> None:
        """Offer its frames, if it is complete.

        Without room, the next poll offers them again; another file's may be more urgent. Raises: OSError.
        """
        found = file.lstat()
        if not self._format.is_message(file.name) or not stat.S_ISREG(found.st_mode):
            self._note_unknown(file.name)
            return
        seen = self._seen.get(file.name)
        if seen is None or not seen.same(found):
            self._seen[file.name] = _Seen(found.st_size, found.st_mtime_ns, time.monotonic())
            self._parts.forget(file.name)
            return
        unfinished = time.monotonic() - seen.since < self._unfinished_s
        now_ms = self._clock.now_ms()
        if self._parts.waits(file.name, now_ms):
            return
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        try:
            message = self._format.read_message(file.name, content)
        except NotAFrame as error:
            if not unfinished:
                self._set_aside(file, error)
            return
        if (delivered := delivered_in(message.text)) is not None:
            self._report(file, message, found, delivered)
            return
        try:
            frames = frames_of(message.text)
        except NotAFrame as error:
            answer = None if file.name in self._no_answers else self._answer_in(message, found)
            if answer is not None:
                if time.monotonic() - seen.since >= ANSWER_SETTLED_S:
                    self._ask(file.name, answer)
                return
            joined = self._parts.add(file.name, message, min(found.st_mtime_ns // 1_000_000, now_ms), now_ms)
            if joined is not None:
                self._offer([str(key) for key in joined.keys], message, joined.frames)
            elif not unfinished and not self._parts.waits(file.name, now_ms):
                free = None if file.name in self._no_answers else self._free_text(message, found)
                if free is None:
                    self._set_aside(file, error)
                else:
                    self._ask(file.name, free)
            return
        if unfinished and (begins_in(message.text) or not all(_whole(frame) for frame in frames)):
            return
        self._offer([file.name], message, frames)

    def _offer(self, names: list[str], message: Message, frames: list[bytes]) -> None:
        """Offer the frames of these files; the files are removed once all frames are stored."""
        files = _Files(names, len(frames), self._wake.set, self._done)
        self._under_way.update(names)
        origin = None if message.number is None else SmsOrigin(WAY, message.number)
        for frame in frames:
            inbound = InboundFrame(frame, self._clock.now_ms(), BEARER, files.one_stored, origin, kept_by_bearer=True)
            if not self._sink.offer(inbound, 0):
                # Those accepted come again with the rest, as repetitions.
                self._under_way.difference_update(names)
                for name in names:
                    self._parts.forget(name)
                return
            self.counts.frames += 1

    def _answer_in(self, message: Message, found: os.stat_result) -> InboundText | None:
        """Return a message that reads like an answer."""
        return None if parsed(message.text) is None else self._text_of(message, found)

    def _text_of(self, message: Message, found: os.stat_result) -> InboundText | None:
        number = e164(message.number)
        if self._answers is None or number is None or message.number is None:
            return None
        received_ms = min(found.st_mtime_ns // 1_000_000, self._clock.now_ms())
        return InboundText(number, message.text, received_ms, SmsOrigin(WAY, message.number))

    def _free_text(self, message: Message, found: os.stat_result) -> InboundText | None:
        """Return what a responder may have written in words of his own: a desk is rung for whoever was sent, and he
        hears that it was not understood."""
        text = self._text_of(message, found)
        return text if text is not None and self._clock.now_ms() - text.received_ms < _TOLD_MS else None

    def _ask(self, name: str, answer: InboundText) -> None:
        """Have an answer read; its file stays until that is durable."""

        def done(outcome: TextOutcome | None) -> None:
            self._read.append((name, outcome))
            self._wake.set()

        if self._answers is not None and self._answers.offer(answer, done):
            self._under_way.add(name)

    def _report(self, file: Path, message: Message, found: os.stat_result, delivered: bool) -> None:
        """Have it kept that a phone has received a message; another report is kept for a person. Raises: OSError."""
        text = self._text_of(message, found)
        if not delivered or text is None or self._answers is None:
            self._set_aside(file, NotAFrame("sms.none"))
            return
        name = file.name

        def done(outcome: TextOutcome | None) -> None:
            if outcome is None:
                self._read.append((name, None))
            else:
                self._done.append(name)
            self._wake.set()

        if self._answers.offer(copied(text, delivered=True), done):
            self._under_way.add(name)

    def _settle_answers(self) -> None:
        for _ in range(len(self._read)):
            name, outcome = self._read.popleft()
            if outcome is TextOutcome.TAKEN:
                self.counts.answers += 1
                self._done.append(name)
                continue
            if outcome is TextOutcome.STRANGER:
                self._no_answers.add(name)
            elif outcome is not None:
                self._aside(name)
            self._under_way.discard(name)

    def _aside(self, name: str) -> None:
        try:
            self._set_aside(self._inbox / name, NotAFrame("sms.none"))
        except FileNotFoundError:
            return  # gone meanwhile
        except OSError as error:
            self._troubles.note("aside", str(Localized("errors.sms.unremoved", folder=self._inbox, why=error)))
            return
        self._troubles.over("aside")

    def _remove_done(self) -> None:
        for _ in range(len(self._done)):
            name = self._done.popleft()
            try:
                (self._inbox / name).unlink(missing_ok=True)
            except OSError as error:
                # It stays marked as offered, or its frame would be offered again and again.
                self._done.append(name)
                self._troubles.note("remove", str(Localized("errors.sms.unremoved", folder=self._inbox, why=error)))
                return
            self._under_way.discard(name)
            self._seen.pop(name, None)
            self._parts.forget(name)
        self._troubles.over("remove")

    def _note_unknown(self, name: str) -> None:
        if name in self._unknown or name == ASIDE or name.startswith("."):
            return
        self._unknown.add(name)
        self.counts.unknown += 1
        if self.counts.unknown % REMINDED == 1:
            known = "backup_files" if name.endswith(".smsbackup") else "strange_files"
            log.warning(Localized(f"log.sms.{known}", count=self.counts.unknown, folder=self._inbox))

    def _set_aside(self, file: Path, why: NotAFrame) -> None:
        """Keep the latest for a person. Raises: OSError."""
        folder = self._inbox / ASIDE
        folder.mkdir(mode=0o770, exist_ok=True)
        file.replace(folder / file.name)
        kept = sorted(folder.iterdir(), key=lambda each: each.lstat().st_mtime_ns)
        for old in kept[:-_ASIDE_KEPT]:
            old.unlink(missing_ok=True)
        self._parts.forget(file.name)
        self.counts.refused += 1
        self.counts.case_lost += isinstance(why, LetterCaseLost)
        if self.counts.refused % REMINDED == 1:
            log.warning(Localized("log.sms.set_aside", count=self.counts.refused, folder=folder, why=why))


def _whole(frame: bytes) -> bool:
    """Whether it is well formed and complete."""
    try:
        decode_uplink(frame)
    except FrameError:
        return False
    return True
