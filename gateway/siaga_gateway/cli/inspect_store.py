"""For whoever asks what happened: the journal, the incidents, the deliveries."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.catalogue.localized import Localized, retold
from siaga_gateway.cli.common import DeviceId, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, LocalizedOption, say, tell
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.journal.kinds import SECURITY_KINDS
from siaga_gateway.service.ports import JournalEntry, JournalReader
from siaga_gateway.service.store import DeliveryState

_LOOK_S = 0.5


@click.command()
@config_option
@click.option("--last", "-n", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--security", is_flag=True)
@click.option("--incident", "incident_id", type=int)
@click.option("--device", "device_id", type=DeviceId())
@click.option("--follow", "-f", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--frames", is_flag=True)
@told_plainly
def log(
    config: Path,
    last: int,
    security: bool,
    incident_id: int | None,
    device_id: bytes | None,
    follow: bool,
    as_json: bool,
    frames: bool,
) -> None:
    def wanted(entry: JournalEntry) -> bool:
        return (
            (not security or entry.kind in SECURITY_KINDS)
            and (incident_id is None or entry.incident_id == incident_id)
            and (device_id is None or entry.device_id == device_id)
        )

    def show(entry: JournalEntry) -> str:
        told = entry if frames else replace(entry, frame=None)
        return _json(told, settings.local) if as_json else _line(told, settings.local)

    with opened(config) as (settings, store):
        newest = store.last_journal_id()
        found: Iterable[JournalEntry]
        if incident_id is not None:
            found = store.journal_of_incident(incident_id)
        elif security or device_id is not None:
            found = _all(store, newest)
        else:
            found = store.journal_last(last)
        for entry in deque(filter(wanted, found), maxlen=last):
            click.echo(show(entry))
        while follow:
            entries = store.journal_after(newest)
            for entry in entries:
                newest = entry.id
                if wanted(entry):
                    click.echo(show(entry))
            if not entries:
                time.sleep(_LOOK_S)


def _all(journal: JournalReader, newest: int) -> Iterator[JournalEntry]:
    """Yield the journal up to an entry, oldest first, with one page in memory at a time."""
    after = 0
    while after < newest and (page := journal.journal_after(after)):
        yield from page
        after = page[-1].id


def _line(entry: JournalEntry, local: LocalTime) -> str:
    language = reader_language(os.environ)
    title = Localized(f"console.journal.{entry.kind}").say(language)
    parts = [local.moment(entry.at_ms), f"#{entry.id}", entry.kind, f"({title})"]
    if entry.incident_id is not None:
        parts.append(f"incident={entry.incident_id}")
    if entry.device_id is not None:
        parts.append(f"device={entry.device_id.hex()}")
    if entry.actor is not None:
        parts.append(f"by={entry.actor}")
    parts += [f"{name}={value}" for name, value in retold(entry.facts, language).items() if value is not None]
    if entry.frame is not None:
        parts.append(f"frame={entry.frame.hex()}")
    return " ".join(parts)


def _json(entry: JournalEntry, local: LocalTime) -> str:
    return json.dumps(
        {
            "id": entry.id,
            "at_ms": entry.at_ms,
            "at": local.iso(entry.at_ms, "milliseconds"),
            "kind": entry.kind,
            "incident_id": entry.incident_id,
            "device_id": None if entry.device_id is None else entry.device_id.hex(),
            "actor": entry.actor,
            "facts": dict(entry.facts),
            **({} if entry.frame is None else {"frame": entry.frame.hex()}),
        },
        ensure_ascii=False,
    )


@click.command()
@config_option
@click.option("--all", "closed_too", is_flag=True)
@told_plainly
def incidents(config: Path, closed_too: bool) -> None:
    with opened(config) as (settings, store):
        found = list(store.open_incidents())
        unreadable = store.unreadable_calls({each.id for each in found})
        if closed_too:
            found = [*reversed(store.recent_incidents()), *found]
        if not found and not unreadable:
            tell("incidents.none" if closed_too else "incidents.none_open")
        for incident in found:
            click.echo(_summary(incident, settings.local))
        for call in unreadable:
            tell("incidents.unreadable", id=call.id, label=call.label, device=call.device_id or "?")


def _summary(incident: Incident, local: LocalTime) -> str:
    marks = [
        word
        for word, holds in (
            (say("incidents.exercise"), incident.mode is Mode.EXERCISE),
            (say("incidents.test"), incident.mode is Mode.TEST),
            (say("incidents.held"), incident.held),
            (say("incidents.duress"), incident.duress),
            (say("incidents.cancelled"), incident.cancelled_by_holder),
            (say("incidents.copied"), incident.key_copied),
            (say("incidents.delayed", seconds=incident.delayed_s), incident.delayed_s is not None),
            (say("incidents.claimed", seconds=incident.claimed_s), incident.claimed_s is not None),
        )
        if holds
    ]
    return "  ".join(
        [
            f"{incident.id:>6}",
            local.moment(incident.opened_at_ms),
            f"{incident.state:<8}",
            incident.identifier,
            incident.device_label,
            say("incidents.presses", count=incident.presses) if incident.presses > 1 else say("incidents.press"),
            *marks,
        ]
    )


@click.group(cls=LocalizedGroup)
def outbox() -> None:
    pass


@outbox.command(name="list")
@config_option
@click.option("--state", "states", type=click.Choice([str(state) for state in DeliveryState]), multiple=True)
@click.option("--last", "-n", type=click.IntRange(1, 10_000), default=50, show_default=True)
@told_plainly
def list_outbox(config: Path, states: tuple[str, ...], last: int) -> None:
    with opened(config) as (_, store):
        wanted = [DeliveryState(state) for state in states] or None
        found = store.deliveries(states=wanted, limit=last)
        if not found:
            tell("outbox.none")
        for delivery in found:
            told = say(
                "outbox.line",
                state=f"{delivery.state:<9}",
                named=delivery.key,
                change=delivery.change,
                attempts=delivery.attempts,
            )
            click.echo(f"{told}  {delivery.detail}" if delivery.detail else told)


@outbox.command(name="retry")
@config_option
@click.option("--output")
@click.option("--key")
@click.option("--by", "actor", cls=LocalizedOption, required=True, envvar="SIAGA_REGISTRAR")
@told_plainly
def retry(config: Path, output: str | None, key: str | None, actor: str) -> None:
    from siaga_gateway.service.journal import kinds as journal

    with opened(config) as (_, store):
        now_ms = WallClock().now_ms()
        with store.transaction() as transaction:
            asked = transaction.ask_again(key=key, output=output)
            for name, count in asked.items():
                transaction.note(journal.DELIVERY_RETRIED, now_ms, {"output": name, "deliveries": count}, actor=actor)
    click.echo(", ".join(f"{name}: {count}" for name, count in asked.items()) or say("outbox.no_retry"))
