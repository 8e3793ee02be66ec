"""No option of any command lets a text with something hidden in it into the store, or onto a terminal.

Commands and options are found, not listed: a new one cannot escape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.gateway_folder import WATI, Office
from pressing_button import PressingButton
from siaga_gateway.cli.group import gateway
from siaga_gateway.domain.audit_hashing import imported, next_hash
from siaga_gateway.domain.invisible_characters import hidden, visible
from siaga_gateway.service.journal import kinds as journal

NASTY = "Wa\u202eti\u200b \x1b]0;title\x07"
# What would run for ever, or make another installation; none of them keeps a text of its own.
LEFT_OUT = {"run", "init", "setup"}
# One value that is right for each required parameter, by its name.
RIGHT = {
    "device_id": "0123456789abcdef",
    "state": "suspended",
    "what": "locate",
    "owner_id": "1",
    "case_id": "1",
    "reason": "a reason",
    "note": "a note",
    "actor": "Dewi",
    "every": "ready",
}


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*path, name))
        if not command.invoke_without_command:
            return
    if path and path[0] not in LEFT_OUT:
        yield path, command


def _texts(command: click.Command) -> Iterator[click.Parameter]:
    for parameter in command.params:
        if isinstance(parameter.type, click.types.StringParamType) and not getattr(parameter, "is_flag", False):
            yield parameter


CASES = [(path, command, each) for path, command in _commands(gateway) for each in _texts(command)]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder: Path = tmp_path_factory.mktemp("office")
    made = Office(folder)
    made.does("init", "--name", "siaga.test", "--data", str(folder / "data"))
    made.does("owner", "add", *WATI, "--by", "Dewi")
    frame = PressingButton().enrol().hex()
    made.does("enrol", "--owner", "1", "--frame", frame, "--label", "Toko Contoh", "--by", "Dewi")
    return made


@pytest.mark.parametrize(("path", "command", "parameter"), CASES, ids=lambda part: getattr(part, "name", "_"))
def test_a_text_with_something_hidden_is_refused_and_not_repeated(
    office: Office, path: tuple[str, ...], command: click.Command, parameter: click.Parameter
) -> None:
    arguments: list[str] = []
    for each in command.params:
        value = NASTY if each is parameter else RIGHT.get(each.name or "", "x")
        if each is not parameter and not each.required:
            continue
        arguments += [value] if isinstance(each, click.Argument) else [each.opts[0], value]
    result = CliRunner().invoke(gateway, [*path, *arguments, "--config", str(office.folder / "siaga.toml")])
    assert result.exit_code != 0, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert list(hidden(result.output)) == []
    store = office.store()
    for table in ("journal", "device", "owner", "maintenance", "command"):
        rows = store.fetch(f"SELECT * FROM {table}")
        assert [text for row in rows for text in row if isinstance(text, str) and any(hidden(text))] == []
    store.close()


def test_there_are_options_to_try() -> None:
    tried = {(" ".join(path), parameter.name) for path, _, parameter in CASES}
    assert {("owner add", "name"), ("owner add", "address"), ("enrol", "label"), ("state", "reason")} <= tried
    assert len(tried) > 20


def test_what_an_older_store_has_cannot_steer_a_terminal(office: Office) -> None:
    store = office.store()
    with store.engine.transaction() as session:
        session.run("UPDATE device SET label = ?", (f"Toko {NASTY}",))
    with store.transaction() as transaction:
        transaction.note(journal.REGISTRATION_CHANGED, 1, {"reason": NASTY}, actor=f"Dewi {NASTY}")
    store.close()
    for command in (["devices"], ["log"], ["log", "--json"], ["owner", "show", "1", "--by", "Dewi"], ["incidents"]):
        told = office.does(*command)
        assert list(hidden(told)) == [], command
    assert f"Toko {visible(NASTY)}" in office.does("devices")
    assert f"by=Dewi {visible(NASTY)}" in office.does("log")


def test_what_is_evidence_leaves_to_the_letter(office: Office) -> None:
    store = office.store()
    with store.transaction() as transaction:
        transaction.note(journal.REGISTRATION_CHANGED, 1, {"reason": NASTY}, actor=f"Dewi {NASTY}")
    store.close()
    previous = bytes(32)
    lines = [imported(line) for line in office.does("audit", "export", "--by", "Dewi").split("\n")]
    for text, hash_ in lines:
        previous = next_hash(previous, text)
        assert previous == hash_
    assert any(f"Dewi {NASTY}" in str(json.loads(text)["actor"]) for text, _ in lines)


def test_a_list_and_the_settings_are_refused_with_the_place(office: Office) -> None:
    file = office.folder / "list.csv"
    frame = PressingButton().enrol().hex()
    for column in ("name", "address", "label"):
        row = {"frame": frame, "name": "Wati", "nik": "9900000000000002", "phone": "+620000000002", "address": "Jl. 1"}
        row |= {"label": "Toko"} | {column: "Wa\u202eti"}
        file.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
        told = office.refuses("enrol", "--file", str(file), "--by", "Dewi")
        assert "2" in told and "U+202E" in told and column in told
    settings = office.folder / "siaga.toml"
    before = settings.read_text()
    settings.write_text(before.replace("[console]\n", '[console]\noperators = { "Wa\u200bti" = "x" }\n'))
    told = office.refuses("devices")
    assert "console.operators" in told and "U+200B" in told
    settings.write_text(before)
