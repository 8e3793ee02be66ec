"""When a way counts as failing or as used up, what then goes by it, and when it is believed again. Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.notification import Outcome
from siaga_gateway.service.dispatch.way_traffic import FaultKind, WayFault, WayTraffic, outcome_of
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered

TAKEN, REFUSED = Outcome(True, "200"), Outcome(False, "401")
DEAD, WAIT = Outcome(False, "404", dead=True), Outcome(False, "429", retry_after_ms=1_000)
SPENT = Outcome(False, "429 quota", exhausted=True, retry_after_ms=7_200_000)
NOW = 1_000_000


def failing(for_ms: int = 60_000, tries: int = 7) -> WayTraffic:
    traffic = WayTraffic(Budget())
    for number in range(tries):
        traffic.ended("a", NOW + number * for_ms // (tries - 1), REFUSED)
    return traffic


def test_what_fails_for_a_minute_is_a_fault_that_says_why_and_a_success_ends_it() -> None:
    traffic = failing()
    assert traffic.fault(NOW + 60_000) == WayFault(FaultKind.FAILING, "401")
    traffic.ended("b", NOW + 60_001, TAKEN)
    assert traffic.fault(NOW + 60_001) is None


def test_a_few_failures_or_a_short_time_are_none() -> None:
    assert failing(for_ms=59_000).fault(NOW + 59_000) is None
    assert failing(tries=4).fault(NOW + 60_000) is None


def test_dead_addresses_and_waits_say_nothing_of_the_way() -> None:
    traffic = WayTraffic(Budget())
    for at in range(0, 120_000, 5_000):
        traffic.ended("a", NOW + at, DEAD)
        traffic.ended("b", NOW + at, WAIT)
    assert traffic.fault(NOW + 120_000) is None


def test_a_call_that_nobody_takes_says_nothing_of_the_modem() -> None:
    traffic = WayTraffic(Budget(), proves=False)
    for at in range(0, 120_000, 5_000):
        traffic.ended("a", NOW + at, REFUSED)
    assert traffic.fault(NOW + 120_000) is None


def test_a_way_that_fails_is_tried_once_a_second_and_not_given_up() -> None:
    traffic, now_ms = failing(), NOW + 60_000
    assert traffic.wait_ms("a", now_ms, first=True) == 0
    traffic.begun("a", now_ms)
    assert traffic.wait_ms("b", now_ms, first=True) == 1_000
    assert traffic.wait_ms("b", now_ms + 1_000, first=True) == 0


def test_after_an_hour_without_a_try_nobody_knows() -> None:
    traffic = failing()
    assert traffic.fault(NOW + 60_000 + 3_600_000) is None
    traffic.ended("a", NOW + 60_000 + 3_600_000, REFUSED)
    assert traffic.fault(NOW + 60_000 + 3_600_000) is None, "it is counted anew"


def test_a_quota_that_is_used_up_lasts_as_long_as_the_service_says() -> None:
    traffic = WayTraffic(Budget())
    traffic.ended("a", NOW, SPENT)
    assert traffic.is_spent(NOW) and traffic.fault(NOW) == WayFault(FaultKind.SPENT, "429 quota")
    assert traffic.is_spent(NOW + 7_199_999) and not traffic.is_spent(NOW + 7_200_000)
    traffic.ended("a", NOW + 1_000, TAKEN)
    assert not traffic.is_spent(NOW + 1_000), "it was raised meanwhile"


def test_what_an_adapter_says_is_carried_over() -> None:
    assert outcome_of(HandedOver("200", "m-1")) == Outcome(True, "200", "m-1")
    assert outcome_of(NotDelivered("429 quota", retry_after_s=7_200.0, exhausted=True)) == SPENT
    assert outcome_of(NotDelivered("404", permanent=True)) == DEAD


@given(st.lists(st.tuples(st.integers(0, 30_000), st.sampled_from([TAKEN, REFUSED, DEAD, WAIT, SPENT])), max_size=60))
def test_whatever_comes_something_is_tried_within_a_second_unless_the_quota_is_used_up(
    outcomes: list[tuple[int, Outcome]],
) -> None:
    traffic, now_ms = WayTraffic(Budget()), NOW
    for gap_ms, outcome in outcomes:
        now_ms += gap_ms
        traffic.begun("a", now_ms)
        traffic.ended("a", now_ms, outcome)
        assert traffic.wait_ms("somebody else", now_ms, first=True) <= 1_000
        if outcome.handed_over:
            assert traffic.fault(now_ms) is None
