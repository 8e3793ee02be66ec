"""Press to acknowledgement on real parts: the firmware's process, a real broker, the house's own verifier."""

from __future__ import annotations

import hmac
import subprocess
import time
from pathlib import Path

import pytest
from small_gateway import SmallGateway
from virtual import VirtualButton

from micropython import environment, micropython
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
from siaga_gateway.domain.verify import GatewayKey

ON_BUTTON = Path(__file__).resolve().parent / "on_button"


def settings_for(gateway: SmallGateway, port: int, **more: object) -> dict[str, object]:
    return {"mqtt_port": port, "gateway_key": gateway.public_hex, **more}


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


def test_stages_never_go_back(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    press = gateway.press(held.press())
    held.until(ev="state", state="received")
    for stage in (Stage.ON_SCENE, Stage.SEEN, Stage.RECEIVED, Stage.ASSIGNED, Stage.ON_SCENE):
        gateway.acknowledge(press, stage)
    gateway.acknowledge(press, Stage.CLOSED)
    held.until(ev="state", state="closed")
    assert [event["state"] for event in held.all(ev="state")] == ["armed", "sending", "received", "on_scene", "closed"]


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
        event_digest(press.kind, press.counter, press.body[:-1] + b"\x01"),
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
        true[:-1] + bytes([true[-1] ^ 1]),
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


def test_nothing_is_sent_to_nobody_and_everything_when_the_network_comes(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    held.until(ev="bearer", up=True)
    held.say("network 0")
    held.until(ev="bearer", up=False)
    counters = [held.press() for _ in range(3)]
    since = len(held.events)
    held.say("network 1")
    for counter in counters:
        held.until(ev="frame", counter=counter, step="acknowledged")
    published = [e["counter"] for e in held.events[since:] if e.get("step") == "published" and e["kind"] == 1]
    assert published[:3] == counters, "presses go first, oldest first"


def test_a_restart_goes_on_with_the_same_incident(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    first = held.press()
    press = gateway.press(first)
    gateway.acknowledge(press, Stage.ASSIGNED, eta=9)
    held.until(ev="state", state="assigned")
    held.kill()
    held.start()
    held.until(ev="state", state="assigned")
    gateway.acknowledge(press, Stage.ON_SCENE)
    held.until(ev="state", state="on_scene")
    second = held.press()
    again = gateway.press(second)
    assert again.report.opening == second - first
    gateway.acknowledge(again, Stage.CLOSED)
    held.until(ev="state", state="closed")
    held.kill()
    held.start()
    assert gateway.press(held.press()).report.opening == 0


def test_a_press_that_the_flash_has_lost_is_made_again_and_never_shown_as_received(button, gateway, broker):
    """Its entry is unreadable, or was only in memory; the incident that it opened is on the flash."""
    held = button(**settings_for(gateway, broker)).start()
    held.say("network 0")
    held.until(ev="bearer", up=False)
    lost = held.press()
    held.until(ev="state", state="sending")
    held.kill()
    done = subprocess.run(
        [micropython(), str(ON_BUTTON / "lose_entry.py"), f"{lost:08x}"],
        env=environment(SIAGA_FLASH=str(held.flash)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "lost", done.stderr
    gateway.answers = lambda uplink: True
    held.start()
    again = gateway.until(lambda uplink: uplink.kind is Kind.PRESS)
    assert (again.counter > lost, again.report.opening, again.report.test) == (True, again.counter - lost, False)
    held.until(ev="state", state="received")
    states = [event["state"] for event in held.all(ev="state")]
    assert states[:2] == ["sending", "received"]
    before = len(held.all(ev="frame", step="pressed"))
    held.kill()
    held.start()
    held.until(ev="state", state="received")
    held.until(ev="bearer", up=True)
    assert (before, held.all(ev="frame", step="pressed")) == (1, []), "it is made again once"


def test_a_power_cut_in_the_same_process_keeps_flash_and_loses_memory(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    held.say("network 0")
    held.until(ev="bearer", up=False)
    counter = held.press()
    held.say("power 0")
    time.sleep(0.3)
    since = len(held.events)
    held.say("power 1")
    assert held.until(since, ev="start")["device_id"] == held.device_id
    held.until(since, ev="state", state="sending")
    held.until(since, ev="frame", counter=counter, step="acknowledged")


def test_check_ins_tell_of_battery_mains_and_case(button, gateway, broker):
    held = button(**settings_for(gateway, broker, checkin_s=600, installed_position=[-53971000, 1052668000, 9]))
    held.environment = {"SIAGA_BATTERY": "9"}
    held.start()
    first = gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN)
    assert first.status is not None and first.status.version == (0, 1, 0) and first.status.signal == -60
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


def test_a_silent_button_shows_no_light_and_no_sound(button, gateway, broker):
    held = button(**settings_for(gateway, broker, silent=True)).start()
    assert gateway.press(held.press()).report.silent
    shown = held.until(ev="indicator", signal="received")
    assert (shown["light"], shown["sound"], shown["vibration"]) == (False, False, True)


def test_a_bad_line_of_the_human_changes_nothing(button, gateway, broker):
    held = button(**settings_for(gateway, broker)).start()
    for line in ("pin", "pin nose 1", "pin button 2", "battery 101", "battery full", "fix 1 2", "fix 1 2 3 -4",
                 "fix 900000001 0 5", "network up", "power", "what is this", "\xff"):  # fmt: skip
        since = len(held.events)
        held.say(line)
        assert "not understood" in held.until(since, ev="error")["what"]
    press = gateway.press(held.press())
    assert press.report.battery == 100 and not press.report.has_position
    assert held.stderr() == ""


def test_wrong_settings_are_refused_by_name_and_the_last_good_ones_stay(button, gateway, broker):
    good = settings_for(gateway, broker)
    held = button(**good).start()
    held.until(ev="bearer", up=True)
    held.quit()
    held.set(**{**good, "mqtt_port": 70000})
    held.start()
    assert "setting mqtt_port is 70000; right is" in held.until(ev="error")["what"]
    held.until(ev="bearer", up=True)
    held.quit()
    held.set(**{**good, "gateway_key": "11" * 64})
    held.start()
    assert "setting gateway_key is wrong" in held.until(ev="error")["what"]
    held.until(ev="bearer", up=True)


def test_without_settings_it_still_tells_who_it_is(tmp_path: Path):
    held = VirtualButton(tmp_path / "bare", {"mqtt_hosts": None, "mqtt_tls": None})
    started = held.start().until(ev="start")
    assert len(bytes.fromhex(started["enrol"])) == 142 and started["enrol"][4:20] == started["device_id"]
    assert "setting mqtt_hosts is missing" in held.until(ev="error")["what"]
    held.kill()
    assert held.start().until(ev="start")["enrol"] == started["enrol"], "always the same ENROL"
    held.kill()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{}", "tidak dapat menghubungi siapa pun"),
        (b'{"mqtt_hosts": ["127.0.0.1"], "mqtt_tls": false}', "gateway_key belum ada"),
        (b'{"mqtt_hosts": ["127.0.0.1"]}'.decode().encode("utf-16"), "UTF-16"),
        (b'{"hold_ms": 200,}', "koma setelah setelan"),
        (None, "cannot be read"),
    ],
)
def test_a_button_without_usable_settings_never_looks_ready(tmp_path: Path, content: bytes | None, why: str):
    held = VirtualButton(tmp_path / "unset", {"mqtt_hosts": None, "mqtt_tls": None})
    held.settings_file.unlink()
    if content is not None:
        held.settings_file.write_bytes(content)
    held.start()
    held.until(ev="indicator", signal="not_set_up")
    assert any(why in event["what"] for event in held.all(ev="error")), held.all(ev="error")
    assert any("siapa pun" in event["what"] for event in held.all(ev="error"))
    held.hold(2.4)  # a press is kept all the same, and says that it does not get through
    held.until(ev="frame", kind=1, step="stored")
    held.until(ev="indicator", signal="not_getting_through")
    held.kill()
    assert not held.all(ev="indicator", signal="armed")


def test_news_that_came_while_a_check_in_waited_follow_it(button, gateway, broker):
    gateway.answers = lambda uplink: uplink.kind is Kind.ENROL
    held = button(**settings_for(gateway, broker, checkin_s=600)).start()
    waiting = gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN)
    held.say("battery 7")
    held.until(ev="indicator", signal="low_battery", within=180)  # once it has lasted a minute
    gateway.acknowledge(waiting, Stage.RECEIVED)
    assert gateway.until(lambda uplink: uplink.kind is Kind.CHECKIN and uplink.report.low_battery).report.battery == 7


def test_a_file_that_is_no_flash_is_left_alone_and_a_spoilt_one_is_told(tmp_path: Path):
    held = VirtualButton(tmp_path / "spoilt", {"mqtt_hosts": None, "mqtt_tls": None})
    held.flash.write_text("a letter to somebody")
    held.start(wait=False)
    assert held.wait() != 0 and "no flash image" in held.stderr()
    assert held.flash.read_text() == "a letter to somebody"
    held.flash.write_bytes(b"\x55" * 4096 * 128)
    held.start()
    assert "it was formatted" in held.until(ev="error")["what"]
    held.kill()


def test_it_lives_within_its_heap(button, gateway, broker):
    """That of tests/micropython.py."""
    held = button(**settings_for(gateway, broker)).start()
    for _ in range(3):
        held.until(ev="frame", counter=held.press(), step="acknowledged")
    held.say("heap")
    heap = held.until(ev="heap")
    assert heap["free"] > 24 * 1024, heap
    assert not [event for event in held.events if event["ev"] == "error"]
