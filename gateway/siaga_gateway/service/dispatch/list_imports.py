"""Lists that a registrar brings as a file: taken in by parts, tried, shown, and applied as they were shown.

A file is held in memory alone, for half an hour, and by the process that takes presses: what strangers reach sends it
parts and asks how it stands. One list at a time is worked on, in a thread that lets others come in between; the others
wait in a queue. Whatever is worked on counts among the files held until its work is through, forgotten or not: else a
hurried person fills the memory of the process that takes presses. What is applied is what was shown: where somebody
has changed the lists since, it is shown anew and nothing is changed.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Refused, SiagaError
from siaga_gateway.domain.limits import LARGEST_LIST, LONGEST_LABEL
from siaga_gateway.service.dispatch.place_lists import RowFault, Taken
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

PART: Final = 512 * 1024  # bytes of a file in one call
HELD_S: Final = 30 * 60.0
_MOST: Final = 4  # files held at once
_MOST_OF_ONE: Final = 2  # of one person; the oldest makes room
SHOWN: Final = 100  # rows of a kind, and faults


class ListKind(StrEnum):
    """What a file lists; the order in which they are offered."""

    BUTTONS = "buttons"  # owners with their buttons
    STATIONS = "stations"
    RESPONDERS = "responders"
    SHIFTS = "shifts"


class ListError(Refused):
    """A list cannot be taken; the text says why, and what can be done."""


class ListState(StrEnum):
    CHECKING = "checking"
    SHOWN = "shown"  # what it would do, or what is wrong with it
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"


class Importer(Protocol):
    """Takes one kind of list."""

    def __call__(
        self,
        raw: bytes,
        *,
        actor: str,
        replace: bool,
        sure: bool,
        dry_run: bool,
        done: Callable[[int], None],
    ) -> Taken:
        """done: called with the number of rows that are through. Raises: SiagaError."""
        ...


@dataclass(frozen=True, slots=True)
class ListView:
    """How a list stands, for the page."""

    id: str
    kind: ListKind
    name: str  # of the file, as its owner called it
    state: ListState
    replace: bool
    sure: bool
    done: int = 0  # rows that are through, of a list that is applied in parts
    counts: Mapping[str, int] = field(default_factory=dict)  # added, changed, unchanged, removed
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the first of each
    faults: Sequence[RowFault] = ()  # the first of them
    faulty: int = 0  # how many there are
    remarks: Sequence[RowFault] = ()
    shown: str = ""  # what stands for all of this: it is applied by naming it
    anew: bool = False  # somebody has changed the lists since it was shown before
    why: SiagaError | None = None  # of one that failed

    @property
    def removes_many(self) -> bool:
        """Whether more than a third of what is there would go: a mistake more often than a wish."""
        there = sum(self.counts.get(name, 0) for name in ("changed", "unchanged", "removed"))
        return 3 * self.counts.get("removed", 0) > there


class ListImports(Protocol):
    """What the console asks for. Called from its process too: arguments are JSON's. actor: whose list it is; nobody
    else sees it. Raises: ListError."""

    def begin(self, kind: str, name: str, size: int, replace: bool, sure: bool, actor: str) -> str:
        """Begin to take in a file of so many bytes. Returns its id."""
        ...

    def part(self, list_id: str, number: int, content: str, actor: str) -> None:
        """Take the next part, in Base64. number: from 0."""
        ...

    def check(self, list_id: str, digest: str, actor: str) -> None:
        """Try it, once all parts are there. digest: SHA-256 of the file, hex."""
        ...

    def look(self, list_id: str, actor: str) -> ListView: ...

    def faults(self, list_id: str, actor: str) -> Sequence[RowFault]:
        """Return all that is wrong with it."""
        ...

    def apply(self, list_id: str, shown: str, actor: str) -> None:
        """Apply it as it was shown."""
        ...

    def drop(self, list_id: str, actor: str) -> None:
        """Forget it. One that is being applied goes on."""
        ...


@dataclass(slots=True)
class _Held:
    view: ListView
    actor: str
    size: int
    at_s: float  # when somebody last asked for it, monotonic: a clock that is set must not forget it
    content: bytearray = field(default_factory=bytearray)
    parts: int = 0
    digest: str = ""
    taken: Taken = field(default_factory=Taken)
    waits: bool = False  # in the queue
    works: bool = False  # in the thread
    dropped: bool = False  # nobody asks for it any more, but its work is not through

    @property
    def applies(self) -> bool:
        return self.view.state is ListState.APPLYING

    @property
    def busy(self) -> bool:
        return self.waits or self.works


class ImportDesk:
    """Implements ListImports. Thread-safe."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        importers: Mapping[ListKind, Importer],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._importers = importers
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._held: dict[str, _Held] = {}
        self._queue: deque[tuple[_Held, Callable[[_Held], None]]] = deque()  # no more than are held
        self._working = False  # whether there is a thread: one list at a time

    def begin(self, kind: str, name: str, size: int, replace: bool, sure: bool, actor: str) -> str:
        if kind not in self._importers:
            raise ListError("import.kind", kind=kind)
        if not 0 < size <= LARGEST_LIST:
            raise ListError("import.size", most=LARGEST_LIST >> 20)
        number = secrets.token_hex(8)
        view = ListView(number, ListKind(kind), name[:LONGEST_LABEL], ListState.CHECKING, replace, sure)
        with self._lock:
            self._forget_old()
            self._make_room(actor)
            self._held[number] = _Held(view, actor, size, self._monotonic())
        return number

    def part(self, list_id: str, number: int, content: str, actor: str) -> None:
        try:
            raw = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise ListError("import.broken") from None
        with self._lock:
            held = self._of(list_id, actor)
            if held.digest or number != held.parts or len(raw) > PART or len(held.content) + len(raw) > held.size:
                raise ListError("import.broken")
            held.content += raw
            held.parts += 1

    def check(self, list_id: str, digest: str, actor: str) -> None:
        with self._lock:
            held = self._of(list_id, actor)
            if held.digest or sha256(held.content).hexdigest() != digest:
                raise ListError("import.broken")
            held.digest = digest
            self._enqueue(held, self._check)

    def look(self, list_id: str, actor: str) -> ListView:
        with self._lock:
            return self._of(list_id, actor).view

    def faults(self, list_id: str, actor: str) -> Sequence[RowFault]:
        with self._lock:
            return tuple(self._of(list_id, actor).taken.faults)

    def apply(self, list_id: str, shown: str, actor: str) -> None:
        with self._lock:
            held = self._of(list_id, actor)
            if held.view.state in (ListState.APPLYING, ListState.APPLIED):
                return  # the button was pressed twice
            if held.view.state is not ListState.SHOWN or not held.view.shown:
                raise ListError("import.not_ready")
            if held.view.shown != shown:
                raise ListError("import.other_shown")
            held.view = replace(held.view, state=ListState.APPLYING, anew=False)
            self._enqueue(held, self._apply)

    def drop(self, list_id: str, actor: str) -> None:
        with self._lock:
            held = self._held.get(list_id)
            if held is None or held.actor != actor:
                return
            if held.works or held.applies:
                held.dropped = True
                return
            self._queue = deque(each for each in self._queue if each[0] is not held)
            del self._held[list_id]

    # In a thread of its own

    def _work(self) -> None:
        """Work on what waits until nothing does."""
        while True:
            with self._lock:
                if not self._queue:
                    self._working = False
                    return
                held, work = self._queue.popleft()
                held.waits, held.works = False, True
            try:
                work(held)
            except SiagaError as error:
                self._failed(held, error)
            except Exception:
                log.exception(Localized("log.import.failed", kind=held.view.kind))
                self._failed(held, ListError("import.failed"))
            with self._lock:
                held.works = False
                if held.dropped:
                    self._held.pop(held.view.id, None)

    def _failed(self, held: _Held, why: SiagaError) -> None:
        self._set(held, state=ListState.FAILED, why=why, shown="")

    def _check(self, held: _Held) -> None:
        self._show(held, self._taken(held, dry_run=True), anew=False)

    def _apply(self, held: _Held) -> None:
        before = held.view.shown
        taken = self._taken(held, dry_run=True)
        if taken.faults or _fingerprint(held, taken) != before:
            self._show(held, taken, anew=True)
            return
        self._note(held, journal.LIST_BEGUN, {})  # where this fails nothing is changed
        try:
            taken = self._taken(held, dry_run=False)
            if not taken.faults:
                self._ended(held, taken)
        finally:
            self._notifier.ring()  # parts of it may be there
        if taken.faults:  # changed within this very moment
            self._show(held, taken, anew=True)
            return
        self._show(held, taken, anew=False, state=ListState.APPLIED)

    def _ended(self, held: _Held, taken: Taken) -> None:
        """Note the end; where the store fails by now the list is applied all the same, and its begin is noted."""
        try:
            self._note(held, journal.LIST_IMPORTED, taken.facts())
        except SiagaError as error:
            log.error(Localized("log.import.not_noted", kind=held.view.kind, why=error))

    def _note(self, held: _Held, kind: str, counts: Mapping[str, object]) -> None:
        facts = {"list": held.view.kind.value, "sha256": held.digest, **counts}
        with self._store.transaction() as transaction:
            transaction.note(kind, self._clock.now_ms(), facts, actor=held.actor)

    def _taken(self, held: _Held, *, dry_run: bool) -> Taken:
        return self._importers[held.view.kind](
            bytes(held.content),
            actor=held.actor,
            replace=held.view.replace,
            sure=held.view.sure,
            dry_run=dry_run,
            done=lambda count: self._set(held, done=count),
        )

    def _show(self, held: _Held, taken: Taken, *, anew: bool, state: ListState = ListState.SHOWN) -> None:
        kinds = {"added": taken.added, "changed": taken.changed, "removed": taken.removed, "unchanged": taken.unchanged}
        held.taken = taken
        self._set(
            held,
            state=state,
            counts={name: len(rows) for name, rows in kinds.items()},
            rows={name: tuple(rows[:SHOWN]) for name, rows in kinds.items()},
            faults=tuple(taken.faults[:SHOWN]),
            faulty=len(taken.faults),
            remarks=tuple(taken.remarks[:SHOWN]),
            shown="" if taken.faults or not taken.changes else _fingerprint(held, taken),
            anew=anew,
        )

    def _set(self, held: _Held, **changes: object) -> None:
        with self._lock:
            held.view = replace(held.view, **changes)  # type: ignore[arg-type]
            held.at_s = self._monotonic()

    # With the lock held

    def _enqueue(self, held: _Held, work: Callable[[_Held], None]) -> None:
        held.waits = True
        self._queue.append((held, work))
        if not self._working:
            threading.Thread(target=self._work, name="lists", daemon=True).start()
            self._working = True

    def _of(self, list_id: str, actor: str) -> _Held:
        self._forget_old()
        held = self._held.get(list_id)
        if held is None or held.actor != actor or held.dropped:
            raise ListError("import.gone", minutes=round(HELD_S / 60))
        held.at_s = self._monotonic()
        return held

    def _forget_old(self) -> None:
        before_s = self._monotonic() - HELD_S
        for number, held in list(self._held.items()):
            if held.at_s < before_s and not held.busy:
                del self._held[number]

    def _make_room(self, actor: str) -> None:
        own = {number: held for number, held in self._held.items() if held.actor == actor}
        if any(held.busy and not held.applies for held in own.values()):
            raise ListError("import.own_busy")
        idle = [number for number, held in own.items() if not held.busy]
        if idle and (len(own) >= _MOST_OF_ONE or len(self._held) >= _MOST):
            del self._held[idle[0]]
        if len(self._held) >= _MOST:
            raise ListError("import.busy")


def _fingerprint(held: _Held, taken: Taken) -> str:
    """Return what stands for a file and all that it would do."""
    digest = sha256(f"{held.digest} {held.view.replace} {held.view.sure} {taken.version}".encode())
    for rows in (taken.added, taken.changed, taken.unchanged, taken.removed):
        digest.update("\n".join(("", *rows)).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:32]
