"""The registry's pages: a search, an owner's data, enrolments that wait, the quarantine, and the form for paper.

What is looked for and what is typed comes by POST only: nothing personal is in an address. Every page with owners' data
is noted, see ports.Disclosures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.consent import CURRENT, PARAGRAPHS, PROFILE_SINCE, VERSIONS, covers_profile
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.limits import LARGEST_UPLOAD, LONGEST_LABEL, LONGEST_NOTE, LONGEST_SEARCH
from siaga_gateway.domain.owner_profile import LONGEST_TEXT, LONGEST_WORDS
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.registry.enrol import PlaceDoubted
from siaga_gateway.service.registry.registry_changes import OwnerDoubted
from siaga_gateway.service.registry.registry_directory import MOST, OwnerEntry, RegistryDirectory
from siaga_gateway.web.console.step_answers import IncidentId as RowId
from siaga_gateway.web.owners.profile_view import ProfileForm, profile_form, profile_view
from siaga_gateway.web.owners.registry_views import OwnerForm, devices_of, entry_view, found_owners, strangers_of
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to

router = APIRouter(prefix="/registry")

_MOST_FIELDS: Final = 400  # characters of a name or an address, before it is said which are too many
_LONGEST_LINE: Final = 80  # of a number or a place as it is typed, likewise


def _registry(context: TheConsole) -> RegistryDirectory:
    if context.registry is None:
        raise NotThere("error.nothing_here")
    return context.registry


def _typed(
    name: Annotated[str, Form(max_length=_MOST_FIELDS)] = "",
    nik: Annotated[str, Form(max_length=_LONGEST_LINE)] = "",
    phone: Annotated[str, Form(max_length=_LONGEST_LINE)] = "",
    address: Annotated[str, Form(max_length=_MOST_FIELDS)] = "",
    language: Annotated[str, Form(max_length=8)] = "id",
) -> OwnerForm:
    return OwnerForm(name, nik, phone, address, language)


TheRegistry = Annotated[RegistryDirectory, Depends(_registry)]
Typed = Annotated[OwnerForm, Depends(_typed)]
DeviceId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
Sure = Annotated[bool, Form()]
Reason = Annotated[str, Form(max_length=LONGEST_NOTE)]
Label = Annotated[str, Form(max_length=_MOST_FIELDS)]
Place = Annotated[str, Form(max_length=_LONGEST_LINE)]


@router.get("")
def search_page(context: TheConsole, registry: TheRegistry, language: Language, session: SignedIn) -> HTMLResponse:
    return _page(context, registry, language, session)


@router.post("")
def search(
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: SignedIn,
    query: Annotated[str, Form(max_length=LONGEST_SEARCH)] = "",
) -> HTMLResponse:
    found = registry.search(query)
    now_ms, local = context.clock.now_ms(), context.site.local
    shown = {owner.id for owner in found.owners} | {each.device.owner_id for each in found.devices}
    context.disclosures.owners_listed(session.operator, sorted(shown), "search")
    return _page(
        context,
        registry,
        language,
        session,
        query=query,
        found=found,
        owners=found_owners(found),
        devices=devices_of(found.devices, language, now_ms, local),
    )


@router.get("/new")
def new_owner(context: TheConsole, registry: TheRegistry, language: Language, session: SignedIn) -> HTMLResponse:
    return _new(context, language, session, OwnerForm())


@router.post("/owners")
def add_owner(
    request: Request,
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: SignedIn,
    form: Typed,
    sure: Sure = False,
) -> Response:
    try:
        owner_id = registry.changes.add_owner(**asdict(form), sure=sure, actor=session.operator)
    except SiagaError as error:
        problem, status = _told(request, error, language)
        return _new(context, language, session, form, problem, isinstance(error, OwnerDoubted), status)
    return RedirectResponse(f"/registry/owners/{owner_id}", 303)


@router.get("/owners/{owner_id}")
def owner(
    context: TheConsole, registry: TheRegistry, language: Language, session: SignedIn, owner_id: RowId
) -> HTMLResponse:
    return _owner(context, language, session, _found(registry, owner_id))


@router.post("/owners/{owner_id}")
def change_owner(
    request: Request,
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: SignedIn,
    owner_id: RowId,
    form: Typed,
    seen: Annotated[str, Form(max_length=16)] = "",
    sure: Sure = False,
) -> Response:
    def step() -> None:
        registry.changes.change_owner(owner_id, seen, **asdict(form), sure=sure, actor=session.operator)

    return after_step(step, request, context, registry, language, session, owner_id, form=form, seen=seen)


@router.post("/owners/{owner_id}/consent")
def record_consent(
    request: Request,
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: SignedIn,
    owner_id: RowId,
    version: Annotated[str, Form(max_length=20)] = "",
    signed_on: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    def step() -> None:
        registry.changes.record_consent(owner_id, version, signed_on, session.operator)

    return after_step(step, request, context, registry, language, session, owner_id)


@router.post("/owners/{owner_id}/devices/{device_id}")
def place_device(
    request: Request,
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: SignedIn,
    owner_id: RowId,
    device_id: DeviceId,
    label: Label = "",
    installed: Place = "",
    sure: Sure = False,
) -> Response:
    if device_id not in {each.device.device_id.hex() for each in _found(registry, owner_id).devices}:
        raise NotThere("error.nothing_here")

    def step() -> None:
        registry.changes.place(device_id, label, installed, sure, session.operator)

    typed = (device_id, label, installed)
    return after_step(step, request, context, registry, language, session, owner_id, placed=typed)


@router.get("/form")
def empty_form(
    context: TheConsole,
    registry: TheRegistry,
    session: SignedIn,
    paper: Annotated[Literal["id", "en"], Query()] = "id",
) -> HTMLResponse:
    """Return the registration form to be filled in by hand."""
    return _paper(context, paper, None)


@router.get("/owners/{owner_id}/form")
def printed_form(
    context: TheConsole,
    registry: TheRegistry,
    session: SignedIn,
    owner_id: RowId,
    paper: Annotated[Literal["id", "en"], Query()] = "id",
) -> HTMLResponse:
    """Return the registration form with this owner's data, for paper."""
    found = _found(registry, owner_id)
    if found.owner.unreadable:
        raise NotThere("error.nothing_here")
    context.disclosures.of_owner(session.operator, owner_id, "form")
    in_full = Permission.IDENTITY_READ in session.permissions
    now_ms, local = context.clock.now_ms(), context.site.local
    return _paper(context, paper, entry_view(found, paper, now_ms, local, in_full=in_full))


@router.get("/waiting")
def waiting(context: TheConsole, registry: TheRegistry, language: Language, session: SignedIn) -> HTMLResponse:
    """Return enrolments to confirm, and the quarantine."""
    return _waiting(context, registry, language, session)


@router.post("/devices/{device_id}/{step}")
def decide(
    request: Request,
    context: TheConsole,
    registry: TheRegistry,
    language: Language,
    session: SignedIn,
    device_id: DeviceId,
    step: Literal["confirm", "refuse", "enrol", "release"],
    reason: Reason = "",
    owner_id: Annotated[int, Form(ge=0, le=2**62)] = 0,
    label: Label = "",
    installed: Place = "",
    sure: Sure = False,
) -> Response:
    """Confirm or refuse an enrolment; enrol a button of the quarantine, or take it out."""
    changes, actor = registry.changes, session.operator
    steps: dict[str, Callable[[], None]] = {
        "confirm": lambda: changes.confirm(device_id, actor),
        "refuse": lambda: changes.refuse(device_id, reason, actor),
        "enrol": lambda: changes.enrol_stranger(device_id, owner_id, label, installed, sure, actor),
        "release": lambda: changes.release_stranger(device_id, reason, actor),
    }
    try:
        steps[step]()
    except SiagaError as error:
        problem, status = _told(request, error, language)
        typed = {"device": device_id, "owner_id": owner_id or "", "label": label, "installed": installed}
        doubted = isinstance(error, PlaceDoubted)
        return _waiting(context, registry, language, session, problem, {**typed, "reason": reason}, doubted, status)
    return RedirectResponse(f"/registry/owners/{owner_id}" if step == "enrol" else "/registry/waiting", 303)


def _told(request: Request, error: SiagaError, language: str) -> tuple[str, int]:
    """As everywhere; but a doubt is told in words of the page, which has a box to tick."""
    if isinstance(error, PlaceDoubted):
        return text(f"console.registry.{error.key.rpartition('.')[2]}", language, **error.values), 409
    return answer_to(request, error)


def _found(registry: RegistryDirectory, owner_id: int) -> OwnerEntry:
    found = registry.owner(owner_id)
    if found is None:
        raise NotThere("owners.gone", id=owner_id)
    return found


def after_step(
    step: Callable[[], None],
    request: Request,
    context: ConsoleContext,
    registry: RegistryDirectory,
    language: str,
    session: Session,
    owner_id: int,
    **typed: Any,
) -> Response:
    """Take a step; show the owner again, with what was wrong and what was typed."""
    try:
        step()
    except SiagaError as error:
        problem, status = _told(request, error, language)
        doubted = isinstance(error, OwnerDoubted | PlaceDoubted)
        found = _found(registry, owner_id)
        return _owner(context, language, session, found, problem, doubted=doubted, status=status, **typed)
    return RedirectResponse(f"/registry/owners/{owner_id}", 303)


def _frame(context: ConsoleContext, session: Session) -> dict[str, Any]:
    """Return what every page of the registry shows."""
    now_ms, local = context.clock.now_ms(), context.site.local
    return {
        "operator": session.operator,
        "languages": context.site.languages,
        "now": local.moment(now_ms),
        "changes": Permission.REGISTRY_CHANGE in session.permissions,
        "longest": LONGEST_LABEL,
    }


def _page(
    context: ConsoleContext, registry: RegistryDirectory, language: str, session: Session, **shown: Any
) -> HTMLResponse:
    known = {"query": "", "found": None, "owners": (), "devices": (), **shown, **_frame(context, session)}
    counts = {"pending": len(registry.pending()), "strangers": len(registry.strangers())}
    return render(
        context, "registry.html", language, unsearchable=registry.unsearchable(), most=MOST, **counts, **known
    )


def _new(
    context: ConsoleContext,
    language: str,
    session: Session,
    form: OwnerForm,
    problem: str = "",
    doubted: bool = False,
    status: int = 200,
) -> HTMLResponse:
    known = {"form": form, "problem": problem, "doubted": doubted, "spoken": LANGUAGES}
    return render(context, "registry_new.html", language, status=status, **known, **_frame(context, session))


def _owner(
    context: ConsoleContext,
    language: str,
    session: Session,
    found: OwnerEntry,
    problem: str = "",
    *,
    form: OwnerForm | None = None,
    seen: str = "",
    placed: tuple[str, str, str] = ("", "", ""),
    told: ProfileForm | None = None,
    doubted: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """form, seen, placed, told: what was typed and not taken; doubted: it may be intended all the same."""
    context.disclosures.of_owner(session.operator, found.owner.id, "registration")
    now_ms, local = context.clock.now_ms(), context.site.local
    in_full = Permission.IDENTITY_READ in session.permissions
    view = entry_view(found, language, now_ms, local, in_full=in_full, form=form)
    return render(
        context,
        "registry_owner.html",
        language,
        status=status,
        entry=view,
        seen=seen or view.seen,
        typed=form is not None,
        placed=placed,
        told=told or profile_form(found.profile),
        stands=profile_form(found.profile).seen,
        tells=told is not None,
        profile=profile_view(found.profile, language) if in_full else None,
        photographed_ms=found.photographed_ms,
        may_tell=covers_profile(found.consents),
        since=PROFILE_SINCE,
        megabytes=LARGEST_UPLOAD >> 20,
        longest_text=LONGEST_TEXT,
        longest_words=LONGEST_WORDS,
        problem=problem,
        doubted=doubted,
        versions=tuple(reversed(VERSIONS)),
        today=local.iso(now_ms)[:10],
        spoken=LANGUAGES,
        **_frame(context, session),
    )


def _waiting(
    context: ConsoleContext,
    registry: RegistryDirectory,
    language: str,
    session: Session,
    problem: str = "",
    typed: dict[str, Any] | None = None,
    doubted: bool = False,
    status: int = 200,
) -> HTMLResponse:
    pending, now_ms, local = registry.pending(), context.clock.now_ms(), context.site.local
    context.disclosures.owners_listed(session.operator, sorted({each.device.owner_id for each in pending}), "pending")
    return render(
        context,
        "registry_waiting.html",
        language,
        status=status,
        pending=devices_of(pending, language, now_ms, local),
        strangers=strangers_of(registry.strangers(), local),
        problem=problem,
        typed=typed or {"device": ""},
        doubted=doubted,
        **_frame(context, session),
    )


def _paper(context: ConsoleContext, paper: str, entry: Any) -> HTMLResponse:
    consent = [text(f"consent.{CURRENT}.{name}", paper, site=context.site.name) for name in PARAGRAPHS]
    date = context.site.local.moment(context.clock.now_ms()).partition(" ")[0]
    emergency = text("letters.all.emergency", paper, emergency=context.site.emergency_number)
    known = {"entry": entry, "consent": consent, "version": CURRENT, "date": date, "emergency": emergency}
    return render(context, "registration_form.html", paper, **known)
