"""SIM cards of buttons: sealed, forgotten with their owner, recorded by list, by command and on the page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.gateway_folder import Office
from gateway.sample_store import DEVICE_ID, NOW_MS
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.sim_card import LONGEST_OPERATOR, MOST_QUOTA_MB, NO_SIM, SimCard
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.registry.sim_cards import SimLine, set_sim, set_sims

NUMBER = "+620000000009"
CARD = SimCard(NUMBER, "Contoh Sel", NOW_MS + 86_400_000, 500, NOW_MS + 3_600_000)


def line(number: int, sim: SimCard, device_id: bytes = DEVICE_ID) -> SimLine:
    return SimLine(Localized("errors.lists.line", number=number), device_id, sim)


def test_a_card_is_kept_sealed_lapses_with_the_first_of_its_dates_and_goes_with_its_owner(store: SqlStore) -> None:
    assert store.sims([DEVICE_ID]) == {DEVICE_ID: NO_SIM} and store.sims([]) == {}
    version = store.registry_version()
    set_sim(store, ManualClock(NOW_MS), DEVICE_ID, CARD, actor="Dewi")
    assert store.sims([DEVICE_ID, b"unknown!"]) == {DEVICE_ID: CARD}
    assert store.enrolled([DEVICE_ID])[DEVICE_ID].device.sim_until_ms == CARD.quota_until_ms
    assert list(store.devices_changed(version)) == [DEVICE_ID]
    ((kept,),) = store.fetch("SELECT sim_number FROM device")
    assert NUMBER not in kept and "0000009" not in kept
    entry = next(entry for entry in store.journal_after(0) if entry.kind == journal.SIM_CHANGED)
    assert (entry.actor, entry.device_id) == ("Dewi", DEVICE_ID) and NUMBER not in str(entry.facts)
    with store.engine.transaction() as session:
        session.run("UPDATE device SET sim_number = ?", (kept[:20] + "AAAA" + kept[24:],))
    assert store.sims([DEVICE_ID])[DEVICE_ID].number is None, "changed behind our back"
    with store.transaction() as transaction:
        transaction.erase_owner(1, NOW_MS)
    assert store.fetch("SELECT sim_number FROM device") == [(None,)]


def test_a_number_is_encrypted_anew_under_a_new_key_whether_or_not_there_is_an_address(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    set_sim(store, ManualClock(NOW_MS), DEVICE_ID, CARD, actor="Dewi")
    after = KeyFile(tmp_path / FILE_NAME).add().id
    store.sealing.has(after)
    store.sealed_by(after)
    store.reseal()
    assert store.fetch("SELECT sim_number, address FROM device")[0][0].partition(".")[0] == after
    assert store.sims([DEVICE_ID]) == {DEVICE_ID: CARD}
    store.close()


@pytest.mark.parametrize(
    ("sim", "said"),
    [
        (SimCard(number="0812"), "country's code"),
        (SimCard(operator="x" * (LONGEST_OPERATOR + 1)), "at most"),
        (SimCard(quota_mb=MOST_QUOTA_MB + 1), "quota"),
    ],
)
def test_a_list_is_taken_whole_or_not_at_all_and_may_be_given_again(store: SqlStore, sim: SimCard, said: str) -> None:
    clock = ManualClock(NOW_MS)
    with pytest.raises(EnrolError) as refused:
        set_sims(store, clock, [line(2, CARD), line(3, sim), line(4, CARD, b"\0" * 8)], actor="Dewi")
    told = refused.value.say("en")
    assert said in told or "line 4" in told
    assert "line 4" in told and "nothing was changed" in told and store.sims([DEVICE_ID]) == {DEVICE_ID: NO_SIM}
    with pytest.raises(EnrolError, match=r"twice|dua kali"):
        set_sims(store, clock, [line(2, CARD), line(3, CARD)], actor="Dewi")
    assert set_sims(store, clock, [line(2, CARD)], actor="Dewi") == 1
    assert set_sims(store, clock, [line(2, CARD)], actor="Dewi") == 0
    with pytest.raises(EnrolError) as alone:
        set_sim(store, clock, DEVICE_ID, sim, actor="Dewi")
    assert said in alone.value.say("en")


def test_by_command_and_by_list(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.does("init", "--name", "siaga.test", "--data", str(office.data))
    store = office.store()
    sample_store.with_device(store)
    device = DEVICE_ID.hex()
    by = ("--by", "Dewi", "--language", "en")
    told = office.does("sim", "set", device, "--number", "+62 000-000 0009", "--active-until", "2027-12-31", *by)
    assert told == f"{device}  …0009  -  active until 2027-12-31  quota - MB until -"
    told = office.does("sim", "set", device, "--operator", "Contoh Sel", "--quota-mb", "0", *by)
    assert told == f"{device}  …0009  Contoh Sel  active until 2027-12-31  quota 0 MB until -", "the rest stays"
    assert "is no day" in office.refuses("sim", "set", device, "--active-until", "31/12/27", *by)
    file = tmp_path / "cards.csv"
    file.write_text(f"device_id;number;active_until;quota_mb\n{device};{NUMBER};2028-01-31;many\n", encoding="utf-8")
    assert "many" in office.refuses("sim", "import", "--file", str(file), *by)
    file.write_text(f"device_id;number;active_until;quota_mb\n{device};{NUMBER};2028-01-31;90\n", encoding="utf-8")
    assert office.does("sim", "import", "--file", str(file), *by) == "1 SIM cards recorded, 0 stood there already"
    assert office.does("sim", "list", "--language", "en").endswith("active until 2028-01-31  quota 90 MB until -")
    until_ms = store.sims([DEVICE_ID])[DEVICE_ID].active_until_ms
    assert until_ms is not None and date.fromtimestamp(until_ms / 1000 - 86_400) <= date(2028, 1, 31)
    office.does("sim", "set", device, "--remove", *by)
    assert store.sims([DEVICE_ID]) == {DEVICE_ID: NO_SIM}
    store.close()
