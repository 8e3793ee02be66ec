"""The contract of service/store/protocols.py, kept by both engines and the fake; and what ProtocolBook does on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.web.fake_protocols import FakeProtocolStore
from siaga_gateway.domain.protocol import LONGEST_STEP, MOST_STEPS, CallKind, ProtocolVersion, steps_of
from siaga_gateway.service.incidents.protocol_book import ProtocolBook, ProtocolError
from siaga_gateway.service.journal import kinds as journal

NOW_MS = 1_800_000_000_000


@pytest.fixture(params=[*ENGINES, "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeProtocolStore()
        return
    kept = sample_store.new_store(Place(request.param, tmp_path))
    yield kept
    kept.close()


def test_versions_are_kept_as_they_are_and_none_takes_another_s_place(store: Any) -> None:
    first = ProtocolVersion(CallKind.SILENT, 1, ("diam", 'jangan "bunyi"'), ("quiet", "no sound"), NOW_MS, "Siti Ä.")
    second = ProtocolVersion(CallKind.SILENT, 2, ("diam",), (), NOW_MS, "Siti Ä.")
    other = ProtocolVersion(CallKind.DURESS, 1, ("dua unit",), (), NOW_MS, "Siti Ä.")
    with store.transaction() as transaction:
        transaction.lock_protocols()
        for each in (second, first, other, ProtocolVersion(CallKind.SILENT, 1, ("lain",), (), 1, "Budi")):
            transaction.add_protocol(each)
        assert list(transaction.protocols()) == [other, first, second]
    assert list(store.protocols()) == [other, first, second]


def test_a_supervisor_saves_a_version_once_and_nobody_overwrites_what_he_has_not_seen(store: Any) -> None:
    book = ProtocolBook(store, ManualClock(NOW_MS))
    assert book.save("silent", "- diam\n\n  jangan   menelepon \n", "", 0, "Siti") == 1
    assert book.save("silent", "diam\njangan menelepon", "", 0, "Siti") == 1, "a form that is sent twice"
    made = ProtocolVersion(CallKind.SILENT, 1, ("diam", "jangan menelepon"), (), NOW_MS, "Siti")
    assert list(store.protocols()) == [made]
    with pytest.raises(ProtocolError, match="Siti"):
        book.save("silent", "lain", "", 0, "Budi")
    assert book.save("silent", "lain", "other", 1, "Budi") == 2
    shipped = ("\n".join(steps_of(None, CallKind.FALL, language)) for language in ("id", "en"))
    assert book.save("fall", *shipped, 0, "Budi") == 0, "as it comes with the gateway"
    noted = (
        store.noted
        if isinstance(store, FakeProtocolStore)
        else [(each.kind, each.facts, each.actor) for each in store.journal_after(0)]
    )
    assert [(kind, dict(facts), actor) for kind, facts, actor in noted] == [
        (journal.PROTOCOL_SAVED, {"protocol": "silent", "version": 1}, "Siti"),
        (journal.PROTOCOL_SAVED, {"protocol": "silent", "version": 2}, "Budi"),
    ]


def test_of_several_at_once_one_saves_and_the_others_are_told(store: Any) -> None:
    book, done = ProtocolBook(store, ManualClock(NOW_MS)), list[object]()

    def save(name: str) -> None:
        try:
            done.append(book.save("normal", f"langkah {name}", "", 0, name))
        except ProtocolError as error:
            done.append(error)

    threads = [threading.Thread(target=save, args=(name,)) for name in ("Rina", "Budi", "Siti", "Made")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert done.count(1) == 1 and sum(isinstance(each, ProtocolError) for each in done) == 3
    assert len(store.protocols()) == 1


@pytest.mark.parametrize(
    ("kind", "typed", "english", "says"),
    [
        ("fire", "satu", "", "fire"),
        ("normal", " \n - \n", "", "step"),
        ("normal", "satu\ndua", "one", "2"),
        ("normal", "\n".join(f"langkah {n}" for n in range(MOST_STEPS + 1)), "", str(MOST_STEPS)),
        ("normal", "satu\n" + "x" * (LONGEST_STEP + 1), "", "2"),
        ("normal", "satu", "x" * (LONGEST_STEP + 1), str(LONGEST_STEP)),
    ],
)
def test_what_cannot_be_a_protocol_is_refused_with_what_is_wrong(
    kind: str, typed: str, english: str, says: str
) -> None:
    store = FakeProtocolStore()
    with pytest.raises(ProtocolError, match=says):
        ProtocolBook(store, ManualClock(NOW_MS)).save(kind, typed, english, 0, "Siti")  # type: ignore[arg-type]
    assert not store.protocols() and not store.noted
