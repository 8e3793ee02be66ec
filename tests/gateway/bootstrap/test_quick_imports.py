"""While it loads a process looks for no garbage; afterwards it does again, and not through what it has loaded."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from siaga_gateway.bootstrap.quick_imports import quick_imports

PROGRAM = """
import gc
from siaga_gateway.bootstrap.quick_imports import own_process, quick_imports
own_process()
searches = []
gc.callbacks.append(lambda phase, _: searches.append(phase))
with quick_imports():
    import siaga_gateway.config.settings
assert searches == [], searches
assert gc.isenabled() and gc.get_freeze_count() > 10_000
loop = []
loop.append(loop)
del loop
assert gc.collect() > 0
"""


def test_a_process_of_its_own_keeps_what_it_has_loaded_out_of_every_search() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_within_another_program_nothing_of_that_one_is_kept() -> None:
    before = gc.get_freeze_count()
    with pytest.raises(ZeroDivisionError), quick_imports():
        assert not gc.isenabled()
        _ = 1 // 0
    assert gc.isenabled() and gc.get_freeze_count() == before


def test_who_collects_nothing_anyway_is_left_so() -> None:
    gc.disable()
    try:
        with quick_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
