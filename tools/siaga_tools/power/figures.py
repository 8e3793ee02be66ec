"""The figures, boards and profiles, read from the TOML files beside this one and validated."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

Unit = Literal["uA", "mA", "s", "V", "ratio", "percent a month"]
ModemState = Literal["connected", "asleep", "off"]
# Everything is calculated in milliamperes, seconds and volts.
_SCALE: Final[Mapping[str, float]] = {"uA": 0.001}

_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Figure(BaseModel):
    """One figure with its range.

    best: the value with the longest battery life
    known: the source gives it
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    best: _Amount
    typical: _Amount
    worst: _Amount
    unit: Unit
    condition: str = Field(min_length=1)
    source: str
    known: bool
    assumed: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not min(self.best, self.worst) <= self.typical <= max(self.best, self.worst):
            raise ValueError("typical is not between best and worst")
        if self.known and not self.source:
            raise ValueError("known, but without a source")
        if not self.known and not self.assumed:
            raise ValueError("not known, and without the ground of the assumption")
        return self

    def at(self, case: Case) -> float:
        """Return it in mA, s, V, or as a plain number."""
        amount: float = getattr(self, case)
        return amount * _SCALE.get(self.unit, 1.0)


Case = Literal["best", "typical", "worst"]
CASES: Final[tuple[Case, ...]] = ("best", "typical", "worst")


class Board(BaseModel):
    """A board.

    rail_v: volts of the rail that the cell's converter makes for processor and modem
    supply_held: the modem's supply stays on in deep sleep even if the modem is off
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    modem: str
    rail_v: float = Field(gt=0)
    supply_held: bool
    profiles: tuple[str, ...] = Field(min_length=1)


class Profile(BaseModel):
    """A power profile.

    target_days: required on one cell of 3,000 mAh; None = it runs on mains
    keepalive_s: of an MQTT connection that outlives the sleep, 0 = none does
    linger_s: time awake after the last activity
    locate_s: the longest search for a satellite fix in a check-in that ends a sleep, 0 = none
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    checkin_s: int = Field(gt=0)
    keepalive_s: int = Field(ge=0)
    linger_s: int = Field(ge=0)
    locate_s: int = Field(ge=0)
    processor_asleep: bool
    modem: ModemState
    mains: bool
    target_days: int | None = None


@dataclass(frozen=True)
class PowerFigures:
    """Everything the model reads. Figures are named `<part>.<what>`, such as `a7670.asleep`."""

    figures: Mapping[str, Figure]
    boards: Mapping[str, Board]
    profiles: Mapping[str, Profile]

    def with_board(self, name: str, **changed: object) -> PowerFigures:
        """Return a copy with something about a board changed."""
        board = self.boards[name].model_copy(update=changed)
        return replace(self, boards={**self.boards, name: board})


@cache
def book() -> PowerFigures:
    """Load the files beside this one. Raises pydantic.ValidationError with the place of the error."""
    here = resources.files(__package__ or "siaga_tools.power")
    boards = tomllib.loads((here / "boards.toml").read_text(encoding="utf-8"))
    profiles = boards.pop("profile")
    return read(tomllib.loads((here / "figures.toml").read_text(encoding="utf-8")), boards, profiles)


def read(figures: object, boards: object, profiles: object) -> PowerFigures:
    """Validate parsed TOML: {part: {what: figure}}, {board: ...}, {profile: ...}."""
    parts = TypeAdapter(dict[str, dict[str, Figure]]).validate_python(figures)
    return PowerFigures(
        {f"{part}.{what}": figure for part, whats in parts.items() for what, figure in whats.items()},
        TypeAdapter(dict[str, Board]).validate_python(boards),
        TypeAdapter(dict[str, Profile]).validate_python(profiles),
    )
