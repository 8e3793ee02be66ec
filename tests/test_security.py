"""SECURITY.md promises nothing that no test shows: each test that it names is there, and each row names one or says
'not defended'."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| attack |")]


def test_every_test_that_is_named_exists() -> None:
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 30
    assert named <= there, f"SECURITY.md names tests that are not there: {sorted(named - there)}"


def test_every_row_names_a_test_or_says_that_there_is_no_defence() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        attack, defence, shown = (cell.strip() for cell in row.strip("|").split("|"))
        assert "`test_" in shown or "**not defended**" in defence.lower(), (
            f"{attack}: neither a test nor 'not defended'"
        )


def test_everybody_whom_a_threat_model_must_name_is_there() -> None:
    for who in (
        "stolen button", "copied", "rogue LoRaWAN", "broker's operator", "Man in the middle", "forged sender",
        "swapped", "operator", "registrar", "administrator", "database administrator", "jammer", "Prank", "Replay",
        "Floods", "gateway's key is stolen", "backup", "release key", "session is stolen",
    ):  # fmt: skip
        assert any(who in row for row in ROWS), f"no row about: {who}"
    assert "Report a weakness" in PAGE
