"""By day or by night: which colours a browser's pages have. A browser that was not told follows its system."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

COOKIE: Final = "siaga_theme"


class Theme(StrEnum):
    """The choices of the switch, in its order."""

    LIGHT = "light"
    DARK = "dark"
    SYSTEM = "system"

    @property
    def media(self) -> str:
        """Return when light.css holds, as a media query. Paper is always white."""
        return _MEDIA[self]

    @property
    def schemes(self) -> str:
        """Return the colour schemes for the browser's own part of the page, before any style sheet is read."""
        return "dark light" if self is Theme.SYSTEM else self.value


_MEDIA: Final = {Theme.LIGHT: "all", Theme.DARK: "print", Theme.SYSTEM: "(prefers-color-scheme: light), print"}


def theme_named(name: str | None) -> Theme:
    """Return the theme of this name; any other name: the system's."""
    return Theme(name) if name in tuple(Theme) else Theme.SYSTEM
