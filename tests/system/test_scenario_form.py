"""The scenarios themselves: that each can be read and played, that their table is what they are, that one can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from stage import STEPS, find_step

from system.conftest import Houses, play_in
from system.scenario import TABLE, Scenario, read, read_all, table

PRESS = Scenario("a press", "for this test", ("switch on", "lte up", "press", "see received"), "received", "none")


def test_the_table_is_what_the_scenarios_are() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run: python tests/system/scenario.py"


def test_every_step_is_known_and_every_sentence_is_used() -> None:
    scenarios = read_all()
    assert len(scenarios) >= 25
    assert len({one.name for one in scenarios}) == len(scenarios)
    used = {find_step(text)[0].form for one in scenarios for text in one.steps}
    assert {one.form for one in STEPS} - used == set()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\nshows = "y"\nsteps = "press"', "ends is missing"),
        ('name = "x"\nshows = "y"\nsteps = "press"\nends = "armed"\nways = ["pigeon"]', "pigeon"),
        ('name = "x"\nshows = "y"\nsteps = "press"\nends = "armed"\nleft = ["letter"]', "letter"),
        ('name = "x"\nshows = "y"\nsteps = "press"\nends = "armed"\nweather = "rain"', "weather"),
    ],
)
def test_a_scenario_that_is_none_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(f"[[scenario]]\n{text}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.toml, 'x'.*" + says):
        read(file)
    with pytest.raises(ValueError, match="nobody knows how to do 'pray'"):
        find_step("pray")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"steps": (*PRESS.steps, "it still shows closed")}, "step 5, 'it still shows closed': it shows received"),
        ({"incidents": 2}, "the end: 1 incidents"),
        ({"steps": (*PRESS.steps, "the installer sets hold_ms to 1", "see received")}, "it complained: .*hold_ms"),
    ],
)
def test_a_scenario_that_fails_tells_what_all_parts_did(
    houses: Houses, tmp_path: Path, wrong: dict[str, object], says: str
) -> None:
    # Caught before the house is given back: nothing is wrong with that.
    with houses.one() as house, pytest.raises(AssertionError, match=says) as failed:
        play_in(house, replace(PRESS, **wrong), tmp_path)  # type: ignore[arg-type]
    told = str(failed.value)
    for part in ("scenario press", "button ", "modem    > b'AT+CMQTTPUB", "gateway  incident_opened", "chip "):
        assert part in told, told
