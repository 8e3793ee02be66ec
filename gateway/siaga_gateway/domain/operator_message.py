"""What a desk writes to those who were sent, and to the holder: within one incident, in each reader's language. Pure.

It goes out by the ways of calls (notification.py), as notifications of a kind of its own. An incident's calls are
numbered from 1, its messages from FIRST_NUMBER: neither takes the other's place.
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record

FIRST_NUMBER: Final = 1_000_000
LONGEST_MESSAGE: Final = 160  # characters, in each language: whole in two text messages, with title and link
LONGEST_KEY: Final = 40
MOST_A_MINUTE: Final = 6  # of one incident
MOST: Final = 200  # of one incident
HOLDER: Final = "holder:"  # a recipient: the owner by number
# A voice reads nothing that a desk typed, and a radio is a person's.
UNWRITTEN: Final = frozenset({ContactWay.PHONE, ContactWay.RADIO})
_BUILT_IN: Final = (("wait_outside", False), ("no_siren", False), ("armed", False), ("call_desk", False))
_FOR_HOLDER: Final = (("coming", True), ("stay_safe", True), ("tried_to_ring", True))


@record
class MessageTemplate:
    """A sentence that is sent often, in both languages."""

    name: str
    id: str
    en: str
    for_holder: bool = False

    def text(self, language: str) -> str:
        return self.en if language == "en" else self.id


@record
class MessageOptions:
    """What the settings say of messages."""

    ways: frozenset[ContactWay] = frozenset()  # that are set up
    holder_sms: bool = False  # whether the holder may be written to
    templates: tuple[MessageTemplate, ...] = ()

    @property
    def to_holder(self) -> bool:
        return self.holder_sms and ContactWay.SMS in self.ways

    def template(self, name: str) -> MessageTemplate | None:
        return next((each for each in self.templates if each.name == name), None)


@record
class DeskMessage:
    """One message, to however many."""

    incident_id: int
    number: int  # from FIRST_NUMBER
    form_key: str  # of the form that it was sent by: a second one under the same key is the same message
    text_id: str
    text_en: str
    made_ms: int
    made_by: str
    unreadable: bool = False  # its key is not here: the texts are empty

    def text(self, language: str) -> str:
        return self.text_en if language == "en" else self.text_id


def built_in_templates() -> tuple[MessageTemplate, ...]:
    """Return those that come with the gateway."""
    return tuple(
        MessageTemplate(name, text(f"calls.message.{name}", "id"), text(f"calls.message.{name}", "en"), for_holder)
        for name, for_holder in (*_BUILT_IN, *_FOR_HOLDER)
    )
