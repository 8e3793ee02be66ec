"""Commands to buttons, for programs: given, looked at, withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from siaga_gateway.domain.device_command import Command, CommandState
from siaga_gateway.domain.limits import LONGEST_ARGUMENT, LONGEST_NOTE
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.downlink.command_port import CHANGING
from siaga_gateway.web.api.answers import DeviceId, Limit, RowId, problems, there
from siaga_gateway.web.api.shapes import Shape, at, at_or_none
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import NotPermitted, SignedIn, TheConsole

router = APIRouter(prefix=API, tags=["devices"])


class CommandShape(Shape):
    """A command to a button. Never its arguments: settings may contain a secret."""

    number: int = Field(description="Within its button; commands are taken in this order.")
    command: str = Field(examples=["restart"])
    state: CommandState = Field(description="waiting, sent (at least once), done, refused, failed, expired, withdrawn.")
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    attempts: int
    sent_at: datetime | None = Field(description="The last time.")
    closed_at: datetime | None

    @classmethod
    def of(cls, command: Command) -> CommandShape:
        return cls(
            number=command.down_counter,
            command=command.name,
            state=command.state,
            asked_by=command.asked_by,
            asked_at=at(command.asked_ms),
            expires_at=at(command.expires_ms),
            attempts=command.attempts,
            sent_at=at_or_none(command.sent_ms),
            closed_at=at_or_none(command.closed_ms),
        )


class CommandList(Shape):
    items: list[CommandShape]


class CommandBody(Shape):
    command: Literal["test", "restart", "settings", "update"]
    argument: Annotated[
        str,
        Field(max_length=LONGEST_ARGUMENT, description="Of settings a JSON object, of update a bundle's address."),
    ] = ""


class LocateBody(Shape):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE)] = Field(
        description="Why, without a name: it stays in the journal.", examples=["Dicuri, laporan 12."]
    )


@router.get(
    "/devices/{device_id}/commands",
    operation_id="list_commands",
    summary="Commands to one button, the newest first",
    responses=problems(404),
)
def list_commands(context: TheConsole, session: SignedIn, device_id: DeviceId, limit: Limit = 50) -> CommandList:
    found = there(context.maintenance).commands(bytes.fromhex(device_id), limit)
    return CommandList(items=[CommandShape.of(each) for each in found])


@router.post(
    "/devices/{device_id}/commands",
    operation_id="give_command",
    summary="Give a button a command",
    responses=problems(404, 409),
)
def give_command(context: TheConsole, session: SignedIn, device_id: DeviceId, body: CommandBody) -> CommandShape:
    """It is sent until the button answers, or for seven days. The same again while it waits is refused. Settings and
    an update need `devices.change` too."""
    if body.command in CHANGING and Permission.DEVICES_CHANGE not in session.permissions:
        raise NotPermitted("error.no_scope", scope=Permission.DEVICES_CHANGE.value)
    given = there(context.commands).ask(device_id, body.command, body.argument, True, session.operator)
    return CommandShape.of(given)


@router.post(
    "/devices/{device_id}/locate",
    operation_id="locate_device",
    summary="Ask a button where it is",
    responses=problems(404, 409),
)
def locate_device(context: TheConsole, session: SignedIn, device_id: DeviceId, body: LocateBody) -> CommandShape:
    return CommandShape.of(there(context.commands).locate(device_id, body.reason, True, session.operator))


@router.post(
    "/devices/{device_id}/commands/{number}/withdraw",
    operation_id="withdraw_command",
    summary="Stop sending a command",
    responses=problems(404, 409),
)
def withdraw_command(context: TheConsole, session: SignedIn, device_id: DeviceId, number: RowId) -> CommandShape:
    """A button that has it may still execute it."""
    return CommandShape.of(there(context.commands).withdraw(device_id, number, session.operator))
