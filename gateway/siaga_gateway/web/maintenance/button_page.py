"""The page of one button: battery and signal over the last months, its SIM card, commands, and who did what on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from siaga_gateway.domain.battery_history import DAY_MS
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.limits import LONGEST_ARGUMENT, LONGEST_NOTE
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.sim_card import LONGEST_OPERATOR
from siaga_gateway.domain.value import record
from siaga_gateway.service.downlink.command_port import CHANGING, OFFERED, DeviceCommands
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.store.device_work import WantedWork
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.maintenance.command_views import command_view
from siaga_gateway.web.maintenance.console_cases import TheMaintenance
from siaga_gateway.web.maintenance.history import BATTERY, DAYS, SIGNAL, plot
from siaga_gateway.web.maintenance.sim_form import SimTyped, sim_typed
from siaga_gateway.web.maintenance.views import device_view
from siaga_gateway.web.maintenance.work_page import work_view
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, NotPermitted, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to
from siaga_gateway.web.session.route_guard import role_name

router = APIRouter()

COMMANDS: Final = 20  # of the newest
WORK: Final = 50
DeviceId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
Sure = Annotated[bool, Form()]


@record
class CommandTyped:
    """What somebody typed for a command, kept where it is refused."""

    what: str = OFFERED[0]
    argument: str = ""
    reason: str = ""


NOTHING: Final = CommandTyped()


def _commands(context: TheConsole) -> DeviceCommands:
    if context.commands is None:
        raise NotThere("error.nothing_here")
    return context.commands


TheCommands = Annotated[DeviceCommands, Depends(_commands)]


@router.get("/maintenance/buttons/{device_id}")
def button(
    context: TheConsole, maintenance: TheMaintenance, language: Language, session: SignedIn, device_id: DeviceId
) -> Response:
    return _page(context, maintenance, language, session, device_id)


@router.post("/maintenance/buttons/{device_id}/sim")
def sim(
    request: Request,
    context: TheConsole,
    maintenance: TheMaintenance,
    language: Language,
    session: SignedIn,
    device_id: DeviceId,
    number: Annotated[str, Form(max_length=40)] = "",
    operator: Annotated[str, Form(max_length=200)] = "",
    active_until: Annotated[str, Form(max_length=20)] = "",
    quota_mb: Annotated[str, Form(max_length=20)] = "",
    quota_until: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Record the SIM card of a button, in place of what was known."""
    typed = SimTyped(number.strip(), operator.strip(), active_until.strip(), quota_mb.strip(), quota_until.strip())

    def step() -> object:
        return maintenance.set_sim(bytes.fromhex(device_id), typed.card(context.site.local), session.operator)

    return _after(step, request, context, maintenance, language, session, device_id, sim=typed)


@router.post("/maintenance/buttons/{device_id}/commands")
def command(
    request: Request,
    context: TheConsole,
    maintenance: TheMaintenance,
    commands: TheCommands,
    language: Language,
    session: SignedIn,
    device_id: DeviceId,
    what: Annotated[str, Form(max_length=40)] = "",
    argument: Annotated[str, Form(max_length=LONGEST_ARGUMENT)] = "",
    sure: Sure = False,
) -> Response:
    """Give the button a command."""

    def step() -> object:
        if what in CHANGING and Permission.DEVICES_CHANGE not in session.permissions:
            raise NotPermitted("error.not_permitted", role=role_name(session))
        return commands.ask(device_id, what, argument, sure, session.operator)

    typed = CommandTyped(what, argument)
    return _after(step, request, context, maintenance, language, session, device_id, typed=typed)


@router.post("/maintenance/buttons/{device_id}/locate")
def locate(
    request: Request,
    context: TheConsole,
    maintenance: TheMaintenance,
    commands: TheCommands,
    language: Language,
    session: SignedIn,
    device_id: DeviceId,
    reason: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
    sure: Sure = False,
) -> Response:
    """Ask the button where it is: a permission of its own, as it may be carried by somebody."""

    def step() -> object:
        return commands.locate(device_id, reason, sure, session.operator)

    typed = CommandTyped(reason=reason)
    return _after(step, request, context, maintenance, language, session, device_id, typed=typed)


@router.post("/maintenance/buttons/{device_id}/commands/{number}/withdraw")
def withdraw(
    request: Request,
    context: TheConsole,
    maintenance: TheMaintenance,
    commands: TheCommands,
    language: Language,
    session: SignedIn,
    device_id: DeviceId,
    number: RowId,
) -> Response:
    def step() -> object:
        return commands.withdraw(device_id, number, session.operator)

    return _after(step, request, context, maintenance, language, session, device_id)


def _after(
    step: Callable[[], object],
    request: Request,
    context: ConsoleContext,
    maintenance: MaintenanceCases,
    language: str,
    session: Session,
    device_id: str,
    *,
    sim: SimTyped | None = None,
    typed: CommandTyped = NOTHING,
) -> Response:
    """Take the step and show the page; where it is refused, with why and what was typed."""
    try:
        step()
    except SiagaError as error:
        told, status = answer_to(request, error)
        return _page(context, maintenance, language, session, device_id, sim, typed, told, status)
    return RedirectResponse(f"/maintenance/buttons/{device_id}", 303)


def _page(
    context: ConsoleContext,
    maintenance: MaintenanceCases,
    language: str,
    session: Session,
    device_id: str,
    typed_sim: SimTyped | None = None,
    typed: CommandTyped = NOTHING,
    problem: str = "",
    status: int = 200,
) -> Response:
    now_ms, local, button_id = context.clock.now_ms(), context.site.local, bytes.fromhex(device_id)
    found = maintenance.history(button_id, now_ms - DAYS * DAY_MS)
    if found is None:
        raise NotThere("error.nothing_here")
    watched, values = found
    card = maintenance.sim(button_id)
    if card.number is not None and context.may(Permission.MAINTENANCE_STEP):
        context.disclosures.of_owner(session.operator, watched.device.owner_id, "sim_number")
    done = maintenance.work(WantedWork(device_id=button_id), WORK)
    return render(
        context,
        "button.html",
        language,
        status=status,
        operator=session.operator,
        problem=problem,
        sim=typed_sim or sim_typed(card, local),
        limits_sim=LONGEST_OPERATOR,
        languages=context.site.languages,
        now=local.moment(now_ms),
        device=device_view(watched, maintenance.wanted, language, now_ms, local),
        battery=plot(values, lambda one: one.battery, BATTERY, now_ms, local),
        signal=plot(values, lambda one: one.signal_dbm, SIGNAL, now_ms, local),
        commands=[command_view(each, language, local) for each in maintenance.commands(button_id, COMMANDS)],
        offered=[
            (each, each.replace(":", "_"))
            for each in OFFERED
            if each not in CHANGING or Permission.DEVICES_CHANGE in session.permissions
        ],
        typed=typed,
        longest_argument=LONGEST_ARGUMENT,
        done=[work_view(each, language, local) for each in done],
    )
