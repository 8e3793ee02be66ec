"""What a voice says on the telephone: phrases, in the person's language. Pure.

A phrase has a text, for a modem that reads texts aloud, and a name, for one that plays recordings: those are a closed
list (`recordings`). What is known of the one call (whose area, when, how far) has no recording, and is said only by a
modem that reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.keyed_answer import WITH_NO, YES_KEYS, Question, Said, Standing, Taken
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import record
from siaga_gateway.formats.sms_notice import plain

LONGEST: Final = 240  # characters of one text: the modem takes 510
_MOST: Final = 8  # sentences about one call


@record
class Phrase:
    text: str  # plain ASCII, as modems take it
    name: str = ""  # of its recording; empty: it has none
    names_key: bool = False  # from here on the key counts


def question_phrases(message: PersonalMessage, key: str) -> tuple[Phrase, ...]:
    """Return what is said again and again until a key comes. key: that means yes."""
    spoken, language = message.spoken, message.language
    names = [f"open_{spoken.question}"]
    if spoken.exercise:
        names.insert(0, "exercise")
    found = [_phrase(name, language) for name in names]
    found += [Phrase(line) for line in _sentences(message)]
    found += [_phrase(f"yes_{spoken.question}", language), _phrase(f"key_{key}", language, names_key=True)]
    if spoken.question in WITH_NO:
        found.append(_phrase(f"no_{spoken.question}", language))
    return (*found, _phrase("again", language))


def answer_phrase(question: Question, said: Said, taken: Taken, language: str) -> Phrase:
    """Return what is said once an answer is stored, or is not."""
    if taken is Taken.TAKEN:
        return _phrase(f"taken_{question}_{said}", language)
    return _phrase(str(taken), language)


def wrong_phrase(language: str) -> Phrase:
    return _phrase("wrong", language)


def gone_phrase(standing: Standing, language: str) -> Phrase:
    """Return what is said to who is on the line when the call's reason is gone; not for WANTED."""
    return _phrase(str(standing), language)


def recordings(language: str) -> tuple[Phrase, ...]:
    """Return everything that a modem with recordings must have in a language."""
    names: list[str] = ["exercise"]
    for question in Question:
        names += [f"open_{question}", f"yes_{question}", f"taken_{question}_{Said.YES}"]
        if question in WITH_NO:
            names += [f"no_{question}", f"taken_{question}_{Said.NO}"]
    names += [f"key_{key}" for key in YES_KEYS]
    names += ["again", "wrong", Standing.ANSWERED.value, *(str(each) for each in Taken if each is not Taken.TAKEN)]
    return tuple(_phrase(name, language) for name in names)


def _sentences(message: PersonalMessage) -> Iterator[str]:
    lines = message.spoken.sentences or (message.title, *message.text.splitlines())
    said = [plain(line) for line in lines]
    for line in [line for line in said if line][:_MOST]:
        yield line[:LONGEST].rstrip()


def _phrase(name: str, language: str, *, names_key: bool = False) -> Phrase:
    language = language if language in LANGUAGES else LANGUAGES[0]
    return Phrase(plain(text(f"calls.voice.{name}", language)), name, names_key)
