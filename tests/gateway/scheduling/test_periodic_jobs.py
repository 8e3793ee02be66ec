"""What is done every so often: each job in its turn, no fault of one ends another, shared ones only where claimed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import Place
from gateway import sample_store
from siaga_gateway.service.scheduling.histograms import BOUNDS, Durations, StageTimes
from siaga_gateway.service.scheduling.periodic_jobs import Job, Leases, PeriodicJobs
from siaga_gateway.service.store import StoreFailing


def test_each_job_comes_when_it_is_due() -> None:
    done: list[str] = []
    rounds = PeriodicJobs(
        [Job("often", 10, lambda: done.append("often")), Job("daily", 100, lambda: done.append("daily"))]
    )
    for now in (1000.0, 1005.0, 1010.0, 1099.0, 1100.0):
        rounds.turn(now)
    assert done == ["often", "daily", "often", "often", "daily"]


def test_a_fault_of_one_job_ends_no_other_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fails() -> None:
        raise StoreFailing("the disk is full")

    def breaks() -> None:
        raise ZeroDivisionError

    rounds = PeriodicJobs(
        [Job("fails", 1, fails), Job("breaks", 1, breaks), Job("works", 1, lambda: done.append("works"))]
    )
    for now in range(1000, 1003):
        rounds.turn(now)
    assert done == ["works"] * 3
    assert caplog.text.count("fails: the disk is full; trying again") == 1
    assert "breaks: an unexpected fault" in caplog.text


def test_a_shared_job_is_done_only_by_whoever_claims_it() -> None:
    done: list[str] = []
    asked: list[tuple[str, float]] = []

    class TwoOfThree:
        def mine(self, job: str, every_s: float) -> bool:
            asked.append((job, every_s))
            return len(asked) != 2

        def give_back(self) -> None:
            asked.clear()

    shared, own = (
        Job("shared", 1, lambda: done.append("shared"), shared=True),
        Job("own", 1, lambda: done.append("own")),
    )
    rounds = PeriodicJobs([shared, own], TwoOfThree())
    for now in range(1000, 1003):
        rounds.turn(now)
    assert done == ["shared", "own", "own", "shared", "own"]
    assert asked == [("shared", 1)] * 3
    rounds.stop()
    assert asked == [], "given back, also by rounds that were never started"


def test_of_two_workers_on_one_store_one_does_the_job_and_the_other_takes_over(place: Place) -> None:
    done: list[str] = []
    stores = [sample_store.new_store(place) for _ in range(2)]
    leases = [Leases(store, name) for store, name in zip(stores, ("one", "two"), strict=True)]

    def rounds(name: str, claim: Leases) -> PeriodicJobs:
        return PeriodicJobs([Job("supervision", 1, lambda: done.append(name), shared=True)], claim)

    workers = [rounds(name, claim) for name, claim in zip(("one", "two"), leases, strict=True)]
    for now in (1000.0, 1001.0):
        for worker in workers:
            worker.turn(now)
    if stores[0].engine.kind == "sqlite":  # one process has the store to itself
        assert done == ["one", "two"] * 2
    else:
        assert done == ["one", "one"]
        leases[0].give_back()
        for worker in reversed(workers):
            worker.turn(1002.0)
        assert done == ["one", "one", "two"]
    for store in stores:
        store.close()


@given(st.lists(st.tuples(st.floats(-10, 1000), st.integers(1, 50)), max_size=40))
def test_durations_are_counted_under_every_bound_that_they_reach(added: list[tuple[float, int]]) -> None:
    durations = Durations()
    for seconds, times in added:
        durations.add(seconds, times)
    for bound, count in durations.cumulative():
        assert count == sum(times for seconds, times in added if max(0.0, seconds) <= bound)
    assert durations.count == sum(times for _, times in added)
    assert len(durations.cumulative()) == len(BOUNDS) + 1
    assert durations.seconds == pytest.approx(sum(max(0.0, seconds) * times for seconds, times in added))


def test_a_batch_counts_each_of_its_frames_in_each_stage() -> None:
    times = StageTimes()
    times.batch([0.001, 0.2, -3.0], 0.01, 0.02, 0.03)
    assert {stage: durations.count for stage, durations in times.stages.items()} == dict.fromkeys(StageTimes.STAGES, 3)
    assert times.stages["committed"].seconds == pytest.approx(0.06)
    assert times.whole.count == 3
