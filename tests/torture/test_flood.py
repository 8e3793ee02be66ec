"""The short form of `tests/torture/flood.py`, without its bound on time: a flood with one login, the whole way."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pressed_gateway
import pytest
from flood import HONEST, Course
from pressed_gateway import installation, running

from siaga_gateway.adapters.sql import open_store
from siaga_gateway.config.loading import load
from siaga_gateway.service.fleet.login_suspension import KEPT, KEPT_DOOR, kept_out
from siaga_gateway.service.ingest.flood_protection import BACKLOG_S
from siaga_gateway.service.journal import kinds as journal
from waiting import ENDS_S, eventually


def test_a_login_that_floods_is_shut_out_and_let_in_again_and_costs_no_press(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressed_gateway, "_LOST_S", ENDS_S)
    monkeypatch.setattr(pressed_gateway.Honest, "longest_s", ENDS_S)
    with installation(tmp_path, "sqlite", HONEST + 1) as (broker, buttons):
        course = Course(broker, buttons)
        attacker = course.attackers[-1]
        with running(course.honest):
            opened = broker.gateway.command("broker-door", "open").strip()
            course.rest(BACKLOG_S + 0.5)
            victim = course.attack_by_the_door(opened, 2)
            course.attack_by_the_door(broker.gateway.command("broker-door", "open").strip(), 3, "names")
            store = open_store(load(broker.gateway.config), time.time_ns() // 1_000_000)
            with store.transaction() as transaction:  # what came through it is read
                transaction.remember(KEPT_DOOR, "")
            store.close()
            login = course.attack("a login", "frames", 4, qos=1)
        eventually(lambda: course.is_out(login), "it is shut out")
        closed = (journal.BROKER_DOOR_CLOSED, "")
        # A slow machine has a backlog before it knows whose: that is told too.
        told = [each for each in course.told() if each[0] != journal.BROKER_FLOOD]
        assert told == [closed, closed, (journal.BROKER_SHUT_OUT, login)], victim
        assert "enrol:" not in (broker.folder / "conf" / "passwords").read_text()
        assert course.attacks["the door"]["refused"], "who comes by the door is cut off"
        found = course.attacks["a login"]
        assert found["cut"] and found["refused"], found
        assert all(each.waited for each in course.honest) and course.beside
        assert course.most_mb < 100, "the broker is bounded"
        assert f"shut out at the broker for 60 s: its login floods device={login}" in broker.gateway.stderr()

        store = open_store(load(broker.gateway.config), time.time_ns() // 1_000_000)
        with store.transaction() as transaction:  # its time is over
            out = kept_out(store)[login]
            transaction.remember(KEPT, json.dumps({login: {"until_ms": 1, "times": out.times, "is_out": True}}))
        store.close()

        def in_again() -> bool:
            with broker.client() as client:
                return client.connect(login, broker.password(attacker), login) == 0

        eventually(in_again, "it is let in again")
        assert (journal.BROKER_LET_IN, login) in course.told()
        assert broker.gateway.stop() == 0
