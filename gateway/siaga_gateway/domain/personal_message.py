"""What one person is told of an incident, whatever way it goes. Pure."""

from __future__ import annotations

from siaga_gateway.domain.keyed_answer import Question
from siaga_gateway.domain.value import record


@record
class Spoken:
    """What is said on the telephone in place of title and text, and what is asked there."""

    question: Question = Question.HEARD
    sentences: tuple[str, ...] = ()  # none: title and text as they are
    exercise: bool = False


@record
class Answer:
    """A button under a message, where the way has buttons: it POSTs to `url`, from the person's own phone."""

    label: str
    url: str  # a secret of this person


@record
class Reply:
    """A button under a message that writes back for its reader, where the way has such buttons."""

    label: str
    text: str


@record
class PersonalMessage:
    """In the person's language.

    It may stand on a locked screen, and passes through the servers of others: nothing of the holder's is in it.
    """

    title: str  # one line, without the holder's personal data
    text: str  # a few lines, with the time of day and the place; without the holder's name, NIK, number
    url: str | None  # the responder's link, a secret of this person; None: there is nothing to open
    urgent: bool  # an alarm: it rings, with high priority; else a note (not needed, thank you)
    expires_ms: int  # Unix ms; not worth showing after. Whoever sends it looks first: a way takes what it is given
    withdraws: str | None = None  # reference of an earlier message that this one takes back, where the service can
    language: str = "id"  # that of title and text
    answers: tuple[Answer, ...] = ()
    reply: str | None = None  # how to answer by writing back, where that is read
    replies: tuple[Reply, ...] = ()  # what may be written back
    spoken: Spoken = Spoken()
    whole: bool = False  # the text is what it is about: where there is no room for everything, the rest is left out
