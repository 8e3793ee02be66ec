"""The mutation run itself: does it find a weak test, and does it tell what its list of survivors no longer needs?"""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.mutants import mutants_of
from mutation.run import Module, draw, report
from mutation.working_copy import ROOT, Change, Verdict, WorkingCopy

SOURCE = '''"""A fare."""

PER_KM = 5


def fare(km, night):
    if km <= 0:
        return 0
    total = 0
    while km > 0:
        total += PER_KM
        km -= 1
    return total * 2 if night else total
'''
STRONG = """
from fares import PER_KM, fare
from fares import fare as by_another_name


def test_fares():
    assert PER_KM == 5
    assert [fare(km, False) for km in (-1, 0, 1, 3)] == [0, 0, 5, 15]
    assert by_another_name(3, True) == 30
"""
WEAK = """
from fares import fare


def test_fares():
    assert fare(3, True) % 5 == fare(3, False) % 5 == 0
    assert fare(0, False) == 0
"""
# `km <= 0` or `km < 0` is the same: the loop does not turn, and no distance costs nothing.
SAME = "fare | if km <= 0: | <= -> <"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "fares.py").write_text(SOURCE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def tried(house: Path, test: str, excused: dict[str, str]) -> Module:
    (house / "test_fares.py").write_text(test)
    module = Module("gateway/fares.py", ["test_fares.py"], house, excused, cpu_s=1)
    draw([module], None, 0)
    module.judge()
    return module


def test_a_strong_test_kills_all_that_changes_something_and_a_list_that_no_longer_holds_is_told(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, needless = "fare | if km < 0: | < -> <=", "fare | return 0 | 0 -> 1"
    module = tried(house, STRONG, {SAME: "the loop does not turn", gone: "of another day", needless: "nobody cares"})
    assert (module.lived, module.equivalent, module.overtime) == ([], [SAME], 1), "one never ends"
    assert module.killed == len(module.mutants) - 2
    assert not report([module])
    said = capsys.readouterr().out
    assert f"no such mutant any more, take it out of survivors.toml: gateway/fares.py: {gone}" in said
    assert f"a test fails for it: take it out of survivors.toml: gateway/fares.py: {needless}" in said
    del module.excused[gone]
    assert report([module])
    assert "100.0%" in capsys.readouterr().out
    assert (house / "gateway" / "fares.py").read_text() == SOURCE, "the work tree is as it was"


def test_a_weak_test_leaves_survivors_and_fails(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Without the loop: what never ends takes a second each, and is the other test's.
    start, end = SOURCE.index("    total = 0"), SOURCE.index("    return total")
    (house / "gateway" / "fares.py").write_text(f"{SOURCE[:start]}    total = PER_KM * km\n{SOURCE[end:]}")
    module = tried(house, WEAK, {SAME: "no distance costs nothing"})
    assert "fare | return total * 2 if night else total | negated" in module.lived
    assert "<module> | PER_KM = 5 | 5 -> 6" not in module.lived
    assert not report([module])
    assert "lived: gateway/fares.py: fare | return total * 2 if night else total | negated" in capsys.readouterr().out


def test_a_test_that_fails_without_any_fault_is_no_judge(house: Path) -> None:
    with pytest.raises(RuntimeError, match="its tests could not be run"):
        tried(house, STRONG.replace("[0, 0, 5, 15]", "[0, 0, 5, 16]"), {})


def test_a_mutant_is_known_by_its_content_wherever_it_stands() -> None:
    names = [mutant.name for mutant in mutants_of(SOURCE)]
    assert len(set(names)) == len(names)
    moved = SOURCE.replace("PER_KM = 5", "PER_KM = 5\n\n\ndef other():\n    return 7\n")
    assert set(names) <= {mutant.name for mutant in mutants_of(moved)}
    assert all(mutant.apply(SOURCE).count("\n") == SOURCE.count("\n") for mutant in mutants_of(SOURCE))


def test_every_mutant_of_the_house_is_of_a_module_that_is_there_and_has_its_tests() -> None:
    from mutation.run import modules

    listed = modules()
    assert listed
    for module in listed:
        assert module.mutants, module.file
        assert module.gone == [], f"{module.file}: no such mutant any more: {module.gone}"
        assert all((ROOT / test.partition("::")[0]).is_file() for test in module.tests), module.tests


def test_the_draw_follows_the_seed(house: Path) -> None:
    drawn = []
    for seed in (1, 1, 2):
        module = Module("gateway/fares.py", [], house)
        draw([module], 5, seed)
        drawn.append(module.drawn)
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 5


# A change by hand, in a copy


def test_a_change_is_tried_in_a_copy_and_undone(house: Path) -> None:
    (house / "test_fares.py").write_text(STRONG)
    fault = Change("gateway/fares.py", "total * 2 if night", "total * 3 if night")
    with WorkingCopy(house) as copy:
        with copy.changed(fault):
            verdict, said = copy.judge(["test_fares.py::test_fares"], 60)
            assert verdict is Verdict.KILLED and "45 == 30" in said
        assert copy.judge(["test_fares.py"], 60)[0] is Verdict.LIVED, "undone"
        assert copy.judge(["test_fares.py::test_no_such"], 60)[0] is Verdict.BROKEN, "no test judges nothing"
        with copy.changed(Change("gateway/fares.py", "        km -= 1\n", "        __import__('time').sleep(600)\n")):
            assert copy.judge(["test_fares.py"], 3)[0] is Verdict.OVERTIME
        (copy.path / "conftest.py").write_text("import fares\n")
        with copy.changed(Change("gateway/fares.py", "PER_KM = 5", "PER_KM = 5 + ''")):
            assert copy.judge(["test_fares.py"], 60)[0] is Verdict.KILLED, "its conftest cannot import it any more"
        with pytest.raises(ValueError, match="there 2 times, not once"):
            copy.changed(Change("gateway/fares.py", "return ", "yield "))
    assert (house / "gateway" / "fares.py").read_text() == SOURCE
