"""Which watchers are missed, and which of those who ask is one."""

from __future__ import annotations

import logging

import pytest

from siaga_gateway.service.scheduling.watcher_presence import ANY, WatcherPresence

TOKEN, SHOWN = "0123456789abcdef", "Bearer 0123456789abcdef"


class Time:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_without_a_token_nobody_is_expected_and_nothing_is_said() -> None:
    now = Time()
    presence = WatcherPresence(None, ["a"], 180, now)
    now.s += 10_000
    assert presence.silent() == [] and presence.asked("a", SHOWN) is None


def test_any_watcher_will_do_where_none_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    now = Time()
    presence = WatcherPresence(TOKEN, [], 180, now)
    now.s += 180
    assert presence.silent() == [], "the first has some minutes after a start"
    now.s += 1
    assert presence.silent() == [ANY] == presence.silent()
    assert presence.asked("b", SHOWN) == "heard" and presence.silent() == []
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, "once that it is silent, once that it is back"


def test_each_named_watcher_is_missed_by_its_name() -> None:
    now = Time()
    presence = WatcherPresence(TOKEN, ["a", "b"], 180, now)
    now.s += 100
    assert presence.asked("a", SHOWN) == "heard"
    now.s += 100
    assert presence.silent() == ["b"]
    assert presence.asked("c", SHOWN) == "stranger" and presence.silent() == ["b"]


@pytest.mark.parametrize("shown", [None, "", "Bearer ", "Bearer 0123456789abcdeF", "Bearer \udce9", TOKEN[:-1]])
def test_whoever_has_not_the_token_is_a_stranger(shown: str | None) -> None:
    now = Time()
    presence = WatcherPresence(TOKEN, [], 180, now)
    now.s += 200
    assert presence.asked("a", shown) == "stranger" and presence.silent()
    assert presence.asked(None, shown) is None, "a load balancer asks too"
