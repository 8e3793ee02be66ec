"""What a voice says: every phrase is one that a modem can say, and every recording is on the list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.ways.sample_messages import alarm
from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.domain.keyed_answer import WITH_NO, YES_KEYS, Question, Said, Standing, Taken
from siaga_gateway.domain.personal_message import Spoken
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.voice_script import (
    LONGEST,
    Phrase,
    answer_phrase,
    gone_phrase,
    question_phrases,
    recordings,
    wrong_phrase,
)


def test_a_call_for_help_in_words() -> None:
    message = alarm(spoken=Spoken(Question.DESK, ("Panggilan darurat, Polsek A.", "Ditekan pukul 14:03:27 WIB.")))
    assert [each.text for each in question_phrases(message, "4")] == [
        "Ini Siaga. Ada panggilan darurat.",
        "Panggilan darurat, Polsek A.",
        "Ditekan pukul 14:03:27 WIB.",
        "Bila Anda menangani panggilan ini, tekan",
        "empat",
        "Bila tidak bisa, tekan dua.",
        "Untuk mendengar lagi, tekan sembilan.",
    ]


def test_an_exercise_says_so_first_and_a_message_without_a_question_is_read_out() -> None:
    spoken = Spoken(Question.RESPONDER, ("x",), exercise=True)
    assert question_phrases(alarm(spoken=spoken), "3")[0].text == "Ini latihan."
    read_out = [each.text for each in question_phrases(alarm(language="en"), "3")]
    assert read_out[1] == "PANGGILAN DARURAT - Polsek A" and "1,2 km" in read_out


def test_whatever_is_said_of_no_one_call_has_a_recording() -> None:
    for language in LANGUAGES:
        listed = set(recordings(language))
        assert len({each.name for each in listed}) == len(recordings(language))
        used: set[Phrase] = {
            wrong_phrase(language),
            gone_phrase(Standing.OVER, language),
            gone_phrase(Standing.ANSWERED, language),
        }
        for question in Question:
            message = alarm(language=language, spoken=Spoken(question, ("x",), exercise=True))
            for key in YES_KEYS:
                used |= {each for each in question_phrases(message, key) if each.name}
            for said in Said:
                if said is Said.YES or question in WITH_NO:
                    used |= {answer_phrase(question, said, taken, language) for taken in Taken}
        assert {copied(each, names_key=False) for each in used} == listed


@given(st.text(max_size=600), st.lists(st.text(max_size=400), max_size=20).map(tuple))
def test_a_modem_can_say_it(title: str, sentences: tuple[str, ...]) -> None:
    message = alarm(title=title, text=title, spoken=Spoken(Question.RESPONDER, sentences))
    phrases = question_phrases(message, "8")
    assert [each.names_key for each in phrases].count(True) == 1
    for phrase in phrases:
        assert phrase.text and phrase.text.isascii() and phrase.text.isprintable() and len(phrase.text) <= LONGEST
