"""For whoever connects another system: does an output arrive, and is it taken? Without waiting for a press."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.tls_certificates import shown_by
from siaga_gateway.bootstrap.outputs import make_output
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, say, tell
from siaga_gateway.config.loading import load
from siaga_gateway.domain.certificate_expiry import State, standing
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.ports import Delivered


class UnknownOutput(Refused):
    """The settings have no such output."""


@click.group(cls=LocalizedGroup)
def output() -> None:
    pass


@output.command(name="test")
@config_option
@click.argument("name")
@told_plainly
def try_output(config: Path, name: str) -> None:
    language = reader_language(os.environ)
    settings = load(config).model_copy(update={"language": language})
    section = next((each for each in settings.outputs if each.name == name), None)
    if section is None:
        names = ", ".join(each.name for each in settings.outputs) or "–"
        raise UnknownOutput("output_test.unknown", name=name, names=names)
    clock = WallClock()
    notice = trial(settings.name, clock.now_ms(), say("output_test.label"))
    under_test = make_output(section, settings, clock)
    begun = time.monotonic()
    try:
        outcome = under_test.deliver(notice, f"{notice.incident.identifier}.{notice.sequence}.{name}")
    finally:
        under_test.close()
    taken = isinstance(outcome, Delivered)
    seconds = f"{time.monotonic() - begun:.2f}"
    tell("output_test.taken" if taken else "output_test.failed", name=name, detail=outcome.detail, seconds=seconds)
    tell("output_test.sent", identifier=notice.incident.identifier)
    sound = section.tls is None or _certificate(name, section.tls[0], clock.now_ms(), settings.local)
    if not taken or not sound:
        sys.exit(1)


def trial(gateway: str, now_ms: int, label: str) -> Notice:
    """Return what a press in test mode is told as: closed from the beginning, nobody's, and of mode test throughout.

    No store knows it, so its number is 0.
    """
    incident = Incident(
        id=0,
        identifier=f"{gateway}-0.test{now_ms}",
        mode=Mode.TEST,
        state=IncidentState.CLOSED,
        device_id=bytes(8),
        device_label=label,
        registration=RegistrationState.ACTIVE,
        owner=None,
        opening_counter=0,
        opened_at_ms=now_ms,
        pressed_at_ms=now_ms,
        delayed_s=None,
        position=None,
        closed_at_ms=now_ms,
    )
    return Notice(incident, Change.CLOSED, incident.sequence, now_ms)


def _certificate(name: str, server: tuple[str, int], now_ms: int, local: LocalTime) -> bool:
    """Tell until when the receiver's certificate holds. Returns whether it holds now, as far as can be seen."""
    shown = shown_by(name, *server)
    if shown is None:
        tell("output_test.no_certificate", host=server[0])
        return True
    found = standing(shown[0], now_ms)
    state = Localized(f"commands.certificates.{found.state}", days=abs(found.days))
    tell("certificates.line", name=server[0], state=state, until=local.moment(shown[0].ends_ms))
    return found.state in (State.VALID, State.ENDING)
