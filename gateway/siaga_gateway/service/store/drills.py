"""Drills, and the incidents that belong to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.registry import Device
from siaga_gateway.domain.value import record


class DrillWriting(Protocol):
    def next_drill_id(self) -> int:
        """Return a drill id that no drill ever had; until this transaction ends nobody else gets one."""
        ...

    def put_drill(self, drill: Drill) -> None: ...
    def unended_drills(self) -> Sequence[Drill]:
        """Return those that have not ended: planned, running, or past their time."""
        ...


@record
class DrillButton:
    """A button that may take part in a drill."""

    device: Device
    seen: tuple[int, int] | None  # where it was last, degrees x 10^7


class DrillReading(Protocol):
    def drill_buttons(self, device_ids: Collection[bytes] | None = None) -> Sequence[DrillButton]:
        """Return these buttons, of any state; None: all. Without their owners: nothing is decrypted."""
        ...

    def drills(self, limit: int = 50) -> Sequence[Drill]:
        """Return the newest first."""
        ...

    def drill(self, drill_id: int) -> Drill | None: ...
    def unended_drills(self) -> Sequence[Drill]:
        """As `DrillWriting.unended_drills`."""
        ...

    def open_exercises(self) -> Sequence[Incident]:
        """Return exercises of any drill that nobody has closed."""
        ...

    def incidents_of_drill(self, drill_id: int) -> Sequence[Incident]:
        """Return the oldest first; also those that have become real."""
        ...
