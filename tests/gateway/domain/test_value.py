"""The form of the domain's values (domain/value.py): compared by what they hold, small, copied whole."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import siaga_gateway
from gateway.rule_values import OWNER, any_of, incident
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.incident_outcome import EventContext, IncidentBasis, Mark, Outcome
from siaga_gateway.domain.value import copied, record
from waiting import RUNS_S


@record
class Thing:
    number: int
    name: str = ""


def test_values_are_compared_and_found_by_what_they_hold() -> None:
    assert Thing(1, "a") == Thing(1, "a") != Thing(1, "b")
    assert len({Thing(1), Thing(1), Thing(2)}) == 2
    assert {Mark(1, arrived=True): "x"}[Mark(1, arrived=True)] == "x"
    assert len({incident(), incident(), incident(presses=2)}) == 2


def test_a_field_that_there_is_not_cannot_be_set() -> None:
    thing = Thing(1)
    assert not hasattr(thing, "__dict__")
    with pytest.raises(AttributeError):
        thing.nmae = "a"  # type: ignore[attr-defined]


def test_nothing_is_known_and_nothing_is_done_unless_it_is_said() -> None:
    known, outcome = EventContext(), Outcome(Stage.RECEIVED)
    assert (known.open, known.keyed, known.key_arrived, known.counters_doubtful) == (None, None, False, False)
    assert (outcome.incident, outcome.opened, outcome.told, outcome.happened, outcome.marks) == (
        None,
        False,
        None,
        (),
        (),
    )
    assert IncidentBasis.__slots__  # type: ignore[attr-defined]


@given(any_of(Incident), any_of(Incident), st.sets(st.sampled_from([each.name for each in fields(Incident)])))
def test_a_copy_has_what_is_named_and_all_the_rest_as_it_was(one: Incident, other: Incident, named: set[str]) -> None:
    changes: Any = {name: getattr(other, name) for name in named}
    before = replace(one)
    made = copied(one, **changes)
    for each in fields(Incident):
        assert getattr(made, each.name) is getattr(other if each.name in named else one, each.name)
    assert type(made) is Incident
    assert one == before, "what was copied stays what it is"


def test_a_copy_is_of_the_same_class_and_has_the_fields_of_both() -> None:
    @record
    class Heavy(Thing):
        weight: int = 0

    assert copied(Heavy(1, "a", 7), name="b") == Heavy(1, "b", 7)

    class Named(Thing):
        """No record of its own."""

    assert type(copied(Named(1, "a"), name="b")) is Named


def test_a_change_of_no_field_is_refused() -> None:
    with pytest.raises(AttributeError, match="nmae"):
        copied(Thing(1), nmae="a")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="progress"):
        copied(incident(), progress="a property")  # type: ignore[call-arg]


PROGRAM = """
from siaga_gateway.domain.value import copied, record

@record
class Thing:
    number: int
    name: str = ""

thing: Thing = copied(Thing(1), name="a")
copied(thing, name=2)
copied(thing, nmae="a")
thing.name = "b"
"""


def test_mypy_checks_each_change_by_name_and_type(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    package = Path(siaga_gateway.__file__).parent
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--cache-dir", tmp_path / "cache", program],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line.split(":")[1] for line in errors] == ["10", "11", "12"], done.stdout + done.stderr


def test_another_dataclass_is_copied_too() -> None:
    assert copied(OWNER, phone="+620000000009") == replace(OWNER, phone="+620000000009")
    with pytest.raises(TypeError, match="fone"):
        copied(OWNER, fone="+620000000009")  # type: ignore[call-arg]
