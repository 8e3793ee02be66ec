"""Commands to devices: what may be asked, in which order they go, how long, and what closes them."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, IngestHarness
from pressing_button import PressingButton
from siaga_gateway.domain.device_command import (
    EXPIRES_MS,
    CommandError,
    CommandState,
    allowed,
    arguments_of,
    next_counter,
    pause_ms,
)
from siaga_gateway.domain.frame import CommandCode, Kind, Result, Suite
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.downlink.device_commands import CommandIssuer, CommandWorker
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier

HOUR_MS = 3_600_000


class Post:
    """The commands of a gateway with some buttons, driven by hand."""

    def __init__(self, folder: Path | str) -> None:
        self.desk = IngestHarness(folder)
        self.clock = ManualClock(NOW_MS)
        self.answers = SentAnswers()
        self.commander = CommandIssuer(self.desk.store, self.clock)
        self.worker = CommandWorker(self.desk.store, self.desk.keyring, self.answers, JournalNotifier(), self.clock)

    def ask(self, button: PressingButton, code: CommandCode = CommandCode.LOCATE, written: str | None = None) -> int:
        return self.commander.ask(button.device_id, code, written, actor="Dewi").down_counter

    def sent(self, button: PressingButton, after_ms: int = 0) -> list[int]:
        """Down-counters that go out to this button when the worker looks, so much later."""
        self.clock.at_ms += after_ms
        self.desk.now_ms = self.clock.at_ms
        before = len(self.answers.of(button.device_id))
        self.worker.work()
        return [int.from_bytes(frame[10:14], "big") for frame in self.answers.of(button.device_id)[before:]]

    def says(self, button: PressingButton, frame: bytes) -> None:
        """The frame is committed, as ingest does it."""
        self.desk.take(frame)
        self.worker.heard(button.device_id, InboundFrame(frame, self.clock.at_ms, "mqtt", lambda: None))

    def receipt(self, button: PressingButton, down_counter: int, result: Result = Result.DONE) -> None:
        button.counter += 1
        body = struct.pack(">IB", down_counter, result)
        self.says(button, button.frame(Kind.RECEIPT, button.counter, body, Suite.HS256_64))

    def state(self, button: PressingButton, down_counter: int) -> str:
        (found,) = (one for one in self.desk.store.commands(button.device_id) if one.down_counter == down_counter)
        return str(found.state)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    made.desk.close()


# What may be asked


@pytest.mark.parametrize(
    ("code", "written", "arguments"),
    [
        (CommandCode.LOCATE, None, b""),
        (CommandCode.TEST, None, b""),
        (CommandCode.RESTART, None, b""),
        (CommandCode.SETTINGS, '{ "hold_ms": 3000, "name": "é" }', '{"hold_ms":3000,"name":"é"}'.encode()),
        (CommandCode.UPDATE, "https://example.org/siaga.bundle?x=1", b"https://example.org/siaga.bundle?x=1"),
    ],
)
def test_arguments_as_the_device_gets_them(code: CommandCode, written: str | None, arguments: bytes) -> None:
    assert arguments_of(code, written) == arguments


@pytest.mark.parametrize(
    ("code", "written", "said"),
    [
        (CommandCode.LOCATE, "now", "locate takes no argument"),
        (CommandCode.SETTINGS, None, "settings needs the settings"),
        (CommandCode.SETTINGS, "hold_ms=3000", "the settings are no JSON"),
        (CommandCode.SETTINGS, "[3000]", "no JSON object"),
        (CommandCode.SETTINGS, "{}", "at least one setting"),
        (CommandCode.SETTINGS, '{"a": NaN}', "NaN is no JSON number"),
        (CommandCode.SETTINGS, '{"a": 1, "a": 2}', "twice"),
        (CommandCode.SETTINGS, '{"a": "\\ud800"}', "the settings are no JSON"),
        (CommandCode.SETTINGS, json.dumps({"a": "x" * 250}), "258 bytes of arguments: at most 255"),
        (CommandCode.SETTINGS, "[" * 100_000, "the settings are no JSON"),
        (CommandCode.UPDATE, None, "update needs the address"),
        (CommandCode.UPDATE, "siaga.bundle", "no web address"),
        (CommandCode.UPDATE, "file:///etc/passwd", "no web address"),
        (CommandCode.UPDATE, "https://exämple.org/x", "no web address"),
        (CommandCode.UPDATE, "https://[", "no web address"),
        (CommandCode.UPDATE, "https://example.org/" + "x" * 250, "at most 255"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(code: CommandCode, written: str | None, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        arguments_of(code, written)


def test_only_devices_whose_registration_allows_it(post: Post) -> None:
    for state in RegistrationState:
        button = post.desk.button(state)
        for code in (CommandCode.LOCATE, CommandCode.RESTART):
            if allowed(state, code):
                post.ask(button, code)
            else:
                with pytest.raises(CommandError, match=f"is {state}: it may not be told to"):
                    post.ask(button, code)
    assert allowed(RegistrationState.STOLEN, CommandCode.LOCATE)
    assert not allowed(RegistrationState.STOLEN, CommandCode.SETTINGS)
    with pytest.raises(CommandError, match="is not enrolled"):
        post.ask(PressingButton())


@given(last=st.none() | st.integers(0, 2**32 - 2), now_ms=st.integers(-1, 2**45))
def test_a_down_counter_is_higher_than_the_last_and_fits(last: int | None, now_ms: int) -> None:
    counter = next_counter(last, now_ms)
    assert (-1 if last is None else last) < counter < 2**32


def test_the_last_down_counter_is_the_last() -> None:
    with pytest.raises(CommandError, match="enrol it anew"):
        next_counter(2**32 - 1, NOW_MS)


def test_a_disk_that_was_put_back_by_hand_gives_no_number_again(tmp_path: Path) -> None:
    """Nobody told the gateway: numbers follow the clock."""
    (tmp_path / "disk").mkdir()
    before = Post(tmp_path / "disk")
    button = before.desk.button()
    before.desk.close()
    shutil.copytree(tmp_path / "disk", tmp_path / "snapshot")
    now = CommandIssuer(sample_store.new_store(tmp_path / "disk"), before.clock)
    given = [now.ask(button.device_id, CommandCode.LOCATE, None, actor="Dewi").down_counter for _ in range(2)]
    before.clock.at_ms += 60_000
    back = CommandIssuer(sample_store.new_store(tmp_path / "snapshot"), before.clock)
    assert back.ask(button.device_id, CommandCode.LOCATE, None, actor="Dewi").down_counter > max(given)


def test_pauses_double_to_six_hours() -> None:
    pauses = [pause_ms(attempts) for attempts in range(1, 40)]
    assert pauses[:3] == [15_000, 30_000, 60_000]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 6 * HOUR_MS


# How they go


def test_a_command_goes_at_once_and_again_until_it_is_answered(post: Post) -> None:
    button = post.desk.button()
    number = post.ask(button, CommandCode.SETTINGS, '{"hold_ms": 3000}')
    assert post.state(button, number) == "waiting"
    assert post.sent(button) == [number]
    assert post.state(button, number) == "sent"
    (frame,) = post.answers.of(button.device_id)
    assert (frame[1], frame[18], frame[20:-16]) == (Kind.COMMAND, CommandCode.SETTINGS, b'{"hold_ms":3000}')
    assert post.sent(button, 14_000) == []
    assert post.sent(button, 1_000) == [number]
    assert post.sent(button, 29_000) == []
    assert post.sent(button, 1_000) == [number]
    post.receipt(button, number)
    assert post.state(button, number) == "done"
    assert post.sent(button, 24 * HOUR_MS) == []
    (answered,) = post.desk.journal(journal.COMMAND_ANSWERED)
    assert answered.facts["result"] == "done"
    assert answered.facts["answered_s"] == 45
    assert [entry.kind for entry in post.desk.journal() if entry.kind.startswith("command")] == [
        journal.COMMAND_ASKED,
        journal.COMMAND_SENT,
        journal.COMMAND_SENT,
        journal.COMMAND_ANSWERED,
    ]
    assert "hold_ms" not in json.dumps([dict(entry.facts) for entry in post.desk.journal()])


def test_a_check_in_is_a_moment_to_send_again_a_press_is_not(post: Post) -> None:
    button = post.desk.button()
    number = post.ask(button)
    assert post.sent(button) == [number]
    post.sent(button, 3 * HOUR_MS)
    post.sent(button, 3 * HOUR_MS)
    post.says(button, button.press())
    assert post.sent(button, 10_000) == []
    check_in = button.follow(Kind.CHECKIN)
    post.says(button, check_in)
    assert post.sent(button) == [number]
    post.says(button, check_in)  # at once again, as after a lost acknowledgement
    assert post.sent(button) == []
    post.says(button, check_in)
    assert post.sent(button, 5_000) == [number]


def test_one_is_under_way_at_a_time_in_the_order_of_the_counters(post: Post) -> None:
    button, other = post.desk.button(), post.desk.button()
    first, second, third = (post.ask(button, CommandCode.TEST) for _ in range(3))
    assert first < second < third
    others = post.ask(other)
    assert post.sent(button) == [first]
    assert post.answers.of(other.device_id)[0][10:14] == others.to_bytes(4, "big")
    assert post.sent(button, 20_000) == [first]
    post.receipt(button, first, Result.REFUSED)
    assert post.sent(button) == [second]
    post.commander.withdraw(button.device_id, second, actor="Dewi")
    assert post.sent(button) == [third]
    post.receipt(button, third, Result.FAILED)
    assert post.sent(button, 24 * HOUR_MS) == []
    assert [post.state(button, number) for number in (first, second, third)] == ["refused", "withdrawn", "failed"]


def test_a_command_expires_and_makes_room(post: Post) -> None:
    button = post.desk.button()
    number = post.commander.ask(
        button.device_id, CommandCode.LOCATE, None, actor="Dewi", expires_ms=60_000
    ).down_counter
    second = post.ask(button)
    assert post.sent(button) == [number]
    assert post.sent(button, 60_000) == [second]
    assert post.state(button, number) == "expired"
    (expired,) = post.desk.journal(journal.COMMAND_EXPIRED)
    assert (expired.facts["down_counter"], expired.facts["attempts"]) == (number, 1)
    assert post.sent(button, EXPIRES_MS) == []
    assert post.state(button, second) == "expired"


def test_a_late_answer_is_believed_and_another_one_changes_nothing(post: Post) -> None:
    button = post.desk.button()
    number = post.ask(button)
    post.commander.withdraw(button.device_id, number, actor="Dewi")
    post.receipt(button, number)
    assert post.state(button, number) == "done"
    post.receipt(button, number, Result.FAILED)
    assert post.state(button, number) == "done"
    was = [entry.facts["was"] for entry in post.desk.journal(journal.COMMAND_ANSWERED)]
    assert was == ["withdrawn", "done"]


def test_an_answer_to_nothing_is_noted(post: Post) -> None:
    button = post.desk.button()
    post.receipt(button, 7, Result.REFUSED)
    (entry,) = post.desk.journal(journal.RECEIPT_UNKNOWN)
    assert (entry.device_id, entry.facts["down_counter"], entry.facts["result"]) == (button.device_id, 7, "refused")


def test_a_receipt_answers_only_its_own_devices_command(post: Post) -> None:
    button, other = post.desk.button(), post.desk.button()
    number = post.ask(button)
    post.receipt(other, number)
    assert post.state(button, number) == "waiting"
    assert len(post.desk.journal(journal.RECEIPT_UNKNOWN)) == 1


def test_a_device_that_was_suspended_meanwhile_is_sent_nothing(post: Post) -> None:
    button = post.desk.button()
    number = post.ask(button)
    with post.desk.store.transaction() as transaction:
        transaction.set_registration(button.device_id, RegistrationState.SUSPENDED, 0)
    assert post.sent(button) == []
    assert post.state(button, number) == "waiting"
    with post.desk.store.transaction() as transaction:
        transaction.set_registration(button.device_id, RegistrationState.ACTIVE, 0)
    assert post.sent(button, 60_000) == [number]


def test_withdrawing_says_why_it_cannot_be(post: Post) -> None:
    button = post.desk.button()
    with pytest.raises(CommandError, match="has no command 5"):
        post.commander.withdraw(button.device_id, 5, actor="Dewi")
    number = post.ask(button)
    post.commander.withdraw(button.device_id, number, actor="Dewi")
    with pytest.raises(CommandError, match="is withdrawn: there is nothing to withdraw"):
        post.commander.withdraw(button.device_id, number, actor="Dewi")


def test_a_restarted_gateway_goes_on_where_it_was(post: Post) -> None:
    button = post.desk.button()
    number = post.ask(button)
    assert post.sent(button) == [number]
    post.worker = CommandWorker(post.desk.store, post.desk.keyring, post.answers, JournalNotifier(), post.clock)
    assert post.sent(button) == []
    assert post.sent(button, 15_000) == [number]


def test_hundreds_of_commands_go_out_over_a_few_looks(post: Post) -> None:
    buttons = [post.desk.button() for _ in range(250)]
    numbers = {button.device_id: post.ask(button) for button in buttons}
    post.worker.work()
    post.worker.work()
    went = {to: int.from_bytes(frame[10:14], "big") for to, frame in post.answers.frames}
    assert went == numbers


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.sampled_from(["ask", "look", "later", "much later", "check in", "receipt", "old receipt", "withdraw"]),
        max_size=25,
    )
)
def test_whatever_happens_counters_only_rise_and_each_is_sent_in_turn(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    post = Post(tmp_path_factory.mktemp("post"))
    button = post.desk.button()
    asked: list[int] = []
    went: list[int] = []
    for step in steps:
        open_ = [one.down_counter for one in post.desk.store.commands(button.device_id) if one.closed_ms is None]
        match step:
            case "ask":
                asked.append(post.ask(button))
            case "look":
                went += post.sent(button)
            case "later":
                went += post.sent(button, 20_000)
            case "much later":
                went += post.sent(button, EXPIRES_MS // 2)
            case "check in":
                post.says(button, button.follow(Kind.CHECKIN))
                went += post.sent(button)
            case "receipt" if went:
                post.receipt(button, went[-1])
            case "old receipt" if asked:
                post.receipt(button, asked[0], Result.FAILED)
            case "withdraw" if open_:
                post.commander.withdraw(button.device_id, min(open_), actor="Dewi")
    assert asked == sorted(set(asked))
    assert went == sorted(went), "a device ignores whatever is lower than what it has had"
    post.desk.close()


def test_a_command_is_itself_after_a_restart(tmp_path: Path) -> None:
    post = Post(tmp_path)
    button = post.desk.button()
    given_ = post.commander.ask(button.device_id, CommandCode.UPDATE, "https://example.org/b", actor="Dewi")
    post.worker.work()
    (kept,) = post.desk.store.commands()
    assert kept == replace(given_, state=CommandState.SENT, attempts=1, sent_ms=NOW_MS, next_ms=NOW_MS + pause_ms(1))
    post.desk.close()


def test_a_command_that_cannot_be_read_holds_up_neither_the_others_nor_its_own_answer(post: Post) -> None:
    spoilt, other = post.desk.button(), post.desk.button()
    first, second = post.ask(spoilt), post.ask(other)
    with post.desk.store.engine.transaction() as session:
        session.run("UPDATE command SET code = 99 WHERE device_id = ?", (spoilt.device_id,))
    for button in (spoilt, other):  # both listen now
        post.says(button, button.follow(Kind.CHECKIN, NOW_MS // 1000))
    assert (post.sent(spoilt), post.sent(other, HOUR_MS)) == ([], [second])
    post.receipt(spoilt, first)
    assert journal.RECEIPT_UNKNOWN in post.desk.kinds()
