"""A hand-written fake of ports.Disclosures."""

from __future__ import annotations

from collections.abc import Collection


class FakeDisclosures:
    """ports.Disclosures that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, tuple[int, ...]]] = []  # operator, what, incidents

    def shown(self, operator: str, incident_id: int, what: str = "incident") -> None:
        self.told.append((operator, what, (incident_id,)))

    def of_owner(self, operator: str, owner_id: int, what: str) -> None:
        self.owners_listed(operator, (owner_id,), what)

    def owners_listed(self, operator: str, owner_ids: Collection[int], what: str) -> None:
        self.told.append((operator, what, tuple(owner_ids)))

    def listed(self, operator: str, incident_ids: Collection[int]) -> None:
        self.told.append((operator, "queue", tuple(incident_ids)))
