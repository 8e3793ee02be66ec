"""Who is at which call: told by pages, forgotten when they fall silent, and shared between machines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.service.incidents import console_presence
from siaga_gateway.service.incidents.console_presence import GONE_S, PREFIX, Look, PresenceBook, SharedPresence
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.session import presence
from siaga_gateway.web.session.presence import HEARD_S, Presence
from waiting import ENDS_S


class Clockwork:
    """`time` of both modules."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    made = Clockwork()
    for module in (presence, console_presence):
        monkeypatch.setattr(module, "time", made)
    return made


def test_a_console_that_falls_silent_is_gone_and_one_that_goes_on_stays(clockwork: Clockwork) -> None:
    consoles = Presence()
    first, looks = consoles.since(None)
    assert looks == {}
    consoles.shows("a", "Rina", 7)
    consoles.shows("b", "Budi", 7)
    number, looks = consoles.since(first)
    assert looks == {7: ("Budi", "Rina")} and consoles.since(number) == (number, None)
    clockwork.now += HEARD_S - 1
    consoles.shows("a", "Rina", 7)
    clockwork.now += 1.5
    number, looks = consoles.since(number)
    assert looks == {7: ("Rina",)}
    consoles.shows("a", "Rina", 8)
    assert consoles.since(number)[1] == {8: ("Rina",)}, "a console shows one call"
    consoles.shows("a", "Rina", None)
    assert consoles.since(number)[1] == {}


def test_many_consoles_push_out_the_one_heard_longest_ago(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_MOST", 3)
    consoles = Presence()
    for number in range(5):
        consoles.shows(f"console {number}", f"Operator {number}", number)
    assert set(consoles.since(None)[1] or ()) == {2, 3, 4}


def test_two_machines_see_each_other_and_one_that_dies_is_gone(place: Place, clockwork: Clockwork) -> None:
    store, clock = sample_store.new_store(place), ManualClock(sample_store.NOW_MS)
    book = PresenceBook(store, clock)

    def machine(name: str) -> Callable[..., set[Look]]:
        return SharedPresence(store, book, name, clock).exchange

    one, other = machine("satu-1"), machine("dua-1")
    assert one({(7, "Rina")}) == set() and other({(7, "Budi")}) == {(7, "Rina")}
    assert one({(7, "Rina")}) == {(7, "Budi")}
    assert machine("satu-1")({(7, "Rina")}) == {(7, "Budi")}, "after a restart under the same name too"
    for _ in range(4):  # it goes on saying so
        clockwork.now += GONE_S / 2
        clock.at_ms += round(GONE_S * 500)
        other({(7, "Budi")})
        assert one(()) == {(7, "Budi")}
    clockwork.now += GONE_S
    assert one(()) == set(), "it has died"
    clock.at_ms += 120_000
    assert machine("tiga-1")(()) == set(), "nor is what lies in the store from long ago anybody's word"
    store.close()


def test_quiet_consoles_write_nothing_and_busy_ones_one_small_value_for_all(clockwork: Clockwork) -> None:
    told: list[object] = []

    class Notes:
        def note(self, machine: str, looks: object) -> None:
            told.append(looks)

        def remembered_under(self, prefix: str) -> dict[str, str]:
            return {f"{PREFIX}dua-1": "[]", f"{PREFIX}tiga-1": '{"at_ms": 0, "looks": [[7], ["x", 3], 9]}'}

    notes = Notes()
    exchange = SharedPresence(notes, notes, "satu-1", ManualClock(0)).exchange
    for _ in range(5):
        assert exchange(()) == set(), "what another version writes is nothing, and hurts nobody"
    assert told == []
    for _ in range(5):
        exchange({(7, "Rina"), (8, "Budi")})
    assert told == [[(7, "Rina"), (8, "Budi")]]


def test_a_store_that_fails_takes_nobody_away(clockwork: Clockwork) -> None:
    class Failing:
        fails = False

        def note(self, machine: str, looks: object) -> None:
            if self.fails:
                raise StoreFailing("store.row", table="meta", number=1, why="")

        def remembered_under(self, prefix: str) -> dict[str, str]:
            return {f"{PREFIX}dua-1": '{"at_ms": 0, "looks": [[7, "Budi"]]}'}

    failing = Failing()
    exchange = SharedPresence(failing, failing, "satu-1", ManualClock(0)).exchange
    assert exchange({(8, "Rina")}) == {(7, "Budi")}
    failing.fails = True
    assert exchange({(9, "Rina")}) == {(7, "Budi")}


def test_while_a_store_hangs_one_stream_waits_and_the_others_get_what_is_known(clockwork: Clockwork) -> None:
    asked, goes_on = threading.Event(), threading.Event()

    class Hanging:
        hangs = False

        def exchange(self, own: Collection[Look]) -> set[Look]:
            if self.hangs:
                asked.set()
                assert goes_on.wait(ENDS_S)
            return {(7, "Budi")}

    others = Hanging()
    consoles = Presence(others)
    number, looks = consoles.since(None)
    others.hangs = True
    consoles.shows("a", "Rina", 8)
    waiting = threading.Thread(target=consoles.since, args=(number,))
    waiting.start()
    assert asked.wait(ENDS_S)
    clockwork.now += 5
    assert consoles.since(None) == (number, looks)
    consoles.shows("b", "Siti", 8)
    goes_on.set()
    waiting.join(ENDS_S)
    assert consoles.since(number)[1] == {7: ("Budi",), 8: ("Rina", "Siti")}
