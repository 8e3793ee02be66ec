"""Test processes that begin where collecting ends: pytest-xdist's workers as forks of a process that has imported all
tests.

Each worker would read and import them for itself, three seconds of a core; so only one process does. What the fork
becomes is what preloaded.py says of any program, but that the tests' modules are there already. It has none of the
first collection's items, and collects its own.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import preload_server
import preloaded

_SERVE: Final = """
import sys
path = sys.path[1:]
sys.path[0] = sys.argv[1]
from collected import main
main(int(sys.argv[2]), path, sys.argv[3], sys.argv[4] == "True", sys.argv[5:])
"""
_COLLECTED_S: Final = 1200.0  # no more than this for all of them, also where each has to be compiled first
# What tests find in the environment at their import is what workers have; this is gone by then.
_ONLY_HERE: Final = {
    "PYTHONDONTWRITEBYTECODE": "",  # where programs may write none, each run would compile all tests anew
    "OPENBLAS_NUM_THREADS": "1",  # numpy has a thread for each core from its import on, which a fork would not have
}


class Collected(preloaded.Preloader):
    """The line to it. Where it ended, or never began, workers are executed as always."""

    def suits(self, argv: Sequence[str], environment: Mapping[str, str]) -> bool:
        return list(argv[:3]) == [sys.executable, "-u", "-c"]

    def spawn(self, request: preloaded.Request, descriptors: Sequence[int]) -> int | None:
        try:
            return super().spawn(request, descriptors)
        except (EOFError, OSError):
            return None


def fork_workers(arguments: Sequence[str]) -> None:
    """From now on the workers of this process, which is to run the tests that the arguments name, begin as forks."""
    mine, its = socket.socketpair()
    with its:
        had = {name: os.environ[name] for name in _ONLY_HERE if name in os.environ}
        command = [sys.executable, "-c", _SERVE, str(Path(__file__).parent), str(its.fileno()), json.dumps(had)]
        process = subprocess.Popen(
            [*command, str(sys.dont_write_bytecode), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            env={**os.environ, **_ONLY_HERE},
        )
    mine.settimeout(_COLLECTED_S)
    preloaded.use(Collected(mine, dict(os.environ)))
    atexit.register(preloaded.end, mine, process)
    subprocess.Popen = preloaded.Popen  # type: ignore[misc]


def _collect(arguments: Sequence[str]) -> bool:
    """Import all tests. Returns whether this process may be forked."""
    import pytest

    found = list(sys.path)
    pytest.main(["--collect-only", "-qq", "--capture=no", *arguments])
    sys.path[:] = found
    preload_server.read_texts()
    gc.freeze()
    return threading.active_count() == len(os.listdir("/proc/self/task")) == 1


def main(line: int, path: list[str], had: str, no_bytecode: bool, arguments: Sequence[str]) -> None:
    """path: where a program finds its modules, but for its own folder. had, no_bytecode: what holds for workers."""
    import numpy  # noqa: F401

    for name in _ONLY_HERE:
        del os.environ[name]
    os.environ.update(json.loads(had))
    with preload_server.spared():
        if not _collect(arguments):
            os._exit(1)
        sys.dont_write_bytecode = no_bytecode
        worker = preload_server.next_program(socket.socket(fileno=line), starts_others=False)
    sys.path[:] = ["", *path]
    sys.argv[:] = ["-c"]
    preload_server.stand_in(worker.argv)
    exec(worker.argv[-1], {"__name__": "__main__"})
