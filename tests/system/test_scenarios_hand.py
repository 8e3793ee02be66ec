import pytest
from pathlib import Path
from installation import Installation
from scenario import FOLDER, Scenario, read
from stage import Stage

@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with Installation(tmp_path_factory.mktemp("house")) as running:
        yield running

@pytest.mark.parametrize("scenario", read(FOLDER / "hand.toml"), ids=lambda one: one.name)
def test_scenario(scenario, house, tmp_path):
    house.reset()
    Stage(scenario, house, tmp_path / "button").play()
