"""What each panel of the view says: text from a Board, for a width. No widget and no clock."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from siaga_gateway.catalogue import clock_time
from siaga_tools.demo.board import Board, ButtonView, IncidentView
from siaga_tools.demo.trail import Hop, Trail
from siaga_tools.demo.wording import LOOKS, line_text, signal_meaning, signal_text
from siaga_tools.words import say

# Chosen for a dark ground with at least 4.5:1, and told apart also by a colour-blind eye: each signal has its word.
COLOURS: Final = {
    "faint": "#61718a",
    "calm": "#8fa3bf",
    "wait": "#ffb454",
    "good": "#4fd88a",
    "better": "#4cc9f0",
    "help": "#8ab4ff",
    "bad": "#ff6b6b",
    "test": "#c59bff",
    "plain": "#d7dee9",
    "warn": "#ffb454",
}
_LAMP_ON: Final = ("▄██▄", "▀██▀")
_LAMP_OFF: Final = ("▄▀▀▄", "▀▄▄▀")
_PULSE: Final = "◜◠◝◞◡◟"


def title(board: Board, language: str, clock: str, width: int) -> Text:
    """The top line: what this is, which parts are on, the time."""
    left = Text.assemble((say("view.title", language), "bold"))
    note = say("view.invented", language)
    right = Text()
    for part in ("broker", "gateway", "console"):
        condition = board.parts.get(part, "off")
        colour = {"on": "good", "starting": "wait", "lost": "bad"}.get(condition, "calm")
        right.append("● " if condition == "on" else "○ ", COLOURS[colour])
        right.append(say(f"part.{part}", language) + "  ")
    right.append(clock)
    room = width - 2 - left.cell_len - right.cell_len
    if room >= cell_len(note) + 6:
        left.append(f"   {note}", "#b9cbe8")
        room -= cell_len(note) + 3
    return Text.assemble(left, " " * max(1, room), right, no_wrap=True)


def page(board: Board, language: str) -> Text:
    return Text.assemble(
        (say("view.page", language) + "  ", COLOURS["calm"]),
        (board.console_url, "bold underline #9fc3ff")
        if board.console_url
        else (say("view.page_waiting", language), COLOURS["wait"]),
        no_wrap=True,
    )


def path_title(board: Board, trail: Trail | None, language: str) -> str:
    if trail is None:
        return say("view.path", language)
    owner = board.buttons[trail.button].owner
    name = "path_of_test" if trail.test else "path_of"
    return say(f"view.{name}", language, button=trail.button, who=f"{owner.name}, {owner.town}")


def path_total(trail: Trail | None, lit: Set[Hop], language: str) -> str:
    if trail is None:
        return ""
    if trail.total_ms is None or Hop.ACK not in lit:
        return say("view.under_way", language)
    return say("view.total", language, ms=trail.total_ms)


def path(trail: Trail | None, lit: Set[Hop], language: str, width: int, frame: int) -> Text:
    """Four lines: the hops as lamps on a wire, their names in two lines, their times in ms since the press."""
    hops = tuple(Hop)
    labels = [(say(f"hop_top.{hop}", language), say(f"hop_bottom.{hop}", language)) for hop in hops]
    widths = _columns([max(4, *map(cell_len, label)) for label in labels], width)
    wire, top, bottom, times = Text(no_wrap=True), Text(), Text(), Text()
    waits = next((hop for hop in trail.hops if hop not in lit), None) if trail else None
    for index, hop in enumerate(hops):
        room = widths[index]
        on = hop in lit
        skipped = trail is not None and hop not in trail.hops
        colour = COLOURS["good" if on else "wait" if hop is waits else "faint"]
        lamp = "●" if on else "·" if skipped else _PULSE[frame // 2 % len(_PULSE)] if hop is waits else "○"
        before = (room - 1) // 2
        wire.append(("━" if on else "─") * before if index else " " * before, colour)
        wire.append(lamp, f"bold {colour}")
        after_on = on and index + 1 < len(hops) and hops[index + 1] in lit
        after = room - 1 - before
        last = index + 1 == len(hops)
        wire.append(
            " " * after if last else ("━" if after_on else "─") * after, COLOURS["good" if after_on else "faint"]
        )
        style = COLOURS["plain"] if on else COLOURS["wait"] if hop is waits else COLOURS["faint"]
        top.append(labels[index][0].center(room), style)
        bottom.append(labels[index][1].center(room), COLOURS["calm"] if on else COLOURS["faint"])
        since = trail.since_press(hop) if trail and on else None
        times.append((f"{since}" if since is not None else "").center(room), f"bold {colour}")
    if trail is None:
        times = Text(say("view.path_none", language).center(sum(widths)), COLOURS["wait"])
    return Text("\n").join((wire, top, bottom, times))


def _columns(needed: list[int], width: int) -> list[int]:
    """Column widths that fill `width`: what each needs, and the rest shared out."""
    widths = list(needed)
    spare = max(0, width - sum(widths))
    for index in range(len(widths)):
        widths[index] += spare // len(widths) + (1 if index < spare % len(widths) else 0)
    return widths


def button(view: ButtonView, language: str, blink: bool) -> Text:
    """Four lines: the lamp and what it says, whose button and where, its network and battery."""
    role, blinks = LOOKS.get(view.signal, ("wait", False))
    colour = COLOURS[role]
    lit = view.signal not in ("off", "armed", "closed", "cancelled") and (blink or not blinks)
    lamp = _LAMP_ON if lit else _LAMP_OFF
    meaning = signal_meaning(view.signal, language)
    if view.eta_minutes is not None and view.state == "assigned":
        meaning = say("view.eta", language, minutes=view.eta_minutes) + f" · {meaning}"
    if not view.network:
        link, link_colour = "network_off", "bad"
    else:
        link, link_colour = ("network_on", "good") if view.connected else ("network_lost", "wait")
    place = say("view.installed" if view.owner.installed else "view.carried", language)
    return Text.assemble(
        (f"{lamp[0]} ", colour),
        (signal_text(view.signal, language), f"bold {colour}"),
        "\n",
        (f"{lamp[1]} ", colour),
        (meaning, COLOURS["calm"]),
        "\n",
        (view.owner.town, COLOURS["plain"]),
        (f" · {place}", COLOURS["calm"]),
        "\n",
        ("● ", COLOURS[link_colour]),
        (say(f"view.{link}", language), COLOURS["calm"]),
        (f" · {view.owner.battery} %", COLOURS["calm"]),
        no_wrap=True,
        overflow="ellipsis",
    )


_STATE_ROLE: Final = {"open": "bad", "seen": "better", "assigned": "help", "on_scene": "help", "closed": "faint"}


def incidents(board: Board, language: str, height: int, width: int) -> Text:
    """The newest incidents, two lines each where there is room: what state, who and when."""
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


def _incident(board: Board, incident: IncidentView, language: str) -> list[Text]:
    colour = COLOURS[_STATE_ROLE.get(incident.state, "plain")]
    owner = board.buttons[incident.button].owner if incident.button in board.buttons else None
    state = say(f"state.{incident.state}", language)
    first = Text.assemble((f"{incident.id} ", "bold"), (state, f"bold {colour}"))
    if incident.unit:
        first.append(f"  {incident.unit}", COLOURS["help"])
    if incident.presses > 1:
        first.append("  " + say("view.presses", language, count=incident.presses), COLOURS["wait"])
    if incident.cancelled:
        first.append("  " + say("view.cancelled", language), COLOURS["wait"])
    when = clock_time(incident.opened_at_ms).removesuffix(" WIB")
    who = f"{owner.name}, {owner.town}" if owner else "?"
    return [first, Text(f"  {when} {who}", COLOURS["calm"])]


def log(board: Board, language: str, height: int, width: int) -> Text:
    """The newest lines that fit, each wrapped under its own text."""
    rows: list[Text] = []
    for line in reversed(board.log):
        when = clock_time(line.at_ms).removesuffix(" WIB") + " "
        room = max(20, width - len(when))
        colour = COLOURS.get(line.weight, COLOURS["plain"])
        pieces = _wrapped(line_text(line, language), room)
        block = [Text.assemble((when, COLOURS["faint"]), (pieces[0], colour))]
        block += [Text(" " * len(when) + piece, colour) for piece in pieces[1:]]
        if rows and len(rows) + len(block) > height:
            break
        rows = block + rows
    return Text("\n").join(rows[-height:] if height > 0 else rows)


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
