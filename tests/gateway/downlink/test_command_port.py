"""Commands from the console: confirmed where they are not harmless, once each, withdrawn, with who and why."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.fake_ports import ManualClock
from gateway.watched_fleet import DAY_MS, NOW, Fleet
from siaga_gateway.domain.device_command import CommandError, CommandState
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.service.downlink.command_port import OFFERED, CommandDesk, CommandUnsure
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store.device_work import WantedWork


@pytest.fixture
def desk(fleet: Fleet) -> CommandDesk:
    return CommandDesk(fleet.store, ManualClock(NOW), JournalNotifier())


def test_what_is_not_harmless_is_asked_about_and_nothing_is_given_until_it_is_meant(
    fleet: Fleet, desk: CommandDesk
) -> None:
    one = fleet.device(1)
    arguments = {"settings": '{"hold_ms": 3000}', "update": "https://example.org/siaga.bundle"}
    for what in OFFERED:
        if what != "test":
            with pytest.raises(CommandUnsure):
                desk.ask(one.hex(), what, arguments.get(what, ""), False, "Dewi")
    with pytest.raises(CommandUnsure):
        desk.locate(one.hex(), "pemilik dicari keluarganya", False, "Dewi")
    assert fleet.store.commands(one) == []
    for what in OFFERED:
        desk.ask(one.hex(), what, arguments.get(what, ""), True, "Dewi")
    given = [(each.code, each.arguments) for each in reversed(fleet.store.commands(one))]
    assert [code.name for code, _ in given] == ["TEST", "RESTART", *["SETTINGS"] * 4, "UPDATE"]
    profiles = [json.loads(arguments).get("profile") for code, arguments in given if code is CommandCode.SETTINGS]
    assert profiles == ["installed", "ready", "deep", None]


def test_twelve_at_once_give_one_command(fleet: Fleet, desk: CommandDesk) -> None:
    one = fleet.device(1)

    def ask(number: int) -> str:
        try:
            return str(desk.ask(one.hex(), "restart", "", True, f"Operator {number}").down_counter)
        except CommandError as error:
            return error.key

    with ThreadPoolExecutor(12) as many:
        answers = sorted(many.map(ask, range(12)))
    (given,) = fleet.store.commands(one)
    assert answers == sorted([str(given.down_counter), *["command.waits_already"] * 11])
    desk.withdraw(one.hex(), given.down_counter, "Dewi")
    again = desk.ask(one.hex(), "restart", "", True, "Dewi")
    assert again.down_counter > given.down_counter and again.state is CommandState.WAITING
    desk.ask(one.hex(), "test", "", True, "Dewi")  # another one waits behind it


def test_who_asked_where_somebody_is_says_why(fleet: Fleet, desk: CommandDesk) -> None:
    one = fleet.device(1)
    for reason in ("", "   ", "x" * 2_001):
        with pytest.raises(CommandError, match="write why"):
            desk.locate(one.hex(), reason, True, "Dewi")
    desk.locate(one.hex(), "dicuri, laporan 12", True, "API: CAD Contoh")
    (entry,) = fleet.store.work(WantedWork(device_id=one), 10)
    assert (entry.kind, entry.actor) == (journal.COMMAND_ASKED, "API: CAD Contoh")
    assert (entry.facts["command"], entry.facts["reason"]) == ("locate", "dicuri, laporan 12")


def test_what_cannot_be_given_is_refused_with_what_mends_it(fleet: Fleet, desk: CommandDesk) -> None:
    one, gone = fleet.device(1), fleet.device(2, state="suspended")
    for what, argument, key in (
        ("locate", "", "command.not_offered"),
        ("erase", "", "command.not_offered"),
        ("settings", "hold_ms=3000", "command.no_json"),
        ("profile:deep", "", ""),
        ("update", "ftp://example.org", "command.no_address"),
        ("restart", "now", "command.no_argument"),
    ):
        try:
            desk.ask(one.hex(), what, argument, True, "Dewi")
            assert key == ""
        except CommandError as error:
            assert error.key == key
    with pytest.raises(CommandError, match="suspended"):
        desk.ask(gone.hex(), "restart", "", True, "Dewi")
    with pytest.raises(CommandError, match="not enrolled"):
        desk.ask("00" * 8, "restart", "", True, "Dewi")
    with pytest.raises(CommandError, match="no command"):
        desk.withdraw(one.hex(), 7, "Dewi")


def test_work_is_read_by_person_and_by_button_without_what_machines_did(fleet: Fleet) -> None:
    one, two = fleet.device(1), fleet.device(2)
    with fleet.store.transaction() as transaction:
        for number in range(6):
            device, actor = (one, two)[number % 2], ("Dewi", "Budi", None)[number % 3]
            transaction.note(journal.SIM_CHANGED, NOW - number * DAY_MS, {}, device_id=device, actor=actor)
        transaction.note(journal.SIGNED_IN, NOW, {}, actor="Dewi")
    found = fleet.store.work(WantedWork(actor="Dewi"), 10)
    assert [(each.at_ms, each.device_id) for each in found] == [(NOW, one), (NOW - 3 * DAY_MS, two)]
    following = WantedWork(actor="Dewi", before=(found[0].at_ms, found[0].id))
    assert [each.id for each in fleet.store.work(following, 10)] == [found[1].id]
    assert [each.actor for each in fleet.store.work(WantedWork(device_id=two), 10)] == ["Budi", "Dewi"]
    assert [(each.actor, each.entries, each.last_ms) for each in fleet.store.workers(NOW - 3 * DAY_MS)] == [
        ("Budi", 1, NOW - DAY_MS),
        ("Dewi", 2, NOW),
    ]
