"""What an operator can do to an incident, by a program: the console's steps, with its rule for who was faster.

With `If-Match` (the incident's ETag) any step of somebody else since then refuses this one with 412; without it only
what the step would overwrite does, with 409. Either answer has the incident as it is now. A repeated step that already
holds is no error, so that a request whose answer was lost can be sent again; notes and call-backs are added twice.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response
from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from siaga_gateway.domain.call_back import LONGEST, Said
from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.domain.limits import LONGEST_NOTE, LONGEST_UNIT
from siaga_gateway.service.operator_port import OperatorActions, Overtaken
from siaga_gateway.web.api.answers import RowId, Step, incident_of, problems, shape_of, shown_by, tagged
from siaga_gateway.web.api.shapes import Body, IncidentShape
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import api_problem
from siaga_gateway.web.session.own_calls import check_own_major

router = APIRouter(prefix=API, tags=["steps"])

_LARGEST: Final = 2**31
IfMatch = Annotated[str | None, Header(max_length=100, description="The incident's ETag as you saw it.")]
Unit = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_UNIT)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NOTE)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE)]
Wave = Annotated[int, Field(ge=0, le=_LARGEST, description="`wave` of the incident, as you saw it.")]
Presses = Annotated[int | None, Field(ge=0, le=_LARGEST, description="`presses` as you saw it: a later one refuses.")]


def _example(**values: JsonValue) -> dict[str, JsonValue]:
    return {"examples": [values]}


class SeenBody(Body):
    wave: Wave | None = None


class AcknowledgeBody(Body):
    wave: Wave


class AssignBody(Body):
    """Send a unit."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_example(unit="Sabhara 12", eta_minutes=8))

    unit: Unit
    eta_minutes: Annotated[int | None, Field(ge=0, le=LONGEST_ETA)] = None
    beside: bool = Field(False, description="Others that were sent go on; otherwise this one takes their place.")


class UnitBody(Body):
    unit: Unit


class OnSceneBody(Body):
    unit: Unit | None = Field(None, description="Which of several; without it the one that leads.")


class CloseBody(Body):
    """Close it. What you give of presses, duress and wave refuses the step if the holder has called again since."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra=_example(disposition="verified", note="Help was given.")
    )

    disposition: Disposition
    note: Note = ""
    presses: Presses = None
    duress: bool | None = None
    wave: Wave | None = None


class CorrectBody(Body):
    disposition: Disposition
    reason: Reason = Field(description="Why, not who: it stays in the journal.")


class ReasonBody(Body):
    reason: Reason = Field(description="Why, not who: it stays in the journal.")


class NoteBody(Body):
    note: Reason


class CalledBackBody(Body):
    said: Said
    word: Annotated[str, Field(max_length=LONGEST, description="As heard; it is compared, and kept nowhere.")] = ""
    presses: Presses = None


class MajorBody(Body):
    number: Annotated[int, Field(ge=1, le=2**63 - 1)] = Field(description="Of the major incident, or of a member.")


class StepTaker:
    """Takes one step, and answers with what it came to."""

    def __init__(
        self,
        context: TheConsole,
        session: SignedIn,
        language: Language,
        incident_id: RowId,
        response: Response,
        if_match: IfMatch = None,
    ) -> None:
        self.context: ConsoleContext = context
        self.session: Session = session
        self.id = incident_id
        self.shown = shown_by(if_match)
        self._language = language
        self._response = response

    @property
    def operate(self) -> OperatorActions:
        return self.context.operate

    @property
    def by(self) -> str:
        return self.session.operator

    def take(self, step: Step) -> IncidentShape | Response:
        before = incident_of(self.context, self.id)
        if self.shown is not None and self.shown != before.progress:
            return self._overtaken(Overtaken(before), 412)
        try:
            changed = step()
        except Overtaken as overtaken:
            return self._overtaken(overtaken, 409 if self.shown is None else 412)
        self.context.disclosures.shown(self.by, self.id)
        return tagged(self._response, self.context, changed)

    def _overtaken(self, overtaken: Overtaken, status: int) -> Response:
        self.context.disclosures.shown(self.by, self.id)
        now = shape_of(self.context, overtaken.incident).model_dump(mode="json")
        return api_problem(overtaken.say(self._language), status, overtaken.key, incident=now)


Taker = Annotated[StepTaker, Depends()]


def _step(name: str, summary: str, operation_id: str) -> dict[str, Any]:
    """Return how a step is declared."""
    return {
        "path": f"/incidents/{{incident_id}}/{name}",
        "summary": summary,
        "operation_id": operation_id,
        "response_model": IncidentShape,
        "responses": problems(404, 409, 412, overtaken=True),
    }


@router.post(**_step("seen", "Say that a desk has seen it", "see_incident"))
def seen(taker: Taker, body: SeenBody | None = None) -> IncidentShape | Response:
    wave = None if body is None else body.wave
    return taker.take(lambda: taker.operate.seen(taker.id, taker.by, shown=taker.shown, wave=wave))


@router.post(**_step("acknowledge", "Take note of a call that rings again", "acknowledge_incident"))
def acknowledge(taker: Taker, body: AcknowledgeBody) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.acknowledge(taker.id, taker.by, body.wave))


@router.post(**_step("undo", "Take your own acknowledgement back, within a minute", "undo_acknowledgement"))
def undo(taker: Taker) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.undo(taker.id, taker.by, shown=taker.shown))


@router.post(**_step("resume", "Call for help again, where it is asked whether it still matters", "resume_incident"))
def resume(taker: Taker) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.resume(taker.id, taker.by))


@router.post(**_step("assign", "Send a unit", "assign_unit"))
def assign(taker: Taker, body: AssignBody) -> IncidentShape | Response:
    def step() -> Incident:
        unit, minutes = " ".join(body.unit.split()), body.eta_minutes
        return taker.operate.assign(taker.id, taker.by, unit, minutes, beside=body.beside, shown=taker.shown)

    return taker.take(step)


@router.post(**_step("stand-down", "Take back one of the units", "stand_down_unit"))
def stand_down(taker: Taker, body: UnitBody) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.stand_down(taker.id, taker.by, body.unit, shown=taker.shown))


@router.post(**_step("on-scene", "Say that a unit is there", "mark_on_scene"))
def on_scene(taker: Taker, body: OnSceneBody | None = None) -> IncidentShape | Response:
    unit = None if body is None else body.unit
    return taker.take(lambda: taker.operate.on_scene(taker.id, taker.by, unit=unit, shown=taker.shown))


@router.post(**_step("dispatch", "Dispatch what was held", "dispatch_held"))
def dispatch_held(taker: Taker) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.dispatch_held(taker.id, taker.by))


@router.post(**_step("real", "Say that an exercise is none; there is no way back", "make_real"))
def make_real(taker: Taker) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.make_real(taker.id, taker.by))


@router.post(**_step("called-back", "Say what came of ringing the holder", "record_call_back"))
def called_back(taker: Taker, body: CalledBackBody) -> IncidentShape | Response:
    def step() -> Incident:
        return taker.operate.called_back(taker.id, taker.by, body.said, body.word, presses=body.presses)

    return taker.take(step)


@router.post(**_step("close", "Close it", "close_incident"))
def close(taker: Taker, body: CloseBody) -> IncidentShape | Response:
    def step() -> Incident:
        return taker.operate.close(
            taker.id,
            taker.by,
            body.disposition,
            body.note,
            presses=body.presses,
            duress=body.duress,
            wave=body.wave,
            shown=taker.shown,
        )

    return taker.take(step)


@router.post(**_step("correct", "Give a closed one another disposition", "correct_disposition"))
def correct(taker: Taker, body: CorrectBody) -> IncidentShape | Response:
    return taker.take(
        lambda: taker.operate.correct(taker.id, taker.by, body.disposition, body.reason, shown=taker.shown)
    )


@router.post(**_step("reopen", "Open again what was closed by mistake, within an hour", "reopen_incident"))
def reopen(taker: Taker, body: ReasonBody) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.reopen(taker.id, taker.by, body.reason, shown=taker.shown))


@router.post(**_step("note", "Append to its note, open or closed", "add_note"))
def add_note(taker: Taker, body: NoteBody) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.add_note(taker.id, taker.by, body.note))


@router.post(**_step("major", "Put it into a major incident", "join_major"))
def join_major(taker: Taker, body: MajorBody) -> IncidentShape | Response:
    check_own_major(taker.context, body.number)
    return taker.take(lambda: taker.operate.change_major(taker.id, taker.by, body.number))


@router.post(**_step("leave-major", "Take it out of its major incident for good", "leave_major"))
def leave_major(taker: Taker) -> IncidentShape | Response:
    return taker.take(lambda: taker.operate.change_major(taker.id, taker.by, None))
