"""An update's whole way on real parts: the button's process, a broker, a small gateway, an HTTP server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from brokers import Mosquitto
from firmware.bundle_server import BundleServer
from firmware.button_process import VirtualButton
from firmware.signed_bundles import refused_release, release, release_public
from firmware.small_gateway import SmallGateway
from siaga_gateway.domain.frame import Kind, Uplink, encode_command
from spoiling import spoilt

pytestmark = pytest.mark.side_by_side(4)

TEST, SETTINGS, UPDATE, RESTART = 2, 3, 4, 5
DONE, REFUSED, FAILED = 0, 1, 2
NEW = (0, 9, 0)
LONG = 90.0


@pytest.fixture
def broker(mosquitto: Mosquitto) -> int:
    """Of one test alone: another's frames would have the same counters."""
    return mosquitto.port


@pytest.fixture
def server() -> Iterator[BundleServer]:
    with BundleServer() as running:
        yield running


class Ordered:
    """A button with its gateway, which gives it commands."""

    def __init__(self, button: VirtualButton, gateway: SmallGateway) -> None:
        self.button = button
        self.gateway = gateway
        button.start()
        self.device = bytes.fromhex(button.device_id)
        gateway.until(lambda uplink: uplink.kind is Kind.ENROL and uplink.device_id == self.device)
        self.button.until(ev="bearer", up=True)
        self._counter = 0

    def order(self, code: int, arguments: bytes = b"") -> int:
        self._counter += 1
        self.again(self._counter, code, arguments)
        return self._counter

    def again(self, counter: int, code: int, arguments: bytes = b"") -> None:
        key = self.gateway.devices[self.device]
        self.gateway.send(
            self.device, encode_command(key.mac_down, self.device, counter, int(time.time()), code, arguments)
        )

    def receipts(self, counter: int) -> list[Uplink]:
        found = {
            uplink.counter: uplink
            for uplink in list(self.gateway.uplinks)
            if uplink.receipt is not None and uplink.device_id == self.device
            if uplink.receipt.down_counter == counter
        }
        return list(found.values())

    def result(self, counter: int, within: float = LONG) -> int:
        self.until(lambda uplink: uplink.receipt is not None and uplink.receipt.down_counter == counter, within)
        [receipt] = self.receipts(counter)
        assert receipt.receipt is not None
        return receipt.receipt.result

    def until(self, check: Callable[[Uplink], bool], within: float = LONG) -> Uplink:
        return self.gateway.until(lambda uplink: uplink.device_id == self.device and check(uplink), within)

    def check_in(self, version: tuple[int, int, int]) -> Uplink:
        return self.until(lambda uplink: uplink.status is not None and uplink.status.version == version)


Maker = Callable[..., Ordered]


@pytest.fixture
def ordered(button: Any, gateway: SmallGateway, broker: int) -> Maker:
    def make(**more: object) -> Ordered:
        settings = {"mqtt_port": broker, "gateway_key": gateway.public_hex, "checkin_s": 5}
        return Ordered(button(**{**settings, "release_key": release_public(), **more}), gateway)

    return make


def test_an_update_is_fetched_in_pieces_started_and_answered(ordered: Maker, server: BundleServer):
    server.content = release(NEW)
    server.cut_after = 120_000
    it = ordered()
    press = it.button.press()
    it.button.until(ev="frame", counter=press, step="acknowledged")
    counter = it.order(UPDATE, server.url.encode())
    time.sleep(1)  # it would ask at once; nothing tells that it waits
    assert not server.asked, "not during an incident"
    it.gateway.acknowledge(it.gateway.press(press), 5)
    it.button.until(ev="start", version="0.9.0", since=1, within=LONG)
    assert it.check_in(NEW).status is not None
    assert it.result(counter) == DONE
    assert server.asked == ["", "bytes=119700-"], "all that came before the connection broke is kept"
    assert it.button.device_id == it.device.hex()
    # It stays, and takes no older one.
    it.button.kill()
    it.button.start()
    assert it.button.until(ev="start")["version"] == "0.9.0"
    it.button.until(ev="bearer", up=True)
    server.content, server.etag, server.cut_after = refused_release((0, 8, 9)), '"2"', None
    assert it.result(it.order(UPDATE, server.url.encode())) == REFUSED
    press = it.button.press()
    it.gateway.press(press)


def test_a_bundle_that_is_not_whole_and_true_changes_nothing_and_is_counted(ordered: Maker, server: BundleServer):
    it = ordered()
    good = release(NEW)
    bad = {
        "a changed byte": spoilt(good, len(good) // 2),
        "another key's signature": spoilt(good),
        "cut short": good[:-100],
        "no bundle": b"<html>Not found</html>" * 50,
        "a byte of a board's name that is no text": good[:16] + b"\x80" + good[17:],
        "for another board": refused_release(NEW, "t_a7670"),
        "the version that runs": refused_release((0, 1, 0)),
        "an older one": refused_release((0, 0, 9)),
    }
    for number, content in enumerate(bad.values()):
        server.content, server.etag = content, f'"{number}"'
        counter = it.order(UPDATE, server.url.encode())
        assert it.result(counter) == REFUSED
    told = [event["what"] for event in it.button.all(ev="log") if "refused: the update: " in event.get("what", "")]
    assert len(told) == len(bad), told
    expected = ("has changed", "signature", "ends after", "no bundle", "board's name")
    expected += ("for t_a7670", "0.1.0 is not newer", "0.0.9 is not newer")
    for what, words in zip(told, expected, strict=True):
        assert words in what

    def counted() -> int:
        check_ins = {uplink.counter: uplink.status for uplink in list(it.gateway.uplinks) if uplink.status is not None}
        return sum(status.rejected for status in check_ins.values())

    it.until(lambda uplink: counted() >= len(bad))
    assert len(it.button.all(ev="start")) == 1 and it.check_in((0, 1, 0))
    it.button.kill()
    assert it.button.start().until(ev="start")["version"] == "0.1.0"


def test_a_version_that_raises_at_its_start_is_rolled_back(ordered: Maker, server: BundleServer):
    broken = ("siaga/app/device.py", "        self._board = board\n", "        raise ValueError('broken')\n")
    server.content = release(NEW, (broken,))
    it = ordered()
    counter = it.order(UPDATE, server.url.encode())
    assert it.result(counter) == FAILED
    assert len([event for event in it.button.all(ev="error") if "broken" in event.get("what", "")]) == 3
    assert [event["version"] for event in it.button.all(ev="start")] == ["0.1.0", "0.1.0"]
    assert [event for event in it.button.all(ev="log") if "rolled back after 3 starts" in event.get("what", "")]
    it.gateway.press(it.button.press())


def test_an_update_goes_on_after_the_power_was_away_and_stops_for_a_press(ordered: Maker, server: BundleServer):
    server.content = release(NEW)
    server.stall_at = 40_000
    it = ordered()
    counter = it.order(UPDATE, server.url.encode())
    it.button.until(ev="log", what="firmware 0.9.0 comes")
    press = it.button.press()
    it.button.until(ev="frame", counter=press, step="acknowledged")
    it.gateway.acknowledge(it.gateway.press(press), 2)
    it.button.until(ev="indicator", signal="seen")
    # The connection is given up as soon as a piece has come; the power goes in the middle of all that.
    server.go_on.set()
    it.button.until_true(lambda event: "the update waits" in str(event.get("what")), within=LONG)
    server.stall_at = None
    it.button.kill()
    it.button.start(wait=False)
    it.gateway.acknowledge(it.gateway.press(press), 5)
    assert it.result(counter) == DONE
    assert len(server.asked) == 2 and server.asked[1].startswith("bytes=")
    assert it.check_in(NEW)


def test_settings_are_tried_and_taken_back_where_the_gateway_is_not_heard_with_them(ordered: Maker, broker: int):
    it = ordered()
    known = len(it.button.events)
    assert it.result(it.order(SETTINGS, b'{"checkin_s": 2, "silent": true}')) == DONE
    it.button.until(known, ev="start", within=LONG)
    it.until(lambda uplink: uplink.report is not None and uplink.report.silent)
    for wrong in (b'{"hold_ms": 4800}', b'{"gateway_key": ""}', b'{"release_key": ""}', b"{", b"[]", b'{"colour": 1}'):
        assert it.result(it.order(SETTINGS, wrong)) == REFUSED
    known = len(it.button.events)
    counter = it.order(SETTINGS, b'{"mqtt_port": 1}')
    it.button.until(known, ev="start", within=LONG)
    # A press that waits shortens the trial; here the trial is not waited for: the power goes, the installer comes.
    it.button.kill()
    it.button.set(**{**it.button.settings, "hold_ms": 300})
    it.button.start()
    assert it.result(counter) == FAILED


def test_a_restart_and_a_test_are_done_once_and_their_answers_repeated(ordered: Maker):
    it = ordered()
    known = len(it.button.events)
    restart = it.order(RESTART)
    it.button.until(known, ev="start", within=LONG)
    assert it.result(restart) == DONE
    press = it.until(lambda uplink: uplink.kind is Kind.CHECKIN)
    test = it.order(TEST)
    assert it.result(test) == DONE
    press = it.until(lambda uplink: uplink.kind is Kind.PRESS)
    assert press.report is not None and press.report.test
    [first] = it.receipts(test)
    it.button.until(ev="frame", counter=first.counter, step="acknowledged")
    starts = len(it.button.all(ev="start"))
    it.again(test, TEST)
    it.until(lambda uplink: len(it.receipts(test)) == 2)
    assert {each.receipt.result for each in it.receipts(test)} == {DONE}
    it.again(restart, RESTART)
    it.again(restart, 9)  # would be refused at once, were its number looked at no more
    assert it.result(it.order(9)) == REFUSED
    assert it.result(it.order(TEST, b"now")) == REFUSED
    presses = {uplink.counter for uplink in it.gateway.uplinks if uplink.kind is Kind.PRESS}
    assert len(presses) == 1 and len(it.button.all(ev="start")) == starts and len(it.receipts(restart)) == 1


def test_the_code_for_commands_is_loaded_with_the_first_and_nothing_accumulates(ordered: Maker):
    it = ordered()

    def used() -> int:
        since = len(it.button.events)
        it.button.say("heap")
        return int(it.button.until(since=since, ev="heap")["used"])

    before = used()
    assert it.result(it.order(9)) == REFUSED
    loaded = used()
    assert loaded > before + 4096, "it was there already: a start does not need it"
    for _ in range(5):
        assert it.result(it.order(9)) == REFUSED
    assert used() < loaded + 2048, f"{used()} bytes after {loaded}"
