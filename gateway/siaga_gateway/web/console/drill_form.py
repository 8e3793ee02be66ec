"""The form in which a drill is made up: buttons and people are searched for and ticked, and nothing begins unseen."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import Depends, Form

from siaga_gateway.catalogue import text
from siaga_gateway.domain.drill import MOST_BUTTONS, MOST_CONTACTS
from siaga_gateway.domain.limits import LONGEST_SEARCH, LONGEST_UNIT
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import STATION
from siaga_gateway.domain.registry import Device
from siaga_gateway.service.dispatch.drill_choices import DrillChoices
from siaga_gateway.service.dispatch.drills import DrillError, WantedDrill
from siaga_gateway.web.session.context import ConsoleContext

FOUND: Final = 30  # of what is searched for, at once
# What a button of the form does; area: is followed by a station's key.
FIND_BUTTONS, FIND_PEOPLE, FIND_AREA, TRY, BEGIN = "find", "people", "area", "try", "begin"
AREA_OF: Final = "area:"
_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_MOST: Final = 2 * max(MOST_BUTTONS, MOST_CONTACTS)

Typed = Annotated[str, Form(max_length=LONGEST_SEARCH)]
Ticked = Annotated[list[str], Form(max_length=_MOST)]


@dataclass(frozen=True, slots=True)
class DrillForm:
    """What was typed and ticked, and what is shown to be ticked."""

    name: str = ""
    minutes: str = "60"
    begins: str = ""  # local, as a browser sends it; empty: at once
    buttons: tuple[bytes, ...] = ()
    people: tuple[str, ...] = ()  # station:<key>, responder:<key>
    find: str = ""
    find_people: str = ""
    area: str = ""
    did: str = ""

    def wanted(self, local: LocalTime) -> WantedDrill:
        """Raises: DrillError for a time that is none."""
        typed, begins_ms = self.minutes.strip(), None
        if self.begins.strip():
            begins_ms = local.of_clock(self.begins.strip())
            if begins_ms is None:
                raise DrillError("drill.no_time", written=self.begins[:40])
        minutes = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 5 else 0
        return WantedDrill(" ".join(self.name.split()), self.buttons, self.people, minutes, begins_ms)


def drill_form(
    name: Annotated[str, Form(max_length=10 * LONGEST_UNIT)] = "",
    minutes: Typed = "",
    begins: Typed = "",
    button: Ticked = [],  # noqa: B006 - a default that FastAPI copies
    person: Ticked = [],  # noqa: B006
    find: Typed = "",
    find_people: Typed = "",
    area: Typed = "",
    do: Typed = "",
) -> DrillForm:
    """Read it. Raises: DrillError for the number of no button."""
    for each in button:
        if not _ID.fullmatch(each):
            raise DrillError("drill.no_button", button=each[:40])
    return DrillForm(
        name,
        minutes,
        begins,
        tuple(dict.fromkeys(map(bytes.fromhex, button))),
        tuple(dict.fromkeys(person)),
        find.strip(),
        find_people.strip(),
        area.strip(),
        do,
    )


TheForm = Annotated[DrillForm, Depends(drill_form)]


def with_area(form: DrillForm, choices: DrillChoices, key: str, language: str) -> tuple[DrillForm, str]:
    """Tick the buttons for which a station answers. Returns the form, and what was left out. Raises: DrillError."""
    found = choices.of_station(key)
    ticked = tuple(dict.fromkeys((*form.buttons, *(each.device_id for each in found.buttons))))
    if len(ticked) > MOST_BUTTONS:
        raise DrillError("drill.buttons", most=MOST_BUTTONS)
    told = text(
        "console.drills.area_added", language, n=len(found.buttons), inactive=found.inactive, unplaced=found.unplaced
    )
    return replace(form, buttons=ticked), told


def form_view(context: ConsoleContext, choices: DrillChoices, form: DrillForm) -> dict[str, Any]:
    """Return what the template shows. Raises: StoreFailing."""
    known = choices.listed(form.buttons)
    return {
        "name": form.name,
        "minutes": form.minutes,
        "begins": form.begins,
        "find": form.find,
        "find_people": form.find_people,
        "area": form.area,
        "did": form.did,
        "buttons": [*map(button_line, known), *_unknown(form.buttons, known)],
        "people": [(each, context.directory.name(each), each.startswith(STATION)) for each in form.people],
        **_found_buttons(choices, form),
        **_found_people(context, form),
        **_found_areas(context, form),
    }


def button_line(device: Device) -> tuple[str, str]:
    """Return number and label."""
    return device.device_id.hex(), device.label


def _unknown(ticked: Sequence[bytes], known: Collection[Device]) -> list[tuple[str, str]]:
    """Ticked all the same: ordering it says what is wrong."""
    enrolled = {each.device_id for each in known}
    return [(each.hex(), "") for each in ticked if each not in enrolled]


def _found_buttons(choices: DrillChoices, form: DrillForm) -> dict[str, Any]:
    if form.did != FIND_BUTTONS or not form.find:
        return {"found": [], "more": 0, "nothing": False}
    found, count = choices.find(form.find, FOUND)
    return {
        "found": [button_line(each) for each in found if each.device_id not in form.buttons],
        "more": count - len(found),
        "nothing": not count,
    }


def _found_people(context: ConsoleContext, form: DrillForm) -> dict[str, Any]:
    if form.did != FIND_PEOPLE or not form.find_people:
        return {"found_people": [], "more_people": 0, "nobody": False}
    found, count = context.directory.search(form.find_people, FOUND)
    listed = [(key, each.name, key.startswith(STATION)) for key, each in found if key not in form.people]
    return {"found_people": listed, "more_people": count - len(found), "nobody": not count}


def _found_areas(context: ConsoleContext, form: DrillForm) -> dict[str, Any]:
    if form.did != FIND_AREA or not form.area:
        return {"areas": [], "no_area": False}
    found = context.directory.stations(form.area, FOUND)
    return {"areas": [(f"{AREA_OF}{each.key}", each.name) for each in found], "no_area": not found}
