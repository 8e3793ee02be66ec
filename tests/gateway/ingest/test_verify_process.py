"""Signatures checked by another process: the same verdicts, and nothing lost with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import processes
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.verify_process import VerifyProcess
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.verification import CheckedBatch
from spoiling import spoilt
from waiting import ENDS_S, eventually


@pytest.fixture
def beside() -> Iterator[VerifyProcess]:
    made = VerifyProcess(pause_s=0)
    made.start()
    eventually(made.is_ready)
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path: Path, beside: VerifyProcess) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path, verifier=beside)
    yield made
    made.close()


def work(count: int) -> tuple[list[tuple[bytes, bytes]], list[bool]]:
    """Keys and frames, every third of them forged; and what is true of them."""
    button = PressingButton()
    frames = [button.press(NOW_S) for _ in range(count)]
    genuine = [number % 3 != 2 for number in range(count)]
    return [
        (button.public_xy, frame if good else spoilt(frame)) for frame, good in zip(frames, genuine, strict=True)
    ], genuine


def test_it_tells_the_genuine_from_the_forged_in_their_order(beside: VerifyProcess) -> None:
    frames, genuine = work(20)
    strange = PressingButton()
    asked = beside.begin([*frames, (strange.public_xy, frames[0][1]), (bytes(64), frames[0][1])])
    assert asked is not None
    assert asked.wait() == [*genuine, False, False], "another's key, and one that is none, made no frame"


def test_batches_may_be_asked_for_in_another_order(beside: VerifyProcess) -> None:
    few, many = work(10), work(500)
    first, second = beside.begin(many[0]), beside.begin(few[0])
    assert first is not None and second is not None
    assert second.wait() == few[1]
    assert first.wait() == many[1]


def test_a_killed_process_says_so_and_another_comes(beside: VerifyProcess) -> None:
    frames, genuine = work(400)
    before = beside.pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)  # so that it cannot have answered
    asked, other = beside.begin(frames), beside.begin(frames)
    assert asked is not None and other is not None
    os.kill(before, signal.SIGKILL)
    assert asked.wait() is None
    assert other.wait() is None
    assert beside.begin(frames) is None, "there is nobody yet who could take it"
    eventually(beside.is_ready)
    assert beside.pid != before
    again = beside.begin(frames)
    assert again is not None
    assert again.wait() == genuine


def taken(desk: IngestHarness, frames: list[bytes], meanwhile: Callable[[], None] = lambda: None) -> CheckedBatch:
    begun = desk.checker.begin([InboundFrame(raw, NOW_MS, "mqtt", lambda: None) for raw in frames])
    meanwhile()
    return desk.checker.finish(begun)


def crowd(desk: IngestHarness) -> tuple[list[bytes], list[bytes]]:
    """Frames of many buttons under both suites, some forged; and those that are genuine."""
    frames, genuine = [], []
    for number in range(40):
        button = desk.button()
        short = number % 4 == 0
        suite = Suite.HS256_64 if short else Suite.ES256
        frame = button.frame(Kind.CHECKIN, 1, report_body(NOW_S), suite)
        if number % 5 == 3:
            frames.append(spoilt(frame))
        else:
            frames.append(frame)
            genuine.append(frame)
    return frames, genuine


def test_a_batch_of_all_sorts_is_sorted_as_without_it(desk: IngestHarness) -> None:
    frames, genuine = crowd(desk)
    desk.take(*genuine[:7])  # these come again: they are verified once
    checked = taken(desk, [*frames, b"no frame", PressingButton().press(NOW_S)])
    assert [one.inbound.raw for one in checked.genuine] == genuine
    assert (checked.forged, checked.malformed, checked.unknown) == (len(frames) - len(genuine), 1, 1)


def test_a_process_that_dies_under_a_batch_costs_nothing_of_it(desk: IngestHarness, beside: VerifyProcess) -> None:
    frames, genuine = crowd(desk)
    pid = beside.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    checked = taken(desk, frames, lambda: os.kill(pid, signal.SIGKILL))
    assert [one.inbound.raw for one in checked.genuine] == genuine
    assert checked.forged == len(frames) - len(genuine)


def test_it_ends_with_the_gateway_however_that_ends() -> None:
    program = (
        "from siaga_gateway.adapters.verify_process import VerifyProcess\n"
        "import sys, time\n"
        "beside = VerifyProcess()\n"
        "beside.start()\n"
        "print(beside.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as gateway:
        assert gateway.stdout is not None
        pid = int(gateway.stdout.readline())
        assert processes.state(pid)
        gateway.kill()
        gateway.wait(ENDS_S)
    eventually(lambda: not processes.state(pid))


def test_closing_ends_it(beside: VerifyProcess) -> None:
    pid = beside.pid
    assert pid is not None
    beside.close()
    assert not processes.state(pid)
