"""Repairs a damaged, deleted or replaced store without a person, as nobody may be there.

While running, the gateway notes what is needed, stops in order and restarts; at the start the store is repaired before
it is opened. Buttons repeat meanwhile. Only a gateway that is alone on its SQLite file does this.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, key_file, open_store, store_path
from siaga_gateway.adapters.sql.rescue.procedure import draft_of, finish, keep_open, remove
from siaga_gateway.adapters.sql.rescue.sqlite_pages import Pages
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.sqlite.errors import damages
from siaga_gateway.bootstrap.store_rescue import rescue_store
from siaga_gateway.bootstrap.systemd import ServiceManager
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.gateway_trouble import TroubleKind
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import RowUnreadable, StoreDamaged, StoreFailing, StoreGone

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0  # interval of checking the file itself
_SURE_S: Final = 3.0  # a fault that passes by itself is ignored
_CHECKINS_S: Final = 60.0  # if no call is affected there is time
_LATELY_S: Final = 600.0  # minimum interval: a failing disk needs a person
_END_S: Final = 40.0  # for an orderly shutdown; whatever is acknowledged was committed before
_ANEW: Final = "SIAGA_STARTED_ANEW"


def _nobody(_: TroubleKind) -> None: ...


class StoreGuard:
    """Is told of every frame that damage keeps from being stored, and decides when the gateway restarts."""

    def __init__(
        self,
        settings: Settings,
        store: SqlStore,
        clock: Clock,
        end: Callable[[], None],
        tell: Callable[[TroubleKind], None] = _nobody,
    ) -> None:
        """end: makes the gateway stop in order; callable in any thread; must not raise in another one. tell: told of
        trouble at once, as the gateway may stop before anybody else looks."""
        self._tell = tell
        self._path = store_path(settings.data_dir)
        self._able = settings.store.rescue and not settings.store.shared
        self._store = store
        self._clock = clock
        self._end = end
        self._since: dict[bool, float] = {}
        self._said = False
        self._met_at = -_CHECKINS_S  # monotonic seconds
        self._deciding = threading.RLock()  # what is kept in the file may itself report damage
        self.wanted = False

    def met(self, error: StoreFailing, call: bool) -> None:
        """A frame cannot be stored because of this error. Thread-safe; requests the shutdown once.

        call: whether it is a call for help. A row that cannot be read is for a person: no restart mends it, and a
        rescue would leave it out.
        """
        if isinstance(error, RowUnreadable):
            log.error(Localized("log.store.row", why=error))
            return
        with self._deciding:
            self._met_at = time.monotonic()
            self._tell(TroubleKind.STORE_GONE if isinstance(error, StoreGone) else TroubleKind.STORE_DAMAGED)
            self._decide(error, call)

    def _decide(self, error: StoreFailing, call: bool) -> None:
        now = time.monotonic()
        since = self._since.setdefault(call, now)
        gone = isinstance(error, StoreGone)
        if self.wanted or not self._able or (not gone and now - since < (_SURE_S if call else _CHECKINS_S)):
            return
        try:
            if gone:
                self._keep(error)
            elif _lately(self._path):
                self._say_once(Localized("log.store.again", why=str(error)))
                return
            else:
                _marker(self._path).write_text(str(error), encoding="utf-8")
        except (OSError, StoreFailing) as failed:
            self._say_once(Localized("log.store.not_mended", why=failed))
            return
        self.wanted = True
        log.critical(Localized("log.store.mending", why=str(error)))
        self._end()

    def look(self) -> None:
        """Check that the file is still there. Raises: StoreGone."""
        engine = self._store.engine
        if not isinstance(engine, Sqlite):
            return
        try:
            engine.check_files()
        except StoreGone as error:
            self.met(error, True)
            raise

    def ending(self) -> None:
        """Call before the store is closed: a file that was just deleted would be lost with it."""
        with suppress(StoreGone):
            self.look()

    def problem(self) -> str:
        """What is wrong with the store's file; empty: nothing known."""
        engine = self._store.engine
        return engine.damage() if isinstance(engine, Sqlite) else ""

    def trouble(self) -> TroubleKind | None:
        """The same, as reported to outputs."""
        if isinstance(self._store.engine, Sqlite):
            try:
                self._store.engine.check_files()
            except StoreGone:
                return TroubleKind.STORE_GONE
        damaged = self.problem() or time.monotonic() - self._met_at < _CHECKINS_S
        if not damaged:
            return None
        return TroubleKind.NOT_MENDED if self._said else TroubleKind.STORE_DAMAGED

    def _keep(self, error: StoreFailing) -> None:
        engine = self._store.engine
        assert isinstance(engine, Sqlite)
        # Into the file without a name, and with it into its copy.
        with suppress(StoreGone), self._store.transaction() as transaction:
            transaction.note(journal.STORE_PUT_BACK, self._clock.now_ms(), {"why": str(error)})
        keep_open(engine, self._path)

    def _say_once(self, what: Localized) -> None:
        if not self._said:
            self._said = True
            log.critical(what)


def open_mended(settings: Settings, clock: Clock, tell: Callable[[TroubleKind], None] = _nobody) -> SqlStore:
    """Open the store, repaired first if needed and possible.

    tell: told of a rescue, and if only a person can repair it. Raises: StoreUnusable.
    """
    if settings.store.shared:
        return open_store(settings, clock.now_ms())
    path = store_path(settings.data_dir)
    try:
        finish(path)
        remove(draft_of(path))  # of a rescue that was killed
        why = _wanted(path)
    except OSError as error:
        raise StoreUnusable("rescue.failed", file=path, why=error) from None
    if not path.exists() and key_file(settings).path.exists():
        tell(TroubleKind.NOT_MENDED)
        raise StoreUnusable("rescue.no_store", file=path)
    if why and settings.store.rescue:
        _rescue(settings, clock, why, tell)
    try:
        return open_store(settings, clock.now_ms(), make=True)
    except (StoreUnusable, StoreDamaged) as error:
        if not settings.store.rescue or not _is_damage(error) or _lately(path):
            if _is_damage(error):
                tell(TroubleKind.NOT_MENDED)
            raise
        _rescue(settings, clock, str(error), tell)
        return open_store(settings, clock.now_ms())


def mend_at_next_start(settings: Settings, error: StoreDamaged) -> bool:
    """Note damage that was met during the start. False: it is not to be repaired automatically."""
    path = store_path(settings.data_dir)
    if settings.store.shared or not settings.store.rescue or _lately(path):
        return False
    _marker(path).write_text(str(error), encoding="utf-8")
    return True


@contextmanager
def sure_to_start_anew(wanted: Callable[[], bool], end_s: float = _END_S) -> Iterator[None]:
    """Wrap the shutdown: if wanted, restart even if it fails, or takes longer than end_s."""

    def late() -> None:
        if wanted():
            log.critical(Localized("log.store.late", seconds=round(end_s)))
            start_anew()

    backstop = threading.Timer(end_s, late)
    backstop.daemon = True
    with suppress(RuntimeError):  # no thread to be had: everything is stopped all the same
        backstop.start()
    try:
        yield
    except Exception:
        if not wanted():
            raise
        log.exception(Localized("log.store.end_failed"))
    finally:
        backstop.cancel()


def start_anew() -> NoReturn:
    """Restart this process from the beginning; for systemd it is the same one."""
    os.environ[_ANEW] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program


def began_anew() -> bool:
    """Whether this process was started by `start_anew`; call once."""
    return os.environ.pop(_ANEW, "") == "1"


def _wanted(path: Path) -> str:
    """Return why a rescue is wanted before the store is opened; empty: it is not. Raises: OSError."""
    marker = _marker(path)
    if marker.exists():
        why = marker.read_text(encoding="utf-8") or "-"
        marker.unlink()
        return why
    # SQLite would silently drop what was committed after the damage.
    if path.exists():
        with Pages(path) as pages:
            if pages.log_damaged:
                return f"{path}-wal"
    return ""


def _rescue(settings: Settings, clock: Clock, why: str, tell: Callable[[TroubleKind], None]) -> None:
    manager = ServiceManager()
    tell(TroubleKind.RESCUE)
    log.critical(Localized("log.store.rescuing", why=why))
    manager.working("rescue of the store")
    told = time.monotonic()

    def progress(what: str, done: int, of: int) -> None:
        nonlocal told
        if time.monotonic() - told > _SURE_S:
            told = time.monotonic()
            manager.working("rescue of the store")
            log.info(Localized(f"rescue.at_{what}", done=done, of=of))

    try:
        report = rescue_store(settings, clock, actor=None, progress=progress)
    except SiagaError as error:
        log.critical(Localized("log.store.not_mended", why=error))
        tell(TroubleKind.NOT_MENDED)
        return
    for line in report.lines():
        log.critical(line)


def _is_damage(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(error, StoreDamaged) or (
        isinstance(cause, StoreDamaged) or (isinstance(cause, sqlite3.Error) and damages(cause))
    )


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.rescue")


def _lately(path: Path) -> bool:
    made = [file.stat() for file in path.parent.glob(f"{path.name}.damaged-*")]
    # A file that is the store itself, or its log, is from a rescue that was killed.
    here = {each.stat().st_ino for each in (path, Path(f"{path}-wal")) if each.exists()}
    return any(file.st_ino not in here and time.time() - file.st_ctime < _LATELY_S for file in made)
