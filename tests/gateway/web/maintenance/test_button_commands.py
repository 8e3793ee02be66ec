"""Commands on a button's page and by the API, by who may give them; and what installers did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import ORIGIN
from gateway.web.console_fakes import Book, FakeBell, on_book
from gateway.web.maintenance_fleet import device_id, fleet_desk, make_fleet
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.api_tokens import hash_of
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.permissions import Permission, Role
from siaga_gateway.service.downlink.command_port import CommandDesk
from siaga_gateway.web.app import ConsoleOptions
from siaga_gateway.web.session import sign_in as signing

ID = device_id(6).hex()
ADDRESS = f"/maintenance/buttons/{ID}"
TOKEN = "siaga_" + "c" * 43
SECRET = '{"apn_password": "rahasia-sekali"}'


class Office:
    """A console with everybody's accounts on a fleet."""

    def __init__(self, folder: Path) -> None:
        bell, clock = FakeBell(), RunningClock()
        self.store: SqlStore = make_fleet(folder, bell, clock, 8)
        accounts = FakeAccountStore()
        for role in Role:
            accounts.put_account(Account(f"Contoh {role}", role, "x", 0, 0))
        scopes = [each.value for each in (Permission.MAINTENANCE_READ, Permission.DEVICES_COMMAND)]
        ends_ms = clock.now_ms() + 86_400_000
        accounts_on(accounts, clock).tokens.make("CAD Contoh", hash_of(TOKEN) or "", scopes, ends_ms, "Dewi")
        app = on_book(
            Book(bell),
            bell,
            clock,
            ConsoleOptions(SITE, Mode.ACTUAL, "id", b"k" * 32),
            fleet_desk(self.store, bell, clock),
            accounts=accounts,
            commands=CommandDesk(self.store, clock, bell),
        )
        self.browser = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        self.program = TestClient(app, base_url=f"{ORIGIN}/api/v1", headers={"Authorization": f"Bearer {TOKEN}"})

    def sign_in(self, role: Role) -> None:
        self.browser.cookies.clear()
        assert self.browser.post("/sign-in", data={"name": f"Contoh {role}", "password": "x"}).status_code == 303

    def post(self, path: str, **data: str) -> httpx.Response:
        return self.browser.post(f"{ADDRESS}/{path}", data=data)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: True)
    made = Office(tmp_path)
    yield made
    made.browser.close()
    made.program.close()
    made.store.close()


def test_settings_and_an_update_are_given_by_no_installer_and_no_program_of_his(office: Office) -> None:
    office.sign_in(Role.INSTALLER)
    offered = re.findall(r'<option value="([a-z_:]+)"', office.browser.get(ADDRESS).text)
    assert offered[:2] == ["test", "restart"] and not {"settings", "update"} & set(offered)
    assert len(offered) > 2, "and how often it reports"
    address = "https://update.example/siaga.bundle"
    for what, argument in (("settings", SECRET), ("update", address)):
        assert office.post("commands", what=what, argument=argument, sure="true").status_code == 403
        asked = office.program.post(f"devices/{ID}/commands", json={"command": what, "argument": argument})
        assert (asked.status_code, asked.json()["key"]) == (403, "error.no_scope")
        assert "devices.change" in asked.json()["detail"]
    assert office.store.commands(device_id(6)) == []
    assert office.post("commands", what=offered[2], sure="true").status_code == 303
    for role in (Role.SUPERVISOR, Role.ADMINISTRATOR):
        office.sign_in(role)
        assert {"settings", "update"} < set(re.findall(r'<option value="([a-z_:]+)"', office.browser.get(ADDRESS).text))


def test_a_supervisor_gives_a_command_sees_how_far_it_is_and_withdraws_it(office: Office) -> None:
    office.sign_in(Role.SUPERVISOR)
    unsure = office.post("commands", what="settings", argument=SECRET)
    assert unsure.status_code == 409 and "centang" in unsure.text and "&#34;apn_password&#34;" in unsure.text, "kept"
    given = office.post("commands", what="settings", argument=SECRET, sure="true")
    assert (given.status_code, given.headers["location"]) == (303, ADDRESS)
    (command,) = office.store.commands(device_id(6))
    assert command.asked_by == "Contoh supervisor"
    page = office.browser.get(ADDRESS).text
    assert "ubah setelan apn_password" in page and "menunggu" in page and "rahasia-sekali" not in page, (
        "no argument: it may be a secret"
    )
    twice = office.post("commands", what="settings", argument=SECRET, sure="true")
    assert twice.status_code == 409 and "Contoh supervisor" in twice.text
    form = re.search(r'action="([^"]+/withdraw)"', page)
    assert form is not None and office.browser.post(form[1]).status_code == 303
    assert "ditarik" in office.browser.get(ADDRESS).text
    assert office.browser.post(form[1]).status_code == 409
    elsewhere = office.browser.post(f"{ADDRESS}/commands", data={"what": "test"}, headers={"Origin": "http://evil"})
    assert elsewhere.status_code == 403


def test_who_may_not_ask_where_somebody_is_is_not_even_offered_it(office: Office) -> None:
    seen: dict[Role, tuple[bool, bool, int]] = {}
    offers: Callable[[str], tuple[bool, bool]] = lambda page: ("/commands" in page, "/locate" in page)  # noqa: E731
    for role in Role:
        office.sign_in(role)
        answer = office.browser.get(ADDRESS)
        told = office.post("locate", reason="dicuri", sure="")
        seen[role] = (*offers(answer.text), told.status_code)
    assert {role for role, (command, _, _) in seen.items() if command} == {
        Role.INSTALLER,
        Role.SUPERVISOR,
        Role.ADMINISTRATOR,
    }
    may = {Role.SUPERVISOR, Role.ADMINISTRATOR}
    assert {role for role, (_, locate, _) in seen.items() if locate} == may
    assert {role for role, (_, _, status) in seen.items() if status == 409} == may
    assert office.store.commands(device_id(6)) == []


def test_a_program_gives_commands_within_its_scopes(office: Office) -> None:
    given = office.program.post(f"devices/{ID}/commands", json={"command": "restart"})
    assert given.status_code == 200 and given.json()["state"] == "waiting"
    assert given.json()["asked_by"] == "API: CAD Contoh" and "argument" not in given.text
    again = office.program.post(f"devices/{ID}/commands", json={"command": "restart"})
    assert (again.status_code, again.json()["key"]) == (409, "command.waits_already")
    number = given.json()["number"]
    listed = office.program.get(f"devices/{ID}/commands").json()["items"]
    assert [each["number"] for each in listed] == [number]
    withdrawn = office.program.post(f"devices/{ID}/commands/{number}/withdraw")
    assert withdrawn.json()["state"] == "withdrawn"
    assert office.program.post(f"devices/{ID}/locate", json={"reason": "x"}).status_code == 403
    assert office.program.post(f"devices/{ID}/commands", json={"command": "erase"}).status_code == 422


def test_what_installers_did_is_listed_by_person_and_by_button(office: Office) -> None:
    office.sign_in(Role.INSTALLER)
    assert office.post("sim", operator="Contoh Sel").status_code == 303
    for _ in range(101):
        number = office.program.post(f"devices/{ID}/commands", json={"command": "test"}).json()["number"]
        office.program.post(f"devices/{ID}/commands/{number}/withdraw")
    page = office.browser.get(ADDRESS).text
    assert "API: CAD Contoh" in page and "Perintah ke tombol diberikan" in page
    everybody = office.browser.get("/maintenance/work").text
    assert ">Contoh installer</a></th><td>1</td>" in everybody and ">API: CAD Contoh</a></th><td>202</td>" in everybody
    assert ">Contoh installer<" not in office.browser.get("/maintenance/work?days=7").text.replace(
        ">Contoh installer</a>", ""
    )
    own = office.browser.get("/maintenance/work?who=Contoh+installer").text
    assert "Kartu SIM tombol dicatat" in own or "SIM" in own
    assert f'href="{ADDRESS}"' in own and "Halaman berikutnya" not in own
    seen, path = 0, "/maintenance/work?who=API%3A+CAD+Contoh"
    while True:
        text = office.browser.get(path).text
        seen += text.count(f'href="{ADDRESS}"')
        links = re.findall(r'href="([^"]+)">Halaman berikutnya', text)
        if not links:
            break
        path = links[0].replace("&amp;", "&")
    assert seen == 202
    assert office.browser.get("/maintenance/work?before=x").status_code == 422
    assert "Belum ada di jurnal" in office.browser.get("/maintenance/work?who=Siapa").text
