"""Put the card together: patterns and times from the firmware, words from the catalogue, one HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from siaga_gateway import catalogue
from siaga_tools.card import pictures
from siaga_tools.card.patterns import Pattern, Shown, light_words, read_defaults, read_shown
from siaga_tools.signals import signal_text

# Every signal of the firmware stands in exactly one group; a test says so.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("sending", "received", "seen", "assigned", "on_scene", "closed", "cancelled"),
    "call": ("not_getting_through", "refused"),
    "other": ("armed", "no_connection", "not_set_up", "low_battery", "test", "test_received"),
}
_PAGE: Final = (
    "title",
    "keep",
    "danger",
    "number",
    "do",
    "see",
    "light",
    "beats",
    "felt",
    "meaning",
    "limits",
    "silent",
    "button",
    "holder",
    "tested",
    "fold",
)
_LIMITS: Final = ("instead", "network", "position", "real", "sound")


def card(firmware: Path, languages: tuple[str, ...], settings: Mapping[str, Any] | None = None) -> str:
    """The page as HTML, one half a language: A4 for two, A5 for one.

    settings: the button's own, over the firmware's defaults. How a forced cancel is made is not on it: whoever forces
    the holder may read the card first.
    """
    shown = read_shown(firmware)
    told = {**read_defaults(firmware), **(settings or {})}
    environment = Environment(
        loader=PackageLoader("siaga_tools.card", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    halves = [_half(shown, told, language) for language in languages]
    return environment.get_template("card.html.j2").render(halves=halves, silent=bool(told["silent"]))


def _half(shown: Shown, told: Mapping[str, Any], language: str) -> dict[str, Any]:
    def say(key: str, **values: object) -> str:
        return catalogue.text(f"card.{key}", language, **values)

    def seconds(name: str) -> str:
        amount = f"{told[name] / 1000:g}"
        return amount.replace(".", ",") if language == "id" else amount

    times = {
        "hold": seconds("hold_ms"),
        "cancel": seconds("cancel_hold_ms"),
        "no_ack": told["no_ack_s"],
        "low_battery": told["low_battery"],
        "sound": shown.sound_s,
    }
    acts = ["press", *(["taps"] if told["triple_tap"] else []), "again", "cancel", "test"]
    return {
        "language": language,
        "page": {name: say(f"page.{name}") for name in _PAGE},
        "acts": [(say(f"act.{act}", **times), say(f"effect.{act}")) for act in acts],
        "limits": [say(f"limit.{limit}", **times) for limit in _LIMITS if not (told["silent"] and limit == "sound")],
        "groups": [
            {
                "name": name,
                "title": say(f"page.{name}"),
                "rows": [
                    _row(signal, shown.patterns[signal], times, bool(told["silent"]), language) for signal in signals
                ],
            }
            for name, signals in GROUPS.items()
        ],
    }


def _row(signal: str, pattern: Pattern, times: Mapping[str, object], silent: bool, language: str) -> dict[str, Any]:
    key, numbers = light_words(pattern)
    noticed = pattern.vibrates if silent else bool(pattern.beats)
    return {
        "signal": signal,
        "word": signal_text(signal, language),
        "meaning": catalogue.text(f"card.signal.{signal}", language, **times),
        "light": Markup(pictures.light(pattern)),  # noqa: S704 our own drawing, numbers only
        "light_words": catalogue.text(f"card.light.{key}", language, **numbers),
        "beats": Markup(pictures.beats(pattern) if noticed else ""),  # noqa: S704
        "beat_words": "" if noticed else catalogue.text("card.page.nothing", language),
    }
