"""Workers that begin as forks of what has collected: they run the tests as executed ones do, and draw numbers of their
own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import preloaded
from waiting import RUNS_S

HERE = Path(__file__).resolve().parent
HOOKS = "from collected import fork_workers\n\ndef pytest_xdist_setupnodes(config):\n    fork_workers(config.args)\n"
MODULE = """
import json
import os
import random
import ssl
import sys
import threading
from pathlib import Path

IMPORTED_BY = os.getpid()
{more}

def test_notes_what_it_is():
    facts = {{
        "pid": os.getpid(), "parent": os.getppid(), "imported by": IMPORTED_BY,
        "worker": os.environ["PYTEST_XDIST_WORKER"], "folder": os.getcwd(),
        "drawn": [random.random(), os.urandom(8).hex(), ssl.RAND_bytes(8).hex()], "path": sys.path, "said": sys.argv,
        "no bytecode": sys.dont_write_bytecode, "limit": sys.getrecursionlimit(),
    }}
    Path(__file__).with_suffix(".json").write_text(json.dumps(facts))
"""


def ran(folder: Path, more: str = "") -> list[dict[str, Any]]:
    """What each of two workers found out about itself."""
    folder.mkdir()
    (folder / "conftest.py").write_text(HOOKS)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {HERE}\n")
    for name in ("one", "two"):
        (folder / f"test_{name}.py").write_text(MODULE.format(more=more))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--numprocesses=2", "--dist=loadfile"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=RUNS_S, check=False, env=environment
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    return [json.loads((folder / f"test_{name}.json").read_text()) for name in ("one", "two")]


@pytest.mark.skipif(not preloaded.possible(), reason="forks for another process are Linux's")
def test_they_are_forks_that_find_what_executed_ones_find(tmp_path: Path) -> None:
    forked = ran(tmp_path / "forked")
    assert len({one["pid"] for one in forked}) == len({one["worker"] for one in forked}) == 2
    (collector,) = {one["imported by"] for one in forked}
    assert collector not in {one["pid"] for one in forked}
    drawn = [number for one in forked for number in one["drawn"]]
    assert len(set(map(str, drawn))) == len(drawn)

    # A thread at import would be missing in a fork.
    executed = ran(tmp_path / "executed", "threading.Thread(target=threading.Event().wait, daemon=True).start()")
    assert [one["imported by"] for one in executed] == [one["pid"] for one in executed]
    for name in ("said", "no bytecode", "limit"):
        assert [one[name] for one in forked] == [one[name] for one in executed], name
    paths = [[part.replace("/executed", "/forked") for part in one["path"]] for one in executed]
    assert [one["path"] for one in forked] == paths
    assert len({one["parent"] for one in forked}) == 1, "children of who shares the tests out"
