"""Telephone calls through a simulated modem on a real pty: only a named key answers, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.ways.modem_place import NUMBER, TIMES, Telephone, presses_yes
from gateway.ways.sample_messages import KEY
from gateway.ways.spoken_calls import AREA, Talk, call, on, once, said
from siaga_gateway.domain.keyed_answer import Question, Said, Standing, Taken
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.ways import HandedOver
from siaga_gateway.service.ports import NotDelivered
from siaga_tools.silicon.at_commands import Command
from siaga_tools.silicon.modem_voice import FarEnd
from waiting import eventually


def test_a_key_is_stored_before_it_is_confirmed() -> None:
    with Telephone() as it:
        confirmed = said("taken_responder_yes")
        talk = Talk(when=lambda: heard.append(confirmed in it.modem.speech.said))
        heard: list[bool] = []
        outcome = it.way.call(NUMBER, call(exercise=True), KEY, talk)
        assert isinstance(outcome, HandedOver) and talk.answers == [Said.YES] and heard == [False]
        spoken = it.modem.speech.said
        assert spoken[:4] == [said("exercise"), said("open_responder"), AREA, said("yes_responder")]
        assert spoken[-1] == confirmed
        assert it.dialled == [NUMBER] and it.modem.voice.hang_ups == 1 and not it.modem.voice.collisions
        eventually(lambda: not it.modem.voice.is_busy)


def test_no_is_the_same_key_always_and_a_desk_that_cannot_has_not_been_reached() -> None:
    with Telephone(on("no_responder", "2")) as it:
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver)
        assert talk.answers == [Said.NO]
        it.modem.speech.hears = on("no_desk", "2")
        outcome = it.way.call(NUMBER, call(Question.DESK), KEY, talk)
        assert isinstance(outcome, NotDelivered) and outcome.permanent


def test_the_text_is_said_again_until_a_key_comes_and_at_once_by_nine() -> None:
    with Telephone() as it:
        times = 0

        def third_time(heard: str) -> str:
            nonlocal times
            times += heard == AREA
            if times == 1:
                return "9" if heard == said("yes_responder") or heard == said("again") else ""
            return presses_yes(heard) if times >= 3 else ""

        it.modem.speech.hears = third_time
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver)
        assert it.modem.speech.said.count(AREA) >= 3 and talk.answers == [Said.YES]


@pytest.mark.parametrize(
    ("far_end", "told"),
    [
        (FarEnd.ANSWERS, "taken, no key pressed: a voicemail, perhaps"),
        (FarEnd.BUSY, "busy"),
        (FarEnd.NO_ANSWER, "rang, nobody took it"),
        (FarEnd.NO_CARRIER, "the network did not put the call through (31 Normal unspecified)"),
        (FarEnd.NO_VOICE, "the network did not put the call through (31 Normal unspecified)"),
    ],
)
def test_whatever_is_no_key_is_no_answer(far_end: FarEnd, told: str) -> None:
    with Telephone(lambda heard: "", times=copied(TIMES, ring=1.0, call=1.6)) as it:
        it.modem.voice.far_end = far_end
        if far_end is FarEnd.NO_ANSWER:
            it.modem.pace = 1.0  # the network gives up long after us
            it.modem.voice.falls_back = False
        talk = Talk()
        outcome = it.way.call(NUMBER, call(), KEY, talk)
        assert isinstance(outcome, NotDelivered) and not outcome.permanent
        assert outcome.detail == told and not talk.answers
        it.modem.pace = 0.01
        eventually(lambda: not it.modem.voice.is_busy)


def test_a_network_that_says_no_carrier_and_goes_on_is_waited_for() -> None:
    with Telephone() as it:
        it.modem.voice.far_end = FarEnd.LATE
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), HandedOver)


@pytest.mark.parametrize(
    ("hears", "told"),
    [
        (lambda heard: "1", "only wrong keys"),  # a machine that knows menus
        (lambda heard: "0123456789" if heard == said("again") else "", "only wrong keys"),  # one that sends all
        (once("open_responder", "345678"), "no key"),  # before any was named: nothing
    ],
)
def test_tones_of_a_machine_do_not_accept(hears: Callable[[str], str], told: str) -> None:
    with Telephone(hears, times=copied(TIMES, call=1.0 if told == "no key" else 4.0)) as it:
        talk = Talk()
        outcome = it.way.call(NUMBER, call(), KEY, talk)
        assert isinstance(outcome, NotDelivered) and told in outcome.detail and not talk.answers


def test_a_wrong_key_is_told_and_the_right_one_still_counts() -> None:
    with Telephone() as it:
        wrong = iter(["1"])
        it.modem.speech.hears = lambda heard: (presses_yes(heard) and next(wrong, "")) or presses_yes(heard)
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver)
        assert said("wrong") in it.modem.speech.said and talk.answers == [Said.YES]


@pytest.mark.parametrize(("phrase", "become"), [("wrong", []), ("unstored", [Taken.UNSTORED])])
def test_a_key_that_is_pressed_while_the_one_before_is_answered_counts(phrase: str, become: list[Taken]) -> None:
    with Telephone(times=copied(TIMES, alone=0.0)) as it:
        named: list[str] = []
        speaks = it.modem.speech._say

        def begins(what: str, *how: object) -> None:
            speaks(what, *how)  # type: ignore[arg-type]
            if what == said(phrase):
                it.modem.speech.press(named[0])

        def hears(heard: str) -> str:
            if not (key := presses_yes(heard)) or named:
                return ""
            named.append(key)
            return key if become else "1"

        it.modem.speech._say, it.modem.speech.hears = begins, hears  # type: ignore[method-assign]
        talk = Talk(*become)
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver)
        assert talk.answers == [Said.YES] * (1 + len(become))


def test_who_presses_and_hangs_up_has_answered_but_no_key_counts_after_the_end() -> None:
    with Telephone(times=copied(TIMES, alone=5.0)) as it:  # so the end comes before the key stands alone

        def press_and_go(heard: str) -> str:
            if keys := presses_yes(heard):
                it.modem.later(0.7, it.modem.voice._end, "NO CARRIER")
                return keys
            return ""

        it.modem.speech.hears = press_and_go
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver) and talk.answers == [Said.YES]

    with Telephone() as it:

        def go_and_press(heard: str) -> str:
            if presses_yes(heard):
                it.modem.voice._end("NO CARRIER")
                for key in "345678":
                    it.modem.urc(f"+RXDTMF: {key}")
            return ""

        it.modem.speech.hears = go_and_press
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), NotDelivered) and not talk.answers


def test_a_key_that_came_just_before_an_end_that_is_only_seen_by_asking_counts() -> None:
    with Telephone(times=copied(TIMES, alone=5.0)) as it:
        named: list[str] = []
        listing = it.modem.voice.at_clcc

        async def in_one_breath(command: Command) -> None:
            if named:
                it.modem.urc(f"+RXDTMF: {named.pop()}")
                it.modem.voice.mumbles = True
                it.modem.voice._end()
            await listing(command)

        def name(heard: str) -> str:
            named.extend(presses_yes(heard))
            return ""

        it.modem.voice.at_clcc, it.modem.speech.hears = in_one_breath, name  # type: ignore[method-assign]
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver) and talk.answers == [Said.YES]


def test_an_answer_that_could_not_be_stored_is_asked_for_again() -> None:
    with Telephone(times=copied(TIMES, call=2.0)) as it:
        talk = Talk(Taken.UNSTORED, Taken.UNSTORED, Taken.TAKEN)
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver)
        assert talk.answers == [Said.YES] * 3 and it.modem.speech.said.count(said("unstored")) == 2
        talk = Talk(*[Taken.UNSTORED] * 99)
        outcome = it.way.call(NUMBER, call(), KEY, talk)
        assert isinstance(outcome, NotDelivered) and not outcome.permanent
        assert said("taken_responder_yes") not in it.modem.speech.said[-3:]


@pytest.mark.parametrize("gone", [Standing.OVER, Standing.ANSWERED])
def test_a_call_whose_reason_goes_ends_while_it_rings_and_who_is_on_the_line_is_told(gone: Standing) -> None:
    with Telephone(lambda heard: "") as it:
        talk = Talk()
        talk.stands = gone
        outcome = it.way.call(NUMBER, call(), KEY, talk)
        assert isinstance(outcome, HandedOver) == (gone is Standing.ANSWERED)
        assert it.dialled == [], "it does not even ring"

        def changes(heard: str) -> str:
            if heard == AREA:
                talk.stands = gone
            return ""

        it.modem.voice.far_end = FarEnd.NO_ANSWER
        talk.stands = Standing.WANTED
        talk.then, talk.goes = gone, talk.asked + 2
        outcome = it.way.call(NUMBER, call(), KEY, talk)
        assert isinstance(outcome, HandedOver) == (gone is Standing.ANSWERED) and len(it.dialled) == 1
        eventually(lambda: not it.modem.voice.is_busy)

        it.modem.voice.far_end = FarEnd.ANSWERS
        talk.stands = Standing.WANTED
        talk.goes = 1_000_000
        it.modem.speech.hears = changes
        it.way.call(NUMBER, call(), KEY, talk)
        assert it.modem.speech.said[-1] == said(gone) and not talk.answers


def test_a_key_that_comes_after_the_closing_is_told_so() -> None:
    with Telephone() as it:
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk(Taken.OVER)), HandedOver)
        assert it.modem.speech.said[-1] == said("over")
