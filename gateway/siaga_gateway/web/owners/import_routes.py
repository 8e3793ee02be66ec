"""The page on which a registrar brings lists: a file is tried, what it would do is shown, and applied as shown."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from siaga_gateway.catalogue import text
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.limits import LARGEST_LIST
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.formats.owner_record_csv import table
from siaga_gateway.service.dispatch.list_imports import PART, ListError, ListImports, ListKind, ListState, ListView
from siaga_gateway.service.dispatch.place_lists import RowFault
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import ConsoleContext, Language, NotPermitted, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to
from siaga_gateway.web.session.route_guard import role_name
from siaga_gateway.web.session.uploads import SentFile, csv_file, read_form

PATH: Final = "/registry/imports"
router = APIRouter(prefix=PATH)

_AT_ONCE_S: Final = 2.0  # a short list is shown at once
_LOOK_S: Final = 0.1
_BUSY: Final = frozenset({ListState.CHECKING, ListState.APPLYING})


def _imports(context: TheConsole) -> ListImports:
    if context.imports is None:
        raise NotThere("error.nothing_here")
    return context.imports


_NEEDED: Final[Mapping[str, Permission]] = {
    kind: Permission.REGISTRY_CHANGE if kind is ListKind.BUTTONS else Permission.PLACES_CHANGE for kind in ListKind
}


def _check_kind(kind: str, session: Session) -> None:
    """Raises: NotPermitted, for a kind of list that he may not change."""
    needed = _NEEDED.get(kind)  # what is no kind at all is told by the desk
    if needed is not None and needed not in session.permissions:
        raise NotPermitted("error.not_permitted", role=role_name(session))


TheImports = Annotated[ListImports, Depends(_imports)]
ListId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


def is_upload(path: str) -> bool:
    """Whether a file comes to this path, which may be large and take a while."""
    return path == PATH


@router.get("")
def page(context: TheConsole, imports: TheImports, language: Language, session: SignedIn) -> HTMLResponse:
    return _page(context, language, session)


@router.post("")
async def bring(
    request: Request, context: TheConsole, imports: TheImports, language: Language, session: SignedIn
) -> Response:
    """Take a file, and try it."""
    chosen: dict[str, str] = {}
    try:
        form = await read_form(request, largest=LARGEST_LIST)
        chosen = dict(form.fields)
        _check_kind(chosen.get("kind", ""), session)
        file = csv_file(form, "file")
        list_id = await run_in_threadpool(_tried, imports, file, chosen, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return await run_in_threadpool(_page, context, language, session, problem=problem, chosen=chosen, status=status)
    return RedirectResponse(f"{PATH}/{list_id}", 303)


@router.get("/{list_id}")
def look(
    context: TheConsole, imports: TheImports, language: Language, session: SignedIn, list_id: ListId
) -> HTMLResponse:
    return _page(context, language, session, shown=imports.look(list_id, session.operator))


@router.get("/{list_id}/wrong.csv")
def wrong(context: TheConsole, imports: TheImports, language: Language, session: SignedIn, list_id: ListId) -> Response:
    """Return every fault as a table, to mend the list by."""
    header = [text(f"console.imports.{name}", language) for name in ("line", "column", "why")]
    rows = [
        ["" if each.line is None else each.line, each.at, said(each, language)]
        for each in imports.faults(list_id, session.operator)
    ]
    named = {"Content-Disposition": 'attachment; filename="siaga-wrong-rows.csv"'}
    return Response(table(header, rows), media_type="text/csv; charset=utf-8", headers=named)


@router.post("/{list_id}/apply")
def apply(
    request: Request,
    context: TheConsole,
    imports: TheImports,
    language: Language,
    session: SignedIn,
    list_id: ListId,
    shown: Annotated[str, Form(max_length=64)] = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Apply it as it was shown. sure: that more than a third of what is there goes is meant."""
    try:
        brought = imports.look(list_id, session.operator)
        _check_kind(brought.kind, session)
        if brought.removes_many and brought.state is ListState.SHOWN and not sure:
            raise ListError("import.removes_many", gone=brought.counts["removed"])
        imports.apply(list_id, shown, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        view = imports.look(list_id, session.operator)
        return _page(context, language, session, shown=view, problem=problem, status=status)
    _settled(imports, list_id, session.operator)
    return RedirectResponse(f"{PATH}/{list_id}", 303)


@router.post("/{list_id}/drop")
def drop(imports: TheImports, session: SignedIn, list_id: ListId) -> Response:
    imports.drop(list_id, session.operator)
    return RedirectResponse(PATH, 303)


def _tried(imports: ListImports, file: SentFile, chosen: dict[str, str], actor: str) -> str:
    """Return the list's id. Raises: SiagaError."""
    replace, sure = (chosen.get(name) == "true" for name in ("replace", "sure"))
    list_id = imports.begin(chosen.get("kind", ""), file.name, len(file.raw), replace, sure, actor)
    for number, begin in enumerate(range(0, len(file.raw), PART)):
        content = base64.b64encode(file.raw[begin : begin + PART]).decode("ascii")
        imports.part(list_id, number, content, actor)
    imports.check(list_id, sha256(file.raw).hexdigest(), actor)
    _settled(imports, list_id, actor)
    return list_id


def _settled(imports: ListImports, list_id: str, actor: str) -> None:
    """Wait a little until it is through."""
    until = time.monotonic() + _AT_ONCE_S
    while imports.look(list_id, actor).state in _BUSY and time.monotonic() < until:
        time.sleep(_LOOK_S)


def said(fault: RowFault, language: str) -> str:
    """Return what is wrong, and how to mend it: of a doubtful place in words of the page, which has a box to tick."""
    group, _, name = fault.why.key.partition(".")
    if (group, name) in _DOUBTS:
        return text(f"console.imports.{_DOUBTS[group, name]}", language, **fault.why.values)
    return fault.why.say(language)


_DOUBTS: Final = {
    ("registration", "place_zero"): "place_zero",
    ("registration", "place_far"): "place_far",
    ("registration", "place_meant"): "place_meant",
    ("places", "zero"): "place_zero",
    ("places", "far"): "place_far",
    ("places", "meant"): "place_meant",
}


def _page(
    context: ConsoleContext,
    language: str,
    session: Session,
    *,
    shown: ListView | None = None,
    problem: str = "",
    chosen: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    return render(
        context,
        "registry_imports.html",
        language,
        status=status,
        operator=session.operator,
        languages=context.site.languages,
        now=context.site.local.moment(context.clock.now_ms()),
        kinds=[kind for kind in ListKind if _NEEDED[kind] in session.permissions],
        megabytes=LARGEST_LIST >> 20,
        chosen=chosen or {},
        problem=problem,
        shown=shown,
        busy=shown is not None and shown.state in _BUSY,
        why="" if shown is None or shown.why is None else shown.why.say(language),
        faults=[] if shown is None else [_line(each, language) for each in shown.faults],
        remarks=[] if shown is None else [_line(each, language) for each in shown.remarks],
    )


def _line(fault: RowFault, language: str) -> dict[str, Any]:
    return {"line": fault.line, "column": fault.at, "why": said(fault, language)}
