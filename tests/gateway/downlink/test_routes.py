"""By which ways an answer and a command go to a device, and what is not sent twice."""

from __future__ import annotations

from gateway.network_server import ORIGIN
from siaga_gateway.formats.lorawan import Origin
from siaga_gateway.service.downlink.routes import Downlinks
from siaga_gateway.service.inbound import InboundFrame


class Kept:
    """A bearer that keeps what it is told to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, bytes]] = []

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.sent.append((device_id, frame))

    def send_to(self, origin: object, frame: bytes) -> None:
        self.sent.append((origin, frame))


def heard(origin: object, bearer: str = "lorawan", at_s: int = 0) -> InboundFrame:
    return InboundFrame(b"", at_s * 1000, bearer, lambda: None, origin)  # type: ignore[arg-type]


def test_answers_go_over_mqtt_and_by_the_last_ways_that_the_device_was_heard_on() -> None:
    mqtt, lorawan = Kept(), Kept()
    downlinks = Downlinks(mqtt, {"lorawan": lorawan}, devices=2)
    one, two, three = b"1" * 8, b"2" * 8, b"3" * 8
    downlinks.send(one, b"a")
    assert (mqtt.sent, lorawan.sent) == ([(one, b"a")], [])
    for number in (1, 2, 1, 3, 4):
        downlinks.came_by(one, heard(Origin("app", str(number))))
    downlinks.came_by(one, heard(None, "mqtt"))
    downlinks.came_by(one, heard("+62", "sms"))  # a bearer that nobody answers on
    downlinks.send(one, b"b")
    assert [origin.device for origin, _ in lorawan.sent if isinstance(origin, Origin)] == ["4", "3", "1"]
    assert mqtt.sent[-1] == (one, b"b")
    downlinks.came_by(two, heard(ORIGIN))
    downlinks.came_by(three, heard(ORIGIN))
    lorawan.sent.clear()
    downlinks.send(one, b"c")
    assert lorawan.sent == []  # the longest unheard was forgotten
    downlinks.send(two, b"d")
    assert lorawan.sent == [(ORIGIN, b"d")]


def test_a_radio_that_was_not_heard_lately_is_not_answered() -> None:
    lorawan = Kept()
    downlinks = Downlinks(Kept(), {"lorawan": lorawan})
    device = b"1" * 8
    downlinks.came_by(device, heard("old", at_s=0))
    downlinks.came_by(device, heard("new", at_s=899))
    downlinks.send(device, b"a")
    assert [origin for origin, _ in lorawan.sent] == ["new", "old"]
    downlinks.came_by(device, heard("new", at_s=901))
    downlinks.send(device, b"b")
    assert [origin for origin, frame in lorawan.sent if frame == b"b"] == ["new"]


def test_a_command_waits_once_on_a_way_that_keeps_it_until_the_device_was_heard_there_again() -> None:
    mqtt, lorawan, sms = Kept(), Kept(), Kept()
    downlinks = Downlinks(mqtt, {"lorawan": lorawan, "sms": sms})
    device = b"1" * 8

    def command(down_counter: int) -> bytes:
        return b"\x13\x82" + device + down_counter.to_bytes(4, "big") + b"\0" * 22

    downlinks.came_by(device, heard("radio"))
    downlinks.came_by(device, heard("number", "sms"))
    for _ in range(3):
        downlinks.send_command(device, command(7))
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (3, 1, 1)
    downlinks.came_by(device, heard("radio", at_s=60))
    for _ in range(3):
        downlinks.send_command(device, command(7))
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (6, 2, 1)
    downlinks.send_command(device, command(8))  # another one
    downlinks.send(device, b"an acknowledgement goes whenever it is due")
    downlinks.send(device, b"an acknowledgement goes whenever it is due")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (9, 5, 4)


def test_nothing_is_paid_for_once_a_device_is_heard_where_everything_goes() -> None:
    mqtt, lorawan, sms = Kept(), Kept(), Kept()
    downlinks = Downlinks(mqtt, {"lorawan": lorawan, "sms": sms}, paid=("sms",))
    device = b"1" * 8
    downlinks.came_by(device, heard("radio"))
    downlinks.came_by(device, heard("number", "sms"))
    downlinks.send(device, b"a")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (1, 1, 1)
    downlinks.came_by(device, InboundFrame(b"", 10_000, "mqtt", lambda: None))
    downlinks.send(device, b"b")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (2, 2, 1)
    downlinks.came_by(device, heard("number", "sms", at_s=20))
    downlinks.send(device, b"c")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (3, 3, 2)
