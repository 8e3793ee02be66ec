"""The settings of the operator's console: where it is, and who may sign in."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field, field_validator, model_validator

from siaga_gateway.config.section import Section, networks, public_address, this_machine
from siaga_gateway.domain import operator_name
from siaga_gateway.domain.errors import SettingError

# 16 bytes of salt, 32 of hash: what `operator-hash` makes, and the usual size elsewhere.
_WHOLE_HASH: Final = re.compile(r"\$argon2(id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{43,}")


class ConsoleSettings(Section):
    """The operator's console."""

    host: str = "127.0.0.1"
    port: int = Field(8110, ge=0, le=65_535)
    operators: dict[str, str] = Field(default_factory=dict)
    supervisors: list[str] = Field(default_factory=list)
    allowed_hosts: list[str] = Field(default_factory=list)

    wall_streets: bool = False

    public_url: str | None = None
    other_url: str | None = None

    proxies: list[str] = Field(
        default_factory=list,
    )

    @field_validator("proxies")
    @classmethod
    def _networks(cls, proxies: list[str]) -> list[str]:
        return networks(proxies)

    @field_validator("public_url", "other_url")
    @classmethod
    def _address(cls, written: str | None) -> str | None:
        return public_address(written)

    @field_validator("operators")
    @classmethod
    def _hashed(cls, operators: dict[str, str]) -> dict[str, str]:
        for name, hashed in operators.items():
            if not hashed.startswith("$argon2"):
                raise SettingError("settings.no_argon2", name=name)
            if not _WHOLE_HASH.fullmatch(hashed):
                raise SettingError("settings.cut_hash", name=name)
        named: dict[str, str] = {}
        for name, hashed in operators.items():
            cleaned = operator_name.clean_name(name)  # in the form looked up at sign-in
            if cleaned is None:
                raise SettingError(
                    "settings.operator_name", name=name, shortest=operator_name.SHORTEST, longest=operator_name.LONGEST
                )
            if cleaned in named:
                raise SettingError("settings.operator_twice", name=cleaned)
            named[cleaned] = hashed
        return named

    @property
    def is_reached_from_here_only(self) -> bool:
        """Whether nobody can open it from another machine, by a proxy or another name neither."""
        return this_machine(self.host) and not self.proxies and not self.allowed_hosts and self.public_url is None

    @model_validator(mode="after")
    def _supervisors_are_operators(self) -> ConsoleSettings:
        for name in self.supervisors:
            if name not in self.operators:
                raise SettingError("settings.supervisor", name=name, known=", ".join(self.operators) or "–")
        return self
