"""Checks before the gateway starts: a writable data folder for itself alone, a free port."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import resource
import secrets
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from siaga_gateway.bootstrap.streets import streets_of
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.console import ConsoleSettings
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError, Unusable
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_SECRET_BYTES: Final = 32
_NAME: Final = "gateway name"
_DESCRIPTORS: Final = 65_536
_PORT_S: Final = 2.0  # the front of a gateway that was just killed may still hold it


class StartError(Unusable):
    """The gateway cannot start; the text says why and what to do."""


def allow_descriptors() -> None:
    """Raise this process's limit on open files as far as it may by itself."""
    with suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check_name(store: Store, name: str) -> None:
    """Raises: StartError if the store belongs to a gateway of another name; a new store adopts this one."""
    with suppress(StoreFailing):  # which prevents no start, and is reported elsewhere
        kept = store.remembered(_NAME)
        if kept is None:
            with store.transaction() as transaction:
                transaction.remember(_NAME, name)
        elif kept != name:
            raise StartError("start.name", name=name, kept=kept)


def check_folder(folder: Path) -> None:
    """Raises: StartError unless files can be created in the folder."""
    if not folder.exists():
        raise StartError("start.no_folder", folder=folder)
    if not folder.is_dir():
        raise StartError("start.not_a_folder", folder=folder)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"siaga")
            probe.flush()
    except OSError as error:
        raise StartError("start.unwritable", folder=folder, why=error) from None


def question_site(settings: Settings) -> None:
    """Log what the settings leave to a guess about the site: the gateway starts all the same."""
    site = settings.site
    if site.time_zone is None:
        label = site.local.label(time.time_ns() // 1_000_000)
        log.warning(Localized("log.gateway.no_site", names=", ".join(site.unset()), label=label, zone=site.zone_name))
    try:
        streets_of(site.map)()
    except SiagaError as error:  # the console does without them, and says so on its map
        log.error(Localized("log.gateway.no_streets", why=error))
    if (now := site.zone_today()) is not None:
        log.warning(Localized("log.gateway.old_zone", name=site.time_zone, zone=now))


def lock_folder(folder: Path) -> IO[str]:
    """Lock the folder for as long as the returned file is open. Raises: StartError."""
    lock = (folder / "gateway.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        if holder:
            raise StartError("start.locked_by", folder=folder, pid=holder) from None
        raise StartError("start.locked", folder=folder) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def console_socket(console: ConsoleSettings) -> socket.socket:
    """Return a socket bound for the console and not yet listening. Raises: StartError if the address is taken."""
    return bound_socket("console", console.host, console.port)


def bound_socket(section: str, host: str, port: int) -> socket.socket:
    """Do the same for any section of the settings with `host` and `port`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError("start.no_address", section=section, host=host, why=error) from None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        _bind(bound, address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError("start.port_taken", section=section, port=port) from None
        raise StartError("start.no_port", section=section, host=host, port=port, why=error) from None
    return bound


def _bind(bound: socket.socket, address: Any) -> None:
    deadline = time.monotonic() + _PORT_S
    while True:
        try:
            bound.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def session_secret(folder: Path) -> bytes:
    """Return the secret that signs operators' sessions, created once, so that a restart signs nobody out."""
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
        raise StartError("start.unusable", path=path, why=error) from None
    if len(secret) < _SECRET_BYTES:
        raise StartError("start.secret_short", path=path)
    return secret
