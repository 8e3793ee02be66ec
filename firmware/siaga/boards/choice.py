"""Which board this is: the first word in /board.txt on the chip's flash, installed with the firmware. What follows it
is for the loader (siaga_boot.py): pins to set HIGH before anything else.

    echo t_a7670 12 > board.txt; mpremote cp board.txt :board.txt

Boards use the same pins for different things, so a chip cannot find out by itself without driving some of them.
"""

import sys

PATH = "/board.txt"
KNOWN = ("esp32_devkit", "t_a7670", "t_sim7600", "siaga_rev_a")
DEFAULT = KNOWN[0]  # it drives no pin that switches another board's modem


def choose(path: str) -> "tuple[str, str]":
    """Return the board's name, and what is wrong with the file; "" = nothing."""
    mend = "write one of %s into %s" % (", ".join(KNOWN), path)
    try:
        with open(path) as file:
            name = file.read(64).strip().split(" ")[0]
    except (OSError, UnicodeError) as error:
        return DEFAULT, "%s does not say which board this is (%s): taken for an %s; %s" % (path, error, DEFAULT, mend)
    if name in KNOWN:
        return name, ""
    return DEFAULT, "%s names %r, which is no board: taken for an %s; %s" % (path, name, DEFAULT, mend)


def installed(name: str, wrong: str) -> "tuple[object, str]":
    """Return the board's module, and what is wrong. An installer copies only one board's file; if another one is asked
    for, that file is the board's own: it drives no other board's pins."""
    for each in (name,) + KNOWN:
        try:
            module = __import__("siaga.boards." + each, None, None, ("boards",))
        except ImportError:
            continue
        if each != name:
            wrong = "%s%sthe file of %s is not installed: taken for %s" % (wrong, "; " if wrong else "", name, each)
        return module, wrong
    raise ImportError("no board is installed: copy one of siaga/boards onto the flash")


def chosen() -> "tuple[object, str]":
    """Return the module of the board that this runs on, and what is wrong with the choice."""
    if sys.platform == "esp32":
        return installed(*choose(PATH))
    return installed("simulated", "")
