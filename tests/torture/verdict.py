"""What must be true when everything is over. Reads the store, the receivers and what the devices know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pressing_crowd import PressingCrowd
from real_button import RealButton
from tortured_installation import Installation

from siaga_gateway.domain.frame import Kind
from siaga_gateway.service.delivery.backlog import ALERTS
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import DeliveryState, Settled


@dataclass(frozen=True)
class Counts:
    """What a run prints."""

    frames: int
    presses: int
    stored: int
    presses_of_the_firmware: int
    its_power_cuts: int
    resent: int
    answered_again: int
    deliveries: int
    delivered_again: int
    incidents: int
    journal: int
    rescues: int


def judge(installation: Installation, crowd: PressingCrowd, buttons: Sequence[RealButton] = ()) -> Counts:
    """Raises AssertionError that says what was lost, doubled or told twice. The gateway has stopped."""
    sent = crowd.sent()
    presses = {key for key, frame in sent.items() if frame[1] == Kind.PRESS}
    assert not crowd.unanswered(), f"not acknowledged: {crowd.unanswered()[:20]}"
    assert not crowd.tally.forged, "answers that the gateway did not sign"
    store = installation.store()
    try:
        # Stored exactly once, as it was sent, and nothing that nobody sent.
        ours = {device_id for device_id, _ in sent}
        rows = store.fetch("SELECT device_id, counter, frame, incident_id FROM event")
        stored = [(bytes(row[0]), row[1]) for row in rows]
        assert len(stored) == len(set(stored)), f"stored twice: {[k for k, n in Counter(stored).items() if n > 1][:20]}"
        kept = {(bytes(row[0]), row[1]): bytes(row[2]) for row in rows if bytes(row[0]) in ours}
        # A check-in is stored only if its incident was open; each is counted once in its device's status.
        counted_only = {key for key, frame in sent.items() if frame[1] == Kind.CHECKIN} - kept.keys()
        heard = {one.device.device_id: status for one, status in store.devices() if status is not None}
        for device_id, frames in Counter(device_id for device_id, _ in sent).items():
            counted = heard[device_id].events
            assert counted == frames, f"{device_id.hex()} was heard with {counted} of {frames} frames"
        lost = sent.keys() - kept.keys() - counted_only
        assert not lost, f"{len(lost)} frames lost, of them {len(lost & presses)} presses: {_named(lost)}"
        assert not kept.keys() - sent.keys(), f"stored and never sent: {_named(kept.keys() - sent.keys())}"
        assert all(sent[key] == frame for key, frame in kept.items()), "stored otherwise than it was sent"

        everyones = {(bytes(row[0]), row[1]): bytes(row[2]) for row in rows}
        for button in buttons:
            pressed = {(button.device_id, counter) for counter in button.presses}
            lost = pressed - everyones.keys()
            assert not lost, f"the firmware's presses are lost: {_named(lost)}"
            # It may have pressed without our knowledge (killed between storing and saying so), never twice.
            presses |= {
                key for key, frame in everyones.items() if key[0] == button.device_id and frame[1] == Kind.PRESS
            }

        # Every press is in an incident, one a device, which counts as many presses as there were.
        homes = {(bytes(row[0]), row[1]): row[3] for row in rows}
        incidents = {incident.id: incident for incident in store.open_incidents()}
        made = Counter(homes[key] for key in presses)
        assert None not in made, "a press without an incident"
        assert {incident.device_id for incident in incidents.values()} >= {device_id for device_id, _ in presses}
        assert len({incident.device_id for incident in incidents.values()}) == len(incidents), "two for one holder"
        for number, count in made.items():
            assert incidents[number].presses == count, f"incident {number}: {incidents[number].presses} of {count}"

        # Dispatched: every notice to every output, and the last of an incident tells of all presses.
        deliveries = store.deliveries(limit=10_000_000)
        assert len({one.key for one in deliveries}) == len(deliveries)
        # What had failed and was no alert gave way to a later message of its incident; it may have come all the same.
        passed_over = [one for one in deliveries if one.settled is Settled.SUPERSEDED]
        deliveries = [one for one in deliveries if one.settled is not Settled.SUPERSEDED]
        last = {(one.output, one.incident_id): one.sequence for one in sorted(deliveries, key=lambda one: one.sequence)}
        for one in passed_over:
            assert one.change not in ALERTS and one.attempts, one
            assert last[one.output, one.incident_id] > one.sequence, f"nothing later in the place of {one}"
        states = Counter(one.state for one in deliveries)
        assert set(states) == {DeliveryState.DELIVERED}, states
        messages = installation.cad.messages()
        for one in passed_over:
            messages.pop(one.key, None)
        to_cad = {one.key: one for one in deliveries if one.output == "cad"}
        assert set(messages) == set(to_cad), "a message that the store does not know, or one that never came"
        for key, bodies in messages.items():
            assert len(bodies) == 1, f"two different messages under {key}"
        latest: dict[int, tuple[int, int]] = {}
        for key, one in to_cad.items():
            (body,) = messages[key]
            told = (one.sequence, json.loads(body)["data"]["incident"]["presses"])
            latest[one.incident_id] = max(latest.get(one.incident_id, told), told)
        for number, count in made.items():
            assert latest[number][1] == count, f"the receiver knows {latest[number][1]} of {count} presses of {number}"
        files = {file.name for file in installation.cap.iterdir()}
        to_cap = [one for one in deliveries if one.output == "cap"]
        assert len(files) == len(to_cap), f"{len(files)} CAP files, {len(to_cap)} deliveries"
        gave_way = Counter(one.output for one in passed_over)
        assert len(to_cap) + gave_way["cap"] == len(to_cad) + gave_way["cad"], "each notice is meant for both"

        entries = store.journal_after(0, 10_000_000)
        kinds = Counter(entry.kind for entry in entries)
        for kind in (journal.CONTRADICTION, journal.FORGED, journal.MALFORMED, journal.UNPROCESSED):
            assert not kinds[kind], f"the journal has {kind}: {[e for e in entries if e.kind == kind][:3]}"
        noted = [(e.device_id, e.facts["counter"]) for e in entries if e.kind == journal.PRESSED_AGAIN]
        assert len(noted) == len(set(noted)), "a press that the journal has twice"
    finally:
        store.close()
    for part in installation.parts:
        assert "Traceback" not in part.said(), f"{part.name}: {part.said().partition('Traceback')[2][:3000]}"
    classes = crowd.tally.classes.values()
    return Counts(
        frames=len(sent),
        presses=len(presses),
        stored=len(kept) + len(counted_only),
        presses_of_the_firmware=sum(len(button.presses) for button in buttons),
        its_power_cuts=sum(button.power_cuts for button in buttons),
        resent=sum(one.resent for one in classes),
        answered_again=sum(one.again for one in classes),
        deliveries=len(deliveries),
        delivered_again=sum(sum(bodies.values()) - 1 for bodies in messages.values()),
        incidents=len(incidents),
        journal=len(entries),
        rescues=kinds[journal.RESCUED],
    )


def _named(keys: set[tuple[bytes, int]]) -> str:
    return ", ".join(f"{device_id.hex()}/{counter}" for device_id, counter in sorted(keys)[:20])
