"""What a watcher makes of an answer, whoever gave it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.outage import NO_GATEWAY
from siaga_gateway.formats.readiness import read_readiness


def body(**told: object) -> bytes:
    return json.dumps({"ready": True, "problems": {}, **told}).encode()


def test_a_gateway_that_is_ready_has_no_fault_whatever_it_warns_of() -> None:
    told = read_readiness(200, body(warnings={"personal_key": "gone"}))
    assert not told.faults and told.heard is None


def test_what_it_reports_is_a_fault_by_name_on_one_line_and_so_is_the_loss_of_every_output() -> None:
    found = read_readiness(503, body(ready=False, problems={"broker": "not\nconnected"}))
    assert found.faults == {"broker": "not connected"}
    assert read_readiness(200, body(warnings={"outputs": "cad for 90 s"})).faults == {"outputs": "cad for 90 s"}


@pytest.mark.parametrize(("said", "heard"), [("heard", True), ("stranger", False), (7, None)])
def test_whether_the_gateway_knows_the_watcher(said: object, heard: bool | None) -> None:
    assert read_readiness(200, body(watcher=said)).heard is heard


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, b"<html>Sign in to the hotel's network</html>"),
        (200, b'{"status": "ok"}'),
        (502, body()),
        (404, b'{"paths": []}'),
        (302, b""),
        (200, b"[" * 100_000),
        (503, body()),
        (200, body(ready="yes")),
        (200, body(problems=["broker"])),
        (200, body(ready=False)),
    ],
)
def test_what_is_no_answer_of_a_gateway_is_a_fault(status: int, answer: bytes) -> None:
    assert read_readiness(status, answer).faults == {NO_GATEWAY: f"HTTP {status}"}


def test_what_is_endless_is_cut() -> None:
    found = read_readiness(503, body(ready=False, problems={f"{n:02}{'x' * 90}": "y" * 900 for n in range(90)})).faults
    assert len(found) == 12 and {len(name) for name in found} == {40} and {len(why) for why in found.values()} == {200}


@given(st.integers(100, 599), st.binary() | st.text().map(str.encode))
def test_nothing_that_is_received_raises(status: int, answer: bytes) -> None:
    assert all(why.isprintable() for why in read_readiness(status, answer).faults.values())
