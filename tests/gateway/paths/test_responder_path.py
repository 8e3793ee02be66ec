"""From a press to the answer of whoever comes, through the real processes: a link, a look that answers nothing, a POST
that does, and the stage at the button. In Chromium on a small telephone, without scripts and by the keyboard alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from brokers import embedded_broker
from gateway.command_button import ObeyingButton
from gateway.dispatch.listed_responders import BUDI, PATROL, POSITION, WATI
from gateway.enrolled_devices import enrolled_buttons
from gateway.outputs.http_receiver import Handler, Receiver, answer
from gateway.web.browser_fixtures import chromium
from pressing_button import LAMPUNG, at
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["chromium"]

BROWSER = {"sec-fetch-site": "same-origin"}
STATIONS = "kunci;jenis;nama;induk;lintang;bujur;telepon\npolsek-ne;polsek;Polsek Contoh;;-5,42;105,26;+62721000003\n"
PUBLIC = "http://127.0.0.1"  # the port is drawn at the start
SMALL = {"width": 360, "height": 640}
PICTURES = os.environ.get("SIAGA_PICTURES")  # a folder: what was seen is kept there


class Scene(Gateway):
    """A gateway with the page, a button and three responders."""

    def __init__(self, folder: Path, broker_port: int, server: Receiver) -> None:
        """server: of ntfy, by which Budi, who is on duty close by, is told."""
        super().__init__(folder, broker_port)
        self.server = server
        with self.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[responder_page]\nport = 0\npublic_url = "{PUBLIC}"\n'
                f'\n[[ways]]\nname = "ntfy"\nkind = "ntfy"\nurl = "http://127.0.0.1:{server.port}"\n'
            )
        stations = folder / "stations.csv"
        stations.write_text(STATIONS, encoding="utf-8")
        self.command("stations", "import", str(stations), "--by", "Dewi")
        self.button = ObeyingButton(enrolled_buttons(self.data, 1)[0])
        self.store = SqlStore(store_path(self.data), 0)
        now_ms = WallClock().now_ms()
        budi = copied(BUDI, ways=(ProvenWay(Contact(ContactWay.NTFY, "budi"), now_ms, now_ms),))
        there = copied(POSITION, latitude=LAMPUNG[0], longitude=LAMPUNG[1], fix_ms=now_ms, heard_ms=now_ms)
        with self.store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders([budi, PATROL, WATI])
            transaction.declare(SelfDeclared("budi", DutyState.ON_DUTY, now_ms - 1, now_ms + 3_600_000))
            transaction.put_position(there)
        self.links = ResponderLinks(self.store, "", WallClock())

    def told(self, topic: str) -> list[dict[str, Any]]:
        """What ntfy was given for this topic."""
        messages = [json.loads(request.body) for request in self.server.requests]
        return [each for each in messages if each["topic"] == topic]

    @property
    def url(self) -> str:
        return str(self.ready["responder_page"])

    def press(self) -> int:
        """Press, and return the open incident."""
        frame = self.button.button.press(int(time.time()), **at())
        assert self.button.say(self.button.button.counter, frame) >= Stage.RECEIVED
        return self.store.open_incidents()[-1].id

    def new_call(self) -> int:
        """Close what is open, and press."""
        with self.store.transaction() as transaction:
            for each in self.store.open_incidents():
                ended = copied(each, state=IncidentState.CLOSED, closed_at_ms=each.opened_at_ms)
                transaction.put_incident(ended)
        return self.press()

    def link(self, incident_id: int, responder: str) -> str:
        return self.url + self.links.url(incident_id, responder)

    def stage(self) -> int:
        return self.button.acknowledged(self.button.button.counter)

    def front(self) -> int:
        """The page's process; 0: there is none, or it is about to end."""
        assert self.process is not None
        with contextlib.suppress(OSError):  # a thread or a process that ends meanwhile
            told = "".join((each / "children").read_text() for each in Path(f"/proc/{self.process.pid}/task").iterdir())
            named = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in told.split()}
            return next((int(pid) for pid, line in named.items() if b"responders=" in line), 0)
        return 0


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with (
        embedded_broker() as port,
        Receiver(_taken) as server,
        Scene(tmp_path_factory.mktemp("gateway"), port, server) as running,
    ):
        running.button.wake(port)
        yield running
        running.button.sleep()
        running.store.close()


def _taken(handler: Handler) -> None:
    answer(200, body=json.dumps({"id": "abc", "event": "message"}).encode())(handler)


def test_from_the_press_to_the_stage_at_the_button(scene: Scene) -> None:
    incident_id = scene.new_call()
    eventually(lambda: scene.told("budi"), "who is on duty close by is told")
    message = scene.told("budi")[-1]
    link = message["click"].replace(PUBLIC, scene.url)
    assert [each["url"].rpartition("/")[2] for each in message["actions"]] == ["accept", "decline"]
    assert "Wati" not in json.dumps(message)
    looked = httpx.get(link, timeout=30)
    assert looked.status_code == 200 and "Contoh Wati" not in looked.text
    with httpx.Client(headers=BROWSER, timeout=30) as phone:
        assert phone.post(f"{link}/accept", data={"minutes": "6"}).status_code == 303
        eventually(lambda: scene.stage() == Stage.ASSIGNED, "the button hears that somebody comes")
        page = phone.get(link).text
        assert "Contoh Wati" in page and "+620000000001" in page and "9900" not in page
        assert phone.post(f"{link}/arrived").status_code == 303
        eventually(lambda: scene.stage() == Stage.ON_SCENE, "and that he is there")
    incident = scene.store.incident(incident_id)
    assert incident is not None
    assert (incident.state, incident.unit) == (IncidentState.OPEN, "budi"), "no desk has seen it"
    entries = scene.store.journal_of_incident(incident_id)
    assert [each.facts["said"] for each in entries if each.kind == journal.RESPONDER_SAID] == ["accepted", "arrived"]
    assert [each.actor for each in entries if each.kind == journal.PERSONAL_READ] == ["responder:budi"]
    eventually(
        lambda: (
            [each.who for each in (scene.store.escalation_of(incident_id) or incident).assignments]
            == ["responder:budi"]
        ),
        "the escalation has heard it too",
    )
    assert link.rpartition("/")[2] not in scene.stderr()


def test_the_page_dies_and_comes_back_and_presses_go_on(scene: Scene) -> None:
    incident_id = scene.new_call()
    link = scene.link(incident_id, "patroli-1")
    eventually(scene.front, "there is one")
    first = scene.front()
    os.kill(first, signal.SIGKILL)
    assert scene.press() == incident_id, "the same incident"
    eventually(lambda: scene.front() not in (0, first), "it is started again")
    assert httpx.get(link, timeout=60).status_code == 200, "at the same port"
    assert "presses, calls and console go on" in scene.stderr()
    assert httpx.get(scene.console, timeout=30, follow_redirects=True).status_code == 200, "the console was not in it"


def test_whoever_leaves_the_list_is_cut(scene: Scene) -> None:
    link = scene.link(scene.new_call(), "patroli-1")
    assert httpx.post(f"{link}/accept", headers=BROWSER, timeout=30).status_code == 303
    with scene.store.transaction() as transaction:
        transaction.remove_responders(["patroli-1"])
    assert httpx.get(link, timeout=30).status_code == 404
    assert httpx.post(f"{link}/arrived", headers=BROWSER, timeout=30).status_code == 404


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def fits(page: Page) -> bool:
    """Whether nothing has to be moved sideways, and everything that is pressed is large enough for a finger."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('button, a.button')].filter(e => e.getBoundingClientRect().height < 44).length"
    )
    return bool(wide <= SMALL["width"] and small == 0)


@pytest.mark.parametrize("who, language", [("budi", "en"), ("wati", "id")])
def test_a_small_telephone_without_scripts_and_by_keyboard_alone(
    scene: Scene, chromium: Callable[[bool], Browser], who: str, language: str
) -> None:
    incident_id = scene.new_call()
    words = {
        "en": ("I am coming: 10 min", "On scene", "Need back-up", "Write a note", "Send the note", "Finished"),
        "id": ("Saya datang: 10 mnt", "Di lokasi", "Butuh bantuan", "Tulis catatan", "Kirim catatan", "Selesai"),
    }[language]
    context = chromium(False).new_context(viewport=SMALL, java_script_enabled=False, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(scene.link(incident_id, who))
        assert fits(page)
        keep(page, f"responder-{language}-1-before")
        assert "Contoh Wati" not in page.content()

        def by_keyboard(label: str) -> None:
            button = page.get_by_role("button", name=label, exact=True).or_(
                page.get_by_role("link", name=label, exact=True)
            )
            for _ in range(40):
                page.keyboard.press("Tab")
                if button.evaluate("e => e === document.activeElement"):
                    break
            else:
                raise AssertionError(f"no way to {label} by keyboard")
            with page.expect_navigation():
                page.keyboard.press("Enter")

        by_keyboard(words[0])
        page.get_by_text("Contoh Wati").first.wait_for()
        assert fits(page)
        keep(page, f"responder-{language}-2-coming")
        by_keyboard(words[1])
        with page.expect_navigation():
            page.get_by_role("button", name=words[2]).tap()
        keep(page, f"responder-{language}-3-there")
        by_keyboard(words[3])
        assert fits(page)
        page.locator("textarea:focus").wait_for()
        page.keyboard.type("Gerbang dikunci")
        keep(page, f"responder-{language}-4-note")
        by_keyboard(words[4])
        page.get_by_text("Gerbang dikunci").wait_for()
        by_keyboard(words[5])
        who_said = [
            each.facts["said"]
            for each in scene.store.journal_of_incident(incident_id)
            if each.facts.get("who") == f"responder:{who}" and "said" in each.facts
        ]
        assert who_said == ["accepted", "arrived", "backup", "alive", "finished"]
    finally:
        context.close()


def test_with_scripts_the_page_follows_and_says_when_it_cannot(
    scene: Scene, chromium: Callable[[bool], Browser]
) -> None:
    incident_id = scene.new_call()
    context = chromium(False).new_context(viewport=SMALL)
    try:
        page = context.new_page()
        page.set_default_timeout(30_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(scene.link(incident_id, "wati"))
        presses = scene.store.incident(incident_id)
        assert presses is not None
        scene.press()
        page.get_by_text(re.compile(rf"Ditekan {presses.presses + 1} kali")).wait_for()
        context.set_offline(True)
        page.locator("#lost").wait_for(state="visible")
        keep(page, "responder-id-5-lost")
        assert complaints == []
    finally:
        context.close()
