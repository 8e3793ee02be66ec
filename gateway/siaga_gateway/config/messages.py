"""The settings of a desk's messages: to those who were sent, and to the holder's own telephone."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.operator_message import LONGEST_MESSAGE, MessageOptions, MessageTemplate, built_in_templates
from siaga_gateway.domain.places import ContactWay

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MESSAGE)]
Sentences = Annotated[list[Sentence], Field(max_length=40)]


class MessageSettings(Section):
    """What a desk may write, and to whom."""

    holder_sms: bool = False
    units_id: Sentences = Field(default_factory=list)
    units_en: Sentences = Field(default_factory=list)
    holder_id: Sentences = Field(default_factory=list)
    holder_en: Sentences = Field(default_factory=list)

    @model_validator(mode="after")
    def _in_pairs(self) -> MessageSettings:
        for name, first, second in (
            ("units", self.units_id, self.units_en),
            ("holder", self.holder_id, self.holder_en),
        ):
            if len(first) != len(second):
                raise SettingError("settings.templates", name=name, of_id=len(first), of_en=len(second))
        return self

    def options(self, ways: frozenset[ContactWay]) -> MessageOptions:
        """ways: that are set up."""
        built_in = built_in_templates()
        templates = list[MessageTemplate]()
        for for_holder, first, second in (
            (False, self.units_id, self.units_en),
            (True, self.holder_id, self.holder_en),
        ):
            own = [MessageTemplate(_name(a), a, b, for_holder) for a, b in zip(first, second, strict=True)]
            templates += own or [each for each in built_in if each.for_holder is for_holder]
        return MessageOptions(ways, self.holder_sms, tuple(templates))


def _name(sentence: str) -> str:
    """Return what a form calls it: another sentence in its place is another template."""
    return sha256(sentence.encode()).hexdigest()[:12]
