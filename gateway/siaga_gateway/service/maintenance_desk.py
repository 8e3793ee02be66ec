"""What installers and operators see of maintenance, and how they close a case."""

from __future__ import annotations

from collections.abc import Sequence

from siaga_gateway.domain.supervision import Case, Wanted
from siaga_gateway.service.ports import Bell, Clock
from siaga_gateway.service.store import Census, Store, Watched
from siaga_gateway.service.supervise import close_case


class MaintenanceDesk:
    """For the console. From any thread; every method raises StoreFailing."""

    def __init__(self, store: Store, bell: Bell, clock: Clock, wanted: Wanted) -> None:
        self._store = store
        self._bell = bell
        self._clock = clock
        self.wanted = wanted

    def folds(self) -> Sequence[tuple[Case, int]]:
        """Cases that stand for many devices, each with how many of these are open."""
        return self._store.open_folds()

    def cases(self, *, fold: int | None, after: int, limit: int) -> Sequence[tuple[Case, Watched | None]]:
        """Open cases of single devices with id > after, oldest first: a fold's, or those that no fold stands for."""
        cases = [
            case for case in self._store.open_cases(fold=fold, after=after, limit=limit) if case.device_id is not None
        ]
        watched = self._store.watched_by({case.device_id for case in cases if case.device_id is not None})
        return [(case, None if case.device_id is None else watched.get(case.device_id)) for case in cases]

    def devices(self, *, text: str, troubled: bool, after: tuple[str, bytes] | None, limit: int) -> Sequence[Watched]:
        """See service.store.Store.watched."""
        return self._store.watched(text=text, troubled=troubled, after=after, limit=limit)

    def census(self) -> Census:
        return self._store.census()

    def close(self, case_id: int, actor: str, note: str) -> Case:
        """Raises MaintenanceError."""
        case = close_case(self._store, self._clock, self.wanted, case_id, actor, note)
        self._bell.ring()
        return case
