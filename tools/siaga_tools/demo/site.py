"""Where the demo takes place, as its gateway's settings have it: the middle of Lampung."""

from __future__ import annotations

from typing import Final

from siaga_gateway.config.site import SiteMapSettings, SiteSettings

SITE: Final = SiteSettings(
    name="Peragaan Lampung",
    time_zone="Asia/Jakarta",
    map=SiteMapSettings(west="103.45", south="-6.15", east="106.2", north="-3.65"),
)
LOCAL: Final = SITE.local
EMERGENCY: Final = SITE.emergency_number
MIDDLE: Final = (-5.4292, 105.2613)  # of Bandar Lampung


def settings() -> str:
    """Return the sections of the gateway's settings."""
    sides = "".join(f"{name} = {getattr(SITE.map, name)}\n" for name in ("west", "south", "east", "north"))
    return (
        f'[site]\nname = "{SITE.name}"\ntime_zone = "{SITE.time_zone}"\nemergency_number = "{EMERGENCY}"\n\n'
        f"[site.map]\n{sides}"
    )
