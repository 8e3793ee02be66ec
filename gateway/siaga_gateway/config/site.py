"""The settings of the site: its name, its time, its map, its languages, its emergency number."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.limits import LONGEST_SITE
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.site import MapBounds
from siaga_gateway.domain.street_map import MapSchema, StreetMap

Language = Literal["id", "en"]

# What a gateway without [site] did before there was that section; it is told to name its own at each start.
FORMER_ZONE: Final = "Asia/Jakarta"
# Nothing that could end a browser's policy, or a list in it.
_TILES: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~/{}?=&%@+-]*")
_PARTS: Final = ("{z}", "{x}", "{y}")
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp")
# Indonesia's zones by the names that its people write.
_INDONESIAN: Final = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}


class SiteMapSettings(Section):
    """What the console's map shows first, degrees; and where its streets come from."""

    west: Decimal | None = Field(None, ge=-180, le=180)
    south: Decimal | None = Field(None, ge=-90, le=90)
    east: Decimal | None = Field(None, ge=-180, le=180)
    north: Decimal | None = Field(None, ge=-90, le=90)
    streets: Path | None = None
    tiles: str | None = None
    tiles_schema: MapSchema | None = None
    tiles_deepest: int = Field(14, ge=0, le=22)
    attribution: str | None = Field(None, min_length=1, max_length=200)

    @field_validator("tiles")
    @classmethod
    def _address_of_tiles(cls, tiles: str | None) -> str | None:
        if tiles is not None and (not _TILES.fullmatch(tiles) or not all(part in tiles for part in _PARTS)):
            raise SettingError("settings.tiles_address")
        return tiles

    @model_validator(mode="after")
    def _one_kind_of_streets(self) -> SiteMapSettings:
        if self.tiles is None:
            return self
        if self.streets is not None:
            raise SettingError("settings.streets_twice")
        if self._schema() is None:
            raise SettingError("settings.tiles_schema", schemas=", ".join(MapSchema))
        if self.attribution is None:
            raise SettingError("settings.tiles_attribution")
        return self

    def _schema(self) -> MapSchema | None:
        path = urlsplit(self.tiles or "").path
        return self.tiles_schema or (MapSchema.RASTER if path.lower().endswith(_PICTURES) else None)

    def tile_server(self) -> StreetMap | None:
        """Return what the site's tile server has; None: no such server is set."""
        schema = self._schema()
        if self.tiles is None or schema is None:
            return None
        return StreetMap(schema, self.tiles, 0, self.tiles_deepest, self.attribution or "", None)

    def tile_origin(self) -> str | None:
        """Return scheme, name and port of the site's tile server, as a browser's policy names it."""
        if self.tiles is None:
            return None
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}"

    def under(self, base: Path) -> SiteMapSettings:
        return self.model_copy(update={"streets": self.streets and base / self.streets})

    @model_validator(mode="after")
    def _a_rectangle(self) -> SiteMapSettings:
        sides = {name: getattr(self, name) for name in ("west", "south", "east", "north")}
        missing = [name for name, side in sides.items() if side is None]
        if 0 < len(missing) < len(sides):
            raise SettingError("settings.map_part", missing=", ".join(missing))
        for low, high in (("west", "east"), ("south", "north")):
            one, other = sides[low], sides[high]
            if one is not None and other is not None and one >= other:
                key = "settings.map_empty" if one == other else "settings.map_reversed"
                raise SettingError(key, low=low, one=one, high=high, other=other)
        return self

    def bounds(self) -> MapBounds | None:
        """None: not set."""
        if self.west is None or self.south is None or self.east is None or self.north is None:
            return None
        return MapBounds(self.west, self.south, self.east, self.north)


class SiteSettings(Section):
    """Whose installation it is, and where."""

    name: str | None = Field(None, min_length=1, max_length=LONGEST_SITE)
    time_zone: str | None = None
    languages: list[Language] = Field(default_factory=list)
    emergency_number: str = Field("110", pattern=r"^\+?[0-9]{2,15}$")  # the police's, in all of Indonesia
    map: SiteMapSettings = Field(default_factory=SiteMapSettings)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name in _INDONESIAN:
            raise SettingError("settings.zone_by_label", name=name, zone=_INDONESIAN[name])
        if name is not None and not _is_zone(name):
            raise SettingError("settings.no_zone", name=name, near=_nearest_name(name))
        return name

    @field_validator("languages")
    @classmethod
    def _once(cls, languages: list[Language]) -> list[Language]:
        for each in languages:
            if languages.count(each) > 1:
                raise SettingError("settings.language_twice", named=each)
        return languages

    @property
    def local(self) -> LocalTime:
        return LocalTime(zoneinfo.ZoneInfo(self.zone_name))

    @property
    def zone_name(self) -> str:
        return self.time_zone or FORMER_ZONE

    def unset(self) -> list[str]:
        """Return the settings that no default can be right for, by name, as far as they are missing."""
        missing = {"name": self.name, "time_zone": self.time_zone, "map": self.map.bounds()}
        return [f"site.{name}" for name, value in missing.items() if value is None]

    def zone_today(self) -> str | None:
        """Return the present name of a zone that is set by a former one; None: it is the present one."""
        return None if self.time_zone is None else _former_names().get(self.time_zone)


def _nearest_name(name: str) -> str:
    """Return the zone that was probably meant, to be shown as an example."""
    known = {zone.lower(): zone for zone in sorted(zoneinfo.available_timezones())}
    found = difflib.get_close_matches(name.lower().replace(" ", "_"), known, 1)
    return known[found[0]] if found else FORMER_ZONE


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # not there; no name of a file; a folder
        return False
    return True


@cache
def _former_names() -> dict[str, str]:
    """Return the zone database's other names that stand in no country's list, each with the present one."""
    lines = _table("tzdata.zi").splitlines()
    links = {parts[2]: parts[1] for line in lines if (parts := line.split()) and parts[0] == "L" and len(parts) == 3}
    listed = {
        parts[2]
        for line in _table("zone.tab").splitlines()
        if not line.startswith("#") and len(parts := line.split("\t")) > 2
    }
    return {name: now for name, now in links.items() if name not in listed and now != "Etc/UTC"}


def _table(name: str) -> str:
    """Return a table of the zone database: the system's, or else that of the package."""
    for folder in map(Path, zoneinfo.TZPATH):
        try:
            return (folder / name).read_text(encoding="utf-8")
        except OSError:
            continue
    return (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
