"""A button whose settings, flash or human's words are wrong says so, and never looks ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from brokers import Mosquitto
from firmware.button_process import VirtualButton
from firmware.small_gateway import settings_for

pytestmark = pytest.mark.side_by_side(4)


@pytest.fixture
def broker(mosquitto: Mosquitto) -> int:
    """Of one test alone: another's frames would have the same counters."""
    return mosquitto.port


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
