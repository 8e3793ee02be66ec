"""The whole story on the demo's real parts, without its pauses, and a person at the console who takes a call."""

from __future__ import annotations

from pathlib import Path

import httpx

from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode
from siaga_gateway.service.journal import kinds as journal
from siaga_tools.demo.answering import OPERATOR
from siaga_tools.demo.officer_phone import along
from siaga_tools.demo.owners import OWNERS
from siaga_tools.demo.site import TOWNS
from siaga_tools.demo.story import OFFICER, ROUTE
from siaga_tools.demo.story_people import POLDA
from tools.siaga_process import Running, all_gone, children
from waiting import ENDS_S, RUNS_S

PERSON = "Rina"
PAGE = "Halaman operator: "
SCENES = (
    "1/5 MINTA TOLONG. Siti Contoh",
    "Aiptu Rahmat Contoh menerima, 5 mnt",
    "Aiptu Rahmat Contoh menerima, 2 mnt",
    "Tombol 1: UNIT DI LOKASI",
    "2/5 LATIHAN.",
    "LATIHAN: PANGGILAN DARURAT",
    "Latihan selesai. LIHAT",
    "3/5 PANGGILAN ISENG.",
    "Ditutup sebagai panggilan iseng, 3 dari 3",
    "Panggilan iseng ketiga membuka perkara tentang Dewi Contoh",
    "4/5 DI BAWAH PAKSAAN",
    "Tombol 2: BATAL TERKIRIM",
    "LIHAT: tombol 2 tampak sama seperti setelah batal",
    "5/5 TIDAK ADA YANG MENJAWAB",
    "Setelah 10 dtk pimpinan dipanggil",
    "Setelah 20 dtk Polda dipanggil",
    f"{POLDA} menjawab",
    "CERITA SELESAI",
)


def step(console: str, path: str, form: dict[str, str] | None = None) -> None:
    """What a person does at the console."""
    with httpx.Client(base_url=console, headers={"origin": console}, timeout=ENDS_S, trust_env=False) as browser:
        assert browser.post("/sign-in", data={"name": PERSON}).status_code == 303
        browser.post(path, data=form or {}).raise_for_status()


def actors(store: SqlStore, incident: Incident) -> set[str | None]:
    return {
        entry.actor for entry in store.journal_of_incident(incident.id) if entry.kind in (journal.SEEN, journal.CLOSED)
    }


def test_the_story_is_played_on_the_real_parts_and_leaves_a_persons_call_to_him(runtime: Path, tmp_path: Path) -> None:
    kept = tmp_path / "demo"
    demo = Running("demo", "--fast", "--pause", "0", "--nobody-answers", "--data", str(kept), runtime=runtime)
    try:
        place = demo.wait_line(PAGE)
        console = demo.lines[place - 1].partition(PAGE)[2].rstrip("/")
        demo.wait_line("Siap dalam")
        demo.type("p 2")
        place = demo.wait_line("Kejadian 1 dibuka")
        step(console, "/incidents/1/seen")
        demo.type("s")
        place = demo.wait_line("Kejadian 1 milik Anda", after=place)
        demo.type("s")
        demo.wait_line("Cerita sedang dimainkan", after=place)
        assert not any("1/5" in line for line in demo.lines)
        step(console, "/incidents/1/close", {"disposition": "test"})
        for line in SCENES:
            # In any order within a scene: its parts are processes of their own.
            found = demo.wait_line(line, after=place, deadline_s=RUNS_S)
            place = found if line[0].isdecimal() else place
        family = children(demo.process.pid)
        demo.type("q")
        assert demo.wait() == 0, demo.lines[-5:]
        assert all_gone(family) == {}
        assert not [line for line in demo.lines if "Babak ini berakhir" in line or "Cerita berakhir" in line]
    finally:
        demo.close()
    store = SqlStore(store_path(kept / "gateway"), 0)
    try:
        incidents = [found for number in range(1, 10) if (found := store.incident(number)) is not None]
        own, helped, drilled, *pranks, forced, climbed = incidents
        assert {each.state for each in incidents} == {IncidentState.CLOSED}
        assert actors(store, own) == {PERSON}
        assert actors(store, helped) == {OPERATOR} and helped.disposition is Disposition.VERIFIED
        assert [each.mode for each in incidents] == [Mode.EXERCISE, Mode.ACTUAL, Mode.EXERCISE, *[Mode.ACTUAL] * 5]
        assert drilled.drill is not None and helped.drill is None
        assert [each.disposition for each in pranks] == [Disposition.ABUSE] * 3
        assert [case.owner_id for case in store.owner_cases()] == [pranks[0].holder.id if pranks[0].holder else 0]
        assert forced.duress and forced.cancelled_by_holder
        rungs = [e.facts["rung"] for e in store.journal_of_incident(climbed.id) if e.kind == journal.CALLED]
        assert rungs[:3] == ["stations", "chief", "region"] and actors(store, climbed) == {POLDA}
        # His phone told of the way: the last place is where the button is.
        with store.transaction() as transaction:
            at = transaction.position(OFFICER)
        assert at is not None and (at.latitude, at.longitude) == (OWNERS[0].latitude, OWNERS[0].longitude)
    finally:
        store.close()


def test_the_way_is_told_at_even_distances_from_its_beginning_to_its_end() -> None:
    assert list(along([(0, 0), (0, 2), (4, 2)], 4)) == [(0, 0), (0, 2), (2, 2), (4, 2)]
    places = list(along(ROUTE, 12))
    assert places[0] == ROUTE[0] and places[-1] == ROUTE[-1] == TOWNS[0].middle
