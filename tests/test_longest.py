"""Long files begin before short ones."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longest import LIST, first, known, mixed
from sharing import SHARES, Dealer

ROOT = LIST.parents[1]


def test_the_list_names_files_that_are_there() -> None:
    assert len(known()) > 20
    assert [file for file in known() if not (ROOT / file).is_file()] == [], "make test PYTEST_ARGS=--write-longest"


def test_the_longest_of_each_kind_begins_first_and_none_is_taken_apart(request: pytest.FixtureRequest) -> None:
    items = list(request.session.items)
    files = [file for file, _ in groupby(items, key=lambda item: item.nodeid.partition("::")[0])]
    assert len(files) == len(set(files))
    waits = {item.nodeid.partition("::")[0] for item in items if item.get_closest_marker("side_by_side")}
    for some in (waits, set(files) - waits):
        seconds = [known().get(file, 0) for file in files if file in some and file in known()]
        assert seconds == sorted(seconds, reverse=True)
    assert first(items[::-1]) != items[::-1] or len(files) == 1


@given(st.lists(st.lists(st.integers(1, 50), min_size=1), min_size=1, max_size=4))
def test_at_each_point_about_the_same_share_of_each_kind_is_through(kinds: list[list[int]]) -> None:
    named = [[(took, (number, at, took)) for at, took in enumerate(kind)] for number, kind in enumerate(kinds)]
    order = mixed(named)
    assert sorted(order) == sorted(thing for kind in named for _, thing in kind)
    begun = [0] * len(kinds)
    for number, _, took in order:
        shares = [begun[k] / sum(kind) for k, kind in enumerate(kinds) if begun[k] < sum(kind)]
        assert begun[number] / sum(kinds[number]) == pytest.approx(min(shares))
        begun[number] += took


def test_a_file_that_is_shared_out_goes_to_several_workers_in_equal_shares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for file in SHARES:
        assert "side_by_side" not in (ROOT / file).read_text(encoding="utf-8"), "each share would run all of it"
    monkeypatch.setitem(SHARES, "tests/test_texts.py", 3)
    for file, shares in SHARES.items():
        assert (ROOT / file).is_file()
        dealer = Dealer()
        tests = [f"{file}::test_it[{number}]" for number in range(shares * 5)]
        scopes = [dealer.scope(test) for test in tests]
        assert [scopes.count(scope) for scope in set(scopes)] == [5] * shares
        assert [dealer.scope(test) for test in tests] == scopes, "the same when a test is done"
    assert Dealer().scope("tests/test_longest.py::test_it[1]") == "tests/test_longest.py"
