"""The life of a press after a restart. Pure; wanted at a start only."""

import struct

from siaga.core import frame
from siaga.core.alarm import SAVED, STAGES, State


def restore(saved: "bytes | None", entries: "list[tuple[int, int, bytes]]", now_ms: int) -> State:
    """The state after a restart: what was saved, corrected by what waits in the outbox.

    saved: bytes of State.saved(), or None. entries: (kind, counter, body) of every waiting frame. The outbox is
    written before the state is, so it knows of a press or a cancel that the state has not heard of yet; and an
    acknowledgement is saved before its entry is removed, so a press that no longer waits was received.
    """
    state = State()
    if saved is not None and len(saved) == 11:
        opening, past, stage, duress, eta = struct.unpack(SAVED, saved)
        if stage in STAGES:
            known = None if eta == frame.UNKNOWN_ETA else eta
            state = State(past).changed(opening=opening, stage=stage, duress=bool(duress), eta=known)
    reports = sorted((counter, kind, body) for kind, counter, body in entries if len(body) >= 21)
    for counter, kind, body in reports:
        flags, offset = struct.unpack(">HH", body[17:21])
        if kind == frame.PRESS and flags & frame.FLAG_TEST:
            continue
        if kind == frame.PRESS and offset == 0 and counter > max(state.opening, state.past):
            state = State(state.past).changed(opening=counter)
        if kind == frame.PRESS and counter >= state.opening > 0:
            state = state.changed(waiting=counter)
        if kind == frame.CANCEL and counter - offset == state.opening > 0:
            forced = bool(flags & frame.FLAG_DURESS)
            state = state.changed(duress=True, waiting=0) if forced else State(counter)
    if state.stage == 0 and state.opening and not state.waiting and not state.duress:
        state = state.changed(stage=frame.STAGE_RECEIVED)
    return state.changed(opened_ms=now_ms, waiting_ms=now_ms, updated_ms=now_ms)
