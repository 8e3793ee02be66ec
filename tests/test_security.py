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
        "Floods", "gateway's key is stolen", "backup", "release key", "session is stolen", "uses a counter up",
        "believe that help comes", "flood through the door", "flood by LoRaWAN", "connections at console", "locked out",
        "log is flooded", "JTAG", "Satellites", "gateway's clock", "receiver of incidents", "laptop", "that builds",
        "breaks into the gateway's process",
    ):  # fmt: skip
        assert any(who in row for row in ROWS), f"no row about: {who}"
    for part in ("Report a weakness", "**Support period**", "**Erasing it**"):
        assert part in PAGE


def test_every_python_package_is_pinned_by_hash_and_installed_so() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    packages = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(packages) > 50
    for package in packages:
        assert re.match(r"[\w.-]+(\[[\w,]+\])?==\d\S* ", package) and " --hash=sha256:" in package, package
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines():
        if "-m pip" not in line and "$(PIP) install" in line and " -r " in line:
            assert "--require-hashes" in line, line
    setup = re.search(r"^\$\(READY\):.*?\n\n", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M | re.S)
    assert setup is not None and "install --quiet --require-hashes --only-binary :all: -r requirements.lock" in setup[0]
