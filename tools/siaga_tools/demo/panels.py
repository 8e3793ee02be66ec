"""The view's panels: text from a DashboardState, for a width. No widget and no clock."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from siaga_gateway.catalogue import text
from siaga_tools.demo.dashboard_state import ButtonView, DashboardState, IncidentView
from siaga_tools.demo.press_trace import Hop, PressTrace
from siaga_tools.demo.site import EMERGENCY, LOCAL
from siaga_tools.demo.texts import line_text
from siaga_tools.messages import say
from siaga_tools.signal_styles import LOOKS, signal_meaning, signal_text

# Chosen for a dark background with at least 4.5:1, and safe for colour-blind readers: each signal also has its word.
COLOURS: Final = {
    "faint": "#61718a",
    "calm": "#8fa3bf",
    "wait": "#ffb454",
    "good": "#4fd88a",
    "better": "#4cc9f0",
    "help": "#8ab4ff",
    "bad": "#ff6b6b",
    "test": "#c59bff",
    "story": "#e3b8ff",
    "plain": "#d7dee9",
    "warn": "#ffb454",
}
_LAMP_ON: Final = ("▄██▄", "▀██▀")
_LAMP_OFF: Final = ("▄▀▀▄", "▀▄▄▀")
_PULSE: Final = "◜◠◝◞◡◟"


def title(board: DashboardState, language: str, clock: str, width: int) -> Text:
    """Draw the top line: what this is, which parts are on, the time."""
    left = Text(say("view.title", language), "bold")
    right = Text()
    for part in ("broker", "gateway", "console"):
        condition = board.parts.get(part, "off")
        colour = {"on": "good", "starting": "wait", "lost": "bad"}.get(condition, "calm")
        right.append("● " if condition == "on" else "○ ", COLOURS[colour])
        right.append(say(f"part.{part}", language) + "  ")
    right.append(clock)
    return _apart(left, right, width)


def page(board: DashboardState, language: str, width: int) -> Text:
    """Draw the second line: the operator's page, and that the people are invented."""
    left = Text.assemble(
        (say("view.page", language) + "  ", COLOURS["calm"]),
        (board.console_url, "bold underline #9fc3ff")
        if board.console_url
        else (say("view.page_waiting", language), COLOURS["wait"]),
    )
    return _apart(left, Text(say("view.invented", language), COLOURS["calm"]), width)


def _apart(left: Text, right: Text, width: int) -> Text:
    """Put left and right in one line; the right one is dropped if they do not fit."""
    room = width - left.cell_len - right.cell_len
    return left if room < 2 else Text.assemble(left, " " * room, right)


def path_title(board: DashboardState, trail: PressTrace | None, language: str) -> str:
    if trail is None:
        return say("view.path", language)
    owner = board.buttons[trail.button].owner
    name = "path_of_test" if trail.test else "path_of"
    return say(f"view.{name}", language, button=trail.button, who=f"{owner.name}, {owner.town}")


def path_total(trail: PressTrace | None, lit: Set[Hop], language: str) -> str:
    if trail is None:
        return ""
    if trail.total_ms is None or Hop.ACK not in lit:
        return say("view.under_way", language)
    return say("view.total", language, ms=trail.total_ms)


def path(trail: PressTrace | None, lit: Set[Hop], language: str, width: int, frame: int, ready: bool) -> Text:
    """Draw four lines: the hops as lamps on a wire, their names in two lines, their times in ms since the press."""
    hops = tuple(Hop)
    labels = [(say(f"hop_top.{hop}", language), say(f"hop_bottom.{hop}", language)) for hop in hops]
    widths = _columns([max(4, *map(cell_len, label)) for label in labels], width)
    wire, top, bottom, times = Text(), Text(), Text(), Text()
    waits = next((hop for hop in trail.hops if hop not in lit), None) if trail else None
    for index, hop in enumerate(hops):
        room, on = widths[index], hop in lit
        lamp, colour = _lamp(hop, trail, on, hop is waits, frame)
        next_on = index + 1 < len(hops) and hops[index + 1] in lit
        before = (room - 1) // 2
        wire.append(_wire(before, on) if index else " " * before, COLOURS["good" if on else "faint"])
        wire.append(lamp, f"bold {colour}")
        after = room - 1 - before
        last = index + 1 == len(hops)
        wire.append(" " * after if last else _wire(after, on and next_on), COLOURS["good" if next_on else "faint"])
        top.append(_centred(labels[index][0], room), COLOURS["plain"] if on else colour)
        bottom.append(_centred(labels[index][1], room), COLOURS["calm"] if on else colour)
        since = trail.since_press(hop) if trail and on else None
        times.append(_centred("" if since is None else str(since), room), f"bold {colour}")
    if trail is None:
        invitation = say("view.path_none" if ready else "view.page_waiting", language)
        times = Text(_centred(invitation, sum(widths)), COLOURS["wait"])
    return Text("\n").join((wire, top, bottom, times))


def _lamp(hop: Hop, trail: PressTrace | None, on: bool, waits: bool, frame: int) -> tuple[str, str]:
    """Return (the hop's symbol, its colour)."""
    if on:
        return "●", COLOURS["good"]
    if waits:
        return _PULSE[frame // 2 % len(_PULSE)], COLOURS["wait"]
    skipped = trail is not None and hop not in trail.hops
    return "·" if skipped else "○", COLOURS["faint"]


def _wire(length: int, on: bool) -> str:
    return ("━" if on else "─") * length


def _centred(text: str, room: int) -> str:
    """Centre in cells; if that is not exact, to the left, so that neighbours keep their gap."""
    left = max(0, room - cell_len(text)) // 2
    return " " * left + text + " " * max(0, room - left - cell_len(text))


def _columns(needed: list[int], width: int) -> list[int]:
    """Return column widths that fill `width`: what each needs, with the rest shared out."""
    spare = max(0, width - sum(needed))
    each, over = divmod(spare, len(needed))
    return [need + each + (1 if index < over else 0) for index, need in enumerate(needed)]


def button(view: ButtonView, language: str, blink: bool, width: int) -> Text:
    """Draw four lines: the lamp and its meaning, the button's place, its network and battery."""
    role, blinks = LOOKS.get(view.signal, ("wait", False))
    colour = COLOURS[role]
    lit = view.signal not in ("off", "armed", "closed", "cancelled") and (blink or not blinks)
    lamp = _LAMP_ON if lit else _LAMP_OFF
    meaning = signal_meaning(view.signal, language, EMERGENCY)
    if view.eta_minutes is not None and view.state == "assigned":
        meaning = say("view.eta", language, minutes=view.eta_minutes)
    if view.signal == "off":
        link, link_colour = "network_none", "faint"
    elif not view.network:
        link, link_colour = "network_off", "bad"
    else:
        link, link_colour = ("network_on", "good") if view.connected else ("network_lost", "wait")
    place = say("view.installed" if view.owner.installed else "view.carried", language)
    lines = (
        Text.assemble((f"{lamp[0]} ", colour), (signal_text(view.signal, language), f"bold {colour}")),
        Text.assemble((f"{lamp[1]} ", colour), (meaning, COLOURS["calm"])),
        Text.assemble((view.owner.town, COLOURS["plain"]), (f" · {place}", COLOURS["calm"])),
        Text.assemble(
            ("● ", COLOURS[link_colour]),
            (say(f"view.{link}", language), COLOURS["calm"]),
            (f" · {view.owner.battery} %", COLOURS["calm"]),
        ),
    )
    if lines[2].cell_len > width:  # only the town, whole
        lines[2].right_crop(len(place) + 3)
    for line in lines:
        line.truncate(max(1, width), overflow="ellipsis")
    return Text("\n").join(lines)


_STATE_ROLE: Final = {"open": "bad", "seen": "better", "assigned": "help", "on_scene": "help", "closed": "faint"}


def incidents(board: DashboardState, language: str, height: int, width: int) -> Text:
    """Draw the newest incidents, two lines each if there is room: state, who and when."""
    newest = sorted(board.incidents.values(), key=lambda incident: incident.id, reverse=True)
    if not newest:
        return Text(say("view.no_incidents", language), COLOURS["faint"])
    lines: list[Text] = []
    for incident in newest:
        lines += _incident(board, incident, language)
    shown = lines[: max(2, height)]
    for line in shown:
        line.truncate(max(10, width), overflow="ellipsis")
    return Text("\n").join(shown)


def _incident(board: DashboardState, incident: IncidentView, language: str) -> list[Text]:
    colour = COLOURS[_STATE_ROLE.get(incident.state, "plain")]
    owner = board.buttons[incident.button].owner if incident.button in board.buttons else None
    state = say(f"state.{incident.state}", language)
    first = Text.assemble((f"{incident.id} ", "bold"), (state, f"bold {colour}"))
    if incident.rung:
        calling = say("view.calling", language, rung=text(f"console.rung.{incident.rung}", language))
        first.append(f"  {calling}", COLOURS["wait"])
    if incident.unit:
        first.append(f"  {incident.unit}", COLOURS["help"])
    if incident.presses > 1:
        first.append("  " + say("view.presses", language, count=incident.presses), COLOURS["wait"])
    if incident.cancelled:
        first.append("  " + say("view.cancelled", language), COLOURS["wait"])
    when = LOCAL.bare(incident.opened_at_ms)
    who = f"{owner.name}, {owner.town}" if owner else "?"
    return [first, Text(f"  {when} {who}", COLOURS["calm"])]


def log(board: DashboardState, language: str, height: int, width: int) -> Text:
    """Draw the newest lines that fit, each wrapped under its own text."""
    rows: list[Text] = []
    for line in reversed(board.log):
        when = LOCAL.bare(line.at_ms) + " "
        room = max(20, width - len(when))
        colour = COLOURS.get(line.weight, COLOURS["plain"])
        pieces = _wrapped(line_text(line, language), room)
        block = [Text.assemble((when, COLOURS["faint"]), (pieces[0], colour))]
        block += [Text(" " * len(when) + piece, colour) for piece in pieces[1:]]
        rows = block + rows
        if len(rows) >= height:
            break
    return Text("\n").join(rows[-max(1, height) :])


def _wrapped(text: str, room: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        while len(word) > room:  # a long file name: broken rather than hidden
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:room])
            word = word[room:]
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines
