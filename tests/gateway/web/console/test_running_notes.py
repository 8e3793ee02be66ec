"""Whose each line of the notes is: nobody can write a line that looks like another's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.local_time import IN_UTC
from siaga_gateway.service.incidents.incident_notes import closed_with, with_line
from siaga_gateway.web.console.running_notes import RunningNote, running_notes

MOMENT = IN_UTC.moment(1_700_000_000_000)
AUTHORS = st.sampled_from(["Rina Wulandari", "Budi", "responder:budi", "Sri, S.H."])
LINES = st.one_of(
    st.sampled_from(["", "  aman", f"Budi, {MOMENT}: semua aman", "dua orang: satu luka"]),
    st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20),
)
NOTES = st.lists(LINES, min_size=1, max_size=4).map(lambda lines: "\n".join(lines).strip()).filter(bool)


@given(st.lists(st.tuples(AUTHORS, NOTES), max_size=6))
def test_each_note_is_told_with_its_author_and_moment_whatever_it_says(written: list[tuple[str, str]]) -> None:
    notes: str | None = None
    kept: list[RunningNote] = []
    for author, note in written:
        longer = with_line(notes, author, MOMENT, note)
        assert (longer is None) == (kept[-1:] == [RunningNote(author, MOMENT, note)]), "only a repetition adds nothing"
        if longer is not None:
            kept.append(RunningNote(author, MOMENT, note))
            notes = longer
    assert running_notes(notes, str) == kept


def test_what_was_said_at_the_closing_has_no_author_and_a_responder_has_his_name() -> None:
    notes = closed_with(with_line(None, "responder:budi", MOMENT, "pintu\nbelakang"), "aman")
    assert running_notes(notes, lambda key: {"responder:budi": "Aipda Budi Contoh"}[key]) == [
        RunningNote("", "", "aman"),
        RunningNote("Aipda Budi Contoh", MOMENT, "pintu\nbelakang"),
    ]
    assert running_notes(None) == running_notes("") == []
