"""A command is imported when it is called, and listed without that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.gateway_folder import Office
from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.cli.group import gateway
from siaga_gateway.cli.lazy_commands import CommandUnloadable, LazyCommands
from siaga_gateway.cli.localized_commands import LocalizedGroup
from siaga_tools import cli as tools

WEB = {"fastapi", "jinja2", "multipart", "paho", "psycopg", "pwdlib", "starlette", "uvicorn", "prometheus_client"}
STORE = {"sqlite3", "siaga_gateway.adapters.sql"}
SETTINGS = {"pydantic", "cryptography", "siaga_gateway.config"}


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (("--help",), WEB | STORE | SETTINGS | {"siaga_gateway.cli.setup"}),
        (("webhook-secret",), WEB | STORE),
        (("key",), WEB | STORE),
        (("init", "--name", "siaga.other", "--data", "other"), WEB),
        (("owner", "list", "--by", "Dewi"), WEB),
        (("log",), WEB),
    ],
)
def test_a_command_loads_nothing_that_it_does_not_use(
    tmp_path: Path, arguments: tuple[str, ...], needless: set[str]
) -> None:
    Office(tmp_path).does("init", "--name", "siaga.test", "--data", "data")
    config = tmp_path / ("other.toml" if "init" in arguments else "siaga.toml")
    named = () if arguments[0] in ("--help", "webhook-secret") else ("--config", str(config))
    program = (
        "import sys\nfrom siaga_tools.cli import siaga\nsiaga(sys.argv[1:], standalone_mode=False)\nprint(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program, "gateway", *arguments, *named], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    assert needless & set(loaded.split()) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_commands_is_that_of_the_commands_themselves(language: str) -> None:
    def listed(group: click.Group) -> str:
        shown = CliRunner().invoke(group, ["--help"], env={"SIAGA_LANGUAGE": language}).output
        return shown.rpartition("\n\n")[2]

    loaded = LocalizedGroup("gateway", commands=dict(gateway.commands))
    assert listed(gateway) == listed(loaded)
    assert listed(gateway).splitlines()[0] == {"id": "Perintah:", "en": "Commands:"}[language]


def test_each_is_listed_by_the_name_that_it_gives_itself() -> None:
    assert {name: command.name for name, command in gateway.commands.items()} == {
        name: name for name in gateway.commands
    }
    assert len(gateway.commands) == len(list(gateway.commands)) > 30


def test_one_that_cannot_be_imported_is_told_as_a_gateway_that_must_be_installed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands = LazyCommands({"key": "siaga_gateway.cli.nowhere:key", "log": "siaga_gateway.cli.inspect_store:log"})
    with pytest.raises(CommandUnloadable):
        commands["key"]
    monkeypatch.setattr(gateway, "commands", commands)
    refused = CliRunner().invoke(tools.siaga, ["gateway", "key"])
    assert refused.exit_code == 1
    assert "The gateway cannot be loaded (No module named 'siaga_gateway.cli.nowhere')" in refused.output
    assert CliRunner().invoke(tools.siaga, ["gateway", "log", "--help"]).exit_code == 0


def test_a_group_has_its_commands_though_nothing_else_is_imported() -> None:
    """`owner erase` stands in another module than `owner`: each group alone, against all modules together."""
    program = (
        "import json, os, pkgutil, importlib, sys, siaga_gateway.cli as cli\n"
        "from siaga_gateway.cli.group import gateway\n"
        "def of(name): return sorted(getattr(gateway.commands[name], 'commands', ()))\n"
        "def alone(name):\n"
        "    reading, writing = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        os.write(writing, json.dumps(of(name)).encode())\n"
        "        os._exit(0)\n"
        "    os.close(writing)\n"
        "    return json.loads(open(reading).read())\n"
        "found = {name: alone(name) for name in sys.argv[1:]}\n"
        "for each in pkgutil.iter_modules(cli.__path__): importlib.import_module(f'siaga_gateway.cli.{each.name}')\n"
        "print(json.dumps([[name, found[name], of(name)] for name in found]))"
    )
    groups = [name for name in gateway.commands if isinstance(gateway.commands[name], click.Group)]
    assert "owner" in groups
    done = subprocess.run([sys.executable, "-c", program, *groups], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert [name for name, _, _ in told] == groups
    for name, alone, with_all in told:
        assert alone == with_all != [], f"{name} alone has only {alone}"
