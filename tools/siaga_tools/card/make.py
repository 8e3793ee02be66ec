"""Composes the card: patterns and times from the firmware, words from the catalogue, one HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from siaga_gateway import catalogue
from siaga_tools.card import pattern_drawings
from siaga_tools.card.patterns import Pattern, SignalPatterns, light_words, read_defaults, read_shown
from siaga_tools.signal_styles import signal_text

# Every signal of the firmware is in exactly one group; a test ensures it.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "call": ("not_getting_through", "refused"),
    "path": ("sending", "received", "seen", "assigned", "on_scene", "closed", "cancelled"),
    "other": ("armed", "press_longer", "press_for_test", "test", "test_received", "no_connection", "low_battery"),
    "installer": ("not_set_up", "unfit_chip"),
}
_PAGE: Final = (
    "title",
    "keep",
    "danger",
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
)
_LIMITS: Final = ("instead", "network", "position", "real", "sound")


def card(
    firmware: Path, languages: tuple[str, ...], settings: Mapping[str, Any] | None = None, *, emergency: str
) -> str:
    """Return the page as HTML, A4: the pictures once, beside them the words of each language.

    settings: the button's own, over the firmware's defaults. emergency: the number that the holder is to call

    A forced cancel is not explained on it: whoever forces the holder may read the card first.
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
    silent = bool(told["silent"])
    spoken = [_spoken(shown, told, language, emergency) for language in languages]
    return environment.get_template("card.html.j2").render(
        spoken=spoken, groups=_groups(shown, spoken, silent), silent=silent, emergency=emergency
    )


def _spoken(shown: SignalPatterns, told: Mapping[str, Any], language: str, emergency: str) -> dict[str, Any]:
    """Return the page's words in one language, except for the signals."""

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
        "again": shown.again_s,
        "emergency": emergency,
    }
    acts = ["press", *(["taps"] if told["triple_tap"] else []), "again", "cancel", "test"]
    return {
        "language": language,
        "times": times,
        "page": {name: say(f"page.{name}", **times) for name in _PAGE},
        "acts": [(say(f"act.{act}", **times), say(f"effect.{act}")) for act in acts],
        "limits": [say(f"limit.{limit}", **times) for limit in _LIMITS],
        "groups": {
            name: say("page.path_felt" if told["silent"] and name == "path" else f"page.{name}", **times)
            for name in GROUPS
        },
    }


def _groups(shown: SignalPatterns, spoken: list[dict[str, Any]], silent: bool) -> list[dict[str, Any]]:
    """Return the groups with their rows; on a silent button's card only those that it vibrates."""
    groups = []
    for name, signals in GROUPS.items():
        told = [signal for signal in signals if shown.patterns[signal].vibrates or not silent]
        if told:
            rows = [_row(signal, shown.patterns[signal], spoken) for signal in told]
            groups.append({"name": name, "rows": rows})
    return groups


def _row(signal: str, pattern: Pattern, spoken: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "signal": signal,
        "light": Markup(pattern_drawings.light(pattern)),  # noqa: S704 our own drawing, numbers only
        "beats": Markup(pattern_drawings.beats(pattern)),  # noqa: S704
        "told": [_told(signal, pattern, each["language"], each["times"]) for each in spoken],
    }


def _told(signal: str, pattern: Pattern, language: str, times: Mapping[str, object]) -> dict[str, str]:
    key, numbers = light_words(pattern)
    return {
        "language": language,
        "word": signal_text(signal, language),
        "light": catalogue.text(f"card.light.{key}", language, **numbers),
        "meaning": catalogue.text(f"card.signal.{signal}", language, **times),
    }
