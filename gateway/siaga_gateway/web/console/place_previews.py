"""What the page of places shows of a press at a place and a time: who is responsible, and whom each rung calls."""

from __future__ import annotations

from typing import Any

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.dispatch.place_directory import rung_words
from siaga_gateway.service.dispatch.place_preview import Called, Preview, RungCalled


def preview_view(preview: Preview, language: str) -> dict[str, Any]:
    route = preview.route
    return {
        "responsible": [
            {
                "ladder": " › ".join(station.name for station in each.ladder),
                "why": Localized(f"commands.place_claim.{each.claim}", metres=each.metres).say(language),
            }
            for each in route.responsible
        ],
        "rungs": [_rung(each, language) for each in preview.rungs],
    }


def _rung(each: RungCalled, language: str) -> dict[str, Any]:
    words = rung_words(each.rung.name)
    return {
        "after": text("console.places.after", language, s=each.rung.after_s)
        if each.rung.after_s
        else text("console.places.at_once", language),
        "name": words.say(language) if isinstance(words, Localized) else words,
        "called": [_called(one, language) for one in each.called],
        "console": each.by_console,
        "left": each.empty,
    }


def _called(each: Called, language: str) -> dict[str, str]:
    ways = [
        text("console.places.by_hand", language, way=named) if by_hand else named
        for named, by_hand in ((text(f"console.contact_way.{way}", language), by_hand) for way, by_hand in each.ways)
    ]
    far = "" if each.metres is None else text("console.places.away", language, km=f"{each.metres / 1000:.1f}")
    return {"name": each.name, "ways": ", ".join(dict.fromkeys(ways)), "far": far}
