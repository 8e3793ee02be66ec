"""Starts the gateway's programs without the second that each spends on imports: as forks of a process that has them.

`Popen` does what subprocess.Popen does. What it starts is the caller's own child, with the arguments, environment,
folder, descriptors, limits and session that it asked for, from the first line of its program on; see preload_server.py.
Executed as always is what differs from the preloader in something that Python or a library looks at while it starts,
and everything where `switch_on` was not called.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import fcntl
import inspect
import os
import pickle
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from waiting import RUNS_S

_SERVE: Final = """
import sys
path = sys.path[1:]
sys.path[0] = sys.argv[1]
from preload_server import main
main(int(sys.argv[2]), path)
"""
_ROOM: Final = " " * 4096  # for longer arguments than these
SIAGA: Final = str(Path(sys.executable).with_name("siaga"))
# The kernel's number of clone, and where among its last two arguments the address of the thread's number is.
CLONE: Final = {"x86_64": (56, 0), "aarch64": (220, 1)}
# `python -m` of these, and `siaga`.
MODULES: Final = (
    "siaga_gateway",
    "siaga_gateway.bootstrap.http_front.start",
    "siaga_gateway.adapters.verify_process",
    "gateway.web.serve_console",
    "what_a_program_finds",  # of test_preloaded.py
)
# `python -P -m` of these: the tools' commands, and what a demo starts.
TOOLS: Final = ("siaga_tools.cli", "siaga_tools.process.parent_watch")
# Variables that are looked at before the program begins.
_EARLY: Final = ("PYTHON", "LD_", "LC_", "LANG", "GLIBC_", "MALLOC_", "OPENSSL_", "SSL_", "FAKETIME")
_SIZE: Final = struct.Struct(">I")
_MOST_DESCRIPTORS: Final = 64
_ANSWER_S: Final = 600.0  # all its imports, where many processes want few cores; one that ended is noticed at once
_LIMITS: Final = tuple(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))


@dataclass(frozen=True, slots=True)
class Request:
    """A program to be run in a new process."""

    argv: list[str]
    folder: str
    environment: dict[str, str]
    descriptors: list[int]  # what the descriptors that come with it are to be called
    new_session: bool
    terminal: bool  # takes the terminal at its input for its session's own
    umask: int
    cores: list[int]
    limits: list[tuple[int, tuple[int, int]]]


class Preloader:
    """The line to a process that has everything imported; for several threads."""

    def __init__(self, line: socket.socket, environment: Mapping[str, str]) -> None:
        """environment: what that process was started with."""
        self._line = line
        self._environment = environment
        self._lock = threading.Lock()

    def suits(self, argv: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether it can run this program as if the program had been executed."""
        if argv[:1] == [sys.executable]:
            known = any(list(argv[1:3]) == ["-m", each] for each in MODULES)
            known = known or any(list(argv[1:4]) == ["-P", "-m", each] for each in TOOLS)
        else:
            known = argv[:1] == [SIAGA]
        return bool(known) and _early(environment) == _early(self._environment)

    def spawn(self, request: Request, descriptors: Sequence[int]) -> int | None:
        """Returns the number of the new process, a child of this one; None if the system does not let it be."""
        with self._lock:
            send(self._line, request, descriptors)
            (pid,) = _SIZE.unpack(received(self._line, _SIZE.size))
        return int(pid) or None

    def close(self) -> None:
        self._line.close()


_preloader: Preloader | None = None
_owner = 0  # whose line it is; a fork of that process has none
_switched_on = False
_starting = threading.Lock()


def switch_on() -> None:
    """From now on start programs so, where the system can; the preloader itself begins with the first of them."""
    global _switched_on
    _switched_on = possible()


def possible() -> bool:
    """Whether the system can."""
    return sys.platform == "linux" and platform.machine() in CLONE


def use(preloader: Preloader) -> None:
    """Take this one, which is there already."""
    global _preloader, _owner
    _preloader, _owner = preloader, os.getpid()
    switch_on()


def ready() -> Preloader | None:
    """The line to ask; None where programs are executed."""
    if not _switched_on:
        return None
    with _starting:
        if _preloader is None:
            mine, its = socket.socketpair()
            with its:
                environment = dict(os.environ)
                # Where it is in the group of whoever starts it, what it forks is too.
                process = subprocess.Popen(
                    [sys.executable, "-c", _SERVE, str(Path(__file__).parent), str(its.fileno()), _ROOM],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[its.fileno()],
                )
            mine.settimeout(_ANSWER_S)
            use(Preloader(mine, environment))
            atexit.register(end, mine, process)
    return _preloader if _owner == os.getpid() else None


def end(line: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Let the process at the other end of the line end too."""
    if _owner != os.getpid():
        return
    line.close()
    process.wait(RUNS_S)


def take_terminal() -> None:
    """Popen's `preexec_fn` for a program with `start_new_session` that is to lead its terminal's session as a shell
    does, and to end with its terminal: under nohup, or in CI, tests may themselves ignore that."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _environment() -> dict[str, str]:
    """The process's, while another thread may be changing it."""
    return {name: value for name in list(os.environ) if (value := os.environ.get(name)) is not None}


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """subprocess.Popen, quicker for programs that are imported already."""

    def _execute_child(self, *arguments: Any) -> None:
        execute = super()._execute_child  # type: ignore[misc]
        bound = inspect.signature(execute).bind(*arguments)
        asked = bound.arguments
        # A copy: pytest changes the process's own between tests, and a program that another thread executes in that
        # moment reads what was freed ("Bad address").
        asked["env"] = _environment() if asked["env"] is None else asked["env"]
        arguments = bound.args
        preloader = ready()
        argv = [os.fsdecode(each) for each in asked["args"]] if isinstance(asked["args"], list | tuple) else []
        environment = asked["env"]
        unusual = (
            asked["preexec_fn"] not in (None, take_terminal),
            *(asked[name] for name in ("executable", "shell", "gids")),
            *(asked.get(name, -1) not in (-1, None) for name in ("gid", "uid", "process_group")),
        )
        folder = os.path.abspath(asked["cwd"] or ".")
        if preloader is None or any(unusual) or not preloader.suits(argv, environment) or not os.path.isdir(folder):
            execute(*arguments)
            return
        stdio = [
            standard if given == -1 else given
            for standard, given in enumerate((asked["p2cread"], asked["c2pwrite"], asked["errwrite"]))
        ]
        passed = list(asked["pass_fds"])
        request = Request(
            argv=argv,
            folder=folder,
            environment=dict(environment),
            descriptors=[0, 1, 2, *passed],
            new_session=bool(asked["start_new_session"]),
            terminal=asked["preexec_fn"] is take_terminal,
            umask=_umask() if asked["umask"] < 0 else asked["umask"],
            cores=sorted(os.sched_getaffinity(0)),
            limits=[(limit, resource.getrlimit(limit)) for limit in _LIMITS],
        )
        pid = preloader.spawn(request, [*stdio, *passed])
        if pid is None:
            execute(*arguments)
            return
        self.pid = pid
        self._child_created = True
        self._close_pipe_fds(  # type: ignore[attr-defined]
            *(asked[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite"))
        )


def run(
    command: Sequence[str],
    *,
    feed: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float,
    executed: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with what it reads, and keep what it says, as text. executed: not forked. Raises:
    subprocess.TimeoutExpired."""
    with (subprocess.Popen if executed else Popen)(
        list(command),
        stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            told, complained = process.communicate(feed, timeout_s)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, told, complained)


def _umask() -> int:
    """Of this process; to ask the system for it is to change it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("Umask:")[2].split()[0], 8)


@contextlib.contextmanager
def everywhere() -> Iterator[None]:
    """Within it also what the gateway's own code starts in this process is forked."""
    ready()  # a child that was there before
    executing = subprocess.Popen
    subprocess.Popen = Popen  # type: ignore[misc]
    try:
        yield
    finally:
        subprocess.Popen = executing  # type: ignore[misc]


def _early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_EARLY)}


def send(line: socket.socket, request: Request, descriptors: Sequence[int]) -> None:
    body = pickle.dumps(request)
    line.sendmsg([_SIZE.pack(len(body))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
    line.sendall(body)


def next_request(line: socket.socket) -> tuple[Request, list[int]]:
    """A request and its open descriptors. Raises: EOFError if nobody is there to ask any more."""
    head, descriptors, _, _ = socket.recv_fds(line, _SIZE.size, _MOST_DESCRIPTORS)
    head += received(line, _SIZE.size - len(head))
    request: Request = pickle.loads(received(line, _SIZE.unpack(head)[0]))
    return request, descriptors


def answer(line: socket.socket, pid: int) -> None:
    line.sendall(_SIZE.pack(pid))


def received(line: socket.socket, size: int) -> bytes:
    """Exactly so many bytes. Raises: EOFError if the other side is gone."""
    got = b""
    while len(got) < size:
        part = line.recv(size - len(got))
        if not part:
            raise EOFError("the other side of the preloader's line is gone")
        got += part
    return got
