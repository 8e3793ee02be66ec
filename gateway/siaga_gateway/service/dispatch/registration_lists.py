"""Takes a list of owners with their buttons, as the other lists are taken: what it would do, and every fault at once.

Nothing is changed of what is enrolled: after an interruption the list can be given again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from siaga_gateway.domain.installation_area import Area
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.dispatch.place_lists import RowFault, Taken
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.bulk_enrol import LineFault, Registration, check_many, enrol_many
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.registry.place_plausibility import OnLand, anywhere
from siaga_gateway.service.registry.registration_list import ListedRegistration, registrations
from siaga_gateway.service.registry.typed_owner import doubts_of
from siaga_gateway.service.store import Store


def take_registrations(
    store: Store,
    clock: Clock,
    rows: Sequence[ListedRegistration],
    *,
    actor: str,
    local: LocalTime,
    dry_run: bool = False,
    area: Area | None = None,
    on_land: OnLand = anywhere,
    sure: bool = False,
    done: Callable[[int], None] = lambda count: None,
) -> Taken:
    """Enrol all, active. area, sure, done: see enrol_many. Raises: EnrolError, StoreFailing."""
    lines, faults = registrations(rows, local)
    checked = check_many(store, clock, lines, area=area, on_land=on_land, sure=sure)
    taken = Taken(faults=[RowFault(each.line, each.why, each.column) for each in faults])
    taken.faults += [_fault(each) for each in checked.faults]
    if not rows:
        taken.faults.append(RowFault(None, EnrolError("import.no_rows")))
    taken.faults.sort(key=lambda fault: fault.line or 0)
    if taken.faults:
        return taken
    today = local.at(clock.now_ms()).date()
    for line, _ in checked.fresh:
        for doubt in doubts_of(line.owner, today):
            taken.remarks.append(RowFault(_line(line), EnrolError("import.doubted", why=doubt), "nik"))
    taken.added = [f"{device.device_id.hex()} {device.label}" for _, device in checked.fresh]
    taken.unchanged = [f"{device.device_id.hex()} {device.label}" for device in checked.known]
    if not dry_run and taken.added:
        enrol_many(store, clock, lines, actor=actor, done=done, area=area, on_land=on_land, sure=sure)
    return taken


def _fault(each: LineFault) -> RowFault:
    number = each.where.values.get("number")
    return RowFault(number if isinstance(number, int) else None, each.why)


def _line(line: Registration) -> int | None:
    number = line.where.values.get("number")
    return number if isinstance(number, int) else None
