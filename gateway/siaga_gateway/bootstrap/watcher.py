"""`siaga watch`: asks a gateway elsewhere whether it takes presses, and calls its administrators when it does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.outage_memory import OutageMemory
from siaga_gateway.adapters.operations.asking import AskedAddress, readiness_url, why_not
from siaga_gateway.adapters.operations.http_server import WATCHER_HEADER
from siaga_gateway.adapters.outputs.http_client import ExchangeFailed
from siaga_gateway.bootstrap import log_setup
from siaga_gateway.bootstrap.preflight import StartError, check_folder, lock_folder
from siaga_gateway.bootstrap.shutdown_signals import ShutdownSignals
from siaga_gateway.bootstrap.systemd import ServiceManager
from siaga_gateway.bootstrap.ways import make_way
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.outage import OWN_LINE, UNREACHABLE, Look, step
from siaga_gateway.formats.readiness import read_readiness
from siaga_gateway.service.dispatch.outage_calls import OutageCalls
from siaga_gateway.service.dispatch.outage_texts import fault_in_words, outage_message
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread

_MEMORY: Final = "watch.json"
_DEADLINE_S: Final = 10.0  # of one question
_HANGS_S: Final = 120.0

log = logging.getLogger(__name__)


def watch(config: Path, url: str) -> None:
    """Watch until SIGTERM or Ctrl-C. Raises: SettingsError, StartError if it cannot start."""
    settings = load(config)
    log_setup.set_up(settings.log_format, settings.log_level, language=log_setup.language_of(settings.language))
    recipients = settings.watch.recipients
    if not recipients:
        raise SettingsError("settings.watch_nobody")
    clock = WallClock()
    ways = {way.name: make_way(way, settings, clock) for way in settings.ways}
    with _folder(settings.data_dir):
        calls = OutageCalls([(ways[name], address) for name, address in recipients])
        watcher = Watcher(settings, url, clock, calls.tell)
        stop = ShutdownSignals()
        stop.in_order()
        calls.start()
        watcher.start()
        manager = ServiceManager()
        manager.ready()
        manager.watch(watcher.hangs)
        try:
            stop.wait()
        finally:
            manager.stopping()
            watcher.stop()
            calls.stop()
            for way in ways.values():
                way.close()


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Hold the folder for this watcher alone. A disk that is full keeps nobody from watching.

    Raises: StartError if there is no such folder, or another watcher has it."""
    with ExitStack() as held:
        try:
            check_folder(folder)
            held.enter_context(lock_folder(folder))
        except StartError as error:
            if error.key != "start.unwritable":
                raise
            log.warning(Localized("log.watch.no_memory", file=folder, why=error))
        except OSError as error:
            log.warning(Localized("log.watch.no_memory", file=folder, why=error))
        yield


class Watcher:
    """Looks every few seconds, in a thread of its own. Call `start`, `stop`."""

    def __init__(self, settings: Settings, url: str, clock: Clock, tell: Callable[..., None]) -> None:
        """tell: takes a message and its key. Raises: SettingsError."""
        self._settings = settings
        self._language = settings.language
        self._clock = clock
        self._tell = tell
        self._gateway = self._second = _asked(settings, readiness_url(url))
        if settings.watch.second_url is not None:
            self._second = _asked(settings, settings.watch.second_url, own=False)
        self._head = {WATCHER_HEADER: settings.name}
        if (token := settings.watch.token) is not None:
            self._head["Authorization"] = f"Bearer {token.get_secret_value()}"
        self._memory = OutageMemory(settings.data_dir / _MEMORY)
        self._outage = self._memory.read(clock.now_ms()).moved(_steady_ms() - clock.now_ms())
        self._seen: Mapping[str, str] | None = None  # None: not looked yet
        self._stranger = False
        self._at = time.monotonic()
        self._thread = PeriodicThread("watch", self._turn, end_s=2 * _DEADLINE_S)

    def start(self) -> None:
        watch = self._settings.watch
        told = {"watcher": self._settings.name, "where": self._gateway.where, "seconds": f"{watch.every_s:g}"}
        log.info(Localized("log.watch.begun", count=len(watch.addresses), **told))
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()
        self._gateway.close()
        self._second.close()

    def hangs(self) -> str:
        """Return what hangs; empty: nothing."""
        return "watch" if time.monotonic() - self._at > _HANGS_S else ""

    def _turn(self) -> float:
        begun = self._at = time.monotonic()
        faults = self._look()
        self._note(faults)
        now_ms = _steady_ms()
        outage, said = step(self._outage, Look(faults), now_ms, self._settings.watch.after_s * 1_000)
        self._outage = outage
        if said is not None:
            wall_ms = self._clock.now_ms()
            ahead_ms = wall_ms - now_ms
            message = outage_message(
                said,
                gateway=self._gateway.host,
                watcher=self._settings.name,
                language=self._language,
                local=self._settings.local,
                now_ms=wall_ms,
                wall=lambda at_ms: at_ms + ahead_ms,
            )
            self._tell(message, f"{self._settings.name}.watch.{wall_ms}")
            self._memory.write(outage.moved(ahead_ms))
        return max(0.0, self._settings.watch.every_s - (time.monotonic() - begun))

    def _look(self) -> Mapping[str, str]:
        try:
            answer = self._gateway.get(self._head)
        except ExchangeFailed as error:
            why = why_not(error, self._language)
            return {UNREACHABLE: why} if self._line_works() else {OWN_LINE: why}
        found = read_readiness(answer.status, answer.body)
        stranger = found.heard is False
        if stranger and not self._stranger:
            log.warning(Localized("log.watch.stranger"))
        self._stranger = stranger
        return found.faults

    def _line_works(self) -> bool:
        """Whether the second address answers, whatever it says; without one the line is believed."""
        if self._second is self._gateway:
            return True
        try:
            self._second.get()
        except ExchangeFailed as error:
            return error.sent  # the connection was made
        return True

    def _note(self, faults: Mapping[str, str]) -> None:
        if self._seen is not None and faults.keys() == self._seen.keys():
            return
        for name, detail in faults.items():
            what = fault_in_words(name, self._language)
            log.warning(Localized("log.watch.fault", what=what, detail=detail))
        if not faults:
            log.info(Localized("log.watch.well", where=self._gateway.where))
        self._seen = faults


def _asked(settings: Settings, url: str, *, own: bool = True) -> AskedAddress:
    watch = settings.watch
    try:
        return AskedAddress(
            url,
            ca_file=watch.ca if own else None,
            proxy=None if watch.proxy is None else watch.proxy.get_secret_value(),
            plaintext=watch.plaintext or not own,
            deadline_s=_DEADLINE_S,
        )
    except SettingError as error:
        raise SettingsError("passed_on", why=error) from None


def _steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000
