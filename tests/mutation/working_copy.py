"""A change tried in a copy of the house: apply it there, run named tests, judge. The work tree is never written."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, TracebackType

ROOT = Path(__file__).resolve().parents[2]
_LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "build", "node_modules", "__pycache__", ".*_cache", ".hypothesis"
)


class Verdict(StrEnum):
    KILLED = "killed"  # a test failed
    OVERTIME = "overtime"  # it did not end: somebody would notice
    LIVED = "lived"
    BROKEN = "broken"  # no test was run


@dataclass(frozen=True)
class Change:
    """One replacement in one file. Raises ValueError where `old` is not there exactly once."""

    file: str  # below the root
    old: str
    new: str

    def apply(self, source: str) -> str:
        if source.count(self.old) != 1:
            raise ValueError(f"{self.file}: there {source.count(self.old)} times, not once: {self.old!r}")
        return source.replace(self.old, self.new)


class WorkingCopy:
    """A copy of everything that the tests read. For one test run at a time.

    with WorkingCopy() as copy, copy.changed(Change("gateway/...", "<", "<=")):
        verdict, said = copy.judge(["tests/gateway/test_x.py::test_y"], limit_s=60)
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._temporary = tempfile.TemporaryDirectory(prefix="siaga-copy-")
        self.path = Path(self._temporary.name) / "siaga"

    def __enter__(self) -> WorkingCopy:
        shutil.copytree(self._root, self.path, ignore=_LEFT_BEHIND, symlinks=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def changed(self, *changes: Change) -> _Changed:
        """While it lasts, the copy has these changes."""
        texts: dict[str, str] = {}
        for change in changes:
            texts[change.file] = change.apply(texts.get(change.file) or (self.path / change.file).read_text())
        return self.with_texts(texts)

    def with_texts(self, texts: dict[str, str]) -> _Changed:
        """While it lasts, these files of the copy have these texts."""
        return _Changed({self.path / file: text for file, text in texts.items()})

    def compile(self) -> None:
        """Once, for many runs: each start reads bytecode, where the source that it is of has not changed."""
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", str(self.path)]
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def judge(
        self,
        tests: Sequence[str],
        limit_s: float,
        options: Sequence[str] = (),
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[Verdict, str]:
        """Run these tests in the copy until one fails. Returns what came out, and what pytest said."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", *options, *tests]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{self.path}/gateway:{self.path}/tools",
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        }
        process = subprocess.Popen(
            command,
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            return Verdict.OVERTIME, f"did not end within {limit_s:.0f} s"
        finally:
            _end_group(process)
        if process.returncode in (0, 1):
            return (Verdict.LIVED if process.returncode == 0 else Verdict.KILLED), said
        # A module that cannot be imported any more kills too (2, and 4 where a conftest needs it); that nothing was
        # found (4, 5) says nothing.
        dead = process.returncode == 2 or (process.returncode == 4 and "ImportError while loading conftest" in said)
        return (Verdict.KILLED if dead else Verdict.BROKEN), said


class _Changed:
    def __init__(self, texts: dict[Path, str]) -> None:
        self._texts = texts
        self._before = {file: file.read_bytes() for file in texts}

    def __enter__(self) -> None:
        for file, text in self._texts.items():
            file.write_text(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file, before in self._before.items():
            file.write_bytes(before)


def _end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
