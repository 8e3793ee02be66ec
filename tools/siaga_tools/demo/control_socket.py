"""How another terminal reaches the running demo: one request line and one answer line, JSON, on a unix socket.

Only one demo a user takes commands this way. The socket is in a folder that only this user can enter, and is itself
0600.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

from siaga_tools.messages import Trouble
from siaga_tools.process.slow_machine import patient

ANSWER_DEADLINE_S: Final = 60.0
_REQUEST_DEADLINE_S: Final = 5.0
_LONGEST_PATH: Final = 100  # sun_path takes 104 bytes on macOS, 108 on Linux


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return this user's folder for the socket, made if missing: $XDG_RUNTIME_DIR/siaga, else siaga-<uid> under the
    temporary folder. Raises Trouble (`runtime_folder`) if someone else could enter it."""
    base = environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(base) / "siaga" if base and Path(base).is_dir() else None
    if folder is None or len(str(folder)) > _LONGEST_PATH - 10:
        folder = Path(tempfile.gettempdir()) / f"siaga-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise Trouble("runtime_folder", folder=folder, why=error) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Trouble("runtime_folder", folder=folder, why="0700")
    return folder


class ControlSocket:
    """The running demo's side.

    answer: takes a command line and returns JSON, or raises Trouble
    """

    def __init__(self, answer: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._lock: IO[str] | None = None
        self._path: Path | None = None

    async def open(self) -> None:
        """Open it. Raises Trouble: `demo_runs` if another demo of this user has it, `runtime_folder`."""
        folder = runtime_folder()
        lock = (folder / "demo.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            pid = lock.read(20).strip() or "?"
            lock.close()
            raise Trouble("demo_runs", pid=pid) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        self._path = folder / "demo.sock"
        self._path.unlink(missing_ok=True)  # left by a demo that was killed: the lock says that it is gone
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_DEADLINE_S):
                line = (await reader.readline()).decode("utf-8", errors="replace").strip()
            try:
                answer = await self._answer(line)
            except Trouble as trouble:
                answer = trouble.facts()
            writer.write(json.dumps(answer).encode() + b"\n")
            async with asyncio.timeout(_REQUEST_DEADLINE_S):
                await writer.drain()
        except (TimeoutError, OSError):
            pass  # the client is gone or does not read; its command is done all the same
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()


def ask(line: str) -> dict[str, Any]:
    """Send the running demo a command line and return its answer.

    Raises Trouble: `no_demo` if none runs, `demo_silent` at the deadline, and whatever trouble the demo answers.
    """
    path, deadline_s = runtime_folder() / "demo.sock", patient(ANSWER_DEADLINE_S)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line_to_demo:
            line_to_demo.settimeout(deadline_s)
            line_to_demo.connect(str(path))
            line_to_demo.sendall(f"{line}\n".encode())
            with line_to_demo.makefile("rb") as answer_file:
                raw = answer_file.readline(1 << 20)
    except TimeoutError as error:
        raise Trouble("demo_silent", seconds=f"{deadline_s:g}") from error
    except OSError as error:
        raise Trouble("no_demo") from error
    if not raw.endswith(b"\n"):
        raise Trouble("demo_left")
    answer: dict[str, Any] = json.loads(raw)
    if "trouble" in answer:
        raise Trouble.from_facts(answer)
    return answer
