"""Press to acknowledgement on real parts: the firmware's process, a real broker, the house's own verifier."""

from __future__ import annotations

import hmac
import time
from pathlib import Path

import pytest

from brokers import Mosquitto
from firmware.small_gateway import settings_for
from siaga_gateway.domain.frame import (
    DOWN_CONTEXT,
    Kind,
    Stage,
    Trigger,
    Uplink,
    encode_ack,
    encode_command,
    event_digest,
)
from siaga_gateway.domain.frame_authentication import GatewayKey
from spoiling import spoilt

pytestmark = pytest.mark.side_by_side(4)

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"


@pytest.fixture
def broker(mosquitto: Mosquitto) -> int:
    """Of one test alone: another's frames would have the same counters."""
    return mosquitto.port


def not_presses(uplink: Uplink) -> bool:
    return uplink.kind is not Kind.PRESS


def test_a_press_is_stored_signed_published_and_shown_through_every_stage(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    counter = held.press()
    press = gateway.press(counter)
    assert press.report.opening == 0 and not press.report.test and not press.report.has_position
    held.until(ev="frame", counter=counter, step="acknowledged")
    steps = [event["step"] for event in held.all(ev="frame", counter=counter)]
    assert steps[:4] == ["pressed", "stored", "signed", "published"]
    assert set(steps[4:]) == {"puback", "acknowledged"}
    for stage, state in [(2, "seen"), (3, "assigned"), (4, "on_scene"), (5, "closed")]:
        gateway.acknowledge(press, Stage(stage), eta=7 if stage == 3 else 255)
        held.until(ev="state", state=state)
        held.until(ev="indicator", signal=state)
    assert held.until(ev="ack", stage=3)["eta"] == 7
    assert [event["state"] for event in held.all(ev="state")] == [
        "armed", "sending", "received", "seen", "assigned", "on_scene", "closed",
    ]  # fmt: skip
    assert held.quit() == 0


def test_only_the_gateways_newest_word_takes_a_stage_back(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    press = gateway.press(held.press())
    held.until(ev="state", state="received")
    for stage in (Stage.ASSIGNED, Stage.ON_SCENE):
        gateway.acknowledge(press, stage, 7, ago_s=30)
    for stage in (Stage.SEEN, Stage.RECEIVED, Stage.ASSIGNED):
        gateway.acknowledge(press, stage, ago_s=60)
    gateway.acknowledge(press, Stage.SEEN, ago_s=20)  # nobody comes any more
    gateway.acknowledge(press, Stage.ASSIGNED, 7, ago_s=30)  # a copy
    gateway.acknowledge(press, Stage.ASSIGNED, 5, ago_s=10)
    gateway.acknowledge(press, Stage.ASSIGNED)  # later than promised
    gateway.acknowledge(press, Stage.CLOSED)
    held.until(ev="indicator", signal="closed")
    shown = ["armed", "sending", "received", "assigned", "on_scene", "seen", "assigned", "closed"]
    assert [event["state"] for event in held.all(ev="state")] == shown
    signals = [event["signal"] for event in held.all(ev="indicator")]
    assert signals[-4:] == ["seen", "assigned", "assigned", "closed"], "another estimate is played anew"


def test_a_second_press_belongs_to_the_incident_and_a_cancel_takes_it_back(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    first = held.press()
    held.until(ev="state", state="received")
    second = held.press()
    assert gateway.press(second).report.opening == second - first
    held.until(ev="frame", counter=second, step="acknowledged")
    held.hold(1.3)
    cancel = gateway.until(lambda uplink: uplink.kind is Kind.CANCEL)
    assert cancel.report.opening == cancel.counter - first and not cancel.report.duress
    held.until(ev="state", state="cancelled")
    third = held.press()
    assert gateway.press(third).report.opening == third - first, "of the same incident, and the cancel is taken back"


def test_a_forced_cancel_looks_the_same_and_says_so(button, gateway, broker):
    """And after either the place goes on being told, across a power cut too."""
    shown = []
    for name, seconds in (("free", 1.3), ("forced", 2.4)):
        held = button(name, **settings_for(gateway, broker)).start()
        first = held.press()
        held.until(ev="state", state="received")
        held.hold(seconds)
        held.until(ev="state", state="cancelled")
        device = bytes.fromhex(held.device_id)

        def of(kind: Kind, after: int, device: bytes = device) -> Uplink:
            return gateway.until(lambda one: one.kind is kind and one.device_id == device and one.counter > after)

        cancel = of(Kind.CANCEL, first)
        assert cancel.report.duress == (name == "forced")
        held.say("fix -53971000 1052668000 12")
        update = of(Kind.UPDATE, cancel.counter)
        assert update.report.duress == (name == "forced") and update.report.opening == update.counter - first
        gateway.acknowledge(update, Stage.SEEN, counter=first)
        held.until(ev="ack", stage=2)
        held.kill()
        held.start()
        held.say("fix -53972000 1052668000 5")
        update = of(Kind.UPDATE, update.counter)
        assert update.report.duress == (name == "forced") and update.report.opening == update.counter - first
        again = of(Kind.PRESS, held.press() - 1)
        assert again.report.opening == again.counter - first
        held.until(ev="frame", counter=again.counter, step="acknowledged")
        gateway.acknowledge(again, Stage.SEEN)
        held.until(ev="indicator", signal="seen")
        shown.append(
            [
                event.get("state") or event.get("signal")
                for event in held.events
                if event["ev"] in ("state", "indicator")
            ]
        )
        held.kill()
    assert shown[0] == shown[1]


def test_a_fix_that_comes_later_follows_as_an_update(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    counter = held.press()
    assert not gateway.press(counter).report.has_position, "nothing waits for a fix"
    held.say("fix -53971000 1052668000 12 3")
    update = gateway.until(lambda uplink: uplink.kind is Kind.UPDATE)
    assert (update.report.latitude, update.report.longitude) == (-53971000, 1052668000)
    assert update.report.accuracy == 12 and 3 <= update.report.fix_age <= 8
    assert update.report.opening == update.counter - counter


def test_below_its_battery_floor_it_tells_no_more_positions_until_the_mains_come(button, gateway, broker):
    held = button(**settings_for(gateway, broker, battery_floor=7))
    held.environment = {"SIAGA_BATTERY": "6"}
    held.start()
    counter = held.press()
    held.until(ev="state", state="received")
    held.say("fix -53971000 1052668000 12 3")
    held.say("pin tamper 1")  # three seconds of ticks go by until this is told
    gateway.until(lambda uplink: uplink.kind is Kind.TAMPER)
    assert not [uplink for uplink in gateway.uplinks if uplink.kind is Kind.UPDATE]
    held.say("pin external 1")
    update = gateway.until(lambda uplink: uplink.kind is Kind.UPDATE)
    assert update.report.opening == update.counter - counter


def test_a_foot_switch_at_the_external_input_is_a_press_each_time_that_it_closes(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    openings = []
    for _ in range(2):
        since = len(held.events)
        held.say("pin input 1")
        counter = held.until(since, ev="frame", kind=1, step="stored")["counter"]
        press = gateway.press(counter)
        assert press.report.trigger is Trigger.EXTERNAL_INPUT
        openings.append(counter - press.report.opening)
        held.say("pin input 0")
        held.until(since, ev="input", closed=False)
    assert openings[0] == openings[1], "the second belongs to the incident"


def test_held_at_power_up_let_go_and_touched_it_is_a_test_and_no_incident(button, gateway, broker):
    held = button(**settings_for(gateway, broker, hold_ms=5000, cancel_hold_ms=9000, duress_hold_ms=12000))
    held.environment = {"SIAGA_PINS": "button"}
    held.start()
    held.until(ev="button", down=True)
    held.say("pin button 0")
    held.until(ev="indicator", signal="press_for_test")
    held.hold(0.05)
    held.until(ev="indicator", signal="test_received")
    assert [event["state"] for event in held.all(ev="state")][:2] == ["armed", "test"]
    press = gateway.until(lambda uplink: uplink.kind is Kind.PRESS)
    assert press.report.test and press.report.opening == 0


def test_a_hold_that_was_there_as_the_power_came_is_a_press(button, gateway, broker):
    """It may have been a brown-out, with the finger there before."""
    held = button(**settings_for(gateway, broker))
    held.environment = {"SIAGA_PINS": "button"}
    held.start()
    press = gateway.until(lambda uplink: uplink.kind is Kind.PRESS)
    assert not press.report.test
    held.until(ev="state", state="received")


def test_a_refused_registration_is_told_to_call_until_somebody_sends_help(button, gateway, broker):
    gateway.answers = not_presses
    held = button(**settings_for(gateway, broker)).start()
    press = gateway.press(held.press())
    gateway.acknowledge(press, Stage.REFUSED)
    held.until(ev="state", state="refused")
    held.until(ev="indicator", signal="refused")
    gateway.acknowledge(press, Stage.ASSIGNED, eta=4)
    held.until(ev="state", state="assigned")


def test_without_an_acknowledgement_it_says_so_and_goes_on_trying(button, gateway, broker):
    gateway.answers = not_presses
    held = button(**settings_for(gateway, broker, no_ack_s=2)).start()
    counter = held.press()
    held.until(ev="indicator", signal="not_getting_through")
    assert held.all(ev="state")[-1]["state"] == "sending"
    sent = [raw for raw in gateway.raw if raw[1] == 1]
    held.until_true(lambda event: event.get("step") == "published" and event["counter"] == counter, len(held.events))
    again = gateway.raw[-1]
    assert sent[0] == again or sent[0] in gateway.raw[len(sent) :], "a retry is the same frame"
    gateway.acknowledge(gateway.press(counter), Stage.RECEIVED)
    held.until(ev="indicator", signal="received")


def test_what_is_not_a_true_acknowledgement_changes_nothing_and_is_counted(button, gateway, broker):
    gateway.answers = not_presses
    held = button(**settings_for(gateway, broker, checkin_s=2)).start()
    press = gateway.press(held.press())
    key = gateway.devices[press.device_id]
    stranger = GatewayKey.generate().device_key(key.public_xy)
    now = int(time.time())
    mine = event_digest(press.kind, press.counter, press.body)
    # What a copy of its key could have said under that counter, and been answered.
    others = (
        event_digest(Kind.CHECKIN, press.counter, press.body),
        event_digest(press.kind, press.counter, spoilt(press.body)),
        event_digest(press.kind, press.counter + 1, press.body),
    )
    true = encode_ack(key.mac_down, key.device_id, press.counter, mine, now, Stage.SEEN)
    unbound = hmac.digest(key.mac_down, DOWN_CONTEXT + true[:20], "sha256")[:16]
    for bad in (
        b"",
        b"\x00",
        b"x" * 36,
        true[:-1],
        true + b"\0",
        spoilt(true),
        encode_ack(stranger.mac_down, key.device_id, press.counter, mine, now, Stage.SEEN),
        encode_ack(key.mac_up, key.device_id, press.counter, mine, now, Stage.SEEN),
        encode_ack(key.mac_down, b"12345678", press.counter, mine, now, Stage.SEEN),
        encode_ack(key.mac_down, key.device_id, press.counter + 1000, mine, now, Stage.SEEN),
        encode_ack(key.mac_down, key.device_id, 0, mine, now, Stage.SEEN),
        *(encode_ack(key.mac_down, key.device_id, press.counter, other, now, Stage.SEEN) for other in others),
        true[:20] + unbound,
        b"y" * 900,
    ):
        gateway.send(press.device_id, bad)
    gateway.send(press.device_id, encode_command(key.mac_down, key.device_id, 1, now, 1, b""))
    gateway.acknowledge(press, Stage.RECEIVED)
    held.until(ev="state", state="received")
    assert len(held.all(ev="ack", counter=press.counter)) == 1 and not [
        e for e in held.all(ev="state") if e["state"] == "seen"
    ]

    def told() -> int:
        check_ins = {uplink.counter: uplink.status for uplink in list(gateway.uplinks) if uplink.status is not None}
        return sum(status.rejected for status in check_ins.values())

    gateway.until(lambda uplink: told() >= 16)
    settled = max(uplink.counter for uplink in gateway.uplinks)
    gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN and uplink.counter > settled)
    assert told() == 16, "each is told once"


def test_a_command_that_is_not_known_is_refused_and_that_said_again_when_asked_again(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    device = bytes.fromhex(held.device_id)
    gateway.until(lambda uplink: uplink.kind is Kind.ENROL and uplink.device_id == device)
    key = gateway.devices[device]
    for counter in (5, 5, 3):
        gateway.send(device, encode_command(key.mac_down, device, counter, int(time.time()), 9, b"now"))
    receipt = gateway.until(lambda uplink: uplink.kind is Kind.RECEIPT and uplink.device_id == device)
    assert (receipt.receipt.down_counter, receipt.receipt.result) == (5, 1)
    held.until(ev="frame", counter=receipt.counter, step="acknowledged")
    held.kill()
    held.start().until(ev="bearer", up=True)
    gateway.send(device, encode_command(key.mac_down, device, 5, int(time.time()), 9, b"now"))
    again = gateway.until(lambda uplink: uplink.kind is Kind.RECEIPT and uplink.counter != receipt.counter)
    assert again.receipt == receipt.receipt
    gateway.send(device, encode_command(key.mac_down, device, 3, int(time.time()), 9, b"now"))
    held.until_true(lambda event: "command 3 came again" in str(event.get("what")))
    assert len({uplink.counter for uplink in gateway.uplinks if uplink.kind is Kind.RECEIPT}) == 2


def test_an_unset_clock_is_taken_from_the_first_fresh_acknowledgement(button, gateway, broker):
    gateway.clock = lambda: 1_900_000_000
    held = button(**settings_for(gateway, broker))
    held.environment = {"SIAGA_CLOCK": "unset"}
    held.start()
    held.until_true(lambda event: "clock set" in str(event.get("what")))
    late = gateway.press(held.press())
    assert 1_900_000_000 <= late.report.time < 1_900_000_030
    early = [uplink for uplink in gateway.uplinks if uplink.report is not None and uplink.counter < late.counter]
    assert all(uplink.report.time in (0, *range(1_900_000_000, 1_900_000_030)) for uplink in early)


def test_an_old_acknowledgement_played_again_sets_no_clock(button, gateway, broker):
    gateway.clock = lambda: 1_800_000_000
    held = button(**settings_for(gateway, broker)).start()
    press = gateway.press(held.press())
    held.until(ev="frame", counter=press.counter, step="acknowledged")
    old = gateway.acknowledge(press, Stage.RECEIVED)
    held.kill()
    gateway.answers = lambda uplink: False
    held.environment = {"SIAGA_CLOCK": "unset"}
    held.start().until(ev="bearer", up=True)
    gateway.send(press.device_id, old)
    held.until(ev="ack", counter=press.counter)
    later = gateway.press(held.press())
    assert later.report.time == 0
    gateway.acknowledge(later, Stage.RECEIVED)
    held.until_true(lambda event: "clock set" in str(event.get("what")))


def test_check_ins_tell_of_battery_mains_and_case(button, gateway, broker):
    held = button(**settings_for(gateway, broker, checkin_s=600, installed_position=[-53971000, 1052668000, 9]))
    held.environment = {"SIAGA_BATTERY": "9"}
    held.start()
    first = gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN)
    # -128: not known yet, where the check-in of the start was made before the radio was up
    assert first.status is not None and first.status.version == (0, 1, 0) and first.status.signal in (-60, -128)
    assert first.report.restarted and first.report.battery == 9 and not first.report.external_power
    assert (first.report.latitude, first.report.accuracy) == (-53971000, 9)
    assert first.report.low_battery
    held.until(ev="frame", counter=first.counter, step="acknowledged")
    held.until(ev="indicator", signal="low_battery")
    held.say("pin external 1")
    mains = gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN and uplink.report.external_power)
    assert not mains.report.restarted
    held.say("pin tamper 1")
    opened = gateway.until(lambda uplink: uplink.kind is Kind.TAMPER)
    assert opened.report.tamper_open


def test_news_that_came_while_a_check_in_waited_follow_it(button, gateway, broker):
    gateway.answers = lambda uplink: uplink.kind is Kind.ENROL
    held = button(**settings_for(gateway, broker, checkin_s=600)).start()
    waiting = gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN)
    held.say("battery 7")
    held.until(ev="indicator", signal="low_battery", within=180)  # once it has lasted a minute
    gateway.acknowledge(waiting, Stage.RECEIVED)
    assert gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN and uplink.report.low_battery).report.battery == 7


def test_it_lives_within_its_heap(button, gateway, broker):
    """That of tests/micropython.py."""
    held = button(**settings_for(gateway, broker)).start()
    for _ in range(3):
        held.until(ev="frame", counter=held.press(), step="acknowledged")
    held.say("heap")
    heap = held.until(ev="heap")
    assert heap["free"] > 24 * 1024, heap
    assert not [event for event in held.events if event["ev"] == "error"]
