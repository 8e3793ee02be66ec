"""Who is called for a press, and when."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from siaga_gateway.config.section import Section, this_machine
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.escalation_settings import USUAL_HELD, USUAL_RUNGS, CallList, Ladder, Rung, checked
from siaga_gateway.domain.places import KEY

RungName = Annotated[str, Field(min_length=1, max_length=40)]


class RungSettings(Section):
    """One rung of a ladder."""

    name: RungName
    after_s: int = Field(ge=0, le=86_400)
    lists: list[CallList]


class LadderSettings(Section):
    """The ladder of the whole site; domain/escalation_settings.py says what is allowed."""

    rungs: list[RungSettings] | None = None
    held: list[RungSettings] | None = None
    again_s: list[int] = Field(default_factory=lambda: list(Ladder("").again_s))
    empty_s: int = Ladder("").empty_s
    desk_s: int = Ladder("").desk_s
    pause_s: int = Ladder("").pause_s
    assign_s: int = Ladder("").assign_s
    minutes: int = Ladder("").minutes
    grace_percent: int = Ladder("").grace_percent
    check_s: int = Ladder("").check_s
    answer_s: int = Ladder("").answer_s
    enough: int = Ladder("").enough

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self.ladder()
        return self

    @property
    def whose(self) -> str:
        return "dispatch.ladder"

    def ladder(self) -> Ladder:
        """Return it. Raises: SettingError for a time that is not allowed."""
        return checked(
            Ladder(
                jurisdiction=self.whose,
                rungs=_rungs(self.rungs, USUAL_RUNGS),
                held=_rungs(self.held, USUAL_HELD),
                again_s=tuple(self.again_s),
                empty_s=self.empty_s,
                desk_s=self.desk_s,
                pause_s=self.pause_s,
                assign_s=self.assign_s,
                minutes=self.minutes,
                grace_percent=self.grace_percent,
                check_s=self.check_s,
                answer_s=self.answer_s,
                enough=self.enough,
            )
        )


class StationLadderSettings(LadderSettings):
    """The ladder of one station, and of those below it."""

    station: str = Field(pattern=rf"^{KEY.pattern}$")

    @property
    def whose(self) -> str:
        return self.station


class DispatchSettings(Section):
    """How stations and their areas are taken, whom a press calls, and when."""

    border_tolerance_m: int = Field(100, ge=0, le=5_000)
    verified_within_days: int = Field(180, ge=1, le=3_650)
    detour_percent: int = Field(140, ge=100, le=400)
    position_fresh_s: int = Field(1_800, ge=60, le=86_400)
    osrm: str | None = None
    responders_within_m: int = Field(5_000, ge=100, le=100_000)
    ladder: LadderSettings = Field(default_factory=LadderSettings, description="When which rung is called.")
    ladders: list[StationLadderSettings] = Field(default_factory=list)

    @field_validator("osrm")
    @classmethod
    def _where_the_roads_are(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise SettingError("settings.osrm")
        if parts.scheme == "http" and not this_machine(parts.hostname):
            raise SettingError("settings.osrm_plain")
        return url

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        stations = [each.station for each in self.ladders]
        for station in stations:
            if stations.count(station) > 1:
                raise SettingError("ladder.two", station=station)
        return self


def _rungs(given: list[RungSettings] | None, usual: tuple[Rung, ...]) -> tuple[Rung, ...]:
    return usual if given is None else tuple(Rung(each.name, each.after_s, tuple(each.lists)) for each in given)
