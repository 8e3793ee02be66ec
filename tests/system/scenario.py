"""The scenarios' own form: TOML files in scenarios/, each scenario a few facts and a list of steps in plain words.

`python tests/system/scenario.py` writes SCENARIOS.md, the table of them all, from the files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "scenarios"
TABLE = HERE / "SCENARIOS.md"
KINDS = {"press": 1, "update": 2, "cancel": 3, "checkin": 4, "tamper": 5, "enrol": 6, "receipt": 7, "evidence": 101}
WAYS = ("lte", "sms", "lorawan", "wifi")
SIGNAL_STATES = {
    "not_getting_through": "sending",
    "test_received": "test",
    "low_battery": "armed",
    "no_connection": "armed",
    "not_set_up": "armed",
    "press_longer": "armed",
    "press_for_test": "armed",
}


@dataclass(frozen=True)
class Scenario:
    """name, shows: for people. board, profile, ways: of the button; settings: beside those. tls: whether its MQTT is.
    release: it knows the release key, and a newer firmware is at hand. steps: what happens, in order. ends: the signal
    that the button shows at last. incidents: how many the gateway has of it then. left: what may wait in its outbox, by
    kind; evidence: a signature that is still owed. errors: beginnings of what it complains of, each of which has to
    come. journal: security entries that belong to it."""

    name: str
    shows: str
    steps: tuple[str, ...]
    ends: str
    file: str
    board: str = "t_a7670"
    profile: str = "installed"
    ways: tuple[str, ...] = ("lte",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tls: bool = False
    release: bool = False
    enrolled: bool = True
    incidents: int = 1
    left: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return SIGNAL_STATES.get(self.ends, self.ends)


def read(file: Path) -> list[Scenario]:
    """The scenarios of one file. ValueError that names the scenario and what is wrong with it."""
    with file.open("rb") as opened:
        content = tomllib.load(opened)
    return [_scenario(file.stem, each) for each in content["scenario"]]


def read_all() -> list[Scenario]:
    return [scenario for file in sorted(FOLDER.glob("*.toml")) for scenario in read(file)]


def _scenario(stem: str, told: dict[str, Any]) -> Scenario:
    where = f"{stem}.toml, {told.get('name', 'a scenario without a name')!r}"
    for name in ("name", "shows", "steps", "ends"):
        if not told.get(name):
            raise ValueError(f"{where}: {name} is missing")
    lines = [line.strip() for line in told.pop("steps").splitlines()]
    lists = {name: tuple(told.pop(name)) for name in ("ways", "left", "errors", "journal") if name in told}
    try:
        scenario = Scenario(
            steps=tuple(line for line in lines if line and not line.startswith("#")), file=stem, **lists, **told
        )
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
    for name, known in (("ways", WAYS), ("left", KINDS)):
        for word in lists.get(name, ()):
            if word not in known:
                raise ValueError(f"{where}: {name} has {word!r}, known are {', '.join(known)}")
    return scenario


def table() -> str:
    """SCENARIOS.md as it has to be."""
    from stage import STEPS

    lines = [
        "# Scenarios",
        "",
        "Each is played by real processes: the firmware as bytecode on a real board file, a real broker, the gateway's",
        "own process and store. After its steps every one of them checks that each press is stored exactly once, that",
        "the button shows what it should, that nothing waits in its outbox that should not, and that it complained of",
        "nothing that is not named. The text of each is in `scenarios/`. This table is made by",
        "`tests/system/scenario.py`, and tested.",
        "",
    ]
    for file in sorted(FOLDER.glob("*.toml")):
        lines += [f"## {file.stem}", "", "| scenario | board, profile, ways | shows |", "|---|---|---|"]
        lines += [
            f"| {one.name} | {one.board}, {one.profile}, {' '.join(one.ways)} | {one.shows} |" for one in read(file)
        ]
        lines.append("")
    lines += ["## What a step may say", "", "| step | what happens |", "|---|---|"]
    lines += [f"| `{step.form}` | {step.means} |" for step in STEPS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.path.append(str(HERE.parent))
    TABLE.write_text(table(), encoding="utf-8")
