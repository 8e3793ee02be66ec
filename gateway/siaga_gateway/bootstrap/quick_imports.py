"""Imports without a search for garbage in between, which would cost a start a quarter of its time and find none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_whole_process = False


def own_process() -> None:
    """To be called where the program begins: all that it imports stays to its end, and no later search looks there."""
    global _whole_process
    _whole_process = True


@contextmanager
def quick_imports() -> Iterator[None]:
    """Within it nothing is collected."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if _whole_process:
            gc.freeze()
        gc.enable()
