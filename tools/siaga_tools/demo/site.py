"""Where the demo takes place, as its gateway's settings have it: the middle of Lampung."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from siaga_gateway.config.site import SiteMapSettings, SiteSettings
from siaga_tools.demo.invented_town import Town
from siaga_tools.demo.owners import OWNERS

SITE: Final = SiteSettings(
    name="Peragaan Lampung",
    time_zone="Asia/Jakarta",
    map=SiteMapSettings(west="103.45", south="-6.15", east="106.2", north="-3.65"),
)
LOCAL: Final = SITE.local
EMERGENCY: Final = SITE.emergency_number
MIDDLE: Final = (-5.4292, 105.2613)  # of Bandar Lampung


# The streets of each owner's town. INVENTED, as its name says: no such street is there.
TOWNS: Final = tuple(
    Town(name, (owner.longitude / 1e7, owner.latitude / 1e7))
    for name, owner in zip(("Kota Contoh", "Kota Contoh Utara", "Kota Contoh Selatan"), OWNERS, strict=True)
)
STREETS_FROM: Final = 12  # zoom; until then the map has its coast, which these tiles do not know


def settings(streets: Path | None = None) -> str:
    """Return the sections of the gateway's settings. streets: the file of map tiles; None: the map has none."""
    sides = "".join(f"{name} = {getattr(SITE.map, name)}\n" for name in ("west", "south", "east", "north"))
    if streets is not None:
        sides += f"streets = {toml_string(str(streets))}\n"
    return (
        f'[site]\nname = "{SITE.name}"\ntime_zone = "{SITE.time_zone}"\nemergency_number = "{EMERGENCY}"\n\n'
        f"[site.map]\n{sides}"
    )


def toml_string(text: str) -> str:
    """Return a TOML basic string (TOML 1.0); JSON escapes the same characters, except DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
