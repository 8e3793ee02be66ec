"""The short form of `tests/torture/strangers.py`, without its bounds on time."""

from __future__ import annotations

from pathlib import Path

import pressed_gateway
import pytest
import strangers

from waiting import ENDS_S


def test_presses_and_a_known_officer_go_on_beside_strangers_and_sign_ins_at_every_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, bound in ((strangers, "_PAGE_S"), (strangers, "_IN_S"), (pressed_gateway, "_LOST_S")):
        monkeypatch.setattr(module, bound, ENDS_S)
    for repeating in (strangers.Person, pressed_gateway.Honest):
        monkeypatch.setattr(repeating, "longest_s", ENDS_S)
    with strangers.course(tmp_path, "sqlite") as course:
        strangers.connections(course, 2.4, strangers=300)
        strangers.sign_in(course, 2.4, at_once=30)
    found = strangers.counts("sqlite", course)
    assert found["attacks"]["idle"]["connections"] > 300 and found["attacks"]["slow"]["connections"]
    refused = [count for what, count in found["attacks"]["a name"].items() if what.endswith((" 429", " 503"))]
    assert sum(refused) > 10, "most were not looked at"
    assert sum(found["attacks"]["strangers"].values()) > 30
    assert found["presses"] and found["pages"] and found["sign_ins"] > 1
