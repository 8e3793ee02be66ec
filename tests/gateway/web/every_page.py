"""Every HTML page of the gateway with the longest names that it takes, served to a real browser; all people are
invented."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher

from brokers import free_port
from gateway import sample_store
from gateway.dispatch.called_district import choices_of
from gateway.dispatch.listed_places import AREAS, SW, at
from gateway.dispatch.listed_responders import BUDI, WATI
from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.fake_ports import ManualClock, RunningClock
from gateway.reports.counted_calls import NOW_MS
from gateway.reports.figure_year import figure_store
from gateway.sample_site import site
from gateway.web.console.test_places_page import Lists
from gateway.web.console_fakes import Book, FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.fake_protocols import protocols_of
from gateway.web.maintenance.test_signal_page import survey
from gateway.web.maintenance_fleet import device_id, fleet_desk, make_fleet, open_fleet
from gateway.web.responder.duty_scene import DutyScene
from pressing_button import PressingButton
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.list_imports import importers_on
from siaga_gateway.domain.accounts import Account, ConsoleSession
from siaga_gateway.domain.api_tokens import GRANTABLE, ApiToken, scopes_of
from siaga_gateway.domain.battery_history import day_of
from siaga_gateway.domain.consent import CURRENT, Consent
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.limits import LONGEST_LABEL, LONGEST_NOTE, LONGEST_SITE, LONGEST_UNIT
from siaga_gateway.domain.machine_health import MachineFault
from siaga_gateway.domain.operator_message import DeskMessage, MessageOptions, built_in_templates
from siaga_gateway.domain.operator_name import LONGEST
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind, OwnerCaseLimits, OwnerCaseState
from siaga_gateway.domain.owner_profile import (
    CONDITIONS,
    HAZARDS,
    LONGEST_TEXT,
    LONGEST_WORDS,
    MOST_CONTACTS,
    EmergencyContact,
    OwnerProfile,
)
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.places import Contact, ContactWay, Station
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.dispatch.drills import Drills, WantedDrill
from siaga_gateway.service.dispatch.list_imports import ImportDesk, ListKind, ListState
from siaga_gateway.service.downlink.command_port import CommandDesk
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.kinds import BEARER_LOST
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import UnreadableCall
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.service.reports.shift_book import ShiftBook, ShiftDirectory
from siaga_gateway.service.store import Attempt, DeliveryState, UnknownDevice
from siaga_gateway.service.store.owner_profiles import StoredProfile
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_tools.demo import invented_town
from waiting import ENDS_S, eventually


def longest(words: str, length: int) -> str:
    """The words, again and again, to exactly this length; the last character is no blank."""
    return (f"{words} " * length)[: length - 1] + "n"


OPERATOR: Final = longest("Brigadir Polisi Kepala Raden Mas Aryo Wicaksono Kusumanegara", LONGEST)
PASSWORD: Final = "-"
UNIT: Final = longest("Unit Patroli Samapta Polsek Tanjungkarang-Timur Pajajaran 12", LONGEST_UNIT)
SITE: Final = site(name=longest("Kepolisian Daerah Provinsi Kepulauan Bangka Belitung Selatan", LONGEST_SITE))
UNBROKEN: Final = "Tirtohadikusumonotonegoro" * 3  # a name may be without a place to break it
PERSON: Final = longest(f"Contoh {UNBROKEN} binti Wicaksono Kusumaningrat Adiwinata", LONGEST_LABEL)
ADDRESS: Final = longest("Jalan Contoh Letnan Jenderal Profesor Doktor Sumitro Raya Timur Nomor 112", LONGEST_LABEL)
LABEL: Final = longest(f"Toko Contoh {UNBROKEN} Bersaudara, meja kasir depan", LONGEST_LABEL)
NOTE: Final = longest(f"Pintu belakang terkunci {UNBROKEN} saksi menunggu.", LONGEST_NOTE)
STATION: Final = "Kepolisian Sektor Contoh Tanjungkarang Timur Pajajaran Kedamaian"
WORDS: Final = longest(f"Anjing besar {UNBROKEN} di halaman belakang, pagar terkunci.", LONGEST_TEXT)
TOLD: Final = OwnerProfile(
    *(HAZARDS, WORDS, CONDITIONS, WORDS, 99, 99, 99, WORDS, longest("Jawa Lampung Sunda", LONGEST_WORDS)),
    contacts=(
        EmergencyContact(
            longest(f"Contoh {UNBROKEN}", LONGEST_WORDS), longest("kakak ipar", LONGEST_WORDS), "+620000000099"
        ),
    )
    * MOST_CONTACTS,
)
# The smallest there is: a grey pixel.
PORTRAIT: Final = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////"
    "wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
OWNER: Final = {"name": PERSON, "address": ADDRESS}
# One that may be applied, and one with faults, by name.
LISTS: Final = {
    "shown": (
        ListKind.BUTTONS,
        "frame;nama;nik;telepon;alamat;label\n"
        f"{PressingButton().enrol().hex()};{PERSON};9900000000000099;+620000000099;{ADDRESS};{LABEL}\n",
    ),
    "wrong": (ListKind.SHIFTS, f"petugas;jam\n{UNBROKEN};sen 8\n"),
}
KEDATON: Final = {"latitude": -53835400, "longitude": 1052596000}
METRO: Final = {"latitude": -51100000, "longitude": 1053000000}
KALIANDA: Final = {"latitude": -57200000, "longitude": 1055900000}


def brought(imports: ImportDesk, kind: ListKind, rows: str) -> str:
    """Return the address of a list that was tried."""
    raw, whose = rows.encode(), OPERATOR
    list_id = imports.begin(kind, f"{UNBROKEN}.csv", len(raw), False, True, whose)
    imports.part(list_id, 0, base64.b64encode(raw).decode(), whose)
    imports.check(list_id, sha256(raw).hexdigest(), whose)
    eventually(lambda: imports.look(list_id, whose).state is not ListState.CHECKING, "the list")
    return f"/registry/imports/{list_id}"


def _accounts() -> FakeAccountStore:
    """Who looks is an administrator, whose password is checked quickly."""
    store, nothing = FakeAccountStore(), Argon2Hasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    store.put_account(Account(OPERATOR, Role.ADMINISTRATOR, nothing, 0, 0))
    station, name = "polsek-sw", f"{OPERATOR[:-2]} 2"
    store.put_account(Account(name, Role.DISPATCHER, nothing, 0, 0, station, sample_store.NOW_MS))
    scopes = scopes_of(GRANTABLE)
    store.put_token(ApiToken(f"{OPERATOR[:-2]} 3", "b" * 64, scopes, 0, OPERATOR, 2**41, used_ms=sample_store.NOW_MS))
    store.put_token(ApiToken("CAD Contoh", "c" * 64, "incidents.read", 0, name, 2**41, sample_store.NOW_MS, OPERATOR))
    store.add_session(
        ConsoleSession("a" * 64, name, RunningClock().now_ms(), True, "2001:db8:85a3:8d3:1319:8a2e:370:7348")
    )
    return store


class FarBook(Book):
    """Its stations have long names."""

    def stations(self) -> Sequence[Station]:
        return [copied(each, name=f"{STATION} {each.name}") for each in (*super().stations(), SW)]


class ServedApp:
    """An application behind a port, in a thread of this process."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        settings = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="warning", lifespan="off")
        settings.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        eventually(lambda: self._server.started, "the server")

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(ENDS_S)


class EveryPage:
    """The console with all its pages, and the pages for phones, on stores of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stores: list[SqlStore] = []
        self.accounts = _accounts()
        self.lists: dict[str, str] = {}  # addresses of lists that an administrator has brought
        self.book = FarBook(FakeBell())
        fill(self.book)
        self.console = ServedApp(self._console())
        self.scene = DutyScene(self._place("scene"))
        self._stores.append(self.scene.store)
        # By the language of whose link it is.
        self.calls = {"en": self.scene.budi, "id": self.scene.wati}
        self.own = {"en": self.scene.me, "id": self.scene.own("wati")}
        self.phones = ServedApp(self._phones())

    def close(self) -> None:
        self.console.app.state.context.streams.close()
        for app in (self.console, self.phones):
            app.close()
        for store in self._stores:
            store.close()

    def _place(self, name: str) -> Path:
        made = self._folder / name
        made.mkdir()
        return made

    def _kept(self, store: SqlStore) -> SqlStore:
        self._stores.append(store)
        return store

    def _console(self) -> FastAPI:
        bell, clock, then = FakeBell(), RunningClock(), ManualClock(NOW_MS)
        fleet, others = self._fleet(), self._others()
        late = ManualClock(sample_store.NOW_MS + 600_000)
        figures = self._kept(figure_store(self._place("figures"), 60))
        with figures.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations([copied(SW, name=STATION)])
        lists = Lists(self._place("places"))
        self._kept(lists.district.store)
        lists.put(
            [copied(each, name=f"{STATION} {each.key}", address=ADDRESS) for each in lists.district.store.stations()]
        )
        drills = Drills(others, JournalNotifier(), late, Mode.ACTUAL)
        wanted = WantedDrill(UNIT, (sample_store.DEVICE_ID,), ("station:polsek-sw",), 60)
        drills.order(wanted, OPERATOR)
        imports = ImportDesk(others, late, JournalNotifier(), importers_on(others, late, SITE.local))
        self.lists = {name: brought(imports, kind, rows) for name, (kind, rows) in LISTS.items()}
        return create_app(
            reader=self.book,
            operate=self.book,
            disclosures=FakeDisclosures(),
            sign_ins=FakeSignIns(),
            accounts=accounts_on(self.accounts, clock),
            notifier=self.book.notifier,
            options=ConsoleOptions(
                SITE,
                Mode.ACTUAL,
                "id",
                b"k" * 32,
                objections=ADDRESS,
                street_file=invented_town.write(self._folder / "town.pmtiles"),
            ),
            clock=clock,
            protocols=protocols_of(self.book, clock),
            maintenance=fleet_desk(fleet, bell, clock),
            commands=CommandDesk(fleet, clock, bell),
            places=lists.desk,
            deliveries=DeadLetters(others, JournalNotifier(), late, ["cad"]),
            figures=FigureReports(figures, then, SITE.local),
            signal=CoverageReport(fleet, clock),
            owners=OwnerCases(others, JournalNotifier(), late, OwnerCaseLimits(), [OPERATOR], SITE.local),
            registry=RegistryDirectory(others, late, RegistryBook(others, late, JournalNotifier(), SITE.local)),
            converted=lambda raw: raw,
            messages=MessageOptions(frozenset({ContactWay.NTFY, ContactWay.SMS}), True, built_in_templates()),
            longer_hold=lambda owner_id, setting, actor: 1,
            imports=imports,
            shifts=self._shifts(),
            drills=drills,
            drill_choices=choices_of(others, late),
            troubles=lambda: self.book.troubles,
            machine=lambda: [{"fault": each, "free_mb": 200} for each in MachineFault],
            certificates=lambda: [{"name": "certificates.console", "state": "ending", "days": 3}],
        )

    def _shifts(self) -> ShiftDirectory:
        """A shift with calls, a drill, a cut line and notes, and a handover that waits for somebody."""
        store, clock = self._kept(sample_store.new_store(self._place("shift"))), RunningClock()
        sample_store.with_device(store)
        with store.transaction() as transaction:
            transaction.set_place(sample_store.DEVICE_ID, LABEL, None)
            transaction.note(BEARER_LOST, clock.now_ms(), {"bearer": "sms", "why": "gone"})
        for counter in (1, 2):
            sample_store.open_incident(store, counter)
        book = ShiftBook(store, clock, JournalNotifier())
        book.add_note(NOTE, OPERATOR, None)
        for name in (OPERATOR, f"{OPERATOR[:-2]} 2"):
            book.hand_over(NOTE, name, clock.now_ms(), None, name)
        book.take(1, f"{OPERATOR[:-2]} 2", None)
        return ShiftDirectory(store, clock, book)

    def _fleet(self) -> SqlStore:
        folder = self._place("fleet")
        make_fleet(folder, FakeBell(), RunningClock(), 8, range(6, 9)).close()
        survey(folder)
        store = self._kept(open_fleet(folder))
        today = day_of(RunningClock().now_ms())
        with store.transaction() as transaction:
            for number in (1, 2):
                transaction.set_place(device_id(number), LABEL, None)
            for number in (1, 3):
                transaction.set_sim(device_id(number), SimCard(operator=UNBROKEN[:40]))
                transaction.note(journal.SIM_CHANGED, NOW_MS, {}, device_id=device_id(number), actor=OPERATOR)
            for ago in range(1, 40):
                transaction.add_day(device_id(1), today - ago, bytes([90 - ago, 256 - 80]) * 24)
        desk = CommandDesk(store, RunningClock(), FakeBell())
        desk.ask(device_id(1).hex(), "update", f"https://example.org/{UNBROKEN}.bundle", True, OPERATOR)
        desk.withdraw(
            device_id(1).hex(), desk.ask(device_id(1).hex(), "test", "", True, OPERATOR).down_counter, OPERATOR
        )
        return store

    def _others(self) -> SqlStore:
        """Owners, drills and deliveries."""
        store = self._kept(sample_store.new_store(self._place("others")))
        owner = replace(sample_store.owner(), **OWNER)
        with store.transaction() as transaction:
            owner_id = transaction.add_owner(owner, sample_store.NOW_MS)
            device = sample_store.Device(
                sample_store.DEVICE_ID,
                sample_store.PUBLIC_XY,
                owner_id,
                sample_store.RegistrationState.ACTIVE,
                LABEL,
                sample_store.NOW_MS,
            )
            transaction.add_device(device)
            transaction.change_places()
            transaction.put_stations([copied(SW, name=STATION)])
            transaction.put_areas(AREAS[:1])
            transaction.set_place(sample_store.DEVICE_ID, LABEL, at(0.3, 0.3))
            for kind in OwnerCaseKind:
                for state in (OwnerCaseState.OPEN, OwnerCaseState.DISMISSED):
                    case = OwnerCase(0, owner_id, kind, state, sample_store.NOW_MS, 3)
                    if state is OwnerCaseState.DISMISSED:
                        case = copied(case, decided_ms=sample_store.NOW_MS, decided_by=OPERATOR, reason=NOTE)
                    transaction.add_owner_case(case)
            transaction.add_consent(owner_id, Consent(CURRENT, "2026-09-01", sample_store.NOW_MS, OPERATOR))
            transaction.put_profile(owner_id, TOLD, sample_store.NOW_MS)
            transaction.put_owner_photograph(owner_id, PORTRAIT, sample_store.NOW_MS)
            waits = replace(device, device_id=b"\x07" * 8, public_xy=b"\x07" * 64, state=RegistrationState.PENDING)
            transaction.add_device(waits)
            frame = PressingButton().enrol()
            for number, proof in ((8, frame), (9, None)):
                seen = (sample_store.NOW_MS, sample_store.NOW_MS, 3, frame, proof)
                transaction.quarantine([UnknownDevice(bytes([number]) * 8, *seen)], 10)
        for counter in (1, 2):
            sample_store.open_incident(store, counter, outputs=("cad",))
        with store.transaction() as transaction:
            gone = Attempt(1, sample_store.NOW_MS, DeliveryState.ABANDONED, f"HTTP 410 {UNBROKEN}")
            waits = Attempt(2, sample_store.NOW_MS, DeliveryState.PENDING, f"HTTP 404 {UNBROKEN}")
            transaction.record([gone, waits])
        return store

    def _phones(self) -> FastAPI:
        scene = self.scene
        with scene.store.transaction() as transaction:
            transaction.change_responders()
            phone = ProvenWay(Contact(ContactWay.PHONE, "+620000000055"), scene.clock.now_ms())
            transaction.put_responders([copied(each, name=OPERATOR, ways=(phone,)) for each in (BUDI, WATI)])
        owner = scene.incident.owner
        assert owner is not None
        scene.change(owner=replace(owner, **OWNER), device_label=LABEL, unit=UNIT)
        return scene.app


def fill(book: Book) -> None:
    """Calls in every state, and with all that can be said of one."""
    for number, place in ((1, KEDATON), (2, METRO), (3, METRO), (4, KALIANDA), (5, KEDATON), (6, {}), (7, METRO)):
        more: dict[str, Any] = {"owner": OWNER, "label": LABEL, **place}
        if number == 1:
            more |= {"silent": True, "delayed_s": 90_000, "battery": 5}
        if number == 2:
            more |= {"held": True, "registration": "stolen"}
        if number in (3, 4, 7):
            more |= {"cluster": 1}
        book.press(number, person=number, **more)
    book.press(8, person=1, mode="exercise", drill=1, **KALIANDA)
    for number in (1, 2, 4, 6):
        book.profiles[number + 1] = StoredProfile(TOLD, 1)
        book.photographs[number + 1] = PORTRAIT
    for number in (1, 5):
        book.messages[number] = [DeskMessage(number, 1_000_000, "k", WORDS[:160], WORDS[:160], 1, OPERATOR)]
    for step in ("duress", "cancel", "copied", "again"):
        book.do(do=step, incident=1)
    reached = {"rung": "everyone", "reached_s": 40, "top_call": 0, "climb_at_ms": 600_000}
    book.do(do="climb", incident=1, **reached)
    told = [
        {"recipient": "station:contoh-kota", "way": "ntfy", "state": "failed", "attempts": 3, "detail": UNBROKEN},
        {"recipient": "station:contoh", "way": "phone", "state": "by_hand"},
        {"recipient": "responder:budi", "way": "phone", "state": "handed_over"},
        {"recipient": "station:contoh-kota", "way": "ntfy", "state": "failed", "kind": "message", "number": 1_000_000}
        | {"attempts": 3, "detail": UNBROKEN},
    ]
    book.do(do="tell", incident=1, rows=told)
    for number in (3, 4, 5, 6):
        book.do(do="seen", incident=number, actor=OPERATOR)
    book.do(do="climb", incident=3, phase="calling", wave=2, why="unassigned", top_call=5)
    for number in (4, 5, 6):
        book.do(do="assign", incident=number, actor=OPERATOR, unit=UNIT, eta_minutes=120)
    for number in (5, 6):
        book.do(do="on_scene", incident=number, actor=OPERATOR)
    book.do(do="close", incident=6, actor=OPERATOR, disposition="verified", note=NOTE)
    book.do(do="note", kind="forged", count=2)
    book.do(do="note", incident=None, kind="counter_jump")
    book.unreadable = [UnreadableCall(99, None, "a7" * 8, LABEL)]
