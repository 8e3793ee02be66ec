"""Accounts of a running gateway: those of the settings taken over, sessions over a restart, and their end from another
process, also of a page that is open."""

from __future__ import annotations

from pathlib import Path

import httpx
from test_running_gateway import Observed

from brokers import embedded_broker
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.web.session.auth import hash_password
from waiting import ENDS_S, eventually

PASSWORD = "kata sandi contoh"


def browser(gateway: Observed, name: str) -> httpx.Client:
    url = gateway.console.rstrip("/")
    client = httpx.Client(verify=False, base_url=url, headers={"Origin": url}, timeout=ENDS_S)

    def signs_in() -> bool:
        return client.post("/sign-in", data={"name": name, "password": PASSWORD}).headers.get("Location") == "/"

    # Accounts are looked at again after 50 ms at the soonest: one that was added this very moment waits for that.
    eventually(signs_in, f"{name} is at the console")
    return client


def test_from_the_settings_into_the_store_and_out_at_once_by_another_process(tmp_path: Path) -> None:
    hashed = hash_password(PASSWORD)
    settings = f'[console.operators]\n"Contoh Op" = "{hashed}"\n"Contoh Siti" = "{hashed}"\n'
    with embedded_broker() as port:
        gateway = Observed(tmp_path / "gateway", port).configure(watch=settings)
        before = gateway.config.read_text(encoding="utf-8")
        gateway.config.write_text(before.replace("[console]\n", '[console]\nsupervisors = ["Contoh Siti"]\n', 1))
        with gateway:
            store = SqlStore(store_path(gateway.data), WallClock().now_ms())
            book = AccountBook(store, WallClock())
            roles = {each.name: each.role for each in store.accounts()}
            assert roles == {"Contoh Op": Role.OPERATOR, "Contoh Siti": Role.SUPERVISOR}
            officer, siti = browser(gateway, "Contoh Op"), browser(gateway, "Contoh Siti")
            assert len(store.sessions()) == 2
            book.add("Contoh Admin", "administrator", hashed, None, "root")
            admin = browser(gateway, "Contoh Admin")
            with officer.stream("GET", "/live") as live:
                lines = live.iter_lines()
                assert any(line == "event: tick" for line in lines)
                book.disable("Contoh Op", "Contoh Admin")
                assert any(line == "event: signed_out" for line in lines), "the open page is told"
                assert not any(line.startswith('data: {"kind') for line in lines), "and nothing more"
            assert officer.get("/session").status_code == 401
            assert siti.get("/session").status_code == admin.get("/session").status_code == 200
            assert gateway.stop() == 0
        with gateway:
            officer.base_url = siti.base_url = admin.base_url = gateway.console.rstrip("/")
            assert siti.get("/session").status_code == 200, "a restart signs nobody out"
            assert officer.get("/session").status_code == 401
            assert [each.name for each in store.accounts() if each.serves] == ["Contoh Admin", "Contoh Siti"]
            siti.headers["Origin"] = gateway.console.rstrip("/")
            assert siti.post("/sign-out").status_code == 303
            eventually(lambda: [each.name for each in store.sessions()] == ["Contoh Admin"], "it is gone")
            assert gateway.stop() == 0
        kinds = [*journal.ACCOUNT_KINDS, journal.SIGNED_IN, journal.SIGNED_OUT]
        found = [(each.kind, each.actor) for each in store.journal_of_kinds(kinds, 0, 10_000)]
        assert found[:2] == [(journal.ACCOUNT_ADDED, None)] * 2
        assert (journal.ACCOUNT_DISABLED, "Contoh Admin") in found and (journal.SIGNED_OUT, "Contoh Siti") in found
        for each in (officer, siti, admin):
            each.close()
        store.close()
