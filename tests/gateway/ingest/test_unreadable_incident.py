"""What is pressed on a button whose open call, status or registration cannot be read is a call all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ingest_harness import NOW_S, IngestHarness
from pressing_button import report_body
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.service.journal.kinds import is_unheard


def test_a_message_that_was_not_processed_is_heard_at_the_console_where_it_was_a_call() -> None:
    assert is_unheard({"error": "-", "size": 1, "call": False}) and not is_unheard({"error": "-", "call": True})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    assert isinstance(made.store.engine, Sqlite)
    made.store.engine.writer.execute("PRAGMA ignore_check_constraints = ON")  # a flipped bit asks nobody
    yield made
    made.close()


def spoil(desk: IngestHarness, statement: str) -> IngestHarness:
    """The gateway after a restart, when it reads all of it anew."""
    with desk.store.engine.transaction() as session:
        assert session.run(statement) == 1
    return IngestHarness.again(desk)


def test_another_press_opens_another_call_and_what_names_the_first_is_answered(desk: IngestHarness) -> None:
    button, other = desk.button(), desk.button()
    first = button.frame(Kind.PRESS, 1, report_body(NOW_S))
    assert desk.stages(first) == [(1, Stage.RECEIVED)]
    again = spoil(desk, "UPDATE incident SET call_back = 'calmed' WHERE id = 1")
    assert again.stages(first) == [(1, Stage.RECEIVED)], "a repetition is answered, and opens nothing"
    assert again.store.open_incidents() == []
    assert again.stages(button.frame(Kind.UPDATE, 2, report_body(NOW_S, opening=1))) != []
    assert again.stages(button.frame(Kind.PRESS, 3, report_body(NOW_S))) == [(3, Stage.RECEIVED)]
    assert again.stages(other.frame(Kind.PRESS, 1, report_body(NOW_S))) == [(1, Stage.RECEIVED)]
    assert {each.device_id for each in again.store.open_incidents()} == {button.device_id, other.device_id}


def test_a_contradiction_of_its_press_is_kept(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.frame(Kind.PRESS, 1, report_body(NOW_S)))
    again = spoil(desk, "UPDATE incident SET call_back = 'calmed' WHERE id = 1")
    assert again.stages(button.frame(Kind.PRESS, 1, report_body(NOW_S + 9))) == [(1, Stage.RECEIVED)]
    assert "contradiction" in again.kinds()


def test_a_status_that_cannot_be_read_is_written_anew_and_a_repetition_is_still_known(desk: IngestHarness) -> None:
    button = desk.button()
    first = button.frame(Kind.PRESS, 1, report_body(NOW_S))
    desk.take(first)
    again = spoil(desk, "UPDATE device_status SET health = x'00'")
    assert again.stages(first) == [(1, Stage.RECEIVED)]
    assert again.only().presses == 1
    assert again.stages(button.frame(Kind.PRESS, 2, report_body(NOW_S))) == [(2, Stage.RECEIVED)]
    known = again.store.status(button.device_id)
    assert known is not None and known.highest_counter == 2


def test_a_registration_that_cannot_be_read_holds_the_call_for_a_person(desk: IngestHarness) -> None:
    button = desk.button()
    again = spoil(desk, "UPDATE device SET state = 'lent'")
    assert again.stages(button.frame(Kind.PRESS, 1, report_body(NOW_S))) == [(1, Stage.REFUSED)]
    assert again.only().held
