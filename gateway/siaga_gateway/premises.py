"""What must hold before the gateway starts: a data folder that it can write to and has to itself, a free port."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
import tempfile
from pathlib import Path
from typing import IO

from siaga_gateway.config import ConsoleSettings

_SECRET_BYTES = 32


class StartError(Exception):
    """The gateway cannot start; the text says why and how to mend it."""


def check_folder(folder: Path) -> None:
    """Raises StartError unless files can be made in the folder."""
    if not folder.exists():
        raise StartError(f"data_dir {folder}: there is no such folder; `siaga gateway init` makes it")
    if not folder.is_dir():
        raise StartError(f"data_dir {folder}: is not a folder; name one by the setting data_dir")
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"siaga")
            probe.flush()
    except OSError as error:
        raise StartError(f"data_dir {folder}: nothing can be written there: {_why(error)}") from None


def lock_folder(folder: Path) -> IO[str]:
    """Hold the folder for this process for as long as the returned file is open. Raises StartError."""
    lock = (folder / "gateway.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise StartError(
            f"data_dir {folder}: another gateway works on it{f' (process {holder})' if holder else ''}; "
            "stop that one first, or name another folder"
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def console_socket(console: ConsoleSettings) -> socket.socket:
    """A socket bound for the console and not yet listening. Raises StartError where the address is taken."""
    return bound_socket("console", console.host, console.port)


def bound_socket(section: str, host: str, port: int) -> socket.socket:
    """The same for any section of the settings with `host` and `port`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"{section}.host = {host!r}: is no address of this machine ({_why(error)})") from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"{section}.port = {port}: another program listens there; stop it, or choose another port "
                "(0 takes a free one)"
            ) from None
        raise StartError(f"{section} {host}:{port}: cannot listen there: {_why(error)}") from None
    return bound


def session_secret(folder: Path) -> bytes:
    """The secret that signs the operators' sessions, made once, so that a restart signs nobody out."""
    path = folder / "console-secret"
    try:
        try:
            secret = path.read_bytes()
        except FileNotFoundError:
            secret = secrets.token_bytes(_SECRET_BYTES)
            draft = path.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secret)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
    except OSError as error:
        raise StartError(f"{path}: cannot be used: {_why(error)}") from None
    if len(secret) < _SECRET_BYTES:
        raise StartError(f"{path}: is cut short; remove it, and operators sign in again")
    return secret


def _why(error: OSError) -> str:
    return error.strerror or str(error)
