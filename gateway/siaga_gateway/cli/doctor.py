"""For the administrator: is everything as it should be, and where not, what to do?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.doctor.examination import DEADLINE_S, examine
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import say, tell
from siaga_gateway.domain.health_check import CheckResult, CheckState, exit_code

_BACKUPS: Final = Path("/var/backups/siaga")  # as siaga-backup has it


@click.command()
@config_option
@click.option("--backups", type=click.Path(file_okay=False, path_type=Path), default=_BACKUPS, show_default=True)
@click.option("--deadline", type=click.FloatRange(1, 600), default=DEADLINE_S, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@told_plainly
def doctor(config: Path, backups: Path, deadline: float, as_json: bool) -> None:
    found = examine(config, backups, WallClock(), deadline)
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in found], ensure_ascii=False, indent=1))
    else:
        _print(found)
    sys.exit(exit_code(found))


def _print(found: Iterable[CheckResult]) -> None:
    language = reader_language(os.environ)
    counts = dict.fromkeys(CheckState, 0)
    for each in found:
        counts[each.state] += 1
        state = Localized(f"doctor.state.{each.state}").say(language)
        named = Localized(f"doctor.check.{each.check}").say(language)
        subject = f" {each.subject}" if each.subject else ""
        click.echo(f"{state:<11} {named}{subject}: {each.cause.say(language)}")
        if each.mend is not None:
            click.echo(f"{'':<11} -> {each.mend.say(language)}")
    tell("doctor.sum", **{state.value: count for state, count in counts.items()})
    if not counts[CheckState.FAIL] and not counts[CheckState.UNSEEN]:
        click.echo(say("doctor.sound"))


def _as_json(each: CheckResult) -> dict[str, str | None]:
    """For programs: texts in English."""
    return {
        "check": each.check,
        "subject": each.subject,
        "state": each.state.value,
        "cause": each.cause.say("en"),
        "key": each.cause.key,
        "mend": None if each.mend is None else each.mend.say("en"),
    }
