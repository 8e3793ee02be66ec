"""Messages that outputs have not got: the warning after a minute, and what a person does about those given up."""

from __future__ import annotations

import pytest

from gateway import sample_store
from gateway.delivery.test_delivery_worker import Receiver, takes, worker
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Change
from siaga_gateway.service.delivery.dead_letters import FAILING_MS, DeadLetters, DeliveryError
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import NotDelivered
from siaga_gateway.service.store import Delivery, DeliveryState, Settled

ACTOR = "Rina Wulandari"


def desk(store: SqlStore, now_ms: int = sample_store.NOW_MS) -> DeadLetters:
    return DeadLetters(store, JournalNotifier(), ManualClock(now_ms), ["cad"])


def given_up(store: SqlStore) -> Delivery:
    """An opening that the receiver refused for good."""
    sample_store.open_incident(store, outputs=("cad",))
    worker(store, Receiver(lambda _n, _k: NotDelivered("410 Gone", permanent=True))).work()
    (delivery,) = desk(store).undelivered().given_up
    return delivery


def test_what_fails_for_a_minute_is_told_with_why_and_an_output_that_is_gone_is_not(store: SqlStore) -> None:
    sample_store.open_incident(store, outputs=("cad", "removed"))
    worker(store, Receiver(lambda _n, _k: NotDelivered("HTTP 404"))).work()
    assert desk(store, sample_store.NOW_MS + FAILING_MS - 1).undelivered().failing == {}
    failing = desk(store, sample_store.NOW_MS + FAILING_MS).undelivered().failing
    assert list(failing) == ["cad"]
    assert (failing["cad"].deliveries, failing["cad"].oldest_ms) == (1, sample_store.NOW_MS)
    assert failing["cad"].detail == "HTTP 404"


def test_a_message_that_nobody_has_even_tried_is_told_too(store: SqlStore) -> None:
    sample_store.open_incident(store, outputs=("cad",))
    assert "cad" in desk(store, sample_store.NOW_MS + FAILING_MS).undelivered().failing


def test_a_stream_of_messages_that_replace_each_other_is_one_failure(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad",))
    assert worker(store, Receiver(takes)).work()
    for turn in range(3):
        with store.transaction() as transaction:
            made_ms = sample_store.NOW_MS + turn * 20_000
            incident = tell(transaction, incident, Change.POSITION, made_ms, ["cad"])
            transaction.put_incident(incident)
        worker(store, Receiver(lambda _n, _k: NotDelivered("HTTP 400"))).work()
    assert len(store.pending("cad")) == 1
    assert desk(store, sample_store.NOW_MS + FAILING_MS - 1).undelivered().failing == {}
    assert desk(store, sample_store.NOW_MS + FAILING_MS).undelivered().failing["cad"].oldest_ms == sample_store.NOW_MS


def test_a_person_sends_again_what_was_given_up_and_it_stands_in_the_journal(store: SqlStore) -> None:
    delivery = given_up(store)
    desk(store).send_again(delivery.id, ACTOR)
    assert desk(store).undelivered().given_up == []
    entry = store.journal_of_incident(delivery.incident_id)[-1]
    assert (entry.kind, entry.actor, entry.facts["output"]) == (journal.DELIVERY_RETRIED, ACTOR, "cad")
    receiver = Receiver(takes)
    assert worker(store, receiver).work()
    assert [key for key, _ in receiver.asked] == [delivery.key], "under the same key"
    with pytest.raises(DeliveryError, match="no longer given up"):
        desk(store).send_again(delivery.id, ACTOR)


def test_a_person_has_passed_it_on_and_nobody_is_warned_any_more(store: SqlStore) -> None:
    delivery = given_up(store)
    desk(store).passed_on(delivery.id, ACTOR)
    assert desk(store).undelivered().given_up == []
    entry = store.journal_of_incident(delivery.incident_id)[-1]
    assert (entry.kind, entry.actor) == (journal.DELIVERY_PASSED_ON, ACTOR)
    assert store.tally().abandoned == 0
    row = store.delivery(delivery.id)
    assert row is not None
    assert (row.state, row.settled) == (DeliveryState.ABANDONED, Settled.PASSED_ON)
    for step in (desk(store).passed_on, desk(store).send_again):
        with pytest.raises(DeliveryError, match="no longer given up"):
            step(delivery.id, ACTOR)
    with store.transaction() as transaction:
        assert transaction.ask_again(output="cad") == {}, "not with the others"
        assert transaction.ask_again(key=delivery.key) == {"cad": 1}, "by itself"


@pytest.mark.parametrize(("number", "actor", "why"), [(999, ACTOR, "no message 999"), (1, "", "1 to 80 characters")])
def test_what_cannot_be_is_refused_by_name(store: SqlStore, number: int, actor: str, why: str) -> None:
    given_up(store)
    for step in (desk(store).passed_on, desk(store).send_again):
        with pytest.raises(DeliveryError, match=why):
            step(number, actor)


def test_a_failure_that_comes_after_a_person_settled_it_changes_nothing(store: SqlStore) -> None:
    delivery = given_up(store)
    desk(store).send_again(delivery.id, ACTOR)
    with store.transaction() as transaction:
        assert transaction.settle([delivery.id], Settled.PASSED_ON) == [delivery.id]
    slow = worker(store, Receiver(lambda _n, _k: NotDelivered("HTTP 503")))
    assert not slow.work()
    row = store.delivery(delivery.id)
    assert row is not None and row.state is DeliveryState.ABANDONED


def test_what_no_output_is_left_for_is_not_sent_again_but_can_be_passed_on(store: SqlStore) -> None:
    """Nothing would deliver it, and nobody would be warned of it any more."""
    delivery = given_up(store)
    other = DeadLetters(store, JournalNotifier(), ManualClock(sample_store.NOW_MS), ["another"])
    with pytest.raises(DeliveryError, match="no longer have an output cad"):
        other.send_again(delivery.id, ACTOR)
    assert [one.id for one in other.undelivered().given_up] == [delivery.id]
    assert store.pending("cad") == []
    other.passed_on(delivery.id, ACTOR)
    assert other.undelivered().given_up == []
