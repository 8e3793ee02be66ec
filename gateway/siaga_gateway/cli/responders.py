"""For whoever keeps the lists of officers, patrols and shifts, and what a person's phone and ways need."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.erasure_list import ErasureList
from siaga_gateway.bootstrap.list_imports import area_of
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, tell, to_the_letter
from siaga_gateway.cli.places import tell_list
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.opening_hours import written
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.shifts import LONGEST_WORD_MS, DutyState, minute_of_day, next_time
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.responder_lists import (
    ResponderError,
    remove_responder,
    take_responders,
    take_shifts,
    unknown,
)
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.registration_list import position_of

_file = click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
_key = click.argument("key")
_dry_run = click.option("--dry-run", is_flag=True)
_replace = click.option("--replace", is_flag=True)
_json = click.option("--json", "as_json", is_flag=True)
_AS_SHIFTS: Final = "shifts"
_TOKEN_BYTES: Final = 18


@click.group(cls=LocalizedGroup)
def responders() -> None:
    pass


@responders.command(name="import")
@config_option
@_file
@_dry_run
@_replace
@click.option("--yes", is_flag=True)
@by_option
@told_plainly
def import_responders(config: Path, file: Path, dry_run: bool, replace: bool, yes: bool, actor: str) -> None:
    from siaga_gateway.formats.responder_csv import responder_rows
    from siaga_gateway.formats.spreadsheet_csv import sheet

    with opened(config) as (settings, store):
        taken = take_responders(
            store,
            WallClock(),
            responder_rows(sheet(file.read_bytes())),
            actor=actor,
            replace=replace,
            dry_run=dry_run,
            area=area_of(settings),
            sure=yes,
            gone=ErasureList(settings.data_dir).add_responders,
        )
    tell_list(taken, "responders", dry_run)


@responders.command(name="list")
@config_option
@_json
@told_plainly
def list_responders(config: Path, as_json: bool) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_duty

    now_ms = WallClock().now_ms()
    with opened(config) as (settings, store):
        people, duty = store.responders(), make_duty(settings, store)
        standings = {each.key: duty.standing(each.key, now_ms) for each in people}
    if not people and not as_json:
        tell("responders.none")
    for each in people:
        standing = standings[each.key]
        state = DutyState.OFF if standing is None else standing.duty
        if as_json:
            told = {
                "key": each.key,
                "kind": each.kind.value,
                "name": each.name,
                "station": each.station,
                "state": state.value,
                "ways": [[way.contact.way.value, way.contact.address, way.proven] for way in each.ways],
            }
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            tell(
                "responders.one",
                responder=each.key,
                name=each.name,
                station=each.station or "-",
                state=Localized(f"commands.duty_state.{state}"),
                proven=len(each.contacts),
                ways=len(each.ways),
            )


@responders.command(name="remove")
@config_option
@_key
@click.option("--reason", required=True)
@by_option
@told_plainly
def remove(config: Path, key: str, reason: str, actor: str) -> None:
    with opened(config) as (settings, store):
        gone = ErasureList(settings.data_dir).add_responders
        remove_responder(store, WallClock(), key, actor=actor, reason=reason, gone=gone)
    tell("responders.removed", responder=key)


@responders.command(name="export")
@config_option
@_key
@by_option
@told_plainly
def export(config: Path, key: str, actor: str) -> None:
    from siaga_gateway.service.dispatch.responder_access import held_about_responder

    with opened(config) as (settings, store):
        told = held_about_responder(store, key, settings.local)
        with store.transaction() as transaction:
            facts = {"what": "export", "responder": key}
            transaction.note(journal.PERSONAL_READ, WallClock().now_ms(), facts, actor=actor)
    to_the_letter(json.dumps(told, ensure_ascii=False, indent=2))


@responders.command(name="tracker")
@config_option
@_key
@by_option
@told_plainly
def tracker(config: Path, key: str, actor: str) -> None:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with opened(config) as (_, store), store.transaction() as transaction:
        transaction.change_responders()
        there = transaction.responder(key)
        if there is None:
            raise unknown(key, store.responder_keys())
        transaction.put_responders([copied(there, token_hash=sha256(token.encode()).hexdigest())])
        transaction.note(journal.TRACKER_LET_IN, WallClock().now_ms(), {"responder": key}, actor=actor)
    tell("responders.tracker", responder=key, token=token)


@responders.command(name="link")
@config_option
@_key
@click.option("--send", is_flag=True)
@by_option
@told_plainly
def link(config: Path, key: str, send: bool, actor: str) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_duty
    from siaga_gateway.bootstrap.responder_front import make_duty_links, sent_link

    with opened(config) as (settings, store):
        links = make_duty_links(settings, store, WallClock())
        if links is None:
            raise ResponderError("responders.no_page")
        if not send:
            tell("responders.link", responder=key, url=links.make(key, actor))
            return
        responder = make_duty(settings, store).responder(key)
        if responder is None:
            raise unknown(key, store.responder_keys())
        outcome = sent_link(settings, store, WallClock(), links, responder, actor)
    if outcome is None:
        raise ResponderError("responders.link_unsent", responder=key)
    tell("responders.link_sent", responder=key, detail=outcome.detail)


@responders.command(name="ask")
@config_option
@_key
@click.option("--way", "way", type=click.Choice([way.value for way in ContactWay]), required=True)
@by_option
@told_plainly
def ask(config: Path, key: str, way: str, actor: str) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_duty
    from siaga_gateway.service.dispatch.way_questions import WayQuestions

    with opened(config) as (settings, store):
        questions = WayQuestions(store, WallClock(), make_duty(settings, store))
        found = questions.ask(frozenset({ContactWay(way)}), only=key)
    if not found:
        raise ResponderError("responders.no_such_way", responder=key, way=way)
    for question in found:
        tell("responders.code", address=question.contact.address, code=question.code, responder=key)


@responders.command(name="answer")
@config_option
@_key
@click.argument("code")
@by_option
@told_plainly
def answer(config: Path, key: str, code: str, actor: str) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_duty
    from siaga_gateway.service.dispatch.way_questions import WayQuestions

    with opened(config) as (settings, store):
        proven = WayQuestions(store, WallClock(), make_duty(settings, store)).answer(key, code, actor)
    tell("responders.proven", responder=key, ways=", ".join(way.value for way in proven))


@responders.command(name="duty")
@config_option
@_key
@click.argument("state", type=click.Choice([*(state.value for state in DutyState), _AS_SHIFTS]))
@click.option("--until")
@by_option
@told_plainly
def duty(config: Path, key: str, state: str, until: str | None, actor: str) -> None:
    from siaga_gateway.service.dispatch.duty_words import declare

    if state == _AS_SHIFTS and until is not None:
        raise ResponderError("responders.until_shift")
    said = None if state == _AS_SHIFTS else DutyState(state)
    with opened(config) as (settings, store):
        until_ms = None if until is None else _time(until, settings)
        after = declare(
            store, WallClock(), settings.site.local.zone, key, said, until_ms=until_ms, actor=actor
        )  # fmt: skip
        local = settings.site.local
    if after is None:
        tell("responders.as_shifts", responder=key)
    else:
        tell(
            "responders.declared",
            responder=key,
            state=Localized(f"commands.duty_state.{after.duty}"),
            until=local.clock(after.until_ms, WallClock().now_ms()),
        )
        if until_ms is not None and after.until_ms < until_ms:
            complain("responders.until_cut", hours=LONGEST_WORD_MS // 3_600_000)


@responders.command(name="now")
@config_option
@click.option("--at", "position")
@click.option("--radius-km", type=click.IntRange(1, 500), default=20, show_default=True)
@told_plainly
def now(config: Path, position: str | None, radius_km: int) -> None:
    from siaga_gateway.bootstrap.places_and_people import make_duty

    place = None if position is None else position_of(position)
    with opened(config) as (settings, store):
        duties, now_ms = make_duty(settings, store), WallClock().now_ms()
        found = duties.near(place, now_ms, radius_km * 1000)
        without = [key for key, each in duties.responders().items() if not each.contacts]
        standings = {key: duties.standing(key, now_ms) for key in without}
    if not found:
        tell("responders.nobody")
        unproven = sorted(key for key, each in standings.items() if each is not None and each.reachable)
        if unproven:
            complain("responders.no_proven_way", names=", ".join(unproven))
    for each in found:
        tell(
            "responders.near",
            name=each.name,
            responder=each.key,
            state=Localized(f"commands.duty_state.{each.state}"),
            metres="-" if each.metres is None else each.metres,
            minutes="-" if each.estimate_s is None else -(-each.estimate_s // 60),
            basis=Localized(f"commands.duty_basis.{each.basis}", age=each.age_s or 0),
        )


def _time(text: str, settings: Settings) -> int:
    minute = minute_of_day(text)
    if minute is None:
        raise ResponderError("responders.until", text=text)
    return next_time(minute, WallClock().now_ms(), settings.site.local.zone)


@click.group(cls=LocalizedGroup)
def shifts() -> None:
    pass


@shifts.command(name="import")
@config_option
@_file
@_dry_run
@_replace
@by_option
@told_plainly
def import_shifts(config: Path, file: Path, dry_run: bool, replace: bool, actor: str) -> None:
    from siaga_gateway.formats.shift_csv import shift_rows
    from siaga_gateway.formats.spreadsheet_csv import sheet

    with opened(config) as (_, store):
        rows = shift_rows(sheet(file.read_bytes()))
        taken = take_shifts(store, WallClock(), rows, actor=actor, replace=replace, dry_run=dry_run)
    tell_list(taken, "shifts", dry_run)


@shifts.command(name="list")
@config_option
@_json
@told_plainly
def list_shifts(config: Path, as_json: bool) -> None:
    from siaga_gateway.service.dispatch.responder_access import shift_told

    with opened(config) as (_, store):
        found = store.shifts()
    if not found and not as_json:
        tell("responders.no_shifts")
    for shift in found:
        told: dict[str, Any] = shift_told(shift)
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            hours = written(shift.hours) or Localized("commands.responders.always")
            days = f"{told['first_day'] or ''}..{told['last_day'] or ''}".strip(".")
            click.echo(f"{shift.responder}  {shift.duty}  {hours}  {days}".rstrip())
