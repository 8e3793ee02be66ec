"""What is around an installation and can fail: its disk, its network. Real ones where root is there."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOUR_S = 3600


class Disk:
    """The folder that the store lives in; every user may enter it. As root a small file system of its own that really
    fills up; without root the limit on the size of files (RLIMIT_FSIZE) stands for it."""

    SIZE_MB = 512

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.real = os.geteuid() == 0 and _mount(folder, self.SIZE_MB)
        self._ballast = folder / "ballast"

    @contextlib.contextmanager
    def full(self, pids: list[int]) -> Iterator[None]:
        """Not a byte more. `pids`: the processes that write there, for where it is only a limit."""
        if self.real:
            try:
                self._fill()
                yield
            finally:
                self._ballast.unlink(missing_ok=True)
            return
        largest = max((file.stat().st_size for file in self.folder.rglob("*") if file.is_file()), default=0)
        before = [(pid, _limit(pid, (largest, resource.RLIM_INFINITY))) for pid in pids]
        try:
            yield
        finally:
            for pid, limits in before:
                _limit(pid, limits)

    def _fill(self) -> None:
        piece = bytes(1 << 20)
        with self._ballast.open("wb", buffering=0) as ballast:
            for size in (len(piece), 4096, 1):
                with contextlib.suppress(OSError):
                    while ballast.write(piece[:size]) == size:
                        pass

    def close(self) -> None:
        if self.real:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


def _mount(folder: Path, size_mb: int) -> bool:
    """A tmpfs there. By the system call: the container's mount command may be missing or refuse."""
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={size_mb}m,mode=0755".encode()
    return libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options) == 0  # type: ignore[no-any-return]


def _limit(pid: int, limits: tuple[int, int] | None) -> tuple[int, int] | None:
    if limits is None:
        return None
    try:
        if sys.platform != "linux":
            return None
        return resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    except ProcessLookupError:  # killed meanwhile
        return None


class Cable:
    """Between the broker's machine and everybody else: a network namespace behind a pair of virtual interfaces. Pulled
    out, packets vanish in silence; nobody is told. Needs root."""

    def __init__(self, number: int) -> None:
        self.space = f"siaga-torture-{number}"
        self._here, self._there = f"sgt{number % 10**6}a", f"sgt{number % 10**6}b"
        net = number % 250
        self.host, self._own = f"10.213.{net}.2", f"10.213.{net}.1"
        self.plugged = False

    def plug(self) -> bool:
        """Lay it; False where this machine does not let us."""
        if os.geteuid() != 0:
            return False
        inside = ("ip", "netns", "exec", self.space, "ip")
        for command in (
            ("ip", "netns", "add", self.space),
            ("ip", "link", "add", self._here, "type", "veth", "peer", "name", self._there),
            ("ip", "link", "set", self._there, "netns", self.space),
            ("ip", "addr", "add", f"{self._own}/24", "dev", self._here),
            ("ip", "link", "set", self._here, "up"),
            (*inside, "addr", "add", f"{self.host}/24", "dev", self._there),
            (*inside, "link", "set", self._there, "up"),
            (*inside, "link", "set", "lo", "up"),
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except FileNotFoundError:
                return False
            if done.returncode != 0:
                self.close()
                return False
        self.plugged = True
        return True

    @property
    def inside(self) -> list[str]:
        """What a command that is to run at its other end begins with."""
        return ["ip", "netns", "exec", self.space]

    @contextlib.contextmanager
    def pulled(self) -> Iterator[None]:
        link = [*self.inside, "ip", "link", "set", self._there]
        subprocess.run([*link, "down"], check=True)
        try:
            yield
        finally:
            subprocess.run([*link, "up"], check=True)

    def close(self) -> None:
        for command in (("ip", "link", "del", self._here), ("ip", "netns", "del", self.space)):
            with contextlib.suppress(FileNotFoundError):
                subprocess.run(command, capture_output=True, check=False)
