"""What pyproject.toml asks for, what the lock holds, and what is said of either."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from packages.bounds import QUICK, ROOT
from packages.lock import moves, pinned

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LISTS = {
    "gateway": PROJECT["project"]["dependencies"],
    **PROJECT["project"]["optional-dependencies"],
    "build": PROJECT["build-system"]["requires"],
}
READMES = {"gateway": "gateway", "demo": "tools", "dev": "tests"}


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_-]", requirement)[0]


def test_every_package_has_a_lower_bound_that_the_lock_keeps() -> None:
    locked = pinned((ROOT / "requirements.lock").read_text(encoding="utf-8"))

    def numbers(version: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", version)]

    for requirement in (one for listed in LISTS.values() for one in listed):
        bound = re.search(r"[>=]=([0-9.]+)", requirement)
        assert bound is not None, f"{requirement}: from which version on does it work?"
        assert numbers(locked[name_of(requirement)]) >= numbers(bound[1]), requirement


@pytest.mark.parametrize("listed", sorted(READMES))
def test_every_package_is_named_with_its_reason(listed: str) -> None:
    readme = (ROOT / READMES[listed] / "README.md").read_text(encoding="utf-8")
    assert [one for one in LISTS[listed] if name_of(one) not in readme] == []


@pytest.mark.parametrize("test", QUICK)
def test_the_quick_tests_are_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert (ROOT / file).exists()
    assert not name or f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8")


def test_what_moved_in_a_lock_is_listed_and_majors_stand_out() -> None:
    old = "a==1.9 \\\n    --hash=sha256:x\nb[z]==2.0 ; python_version < '3.12' \\\nc==1\nsame==1\n"
    new = "a==2.0 \\\n    # via b==9\nb[z]==2.1 \\\nd==4\nsame==1\n"
    assert moves(old, new) == [
        "a: 1.9 -> 2.0 (MAJOR: read its changes)",
        "b: 2.0 -> 2.1",
        "c: gone, was 1",
        "d: new, 4",
    ]
    assert moves(old, old) == []
    assert len(pinned(Path(ROOT / "requirements.lock").read_text(encoding="utf-8"))) > 50
