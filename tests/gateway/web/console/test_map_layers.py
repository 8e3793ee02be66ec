"""What moves on the map: units with their age, a button's path, and the signal; by the application and in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import sample_store
from gateway.fake_ports import RunningClock
from gateway.sample_store import BUTTON, DEVICE_ID, NOW_MS
from gateway.web.browser_fixtures import chromium, operator
from gateway.web.console.test_console_map import drawn, on_map, until
from gateway.web.console.test_places_page import Lists
from gateway.web.console_operator import Seat
from gateway.web.every_page import ServedApp
from gateway.web.maintenance.test_signal_page import survey
from gateway.web.maintenance_fleet import open_fleet
from pressing_button import at, report_body
from siaga_gateway.domain.frame import Kind, Suite, digest_of
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.responders import ResponderPosition
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.service.store import NewEvent

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = (-53_835_400, 1_052_596_000)
MINUTE = 60_000


class Scene(Lists):
    """Budi is on duty and was seen a minute ago, Wati is at home and was seen an hour ago; a button that moved."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stand("budi", DutyState.ON_DUTY, 1)
        self.stand("wati", DutyState.AVAILABLE, 60, east=20_000)
        self.incident = self.district.press(KEDATON)

    def stand(self, who: str, duty: DutyState, minutes: int, east: int = 0) -> None:
        """Somebody said what he is, and his phone where."""
        then_ms = NOW_MS - minutes * MINUTE
        place = KEDATON[0], KEDATON[1] + 10_000 + east
        with self.district.store.transaction() as transaction:
            transaction.declare(SelfDeclared(who, duty, then_ms, NOW_MS + 60 * MINUTE))
            transaction.put_position(ResponderPosition(who, *place, 15, then_ms, True, then_ms, *place, then_ms))

    def move(self, counter: int, minutes: int, north: int) -> None:
        """An UPDATE from so many minutes ago; what the incident shows is where it was last."""
        then_ms = NOW_MS - minutes * MINUTE
        place = at(KEDATON[0] + north, KEDATON[1])
        frame = BUTTON.frame(Kind.UPDATE, counter, report_body(then_ms // 1000, **place), Suite.HS256_64)
        position = Position(KEDATON[0] + north, KEDATON[1], 10, 1, "gnss", then_ms)
        keys = DEVICE_ID, counter, Kind.UPDATE, Suite.HS256_64
        new = NewEvent(*keys, frame, None, then_ms, "mqtt", self.incident.id, digest_of(frame))
        with self.district.store.transaction() as transaction:
            transaction.add_event(new)
            transaction.put_incident(copied(self.incident, position=position))
            transaction.note("position", then_ms, {}, incident_id=self.incident.id)

    def put(self, incident: Incident) -> None:  # type: ignore[override]
        with self.district.store.transaction() as transaction:
            transaction.put_incident(incident)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.district.close()


def told(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [each["properties"] for each in answer.json()["features"]]


def test_units_have_a_name_a_state_and_the_time_of_their_fix(scene: Scene) -> None:
    client = scene.browser("en")
    budi, wati = told(client.get("/map/units.geojson"))
    assert (budi["name"], budi["state"], budi["state_text"]) == ("Aipda Budi Contoh", "on_duty", "on duty")
    assert (budi["fix_ms"], budi["sure"], budi["accuracy"]) == (NOW_MS - MINUTE, True, "15 m")
    assert (wati["state"], wati["fix_ms"]) == ("available", NOW_MS - 60 * MINUTE)
    scene.district.operator.assign(scene.incident.id, "Rina", "Aipda Budi Contoh", 5)
    assert told(client.get("/map/units.geojson"))[0]["state_text"] == "sent"


def test_who_is_off_duty_or_was_not_seen_for_a_day_is_nowhere(scene: Scene) -> None:
    scene.stand("wati", DutyState.OFF, 0)
    client = scene.browser()
    assert [each["key"] for each in told(client.get("/map/units.geojson"))] == ["budi"]
    scene.district.clock.at_ms += 25 * 60 * MINUTE
    assert told(scene.browser().get("/map/units.geojson")) == []


def test_a_path_has_each_fix_with_its_time_until_the_position_is_forgotten(scene: Scene) -> None:
    client = scene.browser("en")
    url = f"/incidents/{scene.incident.id}/track.geojson"
    assert told(client.get(url)) == [], "its PRESS had no fix"
    for counter, minutes in ((2, 8), (3, 5), (4, 1)):
        scene.move(counter, minutes, counter * 60_000)
    first, second, last, line = told(client.get(url))
    assert [each["number"] for each in (first, second, last)] == [1, 2, 3]
    assert [each["last"] for each in (first, second, last)] == [False, False, True]
    assert "± 10 m" in last["words"] and last["when"] in last["words"] and last["when"].endswith("WIB")
    assert line == {"what": "line"}
    scene.put(copied(scene.incident, position=None))
    assert told(client.get(url)) == []
    assert client.get("/incidents/99/track.geojson").status_code == 404


def test_who_does_not_see_incidents_sees_neither(scene: Scene) -> None:
    client = scene.browser()
    client.post("/sign-out")
    for url in ("/map/units.geojson", f"/incidents/{scene.incident.id}/track.geojson"):
        assert client.get(url).status_code in (303, 401)


def test_the_map_shows_units_a_path_and_the_signal_and_tells_when(scene: Scene, operator: Seat, tmp_path: Path) -> None:
    for counter, minutes in ((2, 8), (3, 5), (4, 1)):
        scene.move(counter, minutes, counter * 60_000)
    folder = tmp_path / "fleet"
    folder.mkdir()
    sample_store.new_store(folder).close()
    survey(folder)
    signals = open_fleet(folder)
    served = ServedApp(scene.app("en", signal=CoverageReport(signals, RunningClock())))
    try:
        rina = operator(served, with_map=True)  # type: ignore[arg-type]
        rina.start_duty()
        rina.card(scene.incident.id).click()
        until(rina, f"map !== null && {drawn('unit')} === 2 && {drawn('track-fix')} === 3")
        labels = "map.querySourceFeatures('units').map(({properties: p}) => [p.old, p.label]).sort()"
        assert on_map(rina, labels) == [
            [False, "Aipda Budi Contoh\non duty · 1 min ago"],
            [True, "Bripka <b>Wati</b>\navailable at home · 1 h ago"],
        ]
        second = "map.querySourceFeatures('track').find(({properties: p}) => p.number === 2)"
        point = f"map.project({second}.geometry.coordinates)"
        where = on_map(rina, f"(({{x, y}}) => [x, y])({point})")
        box = rina.page.locator("#map canvas").bounding_box()
        assert box is not None
        rina.page.mouse.move(box["x"] + where[0], box["y"] + where[1])
        rina.see(".map-tip", "2/3")
        rina.page.screenshot(path=tmp_path / "units.png")

        rina.page.click(".map-units")
        until(rina, f"{drawn('unit')} === 0")
        rina.page.click(".map-home")
        rina.page.click(".map-coverage")
        until(rina, f"{drawn('cell')} > 3")
        rina.page.screenshot(path=tmp_path / "coverage.png")
        rina.page.click(".map-coverage")
        until(rina, f"{drawn('cell')} === 0")
        rina.page.click(".map-units")
        until(rina, f"{drawn('unit')} > 0")
    finally:
        served.close()
        signals.close()
