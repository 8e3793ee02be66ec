"""SIGKILL at random moments: no counter is used twice, and no press is lost that the button said it had stored."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import defaultdict

from firmware.button_process import VirtualButton
from firmware.small_gateway import SmallGateway
from siaga_gateway.domain.frame import Kind, Stage, Uplink

BUTTONS = 2
KILLS_EACH = 25


class ForgetfulGateway(SmallGateway):
    """Answers three frames in five, so that at every kill some wait for it."""

    def acknowledge(self, uplink: Uplink, stage: Stage, eta: int = 255, counter: int | None = None) -> bytes:
        if self.reliable or random.random() < 0.6:
            return super().acknowledge(uplink, stage, eta, counter)
        return b""

    reliable = False


def play(held: VirtualButton, moments: random.Random) -> None:
    """Presses, cancels, fixes, and a SIGKILL in the middle of them."""
    since = len(held.events)
    held.start(wait=False)
    if moments.random() < 0.2:
        time.sleep(moments.uniform(0.0, 0.3))
        held.kill()
        return
    held.until(since, ev="start")
    end = time.monotonic() + moments.uniform(0.0, 0.8)
    with contextlib.suppress(BrokenPipeError):
        while time.monotonic() < end:
            for line, wait in (
                (f"fix {moments.randrange(10**8)} 1052668000 {moments.randrange(3, 90)}", 0.0),
                ("pin button 1", moments.choice([0.15, 0.15, 0.15, 0.6])),
                ("pin button 0", 0.2),  # shorter is the same hold by a worn contact
            ):
                held.say(line)
                # no wait of a test: how long it is held
                time.sleep(max(0.0, min(wait, end - time.monotonic())))
    held.kill()


def test_fifty_kills_use_no_counter_twice_and_lose_no_press(button, broker):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    with ForgetfulGateway(broker) as gateway:
        quick = {"hold_ms": 100, "cancel_hold_ms": 500, "duress_hold_ms": 0, "checkin_s": 1}
        all_held = [
            button(f"button{n}", mqtt_port=broker, gateway_key=gateway.public_hex, **quick) for n in range(BUTTONS)
        ]

        def suffer(held: VirtualButton, moments: random.Random) -> None:
            for _ in range(KILLS_EACH):
                play(held, moments)

        threads = [
            threading.Thread(target=suffer, args=(held, random.Random(seed + n))) for n, held in enumerate(all_held)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        gateway.reliable = True
        for held in all_held:
            stored = {event["counter"] for event in held.all(ev="frame", step="stored", kind=1)}
            assert len(stored) > KILLS_EACH / 4, "the kills left no room for presses"
            assert waited_at_a_kill(held) > 0, "the kills came when nothing was at stake"
            ids = {event["device_id"] for event in held.all(ev="start")}
            assert len(ids) == 1, f"a kill cost the identity: {ids}"
            device = bytes.fromhex(ids.pop())
            since = len(gateway.uplinks)
            held.start(wait=False)
            check_in_with_nothing_waiting(gateway, device, since)
            delivered = {u.counter for u in gateway.uplinks if u.kind is Kind.PRESS and u.device_id == device}
            assert stored <= delivered, f"lost: {sorted(stored - delivered)}"
            errors = [event for event in held.events if event["ev"] in ("error", "no JSON")]
            assert errors == [] and held.stderr() == ""
        bodies = defaultdict(set)
        for raw in gateway.raw:
            bodies[raw[2:14]].add((raw[1], raw[14:-64]))
        assert all(len(same) == 1 for same in bodies.values()), "one counter, two bodies"
        assert len(set(gateway.raw)) == len(bodies), "the same frame was signed in two ways"


def waited_at_a_kill(held: VirtualButton) -> int:
    """How many presses were stored in one run and acknowledged in none, or in a later one."""
    waiting: set[int] = set()
    counted: set[int] = set()
    for event in held.events:
        if event["ev"] == "start":
            counted |= waiting
        elif event.get("step") == "stored" and event["kind"] == 1:
            waiting.add(event["counter"])
        elif event.get("step") == "acknowledged":
            waiting.discard(event["counter"])
    return len(counted)


def check_in_with_nothing_waiting(gateway: SmallGateway, device: bytes, since: int) -> None:
    def calm(uplink: Uplink) -> bool:
        return (
            uplink.device_id == device
            and uplink.status is not None
            and uplink.status.waiting == 0
            and gateway.uplinks.index(uplink) >= since
        )

    gateway.until(calm, within=40)


def test_a_kill_during_the_very_first_start_leaves_a_whole_identity_or_none(tmp_path):
    moments = random.Random()
    for attempt in range(12):
        held = VirtualButton(tmp_path / f"first{attempt}", {"mqtt_hosts": None, "mqtt_tls": None})
        held.start(wait=False)
        time.sleep(moments.uniform(0.03, 0.16))
        held.kill()
        told = [event["device_id"] for event in held.all(ev="start")]
        held.start()
        assert told in ([], [held.device_id])
        assert not [event for event in held.all(ev="error") if "identity" in event["what"]]
        held.kill()
