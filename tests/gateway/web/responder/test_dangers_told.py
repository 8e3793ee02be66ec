"""What the owner told for helpers, on the page of an officer: for who comes, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.web.responder.scene_page import BROWSER, ScenePage
from siaga_gateway.domain.owner_profile import OwnerProfile


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ScenePage]:
    made = ScenePage(tmp_path)
    yield made
    made.store.close()


def test_who_comes_is_warned_of_what_the_owner_told_and_nobody_before_he_has_answered(scene: ScenePage) -> None:
    told = OwnerProfile(hazards=("dog",), hazard_note="<b>di belakang", conditions=("heart",), people=4)
    holder = scene.incident.holder
    assert holder is not None
    with scene.store.transaction() as transaction:
        transaction.put_profile(holder.id, told, 1)
    before = scene.phone.get(scene.budi).text
    assert "dog" not in before and "belakang" not in before
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    page = scene.phone.get(scene.budi).text
    assert "Beware:" in page and "&lt;b&gt;di belakang" in page and "heart" in page and "4 live there" in page
