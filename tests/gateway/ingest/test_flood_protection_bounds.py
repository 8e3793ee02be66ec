"""The bounds beyond which a sender is let go and told of (flood_protection.py), to the frame and to the moment."""

from __future__ import annotations

import pytest

from siaga_gateway.service.ingest import flood_protection as module
from siaga_gateway.service.ingest.flood_protection import BACKLOG_S, BURST, FLOOD, PER_S, WITHIN_S, FloodProtection


class Kept:
    def __init__(self) -> None:
        self.told: list[tuple[object, int]] = []
        self.floods = FloodProtection(lambda sender, frames: self.told.append((sender, frames)))

    def send(self, count: int, at: float, sender: str = "a") -> int:
        """How many of so many are taken."""
        return self.floods.above([sender] * count, at).get(sender, count)


def test_the_bounds_are_those_that_the_manual_names() -> None:
    assert (BURST, PER_S, FLOOD, WITHIN_S, BACKLOG_S) == (1_000, 50.0, 5_000, 10.0, 5.0)
    assert module._SENDERS == 50_000


def test_a_burst_is_taken_to_the_frame_and_comes_back_by_fifty_a_second() -> None:
    kept = Kept()
    assert kept.floods.above(["a"] * 1_000, 100.0) == {}
    assert kept.floods.above(["a"], 100.0) == {"a": 0}
    assert kept.floods.let_go == 1
    assert kept.send(26, 100.5) == 25
    assert kept.send(2_000, 110.5) == 500
    assert kept.send(2_000, 1_000.0) == 1_000, "never more than the burst"
    assert kept.floods.let_go == 1 + 1 + 1_500 + 1_000
    assert kept.told == []


def test_a_part_of_a_frame_is_none_and_is_not_lost() -> None:
    kept = Kept()
    kept.send(1_000, 0.0)
    assert [kept.send(1, at) for at in (0.01, 0.02, 0.03, 0.04)] == [0, 1, 0, 1]


def test_those_that_come_together_are_counted_each_for_itself() -> None:
    kept = Kept()
    assert kept.floods.above(["a"] * 1_200 + ["b"] * 5 + ["c"] * 1_001, 0.0) == {"a": 1_000, "c": 1_000}
    assert kept.floods.let_go == 201


def test_a_flood_is_more_than_five_thousand_above_within_ten_seconds() -> None:
    kept = Kept()
    kept.send(BURST + FLOOD, 0.0)
    assert kept.told == [], "just so many are none yet"
    kept.send(1, 0.0)
    assert kept.told == [("a", FLOOD + 1)]
    slow = Kept()
    slow.send(BURST + FLOOD, 0.0)
    slow.send(501, 10.0)
    assert slow.told == [("a", FLOOD + 1)], "ten seconds are within"
    over = Kept()
    over.send(BURST + FLOOD, 0.0)
    over.send(600, 10.01)
    assert over.told == []


def test_what_is_above_is_counted_anew_after_ten_seconds() -> None:
    kept = Kept()
    kept.send(BURST + 4_000, 0.0)
    kept.send(10_000, 10.5)
    assert kept.told == [("a", 10_000 - 525)], "of late, and not ever"


def test_a_flood_that_goes_on_is_told_every_two_seconds() -> None:
    kept = Kept()
    for at in (0.0, 1.99, 2.0, 3.9, 4.0):
        kept.send(7_000, at)
    assert len(kept.told) == 3
    assert [frames for _, frames in kept.told] == sorted(frames for _, frames in kept.told)


def test_another_one_s_flood_is_told_at_once() -> None:
    kept = Kept()
    kept.send(7_000, 0.0)
    kept.send(7_000, 0.0, "b")
    assert [sender for sender, _ in kept.told] == ["a", "b"]


def test_after_a_connection_nothing_is_told_for_five_seconds() -> None:
    kept = Kept()
    kept.floods.connected(50.0)
    kept.send(7_000, 54.99)
    assert kept.told == []
    kept.send(1, 55.0)
    assert kept.told == [("a", 6_001)]
    unheard = FloodProtection()
    unheard.above(["a"] * 9_000, 0.0)
    assert unheard.let_go == 8_000, "where nobody is told"


def test_of_too_many_senders_those_longest_unheard_of_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SENDERS", 3)
    kept = Kept()
    for sender in ("old", "kept", "third"):
        kept.send(1_000, 0.0, sender)
    assert kept.send(1, 0.0, "old") == 0, "all three are known"
    kept.send(1, 0.0, "one more")
    assert kept.send(1, 0.0, "old") == 0, "it was heard of just now"
    assert kept.send(1, 0.0, "kept") == 1, "it was forgotten"
