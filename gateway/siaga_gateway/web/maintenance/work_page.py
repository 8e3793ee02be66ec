"""What installers did: who did how much on buttons lately, and each entry of one of them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from siaga_gateway.domain.battery_history import DAY_MS
from siaga_gateway.domain.limits import LONGEST_ACTOR
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store.device_work import WantedWork
from siaga_gateway.web.console.timeline import line
from siaga_gateway.web.maintenance.console_cases import TheMaintenance
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole, render

router = APIRouter()

DAYS: Final = (7, 30, 90, 365)
PAGE: Final = 100
_CURSOR: Final = r"^([0-9]{1,15}-[0-9]{1,18})?$"


@record
class WorkView:
    """One thing that somebody did on a button."""

    when: str
    by: str
    title: str
    extra: str
    device_id: str


def work_view(entry: JournalEntry, language: str, local: LocalTime) -> WorkView:
    told = line(entry, language)
    device_id = "" if entry.device_id is None else entry.device_id.hex()
    return WorkView(local.moment(entry.at_ms), entry.actor or "", told.title, told.extra or "", device_id)


@router.get("/maintenance/work")
def page(
    context: TheConsole,
    maintenance: TheMaintenance,
    language: Language,
    session: SignedIn,
    who: Annotated[str, Query(max_length=LONGEST_ACTOR + 10)] = "",
    days: Annotated[int, Query(ge=1, le=3_660)] = DAYS[1],
    before: Annotated[str, Query(pattern=_CURSOR)] = "",
) -> HTMLResponse:
    """Return everybody's counts, or one person's entries. before: the last entry of the page before."""
    now_ms, local = context.clock.now_ms(), context.site.local
    at_ms, _, number = before.partition("-")
    wanted = WantedWork(actor=who, before=(int(at_ms), int(number)) if before else None)
    found = maintenance.work(wanted, PAGE + 1) if who else []
    following = f"{found[PAGE - 1].at_ms}-{found[PAGE - 1].id}" if len(found) > PAGE else ""
    workers = [] if who else maintenance.workers(now_ms - days * DAY_MS)
    return render(
        context,
        "work.html",
        language,
        operator=session.operator,
        languages=context.site.languages,
        now=local.moment(now_ms),
        who=who,
        days=days,
        choices=sorted({*DAYS, days}),
        workers=[(each.actor, each.entries, local.moment(each.last_ms)) for each in workers],
        done=[work_view(each, language, local) for each in found[:PAGE]],
        following=following,
        paged=bool(before),
    )
