"""Where frames wait: urgent ones first, senders in turn, what is let go counted, and never a press among it."""

from __future__ import annotations

import struct
import threading
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from pressing_button import report_body
from siaga_gateway.domain.frame import Flags, Kind, Suite, glance, says_duress
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.lanes import CHECKIN, DOUBTFUL, FORGED, LANES, NOISE, UNKNOWN, UPDATE, URGENT, Lanes
from waiting import ENDS_S

_BODIES = {Kind.ENROL: bytes(64), Kind.RECEIPT: bytes(5)}


def raw(kind: Kind, device: int, counter: int = 1, flags: int = 0) -> bytes:
    """A frame by its form; nobody checks the tag here."""
    body = _BODIES.get(kind) or report_body(flags=flags)
    return struct.pack(">BB8sI", 1 << 4 | Suite.ES256, kind, device.to_bytes(8, "big"), counter) + body + bytes(64)


@dataclass
class Door:
    """Lanes with a clock of their own, and what the bearer was told."""

    lanes: Lanes
    seconds: list[float]
    acknowledged: list[bytes] = field(default_factory=list)

    def put(self, frame: bytes, *, kept: bool = False, posed: bool = False, sender: str | None = None) -> bool:
        inbound = InboundFrame(
            frame, 0, "mqtt", lambda: self.acknowledged.append(frame), None, sender, posed, kept_by_bearer=kept
        )
        return self.lanes.put(inbound, 0)

    def take(self, urgent: int = 500, others: int = 128) -> list[bytes]:
        taken = self.lanes.take(urgent, others, 0)
        return [] if taken is None else [frame.raw for frame in taken.frames]

    def take_all(self, urgent: int = 500, others: int = 128) -> list[bytes]:
        frames: list[bytes] = []
        while more := self.take(urgent, others):
            frames += more
        return frames


def door(room: int = 1000) -> Door:
    seconds = [0.0]
    return Door(Lanes(room, lambda: seconds[0]), seconds)


def by_mac(device: int) -> bytes:
    head = struct.pack(">BB8sI", 1 << 4 | Suite.HS256_64, Kind.CHECKIN, device.to_bytes(8, "big"), 1)
    return head + report_body() + bytes(8)


def test_three_check_ins_by_mac_take_the_room_of_one_that_is_signed() -> None:
    lanes = door()
    for number in range(60):
        assert lanes.put(by_mac(number))
    for number in range(20):
        assert lanes.put(raw(Kind.CHECKIN, 100 + number))
    assert len(lanes.take(others=10)) == 30
    assert len(lanes.take(others=10)) == 30
    assert len(lanes.take(others=10)) == 10
    assert len(lanes.take_all(others=10)) == 10 and not any(lanes.lanes.depths().values())


def test_check_ins_by_mac_leave_the_doubtful_their_share() -> None:
    lanes = door()
    for number in range(3):
        lanes.put(raw(Kind.CHECKIN, 500 + number))
    for frame in [lanes.lanes.take(0, 3, 0)]:
        assert frame is not None
        for each in frame.frames:
            lanes.lanes.doubt(each, FORGED)
    for number in range(3):
        lanes.put(raw(Kind.CHECKIN, 500 + number))
    for number in range(90):
        lanes.put(by_mac(number))
    first = lanes.take(others=16)
    assert len([each for each in first if each[2:10] >= (500).to_bytes(8, "big")]) == 2
    assert len(first) == 2 + 3 * 14


def kinds(frames: list[bytes]) -> list[str]:
    return [Kind(frame[1]).name for frame in frames]


def test_calls_and_tampering_overtake_what_came_before_them() -> None:
    here = door()
    for device, kind in enumerate((Kind.CHECKIN, Kind.UPDATE, Kind.ENROL, Kind.RECEIPT, Kind.PRESS, Kind.CANCEL)):
        here.put(raw(kind, device))
    here.put(raw(Kind.TAMPER, 9))
    assert kinds(here.take()) == ["PRESS", "CANCEL", "TAMPER"], "urgent ones alone: they wait for no other signature"
    assert kinds(here.take()) == ["UPDATE", "RECEIPT", "CHECKIN", "ENROL"]


def test_whoever_says_that_he_is_under_threat_is_urgent_whatever_the_kind() -> None:
    here = door()
    here.put(raw(Kind.CHECKIN, 1))
    here.put(raw(Kind.UPDATE, 2, flags=Flags.DURESS))
    assert kinds(here.take()) == ["UPDATE"]


def test_after_urgent_ones_the_others_have_a_turn() -> None:
    here = door()
    for number in range(40):
        here.put(raw(Kind.PRESS, number))
        here.put(raw(Kind.CHECKIN, 100 + number))
    turns = [kinds(here.take(urgent=10, others=5)) for _ in range(4)]
    assert turns == [["PRESS"] * 10, ["CHECKIN"] * 5] * 2


def test_senders_take_turns() -> None:
    here = door()
    for counter in range(50):
        here.put(raw(Kind.PRESS, 1, counter))
    here.put(raw(Kind.PRESS, 2))
    assert [frame[9] for frame in here.take()][:3] == [1, 2, 1]


def test_a_full_urgent_lane_holds_its_bearer_back_and_lets_nothing_go() -> None:
    here = door(room=4)
    assert all(here.put(raw(Kind.PRESS, device)) for device in range(4))
    assert not here.put(raw(Kind.PRESS, 5))
    assert here.put(raw(Kind.CHECKIN, 6)), "its lane has room"
    assert here.acknowledged == []
    assert len(here.take()) == 4
    assert here.put(raw(Kind.PRESS, 5))


def test_a_press_waits_for_room() -> None:
    here = door(room=1)
    here.put(raw(Kind.PRESS, 1))
    waited: list[bool] = []
    frame = InboundFrame(raw(Kind.PRESS, 2), 0, "mqtt", lambda: None)
    bearer = threading.Thread(target=lambda: waited.append(here.lanes.put(frame, 60)))
    bearer.start()
    assert kinds(here.take()) == ["PRESS"]
    bearer.join(ENDS_S)
    assert waited == [True]
    assert kinds(here.take()) == ["PRESS"]


def test_full_of_check_ins_it_lets_check_ins_go_and_says_so() -> None:
    here = door(room=10)
    frames = [raw(Kind.CHECKIN, device) for device in range(8)]
    assert all(here.put(frame) for frame in frames), "the connection is never held back for a check-in"
    assert here.acknowledged == frames[5:]
    assert here.lanes.shed[CHECKIN] == 3
    (shed,) = here.lanes.let_go()
    assert (shed.lane, shed.count, shed.last.raw) == (CHECKIN, 3, frames[-1])
    assert here.lanes.let_go() == []


def test_an_update_takes_the_room_of_a_check_in() -> None:
    here = door(room=6)
    for device in range(3):
        here.put(raw(Kind.CHECKIN, device))
    here.put(raw(Kind.UPDATE, 7))
    assert [frame[9] for frame in here.acknowledged] == [2], "the one that would have been served last"
    assert sorted(kinds(here.take())) == ["CHECKIN", "CHECKIN", "UPDATE"]


def test_what_its_bearer_keeps_is_refused_and_not_let_go() -> None:
    """An aggregator is told to come again; 200 would say that it is stored."""
    here = door(room=2)
    assert here.put(raw(Kind.CHECKIN, 1), kept=True)
    assert not here.put(raw(Kind.CHECKIN, 2), kept=True)
    assert here.put(raw(Kind.UPDATE, 3))
    assert here.acknowledged == [raw(Kind.UPDATE, 3)], "nor is it let go for another that came later"


def test_while_the_store_fails_nothing_is_let_go() -> None:
    here = door(room=2)
    here.lanes.hold(True)
    assert here.put(raw(Kind.CHECKIN, 1))
    assert not here.put(raw(Kind.CHECKIN, 2))
    assert here.acknowledged == []
    here.lanes.hold(False)
    assert here.put(raw(Kind.CHECKIN, 2))
    assert len(here.acknowledged) == 1


def test_more_than_a_button_can_send_goes_behind_and_comes_back_with_time() -> None:
    here = door()
    for counter in range(150):
        here.put(raw(Kind.PRESS, 1, counter))
    assert here.lanes.depths() == {URGENT: 100, UPDATE: 0, CHECKIN: 0, DOUBTFUL: 50, NOISE: 0}
    here.take_all()
    here.seconds[0] += 10
    for counter in range(150):
        here.put(raw(Kind.PRESS, 1, counter))
    assert here.lanes.depths()[URGENT] == 50, "5 a second"


def test_a_forger_goes_behind_and_nobody_else() -> None:
    here = door()
    forged = InboundFrame(raw(Kind.PRESS, 1), 0, "mqtt", lambda: None, sender="thief")
    here.lanes.put(forged, 0)
    here.take()
    here.lanes.doubt(forged, FORGED)
    here.put(raw(Kind.PRESS, 1, 2), sender="thief")
    here.put(raw(Kind.PRESS, 1, 3), sender="its owner")
    assert here.lanes.depths()[DOUBTFUL] == 1
    assert sorted(frame[13] for frame in here.take_all()) == [2, 3], "behind, and taken all the same"
    here.seconds[0] += 61
    here.put(raw(Kind.PRESS, 1, 4), sender="thief")
    assert here.lanes.depths()[URGENT] == 1, "for a minute"


def test_one_genuine_frame_clears_its_sender() -> None:
    here = door()
    frame = InboundFrame(raw(Kind.PRESS, 1), 0, "mqtt", lambda: None)
    here.lanes.put(frame, 0)
    here.lanes.doubt(frame, UNKNOWN)
    here.lanes.genuine(frame)
    here.put(raw(Kind.PRESS, 1, 2))
    assert here.lanes.depths()[URGENT] == 2


def test_a_frame_under_anothers_name_goes_behind() -> None:
    here = door()
    here.put(raw(Kind.PRESS, 1), posed=True, sender="2")
    here.put(raw(Kind.PRESS, 1), sender="1")
    assert (here.lanes.depths()[DOUBTFUL], here.lanes.depths()[URGENT]) == (1, 1)


def test_more_new_senders_than_a_province_has_go_behind_those_that_are_known() -> None:
    here = door(room=100_000)
    known = InboundFrame(raw(Kind.PRESS, 1), 0, "mqtt", lambda: None)
    here.lanes.put(known, 0)
    here.lanes.genuine(known)
    for device in range(10, 12_000):
        here.put(raw(Kind.PRESS, device))
    assert here.lanes.behind["crowd"] == 11_990 - 9_999
    here.put(raw(Kind.PRESS, 1, 2))
    assert here.lanes.behind["crowd"] == 11_990 - 9_999, "not the one that has proven itself"


def test_check_ins_of_new_senders_use_up_nothing_that_a_press_of_another_needs() -> None:
    """After a start everybody is new: presses waited behind a province's check-ins, and were let go with them."""
    here = door(room=100_000)
    for device in range(10, 12_000):
        here.put(raw(Kind.CHECKIN, device))
    assert here.lanes.behind["crowd"] == 11_990 - 10_000
    here.put(raw(Kind.PRESS, 1))
    here.put(raw(Kind.UPDATE, 2))
    assert here.lanes.depths()[URGENT] == 1 and here.lanes.behind["crowd"] == 11_990 - 10_000


def test_one_sender_cannot_fill_the_doubtful_lane() -> None:
    here = door(room=400)  # so 100 doubtful ones
    for counter in range(300):
        here.put(raw(Kind.PRESS, 1, counter), posed=True, sender="flood")
    for device in range(40):
        assert here.put(raw(Kind.PRESS, device), posed=True, sender=f"another {device}")
    taken = Counter(frame[9] for frame in here.take_all())
    assert all(taken[device] for device in range(40))


def test_what_cannot_be_a_frame_has_a_lane_of_its_own() -> None:
    here = door()
    press = raw(Kind.PRESS, 1)
    bad = [b"", b"\x11", press[:-1], press + b"\0", b"\x21" + press[1:], b"\x13" + press[1:], b"\x11\x09" + press[2:]]
    for frame in bad:
        assert glance(frame) is None
        here.put(frame)
    here.put(press)
    assert here.take() == [press]
    assert sorted(here.take()) == sorted(bad)


def test_closed_it_takes_nothing_and_nobody_waits() -> None:
    here = door(room=1)
    here.put(raw(Kind.PRESS, 1))
    answers: list[bool] = []
    frame = InboundFrame(raw(Kind.PRESS, 2), 0, "mqtt", lambda: None)
    bearer = threading.Thread(target=lambda: answers.append(here.lanes.put(frame, 60)))
    bearer.start()
    here.lanes.close()
    bearer.join(ENDS_S)
    assert answers == [False]


def test_the_shortest_frame_has_its_lane_too() -> None:
    here = door()
    head = struct.pack(">BB8sI", 1 << 4 | Suite.HS256_64, Kind.RECEIPT, bytes(8), 1)
    assert here.put(head + bytes(5) + bytes(8))
    assert here.lanes.depths()[UPDATE] == 1


@given(st.binary(max_size=160))
def test_a_glance_agrees_with_laying_out(noise: bytes) -> None:
    from siaga_gateway.domain.frame import FrameError, decode_uplink

    for frame in (noise, b"\x11\x01" + noise, raw(Kind.CHECKIN, 1)[: len(noise)] + noise[80:]):
        kind = glance(frame)
        try:
            uplink = decode_uplink(frame)
        except FrameError:
            continue  # a glance lets pass what only the content refuses
        assert kind is uplink.kind
        report = uplink.report
        assert says_duress(frame, kind) == (report is not None and report.duress)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.sampled_from([Kind.PRESS, Kind.CANCEL, Kind.UPDATE, Kind.CHECKIN, Kind.RECEIPT, None]),
            st.integers(0, 5),
            st.booleans(),
        ),
        st.tuples(st.just("take"), st.integers(1, 6), st.integers(1, 6)),
        st.tuples(st.just("doubt"), st.integers(0, 5)),
        st.tuples(st.just("hold"), st.booleans()),
    ),
    max_size=120,
)


@given(ACTIONS)
@example([("put", Kind.PRESS, number % 6, False) for number in range(12)])
def test_every_frame_is_taken_refused_or_let_go_and_no_call_of_an_honest_sender_is_let_go(actions: list[tuple]) -> None:  # type: ignore[type-arg]
    here = door(room=8)
    refused: list[bytes] = []
    offered: list[bytes] = []
    taken: list[bytes] = []
    waiting_calls: list[bytes] = []
    others_in_a_row = 0
    doubted: set[int] = set()
    for number, action in enumerate(actions):
        if action[0] == "put":
            _, kind, device, posed = action
            frame = number.to_bytes(3, "big") if kind is None else raw(kind, device, number)
            offered.append(frame)
            calls = kind in (Kind.PRESS, Kind.CANCEL) and not posed and device not in doubted
            if not here.put(frame, posed=posed, sender=str(device)):
                refused.append(frame)
            elif calls:
                assert frame not in here.acknowledged, "a call is never let go"
                waiting_calls.append(frame)
        elif action[0] == "take":
            batch = here.take(action[1], action[2])
            taken += batch
            if waiting_calls and not any(frame in batch for frame in waiting_calls):
                others_in_a_row += 1
                assert others_in_a_row <= 1, "between two batches of urgent frames there is one of others at most"
            else:
                others_in_a_row = 0
            waiting_calls = [frame for frame in waiting_calls if frame not in batch]
        elif action[0] == "doubt":
            sender = str(action[1])
            here.lanes.doubt(InboundFrame(raw(Kind.PRESS, 0), 0, "mqtt", lambda: None, sender=sender), FORGED)
            doubted.add(action[1])
        else:
            here.lanes.hold(action[1])
        depths = here.lanes.depths()
        assert depths[URGENT] <= 8
        assert depths[UPDATE] + depths[CHECKIN] <= 4
        assert max(depths[DOUBTFUL], depths[NOISE]) <= max(2, 16)
    taken += here.take_all()
    assert Counter(taken) + Counter(refused) + Counter(here.acknowledged) == Counter(offered)
    assert sum(here.lanes.shed.values()) == len(here.acknowledged)
    assert set(here.lanes.shed) == set(LANES)
