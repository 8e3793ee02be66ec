"""The streets of the console's map, by the settings."""

from __future__ import annotations

from collections.abc import Callable

from siaga_gateway.adapters.files.street_file import StreetFile
from siaga_gateway.config.site import SiteMapSettings
from siaga_gateway.domain.street_map import StreetMap


def streets_of(settings: SiteMapSettings) -> Callable[[], StreetMap | None]:
    """Return what tells of the streets now: those of the site's file or tile server, or None. It raises
    StreetFileUnusable."""
    if settings.streets is not None:
        return StreetFile(settings.streets, settings.attribution).read
    server = settings.tile_server()
    return lambda: server
