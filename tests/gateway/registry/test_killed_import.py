"""A process that is killed in the middle of a list of buttons: nothing half, and another try carries it on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from pressing_button import PressingButton
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.registry.bulk_enrol import Registration, enrol_many
from siaga_gateway.service.registry.enrol import NewOwner
from waiting import RUNS_S

# Enrols two in a commit, and is killed where the second commit has one device and the owner of the next.
KILLED = """
import json, os, signal, sys
from pathlib import Path
from databases import Place
from gateway.fake_ports import ManualClock
from gateway.sample_store import NOW_MS
from siaga_gateway.service.registry import bulk_enrol
import test_killed_import as here

folder, frames, at = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
add, count = bulk_enrol._add_device, 0

def killed(*arguments):
    global count
    count += 1
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return add(*arguments)

bulk_enrol._TOGETHER, bulk_enrol._add_device = 2, killed
bulk_enrol.enrol_many(Place("sqlite", folder).open(NOW_MS), ManualClock(NOW_MS), here.lines(frames), actor="Ani")
"""


def lines(frames: list[str]) -> list[Registration]:
    return [
        Registration(
            Localized("lists.line", number=number),
            bytes.fromhex(frame),
            NewOwner(f"Contoh Pemilik {number}", f"990000000000010{number}", "+62000000000", "Jl. Contoh 1"),
            f"Toko Contoh {number}",
        )
        for number, frame in enumerate(frames)
    ]


@pytest.mark.parametrize(("at", "kept"), [(1, 0), (4, 2), (5, 4)])
def test_a_list_whose_process_is_killed_is_carried_on_by_another_try(tmp_path: Path, at: int, kept: int) -> None:
    frames = [PressingButton().enrol().hex() for _ in range(5)]
    sample_store.new_store(tmp_path).close()
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), json.dumps(frames), str(at)],
        env={"PYTHONPATH": ":".join([str(Path(__file__).parent), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=RUNS_S,
    )
    assert run.returncode == -9, run.stderr
    store = Place("sqlite", tmp_path).open(sample_store.NOW_MS)
    try:
        assert len(store.devices()) == len(store.owners()) == kept, "whole commits, and no owner without a button"
        again = enrol_many(store, ManualClock(sample_store.NOW_MS), lines(frames), actor="Ani")
        assert (again.enrolled, again.known, again.owners) == (5 - kept, kept, 5 - kept)
        assert len(store.devices()) == len(store.owners()) == 5
        assert sorted(each.device.owner_id for each, _ in store.devices()) == sorted(each.id for each in store.owners())
    finally:
        store.close()
