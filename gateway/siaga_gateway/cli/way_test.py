"""For whoever connects a way to people: does a message arrive, and does the phone ring? Without waiting for a press."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from secrets import token_hex

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.ways import make_way
from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, tell
from siaga_gateway.config.loading import load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.keyed_answer import Question
from siaga_gateway.domain.personal_message import PersonalMessage, Spoken
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.formats.voice_script import recordings
from siaga_gateway.service.dispatch.call_texts import trial_text
from siaga_gateway.service.dispatch.ways import HandedOver
from siaga_gateway.service.ports import NotDelivered

_WORTH_MS = 300_000


class UnknownWay(Refused):
    """The settings have no such way."""


@click.group(cls=LocalizedGroup)
def way() -> None:
    pass


@way.command(name="test")
@config_option
@click.option("--link")
@click.option("--quiet", is_flag=True)
@click.argument("name")
@click.argument("address")
@told_plainly
def try_way(config: Path, name: str, address: str, link: str | None, quiet: bool) -> None:
    written = load(config)
    # The message is in the site's language, what is told here in that of whoever types.
    settings = written.model_copy(update={"language": reader_language(os.environ)})
    section = next((each for each in settings.ways if each.name == name), None)
    if section is None:
        raise UnknownWay("way.unknown", name=name, names=", ".join(each.name for each in settings.ways) or "–")
    clock = WallClock()
    message = trial(written, clock.now_ms(), link, urgent=not quiet)
    under_test = make_way(section, settings, clock)
    begun = time.monotonic()
    if under_test.kind is ContactWay.PHONE:
        tell("way_test.rings", address=address)
    try:
        outcome = under_test.send(address, message, f"{settings.name}.test.{token_hex(8)}.{name}")
    finally:
        under_test.close()
    taken = isinstance(outcome, HandedOver)
    seconds = f"{time.monotonic() - begun:.2f}"
    tell("way_test.taken" if taken else "way_test.failed", name=name, detail=outcome.detail, seconds=seconds)
    if isinstance(outcome, HandedOver) and under_test.kind is not ContactWay.PHONE:  # there a key has been pressed
        tell("way_test.look", reference=outcome.reference or "–")
    elif isinstance(outcome, NotDelivered) and outcome.permanent:
        tell("way_test.dead")
    if not taken:
        sys.exit(1)


@way.command(name="phrases")
@click.argument("language", type=click.Choice(LANGUAGES))
def list_phrases(language: str) -> None:
    for phrase in recordings(language):
        click.echo(f"{phrase.name}\t{phrase.text}")


def trial(settings: Settings, now_ms: int, link: str | None, *, urgent: bool) -> PersonalMessage:
    """Return a message that is marked as a test, and rings as an alarm does if it is urgent."""
    told = trial_text(settings.language, settings.local, now_ms)
    return PersonalMessage(
        title=told.title,
        text=told.text,
        url=link,
        urgent=urgent,
        expires_ms=now_ms + _WORTH_MS,
        language=settings.language,
        spoken=Spoken(Question.HEARD, (told.title.capitalize(),)),
    )
