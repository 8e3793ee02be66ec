"""One exchange with a real modem, from users' and vendors' public logs, and what the driver has to do then.

Each is what a modem of that kind answers instead of what one that is well does (scripted.WELL). What no log shows is
not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware.drivers.scripted_modem import Answer, Scripted

PRESS = bytes([0x11, 1]) + bytes(range(97))
FIX = "+CGNSSINFO: 3,07,,03,00,22.6562366,N,114.0598297,E,291124,023114.00,118.4,0.679,,3.43,2.74,2.06,06"
NO_REPAIR = ("AT+CFUN=0", "AT+CRESET", "AT+CPOF")


@dataclass(frozen=True)
class Exchange:
    """what, source: for people. replies: as Scripted takes them. told: to the program at the start; then: once the
    bearer `up` is up, as `says`, which the modem says unasked. heard: what the program tells then, in order. asked:
    that often at least; never: of which nothing may have been asked. state: what the program knows then."""

    what: str
    source: str
    replies: Mapping[str, Answer | list[Answer]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    up: str = "lte"
    then: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    heard: tuple[dict[str, Any], ...] = ()
    asked: tuple[tuple[str, int], ...] = ()
    never: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)


def play(exchange: Exchange, folder: Path) -> None:
    with Scripted(folder, exchange.replies, **exchange.given) as it:
        for words in exchange.told:
            it.program.say(words)
        if exchange.up:
            it.up(exchange.up)
        if exchange.up == "sms":
            it.until_asked("AT+CMGL")
        for words in exchange.then:
            it.program.say(words)
        it.says(*exchange.says)
        for fact in exchange.heard:
            it.until(**fact)
        for start, times in exchange.asked:
            it.until_asked(start, times)
        known = it.state()
        assert {name: known[name] for name in exchange.state} == exchange.state
        assert not [start for start in exchange.never if it.count(start)], it.asked
