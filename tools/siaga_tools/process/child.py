"""A process that the tools start: its lines are read, its end is noticed, and it never outlives them.

Each child reads its standard input and ends when that closes, so it ends even if this process is killed; it has its own
session, so Ctrl-C reaches only this process, which then stops its children in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from siaga_tools.messages import Trouble
from siaga_tools.process.slow_machine import patient

_LINE_LIMIT: Final = 1 << 20  # bytes; a longer line is cut
_TAIL_LINES: Final = 40


def ending(code: int) -> str:
    """Describe how a process ended, for people: its exit code, or the name of the signal that killed it."""
    if code >= 0:
        return str(code)
    try:
        return signal.Signals(-code).name
    except ValueError:
        return str(code)


class Child:
    """One running child process. Make it with `Child.start`."""

    def __init__(
        self,
        name: str,
        process: asyncio.subprocess.Process,
        on_line: Callable[[str], None],
        on_complaint: Callable[[str], None] | None,
    ) -> None:
        self.name = name
        self.stopping = False  # set before this process stops it on purpose
        self.complaints: deque[str] = deque(maxlen=_TAIL_LINES)  # the last lines of its standard error
        self._process = process
        self._on_complaint = on_complaint
        assert process.stdout is not None and process.stderr is not None
        self._readers = (
            asyncio.create_task(self._read(process.stdout, on_line), name=f"{name} stdout"),
            asyncio.create_task(self._read(process.stderr, self._complain), name=f"{name} stderr"),
        )

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        on_line: Callable[[str], None],
        on_complaint: Callable[[str], None] | None = None,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Child:
        """Start it. Raises Trouble (`not_started`) if the program cannot be run."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=None if environ is None else dict(environ),
                cwd=folder,
                start_new_session=True,
                limit=_LINE_LIMIT,
            )
        except OSError as error:
            raise Trouble("not_started", name=name, command=command[0], why=error) from error
        return cls(name, process, on_line, on_complaint)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def ended(self) -> int:
        """Wait for its end, however long. Returns the exit code, negative for a signal. All its lines have been
        read."""
        code = await self._process.wait()
        await asyncio.wait(self._readers, timeout=1)
        return code

    def last_words(self) -> str:
        """Return the last non-routine line on its standard error (routine: a log line at INFO), for a message."""
        return next((line for line in reversed(self.complaints) if line.strip() and " INFO " not in line), "")

    async def tell(self, line: str, *, deadline_s: float = 2) -> None:
        """Write one line to its standard input. Raises Trouble (`not_listening`) if it does not read it."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            if not self.running:
                raise BrokenPipeError
            stdin.write(f"{line}\n".encode())
            async with asyncio.timeout(patient(deadline_s)):
                await stdin.drain()
        except (OSError, TimeoutError) as error:
            raise Trouble("not_listening", name=self.name) from error

    async def stop(self, *, grace_s: float = 5) -> None:
        """Ask it to end (end of input and SIGTERM); kill it after `grace_s`. Idempotent."""
        self.stopping = True
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(patient(grace_s)):
                    await self._process.wait()
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await self._process.wait()
        await asyncio.wait(self._readers, timeout=1)
        for reader in self._readers:
            reader.cancel()

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _complain(self, line: str) -> None:
        self.complaints.append(line)
        if self._on_complaint is not None:
            self._on_complaint(line)

    @staticmethod
    async def _read(stream: asyncio.StreamReader, take: Callable[[str], None]) -> None:
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # over the limit: what was read is discarded, the next line is complete
                take("...")
                continue
            if not raw:
                return
            take(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
