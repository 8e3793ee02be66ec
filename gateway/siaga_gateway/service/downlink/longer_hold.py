"""Asks an owner's buttons to be harder to press by accident."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.device_command import allowed
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.domain.registry import state_at
from siaga_gateway.service.downlink.device_commands import CommandIssuer
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store


class Hold(StrEnum):
    """How a button is pressed from now on."""

    LONGER = "longer"  # 3 s
    LONG_OR_TAPS = "long_or_taps"  # 4 s, and whoever is in a hurry taps three times


# By the buttons' usual settings a cancel is held for 5 s, and has to be longer than a press by 0.3 s.
SETTINGS: Final = {
    Hold.LONGER: {"hold_ms": 3_000},
    Hold.LONG_OR_TAPS: {"hold_ms": 4_000, "triple_tap": True},
}


class NoButton(Refused):
    """No button of the owner can be asked; the text says why."""


def ask_for_longer_hold(store: Store, clock: Clock, owner_id: int, hold: str, actor: str) -> int:
    """Send the settings to all of an owner's buttons that take commands. Returns to how many; each is durable.

    Raises: NoButton, CommandError.
    """
    settings = json.dumps(SETTINGS[Hold(hold)])
    now_ms, code = clock.now_ms(), CommandCode.SETTINGS
    devices = [each.device for each in store.enrolled(store.devices_of(owner_id)).values()]
    asked = [device for device in devices if allowed(state_at(device, now_ms), code)]
    if not asked:
        raise NoButton("command.no_button", owner_id=owner_id)
    for device in asked:
        CommandIssuer(store, clock).ask(device.device_id, code, settings, actor=actor)
    return len(asked)
