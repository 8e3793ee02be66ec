"""Do SECURITY.md, the patches that take its defences out, and the code fit each other; and does the run find a test
that notices nothing? The patches themselves are tried by `make torture`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.defences import Patch, Row, Run, complaints, patches, places, rows, without_patch
from mutation.working_copy import ROOT, Change

PAGE = rows((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
LISTED = patches()

LOCK = '''def opens(key: int) -> bool:
    """Whether it is the right key."""
    if key < 0:
        return False
    return key == 42
'''
TESTS = """
from lock import opens


def test_it_opens():
    assert opens(42)


def test_a_wrong_key_opens_nothing():
    assert not opens(41) and not opens(-42)
"""
TABLE = """
| attack | defence | shown by |
|---|---|---|
| A wrong key | It must be the right one. | `test_a_wrong_key_opens_nothing`, `test_it_opens` |
| A hammer | **Not defended**. | |
"""


def patch(old: str, new: str, *tests: str, row: str = "A wrong key") -> Patch:
    return Patch(row, tests, Change("gateway/lock.py", old, new))


RIGHT = patch("return key == 42", "return True", "test_a_wrong_key_opens_nothing")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for folder in ("gateway", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "gateway" / "lock.py").write_text(LOCK)
    (tmp_path / "tests" / "test_lock.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_page_patches_and_code_fit_each_other() -> None:
    assert without_patch(PAGE, LISTED) == []
    assert complaints(PAGE, LISTED) == []
    assert {test for patch in LISTED for test in patch.tests} <= places().keys()


def test_what_no_longer_fits_is_told(house: Path) -> None:
    page = rows(TABLE)
    assert page == [
        Row("A wrong key", frozenset({"test_a_wrong_key_opens_nothing", "test_it_opens"}), False),
        Row("A hammer", frozenset(), True),
    ]
    assert without_patch(page, []) == ["A wrong key"], "and of a hammer nobody claims anything"
    assert without_patch(page, [RIGHT]) == complaints(page, [RIGHT], house) == []
    wrong = {
        "there 0 times, not once": patch("key == 43", "True", "test_it_opens"),
        "there 2 times, not once": patch("return ", "yield ", "test_it_opens"),
        "a patch that changes nothing": patch("key == 42", "key == 42", "test_it_opens"),
        "tests that the row does not name": patch("key == 42", "True", "test_of_another_row"),
        "a patch of a row that is not there": patch("key == 42", "True", "test_it_opens", row="A saw"),
    }
    for said, each in wrong.items():
        found = complaints(page, [RIGHT, each], house)
        assert len(found) == 1 and said in found[0], found
    assert "tests that the row does not name" in complaints(page, [patch("key == 42", "True")], house)[0]


def test_a_patch_that_no_test_notices_fails_the_run(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(house, limit_s=60)
    listed = [
        RIGHT,
        patch("return key == 42", "return True", "test_it_opens"),
        patch("        return False", "        return True", "test_a_wrong_key_opens_nothing"),
        patch("def opens(", "def shuts(", "test_it_opens"),  # not lost: it cannot be imported any more
    ]
    assert run.fail_anyway(listed) == ""
    tried = {one.patch: one.noticed for one in run.try_all(listed, 2)}
    assert [tried[each] for each in listed] == [True, False, True, False]
    assert (house / "gateway" / "lock.py").read_text() == LOCK, "the work tree is as it was"
    (house / "tests" / "test_lock.py").write_text(TESTS.replace("opens(42)", "opens(1)"))
    assert "test_it_opens" in run.fail_anyway(listed), "a test that fails anyway is no judge"
