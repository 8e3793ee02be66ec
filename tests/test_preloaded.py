"""A program that is forked from the preloader finds what it would find had it been executed, and ends as it would."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import preloaded
import processes
from waiting import RUNS_S, eventually

HERE = Path(__file__).parent
PROGRAM = [sys.executable, "-m", "what_a_program_finds"]

Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def forked() -> Iterator[list[list[str]]]:
    """What was forked, and not executed."""
    preloaded.switch_on()
    seen: list[list[str]] = []
    spawn = preloaded.Preloader.spawn

    def spied(self: preloaded.Preloader, request: preloaded.Request, descriptors: Any) -> int | None:
        seen.append(request.argv)
        return spawn(self, request, descriptors)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preloaded.Preloader, "spawn", spied)
        yield seen


def _ran(popen: Started, *arguments: str, given: str | None = None, **options: Any) -> tuple[int, str, str]:
    options = {"cwd": HERE, "stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "env": dict(os.environ)} | options
    with popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, **options) as process:
        told, complained = process.communicate(given, timeout=RUNS_S)
        return process.returncode, told, complained


def _facts(told: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(told.splitlines()[0])
    facts |= {f"${name}": value for name, value in facts.pop("environment").items()}
    if facts["alone in its session"]:
        facts["session"] = "its own"
    return facts


def _differences(told: str, executed: str) -> dict[str, Any]:
    ours, theirs = _facts(told), _facts(executed)
    return {name: (ours.get(name), theirs[name]) for name in theirs if ours.get(name) != theirs[name]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"start_new_session": True},
        {"env": {**os.environ, "TZ": "Asia/Jayapura", "SIAGA_OF_THIS": "1"}, "umask": 0o27},
        {"stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, "cwd": None},
        {"stderr": None, "stdin": None},
    ],
    ids=["as it is", "session", "surroundings", "nothing", "ours"],
)
def test_it_finds_what_it_would_find_otherwise(
    options: dict[str, Any], forked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    _, executed, _ = _ran(subprocess.Popen, "end", "räksmörgås", "", **options)
    _, told, _ = _ran(preloaded.Popen, "end", "räksmörgås", "", **options)
    assert forked == [[*PROGRAM, "end", "räksmörgås", ""]]
    assert _differences(told, executed) == {}


def test_it_has_the_descriptors_that_were_passed_and_no_others(forked: list[list[str]]) -> None:
    ours, its = socket.socketpair()
    secret, _kept = socket.socketpair()
    far = os.dup2(its.fileno(), 90, inheritable=False)
    with ours, its, secret, _kept, socket.socket(fileno=far):
        passed = (its.fileno(), far)
        facts = [_facts(_ran(popen, "end", pass_fds=passed)[1]) for popen in (subprocess.Popen, preloaded.Popen)]
        own = {str(each.fileno()) for each in (ours, secret, _kept)}
    assert len(forked) == 1 and facts[1] == facts[0]
    assert {str(passed[0]), "90"} <= facts[1]["descriptors"].keys() and not own & facts[1]["descriptors"].keys()


def test_it_leads_the_session_of_a_terminal_that_it_takes(forked: list[list[str]]) -> None:
    facts, ends = [], []
    for popen in (subprocess.Popen, preloaded.Popen):
        master, slave = pty.openpty()
        its_terminal = os.ttyname(slave)
        process = popen(
            [*PROGRAM, "wait"],
            cwd=HERE,
            stdin=slave,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
            start_new_session=True,
            preexec_fn=preloaded.take_terminal,
        )
        os.close(slave)
        assert process.stdout is not None
        # The number is the system's: another test may have opened a terminal meanwhile.
        facts.append(_facts(process.stdout.readline().replace(its_terminal, "its terminal")))
        os.close(master)
        ends.append(process.wait(RUNS_S))
        process.stdout.close()
    assert len(forked) == 1 and facts[1] == facts[0] and ends == [-signal.SIGHUP] * 2
    assert facts[0]["alone in its session"] and facts[0]["terminal"] == [True, True]
    assert facts[0]["descriptors"]["0"] == "its terminal"


def test_limits_and_cores_are_those_of_who_starts_it_now(forked: list[list[str]]) -> None:
    before, cores = resource.getrlimit(resource.RLIMIT_NOFILE), os.sched_getaffinity(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    os.sched_setaffinity(0, [min(cores)])
    try:
        facts = [_facts(_ran(popen, "end")[1]) for popen in (subprocess.Popen, preloaded.Popen)]
    finally:
        os.sched_setaffinity(0, cores)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(forked) == 1 and facts[1] == facts[0] and facts[1]["limits"]["RLIMIT_NOFILE"][0] == 256


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (["read"], "of two lines\nof text"),
        (["exit", "7"], None),
        *[([mode], None) for mode in ("raise", "wait", "complain", "cycle", "unread")],
    ],
)
def test_it_ends_as_it_would_otherwise(arguments: list[str], given: str | None, forked: list[list[str]]) -> None:
    ends = []
    for popen in (subprocess.Popen, preloaded.Popen):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with popen([*PROGRAM, *arguments], text=True, cwd=HERE, **pipes) as process:
            assert process.stdout is not None
            process.stdout.readline()
            if arguments == ["wait"]:
                process.terminate()
            if arguments == ["unread"]:
                process.stdout.close()
                process.stdout = None
            told, complained = process.communicate(given, timeout=RUNS_S)
            ends.append((process.returncode, told, complained.replace("_run_module_as_main", "").splitlines()[-1:]))
    assert len(forked) == 1 and ends[1] == ends[0]


def test_what_it_starts_is_its_own_child_and_forked_too(forked: list[list[str]]) -> None:
    code, told, complained = _ran(preloaded.Popen, "child")
    assert (code, complained) == (0, "") and len(forked) == 1
    own, child = map(json.loads, told.splitlines())
    assert child == {**own, "parent": True, "command": [*PROGRAM, "end"], "argv": [own["file"], "end"]} | {
        name: child[name] for name in ("original argv", "descriptors", "streams")
    }


def test_no_two_of_them_draw_the_same_random_numbers() -> None:
    drawn = [json.loads(_ran(preloaded.Popen, "draw")[1].splitlines()[1]) for _ in range(2)]
    assert len(set(map(str, drawn[0] + drawn[1]))) == 2 * len(drawn[0]) > 8


@pytest.mark.parametrize(
    "options",
    [
        {"env": {**os.environ, "PYTHONHASHSEED": "1"}},
        {"env": {**os.environ, "LD_PRELOAD": ""}},
        {"preexec_fn": lambda: None},
        {"process_group": 0},
        {"executable": sys.executable},
    ],
    ids=["Python's", "linker's", "before", "group", "executable"],
)
def test_what_it_cannot_imitate_is_executed(options: dict[str, Any], forked: list[list[str]]) -> None:
    assert _facts(_ran(preloaded.Popen, "end", **options)[1])["name"] == "__main__" and forked == []


def test_its_preloader_ends_with_it(forked: list[list[str]]) -> None:
    process = preloaded.Popen([*PROGRAM, "wait"], cwd=HERE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    children = list(processes.children(process.pid))
    process.send_signal(signal.SIGKILL)
    assert process.wait(RUNS_S) == -signal.SIGKILL and len(forked) == len(children) == 1
    process.stdout.close()
    eventually(lambda: not Path(f"/proc/{children[0]}/fd/0").exists(), "the preloader is gone")


def test_a_fork_of_who_asks_does_not_ask() -> None:
    """Else the program would be its parent's child, and answers would go to either."""
    _ran(preloaded.Popen, "end")
    pid = os.fork()
    if pid == 0:
        os._exit(preloaded.ready() is None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


def test_where_the_system_forbids_it_programs_are_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preloaded.Preloader, "spawn", lambda *_: None)
    code, told, _ = _ran(preloaded.Popen, "exit", "7")
    assert code == 7 and _facts(told)["parent"] == os.getpid()


def test_a_folder_that_is_not_there_is_said_as_always() -> None:
    with pytest.raises(FileNotFoundError):
        preloaded.Popen([*PROGRAM, "end"], cwd=HERE / "nowhere")
