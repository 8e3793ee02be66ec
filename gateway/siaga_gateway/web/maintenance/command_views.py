"""Commands in words. Pure: the template only places them."""

from __future__ import annotations

from siaga_gateway.catalogue import text
from siaga_gateway.domain.device_command import OPEN, Command
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.value import record


@record
class CommandView:
    """One command to one button."""

    number: int
    what: str
    state: str  # as in domain/device_command.py: also its CSS class
    told: str  # the same in words
    by: str
    given: str
    sent: str  # how often, and when last; empty: never
    until: str  # until when it is sent, or since when it is over
    open: bool


def command_view(command: Command, language: str, local: LocalTime) -> CommandView:
    sent = ""
    if command.sent_ms is not None:
        when = local.moment(command.sent_ms)
        sent = text("console.maintenance.command_sent", language, n=command.attempts, time=when)
    key, at_ms = (
        ("command_until", command.expires_ms) if command.state in OPEN else ("command_ended", command.closed_ms)
    )
    return CommandView(
        number=command.down_counter,
        what=f"{text(f'console.command.{command.name}', language)} {command.shown.partition(' ')[2]}".strip(),
        state=str(command.state),
        told=text(f"errors.command_state.{command.state}", language),
        by=command.asked_by,
        given=local.moment(command.asked_ms),
        sent=sent,
        until="" if at_ms is None else text(f"console.maintenance.{key}", language, time=local.moment(at_ms)),
        open=command.state in OPEN,
    )
