"""One more field of an incident takes a line and a migration: a copy of the program gets both and loses it nowhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import siaga_gateway
from databases import Place
from gateway import extra_field_trips
from gateway.extra_field_trips import MARK
from gateway.ingest_harness import NOW_S, IngestHarness
from pressing_button import at
from siaga_gateway.adapters.sql import migrate
from siaga_gateway.domain import incident
from waiting import RUNS_S

PACKAGE = Path(siaga_gateway.__file__).parent
LINE = "    extra_mark: str | None = None\n"
MIGRATION = "ALTER TABLE incident ADD COLUMN extra_mark TEXT;\n"


def copy_with_one_more(where: Path) -> None:
    """The program with a line after the last field of Incident, and with a migration after the last."""
    package = where / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("static", "node_modules", "__pycache__"))
    source = package / Path(incident.__file__).relative_to(PACKAGE)
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    last = fields(incident.Incident)[-1].name
    (at_line,) = [number for number, line in enumerate(lines) if line.startswith(f"    {last}: ")]
    source.write_text("".join([*lines[: at_line + 1], LINE, *lines[at_line + 1 :]]), encoding="utf-8")
    folder = package / Path(migrate.__file__).parent.relative_to(PACKAGE) / "migrations"
    number = max(int(file.name[:4]) for file in folder.glob("*.sql")) + 1
    (folder / f"{number:04}_extra_mark.sql").write_text(MIGRATION, encoding="utf-8")


def test_a_field_that_no_line_but_its_own_names_is_carried_everywhere(place: Place, tmp_path: Path) -> None:
    desk = IngestHarness(place)
    desk.take(desk.button().press(NOW_S, **at()))
    desk.close()
    program, new = tmp_path / "program", tmp_path / "new"
    new.mkdir()
    copy_with_one_more(program)
    run = subprocess.run(
        [
            sys.executable,
            extra_field_trips.__file__,
            place.kind,
            tmp_path,
            place.conninfo,
            new,
            Place(place.kind, new).emptied().conninfo,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(program), *sys.path])},
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert Path(said["program"]).is_relative_to(program), "the copy was run"
    assert said["old"] == [None, None], "what was kept before there was the field: the incident and its notice"
    found = said["found"]
    assert found.pop("born") == [None, None]
    forgotten = {step: marks for step, marks in found.items() if set(marks) != {MARK}}
    assert forgotten == {}
    assert len(found) == 12
