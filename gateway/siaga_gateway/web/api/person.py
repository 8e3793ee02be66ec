"""Who called, beyond what each incident has: what was told for helpers, and earlier calls; and a desk's messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ConfigDict, Field, StringConstraints

from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState
from siaga_gateway.domain.notification import Notification, NotificationState
from siaga_gateway.domain.operator_message import LONGEST_KEY, LONGEST_MESSAGE, DeskMessage
from siaga_gateway.domain.owner_profile import NOTHING_TOLD
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.message_recipients import MOST, Writable, writable
from siaga_gateway.web.api.answers import RowId, incident_of, problems, there
from siaga_gateway.web.api.shapes import Body, IncidentShape, Shape, at, at_or_none
from siaga_gateway.web.api.steps import Taker
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, NotPermitted, SignedIn, TheConsole

router = APIRouter(prefix=API, tags=["incidents"])

_EARLIER: Final = 20


class EmergencyContactShape(Shape):
    name: str = Field(examples=["Contoh Sari"])
    relation: str = Field(examples=["anak"])
    phone: str = Field(examples=["+6281200000031"])


class EarlierCallShape(Shape):
    """An earlier call of the same owner, by any button."""

    opened_at: datetime
    state: IncidentState
    disposition: Disposition | None


class PersonShape(Shape):
    """What the owner told for those who come to help. Words of lists may grow within v1."""

    hazards: list[str] = Field(description="Tell them to whoever goes there.", examples=[["dog", "weapons"]])
    hazard_note: str
    conditions: list[str] = Field(examples=[["heart"]])
    medical_note: str
    people: int | None
    children: int | None
    cannot_walk: int | None
    household_note: str
    languages: str
    contacts: list[EmergencyContactShape] = Field(
        description="Under duress or silent, whoever is rung may come, or ring the holder."
    )
    unreadable: bool = Field(description="The key is not there: what was told cannot be read now.")
    photograph: str | None = Field(description="Where to get it, a JPEG.", examples=[f"{API}/incidents/17/photograph"])
    earlier_calls: list[EarlierCallShape] = Field(description="At most 20, the newest first.")


class ReceiptShape(Shape):
    """What came of a message for one reader on one way. Handed over: the service has it; nobody need have seen it."""

    to: str = Field(examples=["responder:budi"])
    way: ContactWay
    state: NotificationState
    attempted_at: datetime | None
    delivered_at: datetime | None = Field(description="When it reached the phone, where that is known.")


class MessageShape(Shape):
    number: int
    sent_at: datetime
    by: str
    text_id: str
    text_en: str
    receipts: list[ReceiptShape]

    @classmethod
    def of(cls, message: DeskMessage, told: list[Notification]) -> MessageShape:
        mine = [each for each in told if each.kind is ContactKind.MESSAGE and each.number == message.number]
        return cls(
            number=message.number,
            sent_at=at(message.made_ms),
            by=message.made_by,
            text_id=message.text_id,
            text_en=message.text_en,
            receipts=[
                ReceiptShape(
                    to=each.recipient,
                    way=each.way,
                    state=each.state,
                    attempted_at=at_or_none(each.attempted_ms),
                    delivered_at=at_or_none(each.delivered_ms),
                )
                for each in mine
            ],
        )


class ReaderShape(Shape):
    """Somebody who may be written to."""

    key: str = Field(description="Give it in `to`.", examples=["responder:budi"])
    name: str
    ways: list[ContactWay] = Field(description="By which it goes; none: a person has to tell it.")
    sent: bool = Field(description="On the way, or there.")

    @classmethod
    def of(cls, each: Writable) -> ReaderShape:
        return cls(key=each.key, name=each.name, ways=list(each.ways), sent=each.sent)


class TemplateShape(Shape):
    name: str = Field(description="Give it in `template`.", examples=["no_siren"])
    text_id: str
    text_en: str
    for_holder: bool


class MessagesShape(Shape):
    messages: list[MessageShape] = Field(description="The newest first.")
    readers: list[ReaderShape]
    templates: list[TemplateShape]


class MessageBody(Body):
    """Write to those who were sent or called, or to the holder alone: a sentence, own words, or both."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"to": ["responder:budi"], "template": "no_siren", "key": "cad-4711-1"}]},
    )

    to: Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(min_length=1, max_length=MOST + 1)]
    template: Annotated[str, StringConstraints(max_length=LONGEST_KEY)] = ""
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_MESSAGE)] = ""
    key: Annotated[str, StringConstraints(pattern=r"^[!-~]{8,40}$")] = Field(
        description="Yours, new for each message: the same message again under one key is sent once."
    )
    sure: bool = Field(False, description="The holder pressed silently or under duress, and you have looked.")


def _identified(context: ConsoleContext) -> None:
    """Raises: NotPermitted."""
    if not context.may(Permission.IDENTITY_READ):
        raise NotPermitted("error.no_scope", scope=Permission.IDENTITY_READ.value)


@router.get(
    "/incidents/{incident_id}/person",
    operation_id="get_person",
    summary="What its owner told for helpers, and his earlier calls; needs identity.read too",
    responses=problems(404),
)
def person(context: TheConsole, session: SignedIn, incident_id: RowId) -> PersonShape:
    """Being shown it is noted. 404 where the owner was erased, or cannot be read."""
    found = incident_of(context, incident_id)
    _identified(context)
    owner_id = there(found.holder).id
    stored = context.reader.profile_of(owner_id)
    profile = NOTHING_TOLD if stored is None else stored.profile
    photographed = context.reader.owner_photograph_ms(owner_id) is not None
    earlier = [each for each in context.reader.calls_of(owner_id, _EARLIER + 1) if each.id != incident_id]
    context.disclosures.shown(session.operator, incident_id)
    return PersonShape(
        hazards=list(profile.hazards),
        hazard_note=profile.hazard_note,
        conditions=list(profile.conditions),
        medical_note=profile.medical_note,
        people=profile.people,
        children=profile.children,
        cannot_walk=profile.cannot_walk,
        household_note=profile.household_note,
        languages=profile.languages,
        contacts=[
            EmergencyContactShape(name=each.name, relation=each.relation, phone=each.phone) for each in profile.contacts
        ],
        unreadable=stored is not None and stored.unreadable,
        photograph=f"{API}/incidents/{incident_id}/photograph" if photographed else None,
        earlier_calls=[
            EarlierCallShape(opened_at=at(each.opened_at_ms), state=each.state, disposition=each.disposition)
            for each in earlier[:_EARLIER]
        ],
    )


@router.get(
    "/incidents/{incident_id}/photograph",
    operation_id="get_photograph",
    summary="Its owner's photograph; needs identity.read too",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}, **problems(404)},
)
def photograph(context: TheConsole, session: SignedIn, incident_id: RowId) -> Response:
    found = incident_of(context, incident_id)
    _identified(context)
    picture = there(context.reader.owner_photograph(there(found.holder).id))
    context.disclosures.shown(session.operator, incident_id)
    return Response(picture, media_type="image/jpeg")


@router.get(
    "/incidents/{incident_id}/messages",
    operation_id="list_messages",
    summary="What was written to those who were sent, what came of it, and who may be written to",
    responses=problems(404),
)
def messages(context: TheConsole, session: SignedIn, incident_id: RowId) -> MessagesShape:
    found, reader, options = incident_of(context, incident_id), context.reader, context.messages
    told = list(reader.notifications_of(incident_id))
    people = writable(found, reader.escalation_of(incident_id), told, context.directory, options)
    context.disclosures.shown(session.operator, incident_id)
    return MessagesShape(
        messages=[MessageShape.of(each, told) for each in reversed(reader.desk_messages_of(incident_id))],
        readers=[ReaderShape.of(each) for each in people],
        templates=[
            TemplateShape(name=each.name, text_id=each.id, text_en=each.en, for_holder=each.for_holder)
            for each in options.templates
        ],
    )


@router.post(
    "/incidents/{incident_id}/messages",
    operation_id="send_message",
    summary="Write to those who were sent or called, or to the holder",
    response_model=IncidentShape,
    responses=problems(404, 409, 412, overtaken=True),
)
def send_message(taker: Taker, body: MessageBody) -> IncidentShape | Response:
    def step() -> Incident:
        return taker.operate.send_message(
            taker.id, taker.by, body.to, body.text, body.template, body.key, sure=body.sure
        )

    return taker.take(step)
