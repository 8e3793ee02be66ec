"""What is written to a bot is fetched, read, and only then forgotten; whatever goes wrong, it comes again."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.outputs.http_receiver import Receiver
from gateway.ways.bot_api import TOKEN, BotApi, bot_receiver
from siaga_gateway.adapters.ways.http_way import HttpService
from siaga_gateway.adapters.ways.telegram_answers import ASKED_S, LATE_MS, ChatReplies, TelegramAnswers
from siaga_gateway.catalogue import text
from siaga_gateway.formats.telegram_updates import TelegramUpdates
from siaga_gateway.service.inbound import InboundText, TextOutcome
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import StoreDamaged, StoreFailing
from waiting import ENDS_S, eventually

BUDI, WATI, GROUP = 1_001, 1_002, -100_200_300
NOW_MS = 1_790_000_100_000


class Reader:
    """Understands what begins with a digit; answers what it reads."""

    def __init__(self, replies: ChatReplies) -> None:
        self.replies = replies
        self.read_: list[InboundText] = []
        self.failing: list[Exception | None] = []

    def read(self, text: InboundText) -> TextOutcome:
        if self.failing and (why := self.failing.pop(0)) is not None:
            raise why
        self.read_.append(text)
        if text.number == str(WATI):
            return TextOutcome.STRANGER
        self.replies.reply(text.origin, f"re: {text.text}")
        return TextOutcome.TAKEN if text.text[:1].isdigit() else TextOutcome.UNCLEAR


class Scene:
    def __init__(self, folder: Path, server: Receiver, bot: BotApi) -> None:
        self.bot = bot
        self.store = sample_store.new_store(folder)
        self.url = f"http://127.0.0.1:{server.port}"
        self.changes: queue.Queue[tuple[bool, str]] = queue.Queue()
        self.replies = ChatReplies()
        self.reader = Reader(self.replies)
        self.made: list[TelegramAnswers] = []
        self.service = HttpService([self.url])
        self.clock = ManualClock(NOW_MS)

    def answers(self, worker: str = "worker 1") -> TelegramAnswers:
        self.made.append(
            TelegramAnswers(
                "bot",
                self.service,
                TelegramUpdates(self.url, TOKEN),
                self.reader,
                self.replies,
                self.store,
                Lease(self.store, "answers bot", worker, ASKED_S),
                self.clock,
                lambda up, why: self.changes.put((up, why)),
                "id",
            )
        )
        return self.made[-1]

    def texts(self) -> list[tuple[str, str]]:
        return [(each.number, each.text) for each in self.reader.read_]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    bot = BotApi()
    with bot_receiver(bot) as server:
        made = Scene(tmp_path, server, bot)
        yield made
        for each in made.made:
            each.stop()
        made.service.close()
        made.store.close()


def test_messages_and_taps_are_read_answered_and_forgotten(scene: Scene) -> None:
    scene.bot.write(BUDI, "1 47", at_s=NOW_MS // 1000 - 9)
    tap = scene.bot.tap(BUDI, "3 47")
    scene.bot.write(BUDI, "apa?", at_s=NOW_MS // 1000 + 99)
    answers = scene.answers()
    answers.fetch()
    assert scene.texts() == [(str(BUDI), "1 47"), (str(BUDI), "3 47"), (str(BUDI), "apa?")]
    assert [each.received_ms - NOW_MS for each in scene.reader.read_] == [-9_000, 0, 0]
    assert scene.bot.called == [
        ("sendMessage", {"chat_id": str(BUDI), "text": "re: 1 47"}),
        ("answerCallbackQuery", {"callback_query_id": tap, "text": "re: 3 47", "show_alert": False}),
        ("sendMessage", {"chat_id": str(BUDI), "text": "re: apa?"}),
    ]
    assert scene.bot.waiting() == 3, "until the next question"
    answers.fetch()
    assert scene.bot.waiting() == 0 and len(scene.reader.read_) == 3


def test_strangers_are_not_answered_but_their_buttons_do_not_wait(scene: Scene) -> None:
    scene.bot.write(WATI, "1 47")
    tap = scene.bot.tap(WATI, "1 47")
    scene.answers().fetch()
    assert scene.bot.called == [("answerCallbackQuery", {"callback_query_id": tap, "text": "", "show_alert": False})]


def test_a_strangers_tap_in_a_group_is_told_that_it_does_not_count(scene: Scene) -> None:
    tap = scene.bot.tap(WATI, "1 47", chat=GROUP)
    scene.bot.write(WATI, "1 47", chat=GROUP)
    scene.answers().fetch()
    said = text("calls.help.group_stranger", "id")
    assert scene.bot.called == [("answerCallbackQuery", {"callback_query_id": tap, "text": said, "show_alert": True})]
    assert len(said) <= 200 and len(text("calls.help.group_stranger", "en")) <= 200


def test_in_a_group_only_taps_count_and_the_group_is_told(scene: Scene) -> None:
    scene.bot.write(BUDI, "1 47", chat=GROUP)
    scene.bot.tap(BUDI, "1 47", chat=GROUP)
    scene.answers().fetch()
    (text,) = scene.reader.read_
    assert (text.number, text.chat, text.text) == (str(BUDI), str(GROUP), "1 47")
    assert str(BUDI) not in repr(text) and str(GROUP) not in repr(text)


def test_more_than_one_answer_holds_come_one_after_the_other_and_across_a_restart(scene: Scene) -> None:
    for number in range(12):
        scene.bot.write(BUDI, f"{number}")
    scene.answers().fetch()
    again = scene.answers()
    again.fetch()
    again.fetch()
    assert [text for _, text in scene.texts()] == [str(number) for number in range(12)]


def test_long_messages_over_a_slow_line_are_read_to_their_end(scene: Scene) -> None:
    """Five at a time, each quoting another one: otherwise a stranger could end all fetching."""
    for _ in range(5):
        scene.bot.write(BUDI, "\U0001f600" * 9_000)  # as JSON twelve bytes each
    scene.bot.halves_s = 1.3
    scene.answers().fetch()
    assert len(scene.reader.read_) == 5


def test_what_the_store_cannot_take_comes_again_and_is_not_confirmed(scene: Scene) -> None:
    scene.bot.write(BUDI, "1 47")
    scene.reader.failing = [StoreFailing("passed_on", why="a full disk"), ValueError("a bug")]
    answers = scene.answers()
    with pytest.raises(StoreFailing):
        answers.fetch()
    assert scene.bot.called == []
    answers.fetch()  # the bug keeps no other text from being fetched
    scene.bot.write(BUDI, "2 47")
    answers.fetch()
    assert scene.texts() == [(str(BUDI), "2 47")]


def test_a_text_that_hits_a_damaged_part_of_the_store_holds_up_no_other(scene: Scene) -> None:
    for said in ("2 47", "1 48"):
        scene.bot.tap(BUDI, said)
    scene.reader.failing = [StoreDamaged("passed_on", why="page 77"), None]
    scene.answers().fetch()
    assert scene.texts() == [(str(BUDI), "1 48")]
    assert "tidak dapat disimpan" in str(scene.bot.called[0]), "and is told so"


def test_what_was_read_never_comes_again_when_a_later_one_cannot_be_kept(scene: Scene) -> None:
    for said in ("1 47", "2 47", "3 47"):
        scene.bot.tap(BUDI, said)
    scene.reader.failing = [None, None, StoreFailing("passed_on", why="a full disk")]
    with pytest.raises(StoreFailing):
        scene.answers().fetch()
    assert len(scene.bot.called) == 2
    scene.answers("worker 1").fetch()
    assert [text for _, text in scene.texts()] == ["1 47", "2 47", "3 47"]


def test_each_is_forgotten_before_it_is_answered_as_that_may_take_long(scene: Scene) -> None:
    scene.bot.tap(BUDI, "1 47")
    kept: list[str | None] = []
    scene.bot.hears = lambda method: kept.append(scene.store.remembered("telegram.bot.after"))
    scene.answers().fetch()
    assert kept == ["702"]


def test_a_turn_ends_when_another_worker_has_the_lease(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a slow line five answers take longer than the lease lasts that began with the question."""
    lent = iter([True, False])
    monkeypatch.setattr(scene.store, "lease", lambda *_: next(lent))
    answers = scene.answers()
    scene.bot.hears = lambda method: setattr(answers._lease, "_until", 0.0)
    for said in ("1 47", "2 47"):
        scene.bot.write(BUDI, said)
    answers.fetch()
    assert [text for _, text in scene.texts()] == ["1 47"]


def test_taps_that_may_have_waited_for_minutes_are_said_to_be_late_until_all_is_read(scene: Scene) -> None:
    answers = scene.answers()

    def late() -> list[bool]:
        answers.fetch()
        said = [each.late for each in scene.reader.read_]
        scene.reader.read_.clear()
        return said

    scene.bot.tap(BUDI, "1 47")
    assert late() == [False], "what nobody knows"
    scene.clock.at_ms += LATE_MS - 1
    scene.bot.tap(BUDI, "1 47")
    assert late() == [False]
    scene.clock.at_ms += LATE_MS
    for _ in range(6):
        scene.bot.tap(BUDI, "1 47")
    scene.bot.write(BUDI, "1 47", at_s=scene.clock.at_ms // 1000 - 600)
    scene.bot.write(BUDI, "1 47", at_s=scene.clock.at_ms // 1000 - 20)
    scene.bot.tap(BUDI, "1 47")
    scene.bot.called.clear()
    assert late() == [True] * 5
    assert {name for name, _ in scene.bot.called} == {"sendMessage"}, "nobody sees an answer to an old tap"
    assert late() == [True, False, False, False], "after a message of now"
    scene.bot.tap(BUDI, "1 47")
    assert late() == [False]


def test_it_says_why_nothing_comes_and_goes_on_by_itself(scene: Scene) -> None:
    conflict = {"ok": False, "error_code": 409, "description": "Conflict: terminated by other getUpdates request"}
    scene.bot.failing = [(409, conflict)]
    scene.answers().start()
    up, why = scene.changes.get(timeout=ENDS_S)
    assert not up and "another program" in why and TOKEN not in why
    assert scene.changes.get(timeout=ENDS_S) == (True, "")
    scene.bot.write(BUDI, "1 47")
    eventually(lambda: scene.texts() == [(str(BUDI), "1 47")], "it is fetched")


def test_the_end_waits_for_no_question_and_is_no_fault(scene: Scene) -> None:
    scene.bot.quiet_s = 600
    answers = scene.answers()
    answers.start()
    eventually(lambda: scene.bot.polls > 0, "it has asked")
    answers.stop()
    assert not answers._thread.is_alive() and scene.changes.empty()


def test_a_worker_without_the_lease_asks_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lease(name: str, holder: str, for_s: float) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(scene.store, "lease", lease)
    scene.answers().start()
    eventually(lambda: len(asked) > 1, "it has looked twice")
    assert scene.bot.polls == 0 and set(asked) == {"answers bot"}
