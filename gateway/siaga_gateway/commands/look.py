"""For whoever asks what happened: the journal, the incidents, the deliveries."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue import clock_time
from siaga_gateway.commands.shared import DeviceId, config_option, opened, told_plainly
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.journal import SECURITY_KINDS
from siaga_gateway.service.ports import JournalEntry, JournalReader
from siaga_gateway.service.store import DeliveryState

_LOOK_S = 0.5


@click.command()
@config_option
@click.option("--last", "-n", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many entries.")
@click.option("--security", is_flag=True, help="Only refused and strange frames.")
@click.option("--incident", "incident_id", type=int, help="Only this incident's.")
@click.option("--device", "device_id", type=DeviceId(), help="Only this device's.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes; Ctrl-C ends it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--frames", is_flag=True, help="With each refused frame itself, in hex. It may tell where somebody was.")
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
    """What happened, oldest first: incidents, deliveries, refused frames, the gateway itself. No personal data."""

    def wanted(entry: JournalEntry) -> bool:
        return (
            (not security or entry.kind in SECURITY_KINDS)
            and (incident_id is None or entry.incident_id == incident_id)
            and (device_id is None or entry.device_id == device_id)
        )

    def show(entry: JournalEntry) -> str:
        return (_json if as_json else _line)(entry if frames else replace(entry, frame=None))

    with opened(config) as (_, store):
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
    """The whole journal up to an entry, oldest first, a page in memory at a time."""
    after = 0
    while after < newest and (page := journal.journal_after(after)):
        yield from page
        after = page[-1].id


def _line(entry: JournalEntry) -> str:
    parts = [clock_time(entry.at_ms, date=True), f"#{entry.id}", entry.kind]
    if entry.incident_id is not None:
        parts.append(f"incident={entry.incident_id}")
    if entry.device_id is not None:
        parts.append(f"device={entry.device_id.hex()}")
    if entry.actor is not None:
        parts.append(f"by={entry.actor}")
    parts += [f"{name}={value}" for name, value in entry.facts.items() if value is not None]
    if entry.frame is not None:
        parts.append(f"frame={entry.frame.hex()}")
    return " ".join(parts)


def _json(entry: JournalEntry) -> str:
    return json.dumps(
        {
            "id": entry.id,
            "at_ms": entry.at_ms,
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
@click.option("--all", "closed_too", is_flag=True, help="Closed ones too, the newest 50.")
@told_plainly
def incidents(config: Path, closed_too: bool) -> None:
    """The incidents, without personal data."""
    with opened(config) as (_, store):
        found = list(store.open_incidents())
        if closed_too:
            found = [*reversed(store.recent_incidents()), *found]
        if not found:
            click.echo("no incident" if closed_too else "no open incident; --all shows closed ones")
        for incident in found:
            click.echo(_summary(incident))


def _summary(incident: Incident) -> str:
    marks = [
        word
        for word, holds in (
            ("HELD", incident.held),
            ("DURESS", incident.duress),
            ("CANCELLED BY HOLDER", incident.cancelled_by_holder),
            ("KEY MAY BE COPIED", incident.key_copied),
            (f"DELAYED {incident.delayed_s} s", incident.delayed_s is not None),
            (f"{incident.claimed_s} s OLD BY ITS CLOCK", incident.claimed_s is not None),
        )
        if holds
    ]
    return "  ".join(
        [
            f"{incident.id:>6}",
            clock_time(incident.opened_at_ms, date=True),
            f"{incident.state:<8}",
            incident.identifier,
            incident.device_label,
            f"{incident.presses} presses" if incident.presses > 1 else "1 press",
            *marks,
        ]
    )


@click.group()
def outbox() -> None:
    """What was, is and could not be delivered."""


@outbox.command(name="list")
@config_option
@click.option("--state", "states", type=click.Choice([str(state) for state in DeliveryState]), multiple=True)
@click.option("--last", "-n", type=click.IntRange(1, 10_000), default=50, show_default=True)
@told_plainly
def list_outbox(config: Path, states: tuple[str, ...], last: int) -> None:
    """Deliveries, the newest first."""
    with opened(config) as (_, store):
        wanted = [DeliveryState(state) for state in states] or None
        found = store.deliveries(states=wanted, limit=last)
        if not found:
            click.echo("nothing in the outbox")
        for delivery in found:
            click.echo(
                f"{delivery.state:<9}  {delivery.key}  {delivery.change}  {delivery.attempts} attempts"
                + (f"  {delivery.detail}" if delivery.detail else "")
            )


@outbox.command(name="retry")
@config_option
@click.option("--output", help="All abandoned ones of this output.")
@click.option("--key", help="One delivery.")
@click.option("--by", "actor", required=True, envvar="SIAGA_REGISTRAR", help="Who asks, for the journal.")
@told_plainly
def retry(config: Path, output: str | None, key: str | None, actor: str) -> None:
    """Try abandoned deliveries again, and waiting ones at once."""
    from siaga_gateway.service import journal

    with opened(config) as (_, store):
        now_ms = WallClock().now_ms()
        with store.transaction() as transaction:
            asked = transaction.ask_again(key=key, output=output)
            for name, count in asked.items():
                transaction.note(journal.DELIVERY_RETRIED, now_ms, {"output": name, "deliveries": count}, actor=actor)
    click.echo(", ".join(f"{name}: {count}" for name, count in asked.items()) or "nothing to try again")
