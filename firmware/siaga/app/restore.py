"""Restores what an earlier run left on flash: the pending frames, and the open incident."""

import os
import struct

from siaga.app import flash_records
from siaga.app.outbox import MAGIC, OWED_MAGIC, SETTLE_S, OutboxFull
from siaga.core import frame
from siaga.core.alarm import CANCELLED_MARK, DURESS_MARK, SAVED, SAVED_SIZE, STAGES, State, since, taken_back
from siaga.core.bearer_policy import EARLIER, Waiting
from siaga.core.errors import SiagaError

INCIDENT_MAGIC = b"SGA1"


def load(outbox: "Outbox", now_ms: int, unix: int = 0) -> None:
    """Load the entries an earlier run left. Torn or corrupt ones are counted and removed. unix: the time, 0 = unknown.

    Presses of an earlier identity are sent under new counters as presses of this one: a lost key must not lose a press.
    Its other frames are dropped, and counted.
    """
    orphans = []
    for name in sorted(item[0] for item in os.ilistdir(outbox.folder)):
        path = outbox.folder + "/" + name
        if name.endswith(".new"):  # incomplete, so it was never reported as stored
            _clear(path)
            continue
        try:
            counter, kind, body, told = _read(path, name)
        except SiagaError:
            outbox.rejected += 1
            _clear(path)
            continue
        if not name.startswith(outbox.mine):
            orphans.append((path, kind, body, told))
            continue
        entry = Waiting(kind, counter, body, now_ms, outbox.links)
        entry.first_ms = EARLIER
        if told < 0:
            entry.short = True  # an earlier run may have sent the short form
            outbox.entries.append(entry)
        else:
            left_s = min(max(told + SETTLE_S - unix, 0), SETTLE_S) if unix else 0
            entry.owe(told, now_ms + left_s * 1000)
            outbox.owed.append(entry)
    for path, kind, body, told in orphans:
        if kind == frame.PRESS and told < 0 and not frame.flags_of(body) & frame.FLAG_TEST:
            try:
                if not outbox.keep(frame.PRESS, _opening(body), now_ms).durable:
                    continue  # it is on flash under its old name only
            except OutboxFull:
                outbox.rejected += 1
                continue
        else:
            outbox.dropped += 1
        _clear(path)


def _clear(path: str) -> None:
    """Remove a file; a flash that refuses must not stop the start: it is tried again at the next one."""
    try:
        flash_records.remove(path)
    except OSError:
        pass


def _read(path: str, name: str) -> "tuple[int, int, bytes, int]":
    """Return counter, kind, body, and when the gateway acknowledged it, -1 = it did not. Raises SiagaError."""
    try:
        content = flash_records.read_file(path)
    except OSError as error:
        raise flash_records.CorruptRecord("unreadable: flash error %s" % error)
    owed = content is not None and content[:4] == OWED_MAGIC
    start = 9 if owed else 5
    record = flash_records.unseal(OWED_MAGIC if owed else MAGIC, content or b"")
    if len(record) < start:
        raise flash_records.CorruptRecord("an entry without a body")
    counter, kind = struct.unpack(">IB", record[:5])
    frame.unsigned(frame.ES256, kind, b"\0" * 8, counter, record[start:])
    if name[8:] != "%08x" % counter:
        raise flash_records.CorruptRecord("an entry under another one's name")
    return counter, kind, record[start:], struct.unpack(">I", record[5:9])[0] if owed else -1


def _opening(body: bytes) -> "Callable[[int], bytes]":
    """Return a maker of the same report as the first of an incident."""
    return lambda counter: frame.as_opening(body)


def incident(path: str, device_id: bytes, outbox: "Outbox", acked: "Acked", now_ms: int, complain: "Complain") -> State:
    """Return this device's incident, corrected by the outbox, which has been read; digests of its acknowledged frames
    go into `acked`."""
    record = None
    try:
        record = flash_records.read_record(path, INCIDENT_MAGIC)
    except flash_records.CorruptRecord as error:
        outbox.rejected += 1
        complain("the open incident on the flash is unreadable: %s" % error)
    saved = record[8:] if record is not None and record[:8] == device_id else b""
    waiting = [(entry.kind, entry.counter, entry.body) for entry in outbox.entries]
    acked.load(saved[SAVED_SIZE:])
    state = restore(saved[:SAVED_SIZE], waiting, now_ms)
    acked.since = since(state)
    return state


def restore(saved: "bytes | None", entries: "list[tuple[int, int, bytes]]", now_ms: int) -> State:
    """Return the state after a restart: what was saved, corrected by the outbox.

    saved: bytes of State.saved(), or None. entries: (kind, counter, body) of every pending frame. The outbox is written
        before the state, so it knows of a press or cancel that the state does not; and an acknowledgement is saved
        before its entry is removed, so a press that is neither pending nor has a stage is lost, see alarm.is_lost().
    """
    state = State()
    if saved is not None and len(saved) == SAVED_SIZE:
        opening, past, pressed, stage, marks, eta = struct.unpack(SAVED, saved)
        if stage in STAGES:
            known = None if eta == frame.UNKNOWN_ETA else eta
            state = State(past).changed(opening=opening, pressed=pressed, stage=stage, eta=known)
            state = state.changed(duress=bool(marks & DURESS_MARK), cancelled=bool(marks & CANCELLED_MARK))
    reports = sorted((counter, kind, body) for kind, counter, body in entries if len(body) >= 21)
    for counter, kind, body in reports:
        flags, offset = frame.flags_of(body), frame.opening_of(body)
        if kind == frame.PRESS and flags & frame.FLAG_TEST:
            continue
        if kind == frame.PRESS and offset == 0 and counter > max(state.opening, state.past):
            state = State(state.past).changed(opening=counter)
        # Of a cancel and the incident's PRESSes the newest counts; a cancel saves which PRESS was the newest then. An
        # older one is nobody's concern: the feedback is about the newest.
        if kind == frame.PRESS and counter > max(since(state), state.pressed - (0 if state.cancelled else 1)):
            if state.cancelled:
                state = taken_back(state)
            state = state.changed(waiting=counter, pressed=counter)
        if kind == frame.CANCEL and counter - offset == state.opening > 0 and counter > state.pressed:
            forced = bool(flags & frame.FLAG_DURESS)
            state = state.changed(cancelled=True, duress=state.duress or forced, waiting=0)
    return state.changed(opened_ms=now_ms, waiting_ms=now_ms, updated_ms=now_ms)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.acked_digests import Acked
    from siaga.app.outbox import Outbox

    Complain = Callable[[str], None]
