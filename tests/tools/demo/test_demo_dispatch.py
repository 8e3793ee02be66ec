"""The part of the demo that is called for help, without a gateway: its lists, its stand-in for ntfy, what is shown."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.personal_message import Answer, PersonalMessage
from siaga_gateway.domain.places import SERIOUS, ContactWay
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.formats.service_message import Meaning
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.places_check import check_places
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_tools.demo import answering, panels
from siaga_tools.demo.answering import Answering
from siaga_tools.demo.dashboard_state import ButtonView, DashboardState
from siaga_tools.demo.district import set_up
from siaga_tools.demo.ntfy_server import NtfyServer, PhoneMessage
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.patrol import EVERY_S, place
from siaga_tools.demo.site import LOCAL, MIDDLE, SITE
from siaga_tools.demo.stations import NAMES, RESPONDERS, STATIONS, key_of, topic
from siaga_tools.demo.texts import line_text
from waiting import ENDS_S, eventually

NOW = 1_795_465_960_000


def test_stations_and_officers_cannot_be_anybody() -> None:
    kinds = [station.kind for station in STATIONS]
    assert (kinds.count("polda"), kinds.count("polres"), kinds.count("polsek")) == (1, 2, 5)
    assert len(NAMES) == len(STATIONS) + len(RESPONDERS)
    for key, name in NAMES.items():
        assert "Contoh" in name and "contoh" in key
        assert key_of(topic(key)) == key
    assert key_of("siaga-somebody") == ""
    sides = SITE.map
    for station in STATIONS:
        assert float(sides.south or 0) < float(station.latitude) < float(sides.north or 0)
        assert float(sides.west or 0) < float(station.longitude) < float(sides.east or 0)


def test_the_lists_are_sound_and_again_change_nothing(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "siaga.db", 0)
    try:
        set_up(store, "id", "a token")
        first = store.places_version(), store.responders()
        set_up(store, "id", "a token")
        assert (store.places_version(), store.responders()) == first
        now_ms = WallClock().now_ms()
        today = LOCAL.at(now_ms).date().toordinal()
        found = [*check_places(store, today=today, verified_within_days=180, tolerance_m=100)]
        found += check_responders(store, now_ms)
        assert [finding for finding in found if finding.kind in SERIOUS] == []
        assert {each.contacts[0].way for each in store.responders()} == {ContactWay.NTFY}
        # The chief is called by a rung of his own, not with those nearby; beside each button an officer answers.
        people = DutyPeople(Duty(store, LOCAL.zone), 5_000)
        answering = {f"responder:{each.key}" for each in RESPONDERS if each.answers}
        for owner in OWNERS:
            near = {each.key for each in people.near((owner.latitude, owner.longitude), now_ms)}
            chiefs = {each.key for each in people.chiefs([station.key for station in STATIONS], now_ms)}
            assert near & answering and not near & chiefs
    finally:
        store.close()


def post(url: str, body: bytes) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=ENDS_S) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_stand_in_takes_what_the_gateway_writes_and_shows_it_once() -> None:
    shown: list[PhoneMessage] = []
    server = NtfyServer(shown.append)
    try:
        spoken = NtfyFormat(server.url)
        link = "http://127.0.0.1:4711/r/abc"
        answers = (Answer("Terima", f"{link}/accept"), Answer("Tidak bisa", f"{link}/decline"))
        message = PersonalMessage("PANGGILAN", "Ditekan", link, True, NOW, language="id", answers=answers)
        for told, key in ((message, "k1"), (message, "k1"), (copied(message, title="Tidak perlu"), "k1")):
            (request,) = spoken.requests(topic("polda-contoh"), told, key, NOW)
            status, body = post(request.url, request.body)
            assert spoken.answer(status, body, key).meaning is Meaning.TAKEN
        for wrong in (b"[]", b"{}", b"no json"):
            assert post(f"{server.url}/", wrong)[0] == 400
        eventually(lambda: len(shown) >= 2, "it answers first, and tells then")
    finally:
        server.close()
    assert [message.title for message in shown] == ["PANGGILAN", "Tidak perlu"]
    first = replace(shown[0], at_ms=0)
    tapped = f"{link}/accept", f"{link}/decline"
    assert first == PhoneMessage(topic("polda-contoh"), "PANGGILAN", "Ditekan", link, tapped, 0)


def test_the_patrol_moves_at_the_speed_of_a_car_and_stays_in_town() -> None:
    def at(second: float) -> tuple[int, int]:
        latitude, longitude = place(second)
        return int(latitude * 10**7), int(longitude * 10**7)

    middle = round(MIDDLE[0] * 10**7), round(MIDDLE[1] * 10**7)
    for second in range(0, 3_600, 97):
        assert 20 < distance_m(at(second), at(second + EVERY_S)) < 100
        assert distance_m(at(second), middle) < 1_000


class Stage:
    """Runs what the demo's people do."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))


@pytest.mark.parametrize("climbs", [True, False], ids=["the chief is called", "somebody answers"])
def test_the_operator_wakes_when_the_ladder_has_climbed_and_the_officer_after_him(
    climbs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the ladder is: an operator by the clock alone answered before the chief was called."""
    monkeypatch.setattr(answering, "SLEEPS_S", 0)
    monkeypatch.setattr(answering, "WAKES_S", 0)
    link = "http://127.0.0.1:4711/r/abc"
    done: list[str] = []

    async def follow() -> None:
        stage = Stage()
        people = Answering(stage, lambda: "http://127.0.0.1:4712/")  # type: ignore[arg-type]
        monkeypatch.setattr(people, "_acknowledged", lambda *_: done.append("operator"))
        monkeypatch.setattr(answering, "_posted", lambda url, _form: done.append(url))

        def told(row: int, kind: str, **facts: Any) -> None:
            people.journal_told(JournalEntry(row, NOW + row, kind, 1, None, None, facts))

        told(1, journal.CALLED, rung="stations", wave=1)
        people.message_told(PhoneMessage(topic("rahmat-contoh"), "", "", link, (f"{link}/decline",), NOW))
        for _ in range(50):  # turns of the loop, in which both would be through
            await asyncio.sleep(0)
        assert done == []
        if climbs:
            told(2, journal.CALLED, rung="chief", wave=1)
        else:
            told(2, journal.SEEN)
        await asyncio.wait_for(asyncio.gather(*stage.tasks), ENDS_S)

    asyncio.run(follow())
    assert done == ["operator", f"{link}/decline"]


@pytest.mark.parametrize(
    ("language", "calling", "said", "told"),
    [
        ("id", "memanggil pimpinan", "Kejadian 1: Aiptu Rahmat Contoh menerima, 5 mnt", "Polda Contoh: PANGGILAN"),
        ("en", "calling chief", "Incident 1: Aiptu Rahmat Contoh accepts, 5 min", "Polda Contoh: PANGGILAN"),
    ],
)
def test_the_ladder_is_shown_until_a_desk_answers(language: str, calling: str, said: str, told: str) -> None:
    board = DashboardState({owner.number: ButtonView(owner) for owner in OWNERS})

    def entry(row: int, kind: str, **facts: Any) -> None:
        board.journal_told(JournalEntry(row, NOW + row, kind, 1, None, "Operator Contoh", facts), NOW)

    def shown() -> str:
        return panels.incidents(board, language, 4, 80).plain

    entry(1, journal.INCIDENT_OPENED)
    entry(2, journal.CALLED, rung="stations", wave=1)
    board.message_told("Polda Contoh", "PANGGILAN", NOW)
    assert line_text(board.log[-1], language) == told
    entry(3, journal.CALLED, rung="chief", wave=1)
    assert calling in shown()
    entry(4, journal.RESPONDER_SAID, who="responder:rahmat-contoh", said="accepted", minutes=5)
    assert line_text(board.log[-1], language) == said
    assert calling in shown() and "Aiptu Rahmat Contoh" in shown()  # the desk has not answered
    entry(5, journal.SEEN)
    assert calling not in shown()
    entry(6, journal.CALLED, rung="chief", wave=2)
    entry(7, journal.ACKNOWLEDGED, wave=2)
    assert calling not in shown()
