"""What waits for an output, and in which order it goes."""

from __future__ import annotations

import pytest

from siaga_gateway.domain.incident import Change
from siaga_gateway.service.delivery.backlog import Backlog
from siaga_gateway.service.store import Delivery, DeliveryState


def delivery(number: int, incident: int, what: Change = Change.SEEN, attempts: int = 0) -> Delivery:
    return Delivery(
        number, f"k{number}", "cad", incident, number, what, DeliveryState.PENDING, attempts, 0, 0, None, None
    )


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [one.id for one in deliveries]


def test_of_each_incident_one_at_a_time_in_order() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8), delivery(3, 7)])
    first, second = backlog.give_out(10, 10, 0.0)
    assert (first.id, second.id) == (1, 2)
    assert backlog.give_out(10, 10, 0.0) == []
    backlog.done(first)
    assert numbers(backlog.give_out(10, 10, 0.0)) == [3]


def test_what_stands_before_an_alert_is_as_urgent_as_the_alert() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8), delivery(3, 8, Change.DURESS), delivery(4, 9, Change.OPENED)])
    assert numbers(backlog.give_out(10, 10, 0.0, urgent=True)) == [2, 4]
    assert numbers(backlog.give_out(10, 10, 0.0)) == [1]


def test_a_failure_holds_back_its_own_incident_until_it_is_due() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7, Change.OPENED), delivery(2, 7), delivery(3, 8)])
    one, other = backlog.give_out(10, 10, 0.0)
    backlog.failed(one, "503", due_at=5.0)
    backlog.done(other)
    assert backlog.next_due() == 5.0
    assert backlog.give_out(10, 10, 4.9) == []
    (again,) = backlog.give_out(10, 10, 5.0)
    assert (again.id, again.attempts, again.detail) == (1, 1, "503")


def test_few_that_failed_before_are_out_at_once() -> None:
    backlog = Backlog()
    backlog.add([delivery(n, n, Change.OPENED, attempts=1) for n in range(1, 5)] + [delivery(9, 9)])
    assert numbers(backlog.give_out(10, 2, 0.0)) == [1, 2, 9]
    assert backlog.give_out(10, 2, 0.0) == []


def test_first_notices_go_before_repeats() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 1, Change.OPENED, attempts=1), delivery(2, 2, attempts=1)])
    backlog.add([delivery(3, 3, Change.OPENED), delivery(4, 4)])
    assert numbers(backlog.give_out(10, 10, 0.0)) == [3, 1, 4, 2]


def test_what_failed_and_is_no_alert_is_skipped_once_a_later_one_waits() -> None:
    """A receiver that chokes on positions still hears of a duress; one that is away for an hour gets the latest."""
    backlog = Backlog()
    backlog.add([delivery(1, 7, Change.POSITION), delivery(2, 7, Change.POSITION), delivery(3, 7, Change.DURESS)])
    backlog.failed(*backlog.give_out(1, 1, 0.0), "400", due_at=60.0)
    assert numbers(backlog.superseded()) == [1]
    backlog.failed(*backlog.give_out(1, 1, 0.0), "400", due_at=60.0)
    assert numbers(backlog.superseded()) == [2]
    assert numbers(backlog.give_out(1, 1, 0.0)) == [3]
    assert backlog.superseded() == []


def test_a_later_one_comes_while_the_failed_one_pauses_or_is_out() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7, Change.POSITION)])
    backlog.failed(*backlog.give_out(1, 1, 0.0), "503", due_at=60.0)
    (again,) = backlog.give_out(1, 1, 60.0)
    backlog.add([delivery(2, 7, Change.SEEN)])
    assert backlog.superseded() == [], "it is under way"
    backlog.failed(again, "503", due_at=120.0)
    assert numbers(backlog.superseded()) == [1]
    backlog.failed(*backlog.give_out(1, 1, 60.0), "503", due_at=120.0)
    backlog.add([delivery(3, 7, Change.DURESS)])
    assert numbers(backlog.superseded()) == [2]
    assert numbers(backlog.give_out(1, 1, 60.0)) == [3], "it does not wait for the pause of the one before"


def test_an_alert_is_never_skipped_and_never_overtaken() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7, Change.OPENED), delivery(2, 7, Change.POSITION), delivery(3, 7, Change.DURESS)])
    for now in range(5):
        (one,) = backlog.give_out(10, 1, float(now))
        assert one.id == 1
        backlog.failed(one, "400", due_at=now + 1.0)
    assert backlog.superseded() == []


def test_what_is_out_stays_so_when_all_is_read_anew() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8)])
    one, other = backlog.give_out(10, 10, 0.0)
    backlog.read_anew([delivery(1, 7), delivery(3, 7)])  # the other was delivered by somebody else
    assert backlog.give_out(10, 10, 0.0) == []
    backlog.done(other)
    backlog.done(one)
    assert numbers(backlog.give_out(10, 10, 0.0)) == [3]


def test_what_was_offered_before_it_was_urgent_is_passed_over_once_it_is_delivered() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 7, Change.OPENED)])
    for number in (1, 2):
        (one,) = backlog.give_out(1, 1, 0.0)
        assert one.id == number
        backlog.done(one)
    assert backlog.give_out(1, 1, 0.0) == []


def test_few_are_out_again_though_another_worker_failed_or_it_became_urgent_while_it_was_out() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8)])
    backlog.read_anew([delivery(1, 7, attempts=1), delivery(2, 8)])
    assert numbers(backlog.give_out(5, 0, 0.0)) == [2]
    (one,) = backlog.give_out(5, 1, 0.0)
    assert one.id == 1
    backlog.put_back(one)
    other = Backlog()
    other.add([delivery(1, 7)])
    (one,) = other.give_out(1, 0, 0.0)
    other.add([delivery(2, 7, Change.DURESS)])
    other.failed(one, "503", 5.0)
    assert numbers(other.superseded()) == [1]
    assert numbers(other.give_out(5, 0, 0.0)) == [2], "that one was never tried"


def test_a_pause_of_what_another_worker_delivered_meanwhile_ends_quietly() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7)])
    backlog.failed(*backlog.give_out(1, 1, 0.0), "503", 5.0)
    backlog.read_anew([])
    assert backlog.give_out(1, 1, 5.0) == []


def test_it_knows_how_far_it_has_read() -> None:
    backlog = Backlog()
    assert backlog.last_id == 0
    backlog.add([delivery(3, 7), delivery(5, 8)])
    assert backlog.last_id == 5
    backlog.read_anew([delivery(3, 7)])
    assert backlog.last_id == 3
    backlog.read_anew([])
    assert (backlog.last_id, backlog.give_out(10, 10, 0.0)) == (0, [])


def test_a_pause_is_kept_when_all_is_read_anew_and_ends_when_a_person_says_so() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 8), delivery(3, 9)])
    assert backlog.next_due() == float("inf")
    one, other, third = backlog.give_out(10, 10, 0.0)
    backlog.failed(one, "503", 9.0)
    backlog.failed(other, "503", 5.0)
    backlog.done(third)
    backlog.read_anew([delivery(1, 7, attempts=1), delivery(2, 8, attempts=1)])
    assert backlog.next_due() == 5.0
    assert backlog.give_out(10, 10, 4.0) == []
    assert numbers(backlog.give_out(10, 10, 5.0)) == [2]
    backlog.all_due()
    assert backlog.next_due() == float("inf")
    assert numbers(backlog.give_out(10, 10, 5.0)) == [1]


def test_what_is_settled_must_be_what_is_out() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7), delivery(2, 7)])
    backlog.give_out(1, 1, 0.0)
    with pytest.raises(ValueError, match="delivery 2 is settled and 1"):
        backlog.done(delivery(2, 7))


def test_what_is_out_while_a_person_has_an_earlier_one_sent_again_is_not_sent_twice() -> None:
    backlog = Backlog()
    backlog.add([delivery(2, 7, Change.DURESS)])
    (out,) = backlog.give_out(1, 1, 0.0)
    backlog.read_anew([delivery(1, 7, Change.OPENED, attempts=1), out])
    backlog.done(out)
    (again,) = backlog.give_out(1, 1, 0.0)
    assert again.id == 1
    backlog.done(again)
    assert backlog.give_out(1, 1, 0.0) == []


def test_a_new_alert_waits_for_no_pause_and_has_its_own_first_tries() -> None:
    backlog = Backlog()
    backlog.add([delivery(1, 7, Change.OPENED, attempts=500)])
    (one,) = backlog.give_out(1, 1, 0.0)
    assert backlog.tries(one) == 500
    backlog.failed(one, "503", due_at=60.0)
    backlog.add([delivery(2, 7, Change.POSITION)])
    assert backlog.give_out(1, 1, 0.0) == []
    backlog.add([delivery(3, 7, Change.DURESS)])
    (one,) = backlog.give_out(1, 1, 0.0)
    assert (one.id, backlog.tries(one)) == (1, 0)
    backlog.failed(one, "503", due_at=2.0)
    backlog.read_anew([delivery(1, 7, Change.OPENED, attempts=502), delivery(3, 7, Change.DURESS)])
    assert backlog.give_out(1, 1, 0.0) == [], "what is known ends no pause when it is read anew"
    (one,) = backlog.give_out(1, 1, 2.0)
    assert backlog.tries(one) == 1
    backlog.done(one)
    (one,) = backlog.give_out(1, 1, 2.0)
    assert (one.id, backlog.tries(one)) == (3, 0)
