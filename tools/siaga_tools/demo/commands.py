"""The commands that can be typed into the demo, in both languages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga_tools.messages import Trouble

BUTTONS: Final = (1, 2, 3)


class Verb(StrEnum):
    """What the demo can be told to do."""

    PRESS = "press"
    CANCEL = "cancel"
    DURESS = "duress"
    TEST = "test"
    NETWORK = "network"
    GATEWAY = "gateway"  # kill the gateway, as a fault would; it is restarted
    STORY = "story"
    LANGUAGE = "language"
    HELP = "help"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    button: for the five verbs that concern one
    on: for NETWORK
    """

    verb: Verb
    button: int = 0
    on: bool = False


_VERBS: Final = {
    **dict.fromkeys(("p", "press", "tekan"), Verb.PRESS),
    **dict.fromkeys(("c", "cancel", "b", "batal"), Verb.CANCEL),
    **dict.fromkeys(("d", "duress", "paksa"), Verb.DURESS),
    **dict.fromkeys(("t", "test", "u", "uji"), Verb.TEST),
    **dict.fromkeys(("n", "network", "j", "jaringan"), Verb.NETWORK),
    **dict.fromkeys(("g", "gateway"), Verb.GATEWAY),
    **dict.fromkeys(("s", "story", "cerita"), Verb.STORY),
    **dict.fromkeys(("l", "language", "bahasa"), Verb.LANGUAGE),
    **dict.fromkeys(("h", "help", "?", "bantuan"), Verb.HELP),
    **dict.fromkeys(("q", "quit", "exit", "keluar"), Verb.QUIT),
}
_OF_A_BUTTON: Final = (Verb.PRESS, Verb.CANCEL, Verb.DURESS, Verb.TEST, Verb.NETWORK)
_ON_OFF: Final = {"on": True, "nyala": True, "1": True, "off": False, "mati": False, "0": False}


def read_command(line: str) -> Command | None:
    """Parse `p 1`, `cancel 2`, `n 1 off`, `q` ...; None for an empty line.

    Raises Trouble (`command_unknown`, `command_button`, `command_on_off`, `command_long`).
    """
    words = line.lower().split()
    if not words:
        return None
    verb = _VERBS.get(words[0])
    if verb is None:
        raise Trouble("command_unknown", word=words[0])
    takes = 3 if verb is Verb.NETWORK else 2 if verb in _OF_A_BUTTON else 1
    if len(words) > takes:
        raise Trouble("command_long", line=" ".join(words), extra=" ".join(words[takes:]))
    if verb not in _OF_A_BUTTON:
        return Command(verb)
    number = words[1] if len(words) > 1 else ""
    if number not in {str(button) for button in BUTTONS}:
        raise Trouble("command_button", word=words[0], written=number or "-")
    if verb is not Verb.NETWORK:
        return Command(verb, int(number))
    state = _ON_OFF.get(words[2]) if len(words) > 2 else None
    if state is None:
        raise Trouble("command_on_off", word=words[0], number=number)
    return Command(verb, int(number), state)
