"""For whoever orders an exercise: which buttons, whom it may call, how long, and what it showed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import DeviceId, by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, say, tell
from siaga_gateway.domain.drill import Drill, is_exercise
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.service.dispatch.drill_choices import DrillChoices
from siaga_gateway.service.dispatch.drill_reports import ExerciseResult, silent_buttons
from siaga_gateway.service.dispatch.drills import DrillError, Drills, WantedDrill
from siaga_gateway.service.dispatch.place_directory import rung_words
from siaga_gateway.service.journal.notifier import JournalNotifier

_number = click.argument("drill_id", type=int)
_json = click.option("--json", "as_json", is_flag=True)


@click.group(cls=LocalizedGroup)
def drill() -> None:
    pass


@drill.command(name="start")
@config_option
@click.argument("name")
@click.option("--button", "buttons", type=DeviceId(), multiple=True)
@click.option("--station", "stations", multiple=True)
@click.option("--contact", "contacts", multiple=True, required=True)
@click.option("--minutes", type=int, default=60, show_default=True)
@click.option("--in", "in_minutes", type=click.IntRange(min=0), default=0)
@click.option("--at", "at_time", default="")
@click.option("--dry-run", is_flag=True)
@click.option("--yes", is_flag=True)
@by_option
@told_plainly
def start(
    config: Path,
    name: str,
    buttons: tuple[bytes, ...],
    stations: tuple[str, ...],
    contacts: tuple[str, ...],
    minutes: int,
    in_minutes: int,
    at_time: str,
    dry_run: bool,
    yes: bool,
    actor: str,
) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_drill_choices

    clock = WallClock()
    with opened(config) as (settings, store):
        drills = Drills(store, JournalNotifier(), clock, settings.mode)
        choices = make_drill_choices(settings, store, clock)
        listed = [each for key in stations for each in _of_station(choices, key)]
        begins_ms = _begins_ms(clock.now_ms(), in_minutes, at_time, settings.local)
        wanted = WantedDrill(name, (*buttons, *listed), contacts, minutes, begins_ms)
        if listed and not dry_run:
            _ask(drills.checked(wanted, actor), yes)
        made = drills.checked(wanted, actor) if dry_run else drills.order(wanted, actor)
        directory, local = CallDirectory(store), settings.local
        times = {"begins": local.moment(made.begins_ms), "ends": local.moment(made.ends_ms)}
        tell("drill.would" if dry_run else "drill.ordered", number=made.id, name=made.name, **times)
        for each in drills.doubted(made.buttons):
            complain("drill.doubted", button=each.hex())
        if dry_run:
            for device_id in made.buttons:
                tell("drill.button", button=device_id.hex())
                for rung, keys in choices.calls(made, device_id):
                    names = ", ".join(directory.name(key) for key in keys)
                    tell(
                        "drill.rung",
                        seconds=rung.after_s,
                        rung=rung_words(rung.name),
                        names=names or say("drill.nobody"),
                    )


def _of_station(choices: DrillChoices, key: str) -> list[bytes]:
    """Show the buttons of a station, and return them. Raises: DrillError."""
    found = choices.of_station(key)
    counts = {"count": len(found.buttons), "inactive": found.inactive, "unplaced": found.unplaced}
    tell("drill.station", station=key, **counts)
    for each in found.buttons:
        tell("drill.of_station", button=each.device_id.hex(), label=each.label)
    return [each.device_id for each in found.buttons]


def _begins_ms(now_ms: int, in_minutes: int, at_time: str, local: LocalTime) -> int | None:
    """Raises: DrillError for a time that is none."""
    if not at_time:
        return now_ms + in_minutes * 60_000 if in_minutes else None
    if in_minutes:
        raise DrillError("drill.two_times")
    begins_ms = local.of_clock(at_time)
    if begins_ms is None:
        raise DrillError("drill.no_time", written=at_time)
    return begins_ms


def _ask(would: Drill, yes: bool) -> None:
    """A person has to have seen the buttons of a station. Raises: DrillError, click.Abort."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise DrillError("drill.unseen", count=len(would.buttons))
    click.confirm(say("drill.sure", count=len(would.buttons), name=would.name), abort=True, err=True)


@drill.command(name="list")
@config_option
@_json
@told_plainly
def list_drills(config: Path, as_json: bool) -> None:
    with opened(config) as (settings, store):
        found, now_ms = store.drills(), WallClock().now_ms()
    for each in found:
        click.echo(
            json.dumps(_drill_json(each), ensure_ascii=False) if as_json else _line(each, settings.local, now_ms)
        )
    if not found and not as_json:
        tell("drill.none")


@drill.command(name="end")
@config_option
@_number
@by_option
@told_plainly
def end(config: Path, drill_id: int, actor: str) -> None:
    with opened(config) as (settings, store):
        ended = Drills(store, JournalNotifier(), WallClock(), settings.mode).end(drill_id, actor)
        still = [each for each in store.incidents_of_drill(drill_id) if each.closed_at_ms is None]
    tell("drill.ended", number=ended.id, name=ended.name)
    exercises = [each for each in still if is_exercise(each)]
    if exercises:
        tell("drill.still_open", count=len(exercises))
    for each in still:
        if each not in exercises:
            complain("drill.not_over", identifier=each.identifier)


@drill.command(name="report")
@config_option
@_number
@_json
@told_plainly
def report(config: Path, drill_id: int, as_json: bool) -> None:
    with opened(config) as (settings, store):
        drills = Drills(store, JournalNotifier(), WallClock(), settings.mode)
        found = drills.known(drill_id)
        results, directory = drills.report(found), CallDirectory(store)
        silent = silent_buttons(found, results)
        if as_json:
            told = {
                **_drill_json(found),
                "exercises": [_result_json(each) for each in results],
                "silent": [each.hex() for each in silent],
            }
            click.echo(json.dumps(told, ensure_ascii=False))
            return
        click.echo(_line(found, settings.local, WallClock().now_ms()))
        for each in results:
            _tell_result(each, settings.local, directory.name)
        for device_id in silent:
            tell("drill.silent", button=device_id.hex())


def _tell_result(each: ExerciseResult, local: LocalTime, name: Callable[[str], str]) -> None:
    def after(at_ms: int | None) -> str:
        return "-" if at_ms is None else _seconds(at_ms / 1000)

    tell("drill.exercise", identifier=each.identifier, button=each.device_label, time=local.moment(each.pressed_ms))
    tell(
        "drill.times",
        called=after(each.called_ms),
        acknowledged=after(each.acknowledged_ms),
        accepted=after(each.accepted_ms),
        assigned=after(each.assigned_ms),
        on_scene=after(each.on_scene_ms),
        closed=after(each.closed_ms),
    )
    nobody = say("drill.nobody")
    answered = ", ".join(name(who) for who in each.answered) or nobody
    tell("drill.who", desk=each.acknowledged_by or nobody, answered=answered)
    if each.real_ms is not None:
        tell("drill.real", seconds=each.real_ms // 1000)


def _seconds(time_s: float) -> str:
    language = reader_language(os.environ)
    written = f"{time_s:.1f}"
    return text("console.unit_of_time.s", language, n=written.replace(".", ",") if language == "id" else written)


def _line(each: Drill, local: LocalTime, now_ms: int) -> str:
    state = say(f"drill_state.{each.state_at(now_ms)}")
    parts = [f"{each.id:>4}", state, f"{local.moment(each.begins_ms)} - {local.moment(each.last_ms)}", each.name]
    return "  ".join([*parts, each.ordered_by])


def _drill_json(each: Drill) -> dict[str, Any]:
    return {
        "drill": each.id,
        "name": each.name,
        "ordered_by": each.ordered_by,
        "buttons": [button.hex() for button in each.buttons],
        "contacts": list(each.contacts),
        "ordered_ms": each.ordered_ms,
        "begins_ms": each.begins_ms,
        "ends_ms": each.ends_ms,
        "ended_ms": each.ended_ms,
        "ended_by": each.ended_by,
    }


def _result_json(each: ExerciseResult) -> dict[str, Any]:
    return {
        "incident": each.identifier,
        "device_id": each.device_id.hex(),
        "pressed_ms": each.pressed_ms,
        "called_ms": each.called_ms,
        "rungs": list(each.rungs),
        "acknowledged_ms": each.acknowledged_ms,
        "acknowledged_by": each.acknowledged_by,
        "accepted_ms": each.accepted_ms,
        "assigned_ms": each.assigned_ms,
        "on_scene_ms": each.on_scene_ms,
        "answered": list(each.answered),
        "declined": list(each.declined),
        "closed_ms": each.closed_ms,
        "real_ms": each.real_ms,
    }
