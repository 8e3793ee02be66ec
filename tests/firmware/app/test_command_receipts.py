"""What the real button answers a command by, read by the real gateway: done, refused and failed are told apart."""

from __future__ import annotations

from pathlib import Path

from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, IngestHarness
from micropython import run_micropython
from siaga_gateway.domain.frame import CommandCode, Kind, Suite
from siaga_gateway.service.downlink.device_commands import CommandIssuer
from siaga_gateway.service.journal import kinds as journal

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"
URL = "https://example.org/b"


def test_each_result_of_the_button_closes_the_command_as_what_it_was(tmp_path: Path) -> None:
    desk, clock = IngestHarness(tmp_path), ManualClock(NOW_MS)
    button = desk.button()
    commander = CommandIssuer(desk.store, clock)
    numbers = []
    for code, written in (
        (CommandCode.TEST, None),
        (CommandCode.UPDATE, "https://example.org/b"),
        (CommandCode.TEST, None),
    ):
        numbers.append(commander.ask(button.device_id, code, written, actor="Dewi").down_counter)
        clock.at_ms += 1_000
    said = run_micropython(ON_BUTTON / "receipts.py", *map(str, numbers)).split()
    assert len(said) == 4, "the last once more, after a restart"
    for body in said[:3]:
        button.counter += 1
        desk.take(button.frame(Kind.RECEIPT, button.counter, bytes.fromhex(body), Suite.HS256_64))
    states = {one.down_counter: str(one.state) for one in desk.store.commands(button.device_id)}
    assert [states[number] for number in numbers] == ["done", "refused", "failed"]
    assert [entry.facts["result"] for entry in desk.journal(journal.COMMAND_ANSWERED)] == ["done", "refused", "failed"]
    assert said[3] == said[2], "a restart does not make another result of it"
    desk.close()
