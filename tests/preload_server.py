"""The process that `preloaded.py` forks programs from: it imports what they import, and starts no thread.

A program begins here in a copy of this process whose parent is the asker (CLONE_PARENT), with the asker's arguments,
environment, folder, descriptors, limits and signals, in a session of its own where it asked for one. It is run as
Python runs its file or module, and ends as the interpreter does (but see _end). A program that starts others has a
preloader of its own, one child more, which ends with it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import os
import platform
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import preloaded

_CLONE_PARENT: Final = 0x8000
_CHILD_SET_TID: Final = 0x01000000
_CHILD_CLEAR_TID: Final = 0x00200000
_GET_TID_ADDRESS: Final = 40
_C: Final = ctypes.PyDLL(None, use_errno=True)
_ARGUMENTS_START: Final = 48  # the field's number in /proc/self/stat; the next is their end
_SPARED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # whoever means a program does not mean its preloader
_OUT_OF_THE_WAY: Final = 200  # a descriptor that no program has by itself
_IMPORTED: Final = (
    "siaga_gateway.adapters.operations.prometheus",
    "siaga_gateway.adapters.outputs.http_client",
    "siaga_gateway.adapters.sms.metrics",
    "siaga_gateway.adapters.sms.webhook",
    "siaga_gateway.adapters.verify_process",
    "siaga_gateway.bootstrap.console_server",
    "siaga_gateway.bootstrap.gateway",
    "siaga_gateway.bootstrap.http_front.main",
    "siaga_gateway.bootstrap.responder_server",
    "siaga_gateway.cli.group",
    "siaga_gateway.cli.run",
    "siaga_tools.cli",
    # What these import once they run.
    "anyio._backends._asyncio",
    "encodings.idna",
    "importlib.resources.readers",
    "uvicorn.lifespan.off",
)
_ALONE: Final = preloaded.MODULES[1:4]  # these start no others


def preload() -> None:
    """Import what the programs import, as they do: without a search for garbage. And read all texts for people, which
    each would read again."""
    gc.disable()
    for module in _IMPORTED:
        importlib.import_module(module)
    read_texts()
    gc.freeze()
    gc.enable()


def read_texts() -> None:
    """Let the catalogue have every room in every language."""
    from siaga_gateway import catalogue

    for file in Path(catalogue.__file__).parent.glob("*.toml"):
        catalogue.texts(*file.name.split(".")[:2])


def next_program(line: socket.socket, *, starts_others: bool = True) -> preloaded.Request:
    """Fork for each request. Returns only in a child, which has become all that the request says but its program.
    starts_others: whether those that may start others have a preloader for it from the beginning."""
    while True:
        try:
            request, descriptors = preloaded.next_request(line)
        except (EOFError, OSError):
            os._exit(0)  # the asker is gone
        named, its = os.pipe()
        try:
            pid = _fork_for_parent()
        except OSError:
            pid = -1
        if pid == 0:
            line.close()
            os.close(named)
            nameless = fcntl.fcntl(its, fcntl.F_DUPFD_CLOEXEC, max(*request.descriptors, *descriptors) + 1)
            os.close(its)
            _become(request, descriptors)
            alone = not starts_others or (request.argv[2:3] and request.argv[2] in _ALONE)
            own = None if alone else _preloader_of_its_own()
            if own is None:
                _rename(_command(request.argv))
                os.close(nameless)
                return request
            line = own  # this is the new preloader
            continue
        os.close(its)
        os.read(named, 1)  # until it has its name: as whoever has executed a program finds it
        os.close(named)
        for each in descriptors:
            os.close(each)
        preloaded.answer(line, max(pid, 0))


def _fork_for_parent() -> int:
    """Fork a child of this process's own parent. Returns its number; 0 within it. Raises: OSError."""
    number, place = preloaded.CLONE[platform.machine()]
    flags, tid = _CLONE_PARENT | signal.SIGCHLD, ctypes.c_void_p()
    if _C.prctl(_GET_TID_ADDRESS, ctypes.byref(tid), 0, 0, 0) == 0:
        flags |= _CHILD_SET_TID | _CHILD_CLEAR_TID  # as the C library's own fork does
    last = [0, 0]
    last[place] = tid.value or 0
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(_C.syscall(number, *map(ctypes.c_long, (flags, 0, 0, *last))))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone failed")
    return pid


def _become(request: preloaded.Request, descriptors: list[int]) -> None:
    aside = max(*request.descriptors, *descriptors) + 1
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, aside) for each in descriptors]
    os.closerange(0, aside)
    for each, name in zip(moved, request.descriptors, strict=True):
        os.dup2(each, name)
        os.close(each)
    if request.new_session:
        os.setsid()
    if request.terminal:
        preloaded.take_terminal()
    os.umask(request.umask)
    os.chdir(request.folder)
    os.sched_setaffinity(0, request.cores)
    for limit, bounds in request.limits:
        resource.setrlimit(limit, bounds)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()


def _preloader_of_its_own() -> socket.socket | None:
    """For what this program starts. Returns None in the program; in the preloader its line."""
    mine, its = socket.socketpair()
    if os.fork():
        its.close()
        with mine:
            line = socket.socket(fileno=fcntl.fcntl(mine.fileno(), fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY))
        preloaded.use(preloaded.Preloader(line, dict(os.environ)))
        return None
    mine.close()
    with open(os.devnull, "r+b", buffering=0) as nowhere:
        for name in range(3):
            os.dup2(nowhere.fileno(), name)
    line = socket.socket(fileno=os.dup2(its.detach(), 3, inheritable=False))
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    return line


def _run(argv: list[str]) -> None:
    """As Python runs `python -m module ...`, or a script with its path in the first line."""
    by_name = argv.index("-m") if argv[1:2] == ["-m"] or argv[1:3] == ["-P", "-m"] else None
    stand_in(argv)
    main = sys.modules["__main__"].__dict__
    if by_name:
        module = argv[by_name + 1]
        sys.modules.pop(module, None)  # it is about to be the program
        sys.argv[:] = ["-m", *argv[by_name + 2 :]]
        if by_name == 1:  # -P leaves this out
            sys.path.insert(0, os.getcwd())
        runpy._run_module_as_main(module)  # type: ignore[attr-defined]
    else:
        sys.argv[:] = argv
        sys.path.insert(0, os.path.dirname(argv[0]))
        main["__file__"] = argv[0]
        exec(compile(Path(argv[0]).read_bytes(), argv[0], "exec"), main)


def _end(run: Callable[[], None]) -> None:
    """Run a program and end as its interpreter does, but for one thing: what was imported before it began is not taken
    apart. That would write to each of its pages, which are shared until then: 0.08 s of a core for each process. What
    ends in an error does so as always."""
    try:
        run()
        code = 0
    except SystemExit as ended:
        if ended.code is not None and not isinstance(ended.code, int):
            raise
        code = ended.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # what complains when it is not closed does
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except OSError:
        sys.exit(code)  # nobody reads it any more: the interpreter says so
    os._exit(code & 0xFF)


def stand_in(argv: list[str]) -> None:
    """Seem to be what was executed so, with its standard streams."""
    sys.orig_argv[:] = _command(argv)
    _open_stdio()


def _command(argv: list[str]) -> list[str]:
    """As the kernel shows it: a script is run by its interpreter."""
    return argv if argv[0] == sys.executable else [sys.executable, *argv]


def _rename(argv: list[str]) -> None:
    """What /proc and `ps` show, as far as there is room for it."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = (int(fields[_ARGUMENTS_START - 3 + each]) for each in range(2))
    told = b"".join(os.fsencode(each) + b"\0" for each in argv)[: end - start - 1]
    ctypes.memmove(start, told.ljust(end - start, b"\0"), end - start)


def _open_stdio() -> None:
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        before = getattr(sys, name)
        raw = io.FileIO(number, mode, closefd=False)
        raw.name = f"<{name}>"
        if mode == "r":
            buffer: Any = io.BufferedReader(raw)
        else:
            buffer = raw if unbuffered else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            buffer,
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=not unbuffered and (name == "stderr" or raw.isatty()),
            write_through=unbuffered,
        )
        stream.mode = mode  # type: ignore[misc]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


@contextlib.contextmanager
def spared() -> Iterator[None]:
    """Within it this process ignores what ends a program."""
    found = {number: signal.getsignal(number) for number in _SPARED}
    for number in _SPARED:
        signal.signal(number, signal.SIG_IGN)
    yield
    for number, handler in found.items():
        signal.signal(number, handler)


def main(line: int, path: list[str]) -> None:
    """path: where a program finds its modules, but for its own folder."""
    with spared():
        preload()
        program = next_program(socket.socket(fileno=line))
    sys.path[:] = path
    subprocess.Popen = preloaded.Popen  # type: ignore[misc]
    _end(lambda: _run(program.argv))
