"""Waits of tests: until something is so, at most so long; for hours, where only a wake-up can end one."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

HOURS_S: Final = 7_200.0
# For what has to come: how long it takes is the machine's business, and CI's may have a tenth of the usual speed. Where
# it comes this costs nothing. Runs that put faults in on purpose (tests/mutation) shorten it: a hang is found sooner.
ENDS_S: Final = float(os.environ.get("SIAGA_WAITS_S", 180))
# For a program that is started and has to end by itself: its imports alone cost a core many seconds.
RUNS_S: Final = 120 + 3 * ENDS_S
_FIRST_PAUSE_S: Final = 0.002
_REST: Final = 4.0  # times what a look costs
_DEAREST_PAUSE_S: Final = 0.25


def eventually(
    holds: Callable[[], Found],
    what: str | Callable[[], str] = "what has to be so",
    *,
    timeout_s: float = ENDS_S,
    longest_pause_s: float = 0.05,
) -> Found:
    """Return the first true result of `holds`.

    Raises: AssertionError after timeout_s, with `what` did not come; called then, if it is to say how things stand.
    """
    deadline, pause_s = time.monotonic() + timeout_s, _FIRST_PAUSE_S
    began = time.thread_time()
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what if isinstance(what, str) else what()}")
        # A look that costs much is rarer: others need the cores to make it so.
        cost_s = time.thread_time() - began
        time.sleep(max(pause_s, min(_DEAREST_PAUSE_S, _REST * cost_s)))
        pause_s = min(1.5 * pause_s, longest_pause_s)
        began = time.thread_time()
    return found


def waits(thread: threading.Thread) -> bool:
    """Whether it waits to be woken, in a `wait` of the module threading: a queue's and a condition's are there too."""
    # A search for garbage within that call can end the whole process in a deadlock (Python before 3.12.1).
    searches = gc.isenabled()
    gc.disable()
    try:
        frame = sys._current_frames().get(thread.ident or 0)
    finally:
        if searches:
            gc.enable()
    return frame is not None and frame.f_code.co_name == "wait" and frame.f_code.co_filename == threading.__file__


def ends(work: Callable[[], object], then: Callable[[], object]) -> object:
    """What `work`, which waits for hours, comes to after `then`. It waits already when `then` is called."""
    came: list[object] = []
    thread = threading.Thread(target=lambda: came.append(work()), daemon=True)
    thread.start()
    eventually(lambda: waits(thread) or not thread.is_alive())
    assert thread.is_alive(), "it waits"
    then()
    thread.join(ENDS_S)
    assert came, "nothing woke it"
    return came[0]
