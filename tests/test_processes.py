"""A process's children are found while its threads, and some of them, end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import processes
from waiting import RUNS_S, eventually

PROGRAM = [sys.executable, "-c", "input()", "of a thread"]


def test_children_of_threads_are_found_while_other_threads_end() -> None:
    ended = threading.Event()
    started: list[subprocess.Popen[bytes]] = []

    def starts() -> None:
        started.append(subprocess.Popen(PROGRAM, stdin=subprocess.PIPE))
        ended.wait(RUNS_S)

    holder = threading.Thread(target=starts)
    holder.start()

    def come_and_go() -> None:
        while not ended.is_set():
            threading.Thread(target=int).start()

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        eventually(lambda: started)
        for _ in range(50):
            assert processes.children(os.getpid()).keys() >= {started[0].pid}
    finally:
        ended.set()
        holder.join(RUNS_S)
        busy.join(RUNS_S)
    assert "of a thread" in processes.children(os.getpid())[started[0].pid], "whose thread ended"
    started[0].communicate(timeout=RUNS_S)
    assert started[0].pid not in processes.children(os.getpid())


def test_one_that_ended_and_is_not_waited_for_runs_no_more() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert processes.state(process.pid) is None and processes.children(process.pid) == {}
    assert process.pid in processes.children(os.getpid()), "nobody has waited for it"
    process.communicate(timeout=RUNS_S)
    assert processes.state(process.pid) is None and processes.command(process.pid) == ""
    running = processes.state(os.getpid())
    assert running is not None and running[1] == os.getppid()
