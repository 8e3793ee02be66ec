"""An acknowledgement is one of a message, not of a number: what the gateway says verifies for exactly one uplink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from databases import Place
from gateway.ingest_harness import NOW_S, IngestHarness
from pressing_button import PressingButton, at, is_bound, report_body
from siaga_gateway.domain.frame import Flags, Kind, Stage, Suite, encode_ack
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.downlink.stage_relay import stage_frames
from siaga_gateway.service.ingest.acknowledgements import Reply


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sqlite_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path_factory.mktemp("bound"))
    yield made
    made.close()


def ack(button: PressingButton, reply: Reply) -> bytes:
    """As ingest sends it."""
    return encode_ack(button.mac_down, button.device_id, reply.counter, reply.digest, NOW_S, reply.stage)


def of(button: PressingButton, reply: Reply, frames: Sequence[bytes]) -> list[int]:
    """For which of these frames the acknowledgement verifies."""
    made = ack(button, reply)
    return [number for number, frame in enumerate(frames) if is_bound(button.mac_down, made, frame)]


def move(desk: IngestHarness, state: IncidentState, incident_id: int = 1) -> None:
    with desk.store.transaction() as transaction:
        incident = transaction.incidents([incident_id])[incident_id]
        transaction.put_incident(replace(incident, state=state, seen_by="Siti", unit="Patroli 12"))


def steps(desk: IngestHarness, button: PressingButton, incident_id: int = 1) -> list[bytes]:
    """What an operator's step sends."""
    with desk.store.transaction() as transaction:
        incident = transaction.incidents([incident_id])[incident_id]
        named = transaction.named_calls(incident_id, incident.key_copied)
    return stage_frames(desk.keyring.look_up([button.device_id])[button.device_id], incident, named, NOW_S)


messages = st.one_of(
    st.tuples(
        st.sampled_from([Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER]),
        st.integers(2, 4),
        st.builds(report_body, st.integers(NOW_S - 1, NOW_S), opening=st.integers(0, 2), battery=st.integers(1, 2)),
    ),
    st.tuples(st.just(Kind.RECEIPT), st.integers(2, 4), st.sampled_from([b"\0\0\0\1\0", b"\0\0\0\1\2"])),
)


@settings(max_examples=60, deadline=None)
@given(
    said=st.lists(messages, min_size=2, max_size=6, unique=True), suites=st.lists(st.sampled_from(Suite), min_size=6)
)
def test_every_answer_verifies_for_exactly_one_message(
    sqlite_desk: IngestHarness, said: list[tuple[Kind, int, bytes]], suites: list[Suite]
) -> None:
    button = sqlite_desk.button()
    short = [button.frame(kind, counter, body, Suite.HS256_64) for kind, counter, body in said]
    signed = [button.frame(kind, counter, body) for kind, counter, body in said]
    for number, suite in enumerate(suites[: len(said)]):
        replies = sqlite_desk.take(signed[number] if suite is Suite.ES256 else short[number])
        assert of(button, replies[0], short) == of(button, replies[0], signed) == [number]
        assert all(len(of(button, reply, short)) == 1 for reply in replies)
    # Their repetitions in the other form are answered for the same message.
    for number, suite in enumerate(suites[: len(said)]):
        (first, *_) = sqlite_desk.take(short[number] if suite is Suite.ES256 else signed[number])
        assert of(button, first, short) == [number]


@pytest.mark.parametrize("status", [b"", bytes(8)])
def test_the_answer_to_a_burnt_check_in_is_none_of_the_press_with_its_counter(
    desk: IngestHarness, status: bytes
) -> None:
    holder = desk.button()
    burnt = holder.frame(Kind.CHECKIN, 7, report_body(NOW_S) + status)  # made with a copy of the key
    press = holder.frame(Kind.PRESS, 7, report_body(NOW_S))
    (answer,) = desk.take(burnt)
    assert of(holder, answer, [burnt, press]) == [0]
    assert of(holder, desk.take(press)[0], [burnt, press]) == [1]


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.CANCEL])
def test_progress_names_what_opened_the_incident_until_its_press_is_there(desk: IngestHarness, kind: Kind) -> None:
    button = desk.button()
    press, opened = button.press(NOW_S), button.follow(kind, NOW_S, **at())
    desk.take(opened)
    move(desk, IncidentState.ASSIGNED)
    (step,) = steps(desk, button)
    assert is_bound(button.mac_down, step, opened) and not is_bound(button.mac_down, step, press)
    replies = desk.take(press)
    assert [(reply.stage, of(button, reply, [press, opened])) for reply in replies] == [
        (Stage.RECEIVED, [0]),
        (Stage.ASSIGNED, [0]),
    ]
    (step,) = steps(desk, button)
    assert is_bound(button.mac_down, step, press)


def test_an_answer_names_the_frame_at_hand_and_a_step_the_newest_press(desk: IngestHarness) -> None:
    button = desk.button()
    frames = [button.press(NOW_S), button.press(NOW_S, again=True), button.follow(Kind.UPDATE, NOW_S, **at())]
    desk.take(frames[0], frames[1])
    move(desk, IncidentState.SEEN)
    told = [(reply.stage, of(button, reply, frames)) for frame in reversed(frames) for reply in desk.take(frame)]
    received, seen = Stage.RECEIVED, Stage.SEEN
    assert told == [(stage, [number]) for number in (2, 1, 0) for stage in (received, seen)]
    (step,) = steps(desk, button)
    assert [is_bound(button.mac_down, step, frame) for frame in frames] == [False, True, False]
    # Closed is what came in until then: a press that is still on its way is none of it.
    move(desk, IncidentState.CLOSED)
    for frame in frames:
        assert [(one.stage, of(button, one, frames)) for one in desk.take(frame)[1:]] == [(Stage.CLOSED, [1])]


def test_a_step_names_every_press_where_the_key_may_have_been_copied(desk: IngestHarness) -> None:
    button = desk.button()
    frames = [button.frame(Kind.PRESS, 7, report_body(NOW_S, battery=battery)) for battery in (50, 60)]
    desk.take(*frames)
    desk.take(button.frame(Kind.PRESS, 900, report_body(NOW_S)))
    move(desk, IncidentState.SEEN)
    made = steps(desk, button)
    assert len(made) == 3
    assert all(sum(is_bound(button.mac_down, step, frame) for step in made) == 1 for frame in frames)


def test_a_test_under_duress_is_a_call(desk: IngestHarness) -> None:
    button = desk.button()
    forced = button.press(NOW_S, test=True, flags=Flags.DURESS)
    assert desk.stages(forced) == [(1, Stage.RECEIVED)]
    assert desk.only().duress
