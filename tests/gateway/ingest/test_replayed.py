"""What somebody who overheard a frame gets by sending it again: an answer where they are, within its budget. Nothing
that the gateway has learnt from new frames changes by it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.fake_ports import ManualClock
from gateway.ingest_harness import DEFAULTS, NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.sms.replies import SmsOrigin, SmsReplies
from siaga_gateway.domain.frame import Flags, Kind, Stage, Suite, encode_ack
from siaga_gateway.formats.lorawan import Origin
from siaga_gateway.service.downlink.routes import Downlinks, ReplyReason
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from spoiling import spoilt
from waiting import ENDS_S

OWN = SmsOrigin("spool", "+6281200000001")
OTHERS = [SmsOrigin("spool", f"+62813000000{number:02}") for number in range(6)]
RADIO = Origin("app", "0123456789abcdef")
OTHER_RADIO = Origin("app", "ffffffffffffffff")


class Broker:
    """ports.AcknowledgementSender that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.sent.append((device_id, frame))


class Modem:
    """adapters.sms.replies.SmsSender that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        self.sent.append((number, base64.b64decode(text)))

    def told(self, origin: SmsOrigin) -> list[tuple[int, int]]:
        """Counter and stage of what went to that number, in order."""
        return [(int.from_bytes(ack[10:14], "big"), ack[18]) for number, ack in self.sent if number == origin.number]


class Radio:
    """ReplyBearer that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[Hashable, bytes]] = []

    def send_to(self, origin: Hashable, frame: bytes, asked: ReplyReason = ReplyReason.NEW) -> None:
        self.sent.append((origin, frame))


@dataclass
class Place:
    """The real ingest and its downlinks, the bearers' ends kept."""

    desk: IngestHarness
    budget: ReplyBudget = field(default_factory=lambda: ReplyBudget(20, 200))
    broker: Broker = field(default_factory=Broker)
    modem: Modem = field(default_factory=Modem)
    radio: Radio = field(default_factory=Radio)
    heard: list[bytes] = field(default_factory=list)  # what a command waits for

    def __post_init__(self) -> None:
        self.clock = ManualClock(NOW_MS)
        replies = SmsReplies({"spool": self.modem}, self.budget, self.clock)
        self.downlinks = Downlinks(self.broker, {"sms": replies, "lorawan": self.radio}, paid=("sms",))
        self.other = self.desk.button()
        self.ingest = Ingest(
            store=self.desk.store,
            keyring=self.desk.keyring,
            sender=self.downlinks,
            notifier=JournalNotifier(),
            clock=self.clock,
            defaults=DEFAULTS,
            limits=Limits(),
            came_by=self.downlinks.came_by,
            answered=lambda device_id, frame: self.heard.append(device_id),
            send_back=self.downlinks.send_back,
        )
        self.ingest.start()

    def take(self, raw: bytes, origin: Hashable = None, bearer: str = "sms", posed: bool = False) -> None:
        """Returns once all that follows from it is sent: then another button's frame is taken too."""
        for each in (
            InboundFrame(raw, self.clock.now_ms(), bearer, lambda: None, origin, posed=posed),
            InboundFrame(self.other.follow(Kind.CHECKIN, NOW_S), self.clock.now_ms(), "mqtt", lambda: None),
        ):
            done = threading.Event()
            each.acknowledge = done.set  # type: ignore[misc]
            assert self.ingest.offer(each, 5)
            assert done.wait(ENDS_S)

    def assign(self, button: PressingButton) -> None:
        """What StageRelay tells when a unit is assigned."""
        ack = encode_ack(button.mac_down, button.device_id, button.counter, b"d" * 32, NOW_S, Stage.ASSIGNED, 7)
        self.downlinks.send_by_ways(button.device_id, ack)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(IngestHarness(tmp_path))
    yield made
    made.ingest.stop()
    made.desk.close()


def test_an_old_frame_from_six_numbers_takes_nothing_from_the_buttons_own(place: Place) -> None:
    button = place.desk.button()
    overheard = button.follow(Kind.CHECKIN, NOW_S)
    place.take(overheard, OWN)
    place.take(button.press(NOW_S), OWN)
    for _ in range(9):
        for other in OTHERS:
            place.take(overheard, other)
    place.assign(button)
    assert place.modem.told(OWN) == [(1, 1), (2, 1), (2, Stage.ASSIGNED)]
    stages = {stage for other in OTHERS for _, stage in place.modem.told(other)}
    assert stages == {Stage.RECEIVED}, "whoever repeats a frame hears that it was received, and no more"
    assert sum(len(place.modem.told(other)) for other in OTHERS) <= 20, "within a budget of their own"
    place.take(button.press(NOW_S, again=True), OWN)
    assert (3, 1) in place.modem.told(OWN), "and the next press is answered, whatever was spent on repetitions"


def test_repetitions_that_claim_the_buttons_own_number_do_not_use_up_its_answers(place: Place) -> None:
    button = place.desk.button()
    overheard = button.follow(Kind.CHECKIN, NOW_S)
    for _ in range(30):
        place.take(overheard, OWN)
    press = button.press(NOW_S)
    place.take(press, OWN)
    place.take(press, OWN)
    assert place.modem.told(OWN)[-2:] == [(2, 1), (2, 1)], "a fresh call, and its repetition too"


def test_many_old_frames_have_one_budget_together(place: Place) -> None:
    """Whoever overheard an hour of a button is not answered for each of its frames."""
    button = place.desk.button()
    overheard = [button.follow(Kind.CHECKIN, NOW_S) for _ in range(25)]
    for frame in overheard:
        place.take(frame, RADIO, "lorawan")
    place.take(button.press(NOW_S), OWN)
    for frame in overheard:
        place.take(frame, OTHERS[0])
    assert len(place.modem.told(OTHERS[0])) == 20, "of so many in a minute"


def test_a_repetition_of_a_call_is_answered_where_it_comes_from_and_teaches_no_way(place: Place) -> None:
    button = place.desk.button()
    press = button.press(NOW_S)
    place.take(press, OWN)
    new_sim = SmsOrigin("spool", "+6281299999999")
    place.take(press, new_sim)
    assert place.modem.told(new_sim) == [(1, 1)]
    place.assign(button)
    assert place.modem.told(new_sim) == [(1, 1)]
    assert (1, Stage.ASSIGNED) in place.modem.told(OWN)
    place.take(button.follow(Kind.UPDATE, NOW_S), new_sim)
    place.assign(button)
    assert (2, Stage.ASSIGNED) in place.modem.told(new_sim), "the next new frame from there teaches it"


def test_an_old_frame_under_another_deveui_teaches_no_way(place: Place) -> None:
    button = place.desk.button()
    overheard = button.follow(Kind.CHECKIN, NOW_S)
    place.take(overheard, RADIO, "lorawan")
    for _ in range(4):
        place.take(overheard, OTHER_RADIO, "lorawan")
    place.radio.sent.clear()
    place.assign(button)
    assert [origin for origin, _ in place.radio.sent] == [RADIO]


def test_an_old_frame_by_mqtt_does_not_end_the_answers_by_text_message(place: Place) -> None:
    button = place.desk.button()
    overheard = button.follow(Kind.CHECKIN, NOW_S)
    place.take(overheard, None, "mqtt")
    place.take(button.press(NOW_S), OWN)
    place.take(overheard, None, "mqtt")  # as of a retained message, each time that the gateway starts
    place.take(overheard, None, "mqtt", posed=True)
    place.assign(button)
    assert (2, Stage.ASSIGNED) in place.modem.told(OWN)


def test_a_new_frame_under_anothers_login_or_without_a_number_does_not_end_them_either(place: Place) -> None:
    button = place.desk.button()
    place.take(button.press(NOW_S), OWN)
    place.take(button.follow(Kind.UPDATE, NOW_S), None, "mqtt", posed=True)
    place.take(button.follow(Kind.UPDATE, NOW_S), None, "sms")
    place.assign(button)
    assert (3, Stage.ASSIGNED) in place.modem.told(OWN)
    place.take(button.follow(Kind.UPDATE, NOW_S), None, "mqtt")
    place.assign(button)
    assert (4, Stage.ASSIGNED) not in place.modem.told(OWN), "but its own login by MQTT does"


def test_a_frame_that_never_came_and_is_older_than_what_came_teaches_no_way(place: Place) -> None:
    """Overheard, kept from the gateway and sent later: new to the store, and no word of where the button is now."""
    button = place.desk.button()
    withheld = button.follow(Kind.CHECKIN, NOW_S)
    place.take(button.press(NOW_S), OWN)
    place.take(withheld, OTHERS[0])
    assert place.modem.told(OTHERS[0]) == [(1, 1)], "it is stored and answered"
    place.assign(button)
    assert len(place.modem.told(OTHERS[0])) == 1
    assert (2, Stage.ASSIGNED) in place.modem.told(OWN)


def test_a_repetition_is_no_sign_of_life_and_changes_nothing_that_is_known_of_a_button(place: Place) -> None:
    button = place.desk.button()
    old = button.frame(Kind.CHECKIN, 1, report_body(NOW_S, battery=90))
    place.take(old, OWN)
    latest = report_body(NOW_S, battery=12, flags=Flags.LOW_BATTERY)
    place.take(button.frame(Kind.CHECKIN, 2, latest + bytes(8)), OWN)

    def status() -> object:
        with place.desk.store.transaction() as transaction:
            return transaction.statuses({button.device_id})[button.device_id]

    known = status()
    place.heard.clear()
    place.clock.at_ms += 7 * 86_400_000
    place.take(old, OTHERS[0])
    place.take(button.frame(Kind.CHECKIN, 1, report_body(NOW_S, battery=90), Suite.HS256_64), OTHERS[1])
    place.take(old, None, "mqtt")
    assert status() == known, "not its battery, its faults, its clock, nor when it was heard last"
    assert button.device_id not in place.heard, "and no command goes out to it for that"


def test_a_repetition_makes_no_forger_honest(place: Place) -> None:
    button = place.desk.button()
    overheard = button.follow(Kind.CHECKIN, NOW_S)
    place.take(overheard, OWN)
    lanes = place.ingest.lanes
    place.take(spoilt(overheard), OTHERS[0])
    place.take(overheard, OTHERS[0])
    before = lanes.behind["forged"]
    place.take(overheard, OTHERS[0])
    assert lanes.behind["forged"] == before + 1


def test_what_comes_from_nobody_does_not_speak_for_the_button_elsewhere(place: Place) -> None:
    """A text message without a number names its button only by the frame: its flood must not slow the button's own."""
    button = place.desk.button()
    overheard = button.follow(Kind.CHECKIN, NOW_S)
    forged = spoilt(overheard)
    place.take(overheard, None, "mqtt")
    place.take(forged, None, "sms")
    before = dict(place.ingest.lanes.behind)
    place.take(button.press(NOW_S), None, "mqtt")
    assert place.ingest.lanes.behind == before
