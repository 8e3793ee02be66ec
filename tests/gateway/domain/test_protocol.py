"""Which protocol a call goes by, and what of it is ticked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.web.fake_people import opened
from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.domain.protocol import (
    LONGEST_STEP,
    MOST_STEPS,
    CallKind,
    ProtocolVersion,
    Ticking,
    kind_of,
    newest,
    steps_of,
    ticked,
    typed_steps,
    version_of,
)

TRIGGERS = ("hold", "triple_tap", "external_input", "fall", None)
KINDS = st.sampled_from(CallKind)
TICKINGS = st.lists(
    st.builds(
        Ticking,
        KINDS,
        st.integers(0, 2),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from(["Rina", "Budi"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


def version(kind: CallKind, number: int, created_ms: int) -> ProtocolVersion:
    return ProtocolVersion(kind, number, ("satu", "dua"), (), created_ms, "Siti")


VERSIONS = st.lists(st.tuples(KINDS, st.integers(0, 9)), max_size=8).map(
    lambda made: [
        version(kind, 1 + sum(each is kind for each, _ in made[:at]), created)
        for at, (kind, created) in enumerate(made)
    ]
)


def test_what_is_worst_of_a_call_says_its_kind_whatever_else_it_is() -> None:
    place = {"latitude": 1, "longitude": 1}
    for duress in (False, True):
        for silent in (False, True):
            for source in ("gnss", "network", "installed"):
                for trigger in TRIGGERS:
                    incident = opened(1, 0, {"duress": duress, "silent": silent, "source": source, **place})
                    expected = (
                        CallKind.DURESS
                        if duress
                        else CallKind.SILENT
                        if silent
                        else CallKind.FALL
                        if trigger == "fall"
                        else CallKind.INSTALLED
                        if source == "installed" or trigger == "external_input"
                        else CallKind.NORMAL
                    )
                    assert kind_of(incident, trigger) is expected
    assert kind_of(opened(1, 0, {}), "hold") is CallKind.NORMAL, "without any position"


def test_every_kind_has_steps_that_can_be_saved_in_both_languages() -> None:
    for kind in CallKind:
        told = [steps_of(None, kind, language) for language in LANGUAGES]
        assert len({len(each) for each in told}) == 1 and 0 < len(told[0]) <= MOST_STEPS
        assert all(len(step) <= LONGEST_STEP for each in told for step in each)
        assert len(set(told[0])) == len(told[0])


@given(VERSIONS, KINDS, st.integers(0, 9), TICKINGS)
def test_a_call_keeps_the_version_under_which_it_began(
    versions: list[ProtocolVersion], kind: CallKind, opened_ms: int, tickings: list[Ticking]
) -> None:
    known = {0, *(each.version for each in versions if each.kind is kind)}
    tickings = [each for each in tickings if each.kind != kind or each.version in known]
    goes_by = version_of(versions, kind, opened_ms, tickings)
    later = version(kind, 1 + max((each.version for each in versions if each.kind is kind), default=0), opened_ms + 1)
    assert version_of([*versions, later], kind, opened_ms, tickings) == goes_by
    begun = [each.version for each in tickings if each.kind == kind]
    if begun:
        assert (0 if goes_by is None else goes_by.version) == begun[0]
    elif goes_by is not None:
        assert goes_by.created_ms <= opened_ms and goes_by.kind is kind
        assert goes_by == newest([each for each in versions if each.created_ms <= opened_ms], kind)
    else:
        assert all(each.created_ms > opened_ms for each in versions if each.kind is kind)


def test_a_version_whose_clock_was_behind_changes_nothing_of_a_call_that_is_being_gone_through() -> None:
    behind = version(CallKind.NORMAL, 1, 5)
    assert version_of([behind], CallKind.NORMAL, 9, []) == behind
    assert version_of([behind], CallKind.NORMAL, 9, [Ticking("normal", 0, 0, True, "Rina", 10)]) is None
    assert version_of([behind], CallKind.NORMAL, 9, [Ticking("silent", 0, 0, True, "Rina", 10)]) == behind


@given(TICKINGS, KINDS, st.integers(0, 2))
def test_the_last_word_on_a_step_counts_and_the_first_of_a_row_says_who_did_it(
    tickings: list[Ticking], kind: CallKind, number: int
) -> None:
    stand = ticked(tickings, kind, number)
    for step in range(4):
        of_step = [each for each in tickings if (each.kind, each.version, each.step) == (kind, number, step)]
        assert (step in stand) == bool(of_step and of_step[-1].done)
        if step in stand:
            last_undone = max((at for at, each in enumerate(of_step) if not each.done), default=-1)
            assert stand[step] is of_step[last_undone + 1]


@given(st.lists(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20), max_size=6))
def test_what_is_typed_is_a_step_a_line(lines: list[str]) -> None:
    typed = typed_steps("\n".join(lines))
    assert all(each and each == each.strip() and "\n" not in each for each in typed)
    assert typed_steps("\r\n".join(f"- {each}  \n" for each in typed)) == typed, "as it is shown again"


def test_steps_in_english_fall_back_on_the_indonesian_ones() -> None:
    one = version(CallKind.FALL, 1, 0)
    assert one.steps("en") == one.steps("id") == ("satu", "dua")
    both = ProtocolVersion(CallKind.FALL, 1, ("satu",), ("one",), 0, "Siti")
    assert (both.steps("en"), both.steps("id")) == (("one",), ("satu",))
