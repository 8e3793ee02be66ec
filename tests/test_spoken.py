"""What the command line says is in the reader's language, down to click's own words."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from siaga_gateway.catalogue import LANGUAGES, texts
from siaga_gateway.catalogue.language import choose, language_of
from siaga_gateway.cli.click_translation import click_texts
from siaga_gateway.cli.group import gateway
from siaga_gateway.cli.watch import watch
from test_catalogue import placeholders
from waiting import RUNS_S


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_every_option_has_its_help_in_both_languages(language: str) -> None:
    there = texts("help", language)
    lacking = []
    for path, command in _commands(gateway, "gateway"):
        if f"help.{path}.help" not in there:
            lacking.append(path)
        for parameter in command.params:
            keys = {f"help.{path}.{parameter.name}", f"help.shared.{parameter.name}"}
            if isinstance(parameter, click.Option) and not keys & set(there):
                lacking.append(f"{path} {parameter.name}")
    assert lacking == []


def test_no_help_is_kept_for_a_command_or_an_option_that_is_gone() -> None:
    known = {"siaga.help", "shared.language", "shared.config", "shared.actor", "shared.version"}
    for path, command in [*_commands(gateway, "gateway"), *_commands(watch, "watch")]:
        known |= {f"{path}.help", *(f"{path}.{parameter.name}" for parameter in command.params)}
    assert {key.removeprefix("help.") for key in texts("help", "en")} - known == set()


def test_all_that_the_installed_click_says_is_there_in_indonesian() -> None:
    """Words for developers of commands, not for those who type them, may stay."""
    told = click_texts()
    said = {text for module in Path(click.__file__).parent.glob("*.py") for text in _translatable(module)}
    lacking = {text for text in said - set(told) if not any(word in text for word in _FOR_DEVELOPERS)}
    assert lacking == set()
    assert {text: told[text] for text in told if placeholders(text) != placeholders(told[text])} == {}


_FOR_DEVELOPERS = (
    "declaration",
    "defined twice",
    "cannot use the same flag",
    "start character",
    "a name was passed",
    "Unknown color",
    "Unknown standard stream",
    "Bash version",
    "Windows error",
)


def _translatable(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
            for argument in node.args[: 2 if node.func.id == "ngettext" else 1]:
                if isinstance(argument, ast.Constant) and argument.value != "d":
                    yield argument.value


@pytest.mark.parametrize(
    ("arguments", "frame"),
    [
        (["enrol", "--onwer", "3"], ("Cara pakai:", "Tidak ada opsi")),
        (["enrol"], ("Opsi belum diisi", "--by")),
        (["nothing"], ("Tidak ada perintah", "nothing")),
        (["audit", "verify", "--id", "x"], ("Nilai untuk", "tidak sah")),
        (["log", "--last", "banyak"], ("'banyak' bukan bilangan bulat.",)),
        (["enrol", "--by", "R", "--owner", "satu"], ("'satu' bukan bilangan bulat.",)),
        (["backup", "x"], ("Opsi belum diisi", "(variabel lingkungan: 'SIAGA_REGISTRAR')")),
        (["key", "--config", "/"], ("adalah folder", "(variabel lingkungan: 'SIAGA_CONFIG')")),
        (["run", "--help"], ("Cara pakai:", "Opsi:", "Menerima tekanan")),
    ],
)
def test_usage_and_help_are_in_the_reader_s_language(arguments: list[str], frame: tuple[str, ...]) -> None:
    said = CliRunner().invoke(gateway, arguments, env={"SIAGA_LANGUAGE": "id"}).output
    for part in frame:
        assert part in said
    assert "Usage" not in said
    assert "Cara pakai" not in CliRunner().invoke(gateway, arguments, env={"SIAGA_LANGUAGE": "en"}).output


def test_the_language_is_the_option_s_then_the_variable_s_then_the_settings_then_the_machine_s(tmp_path: Path) -> None:
    settings = tmp_path / "siaga.toml"
    settings.write_text('language = "en"\n')
    config = {"SIAGA_CONFIG": str(settings)}
    assert choose(["log", "--language=id"], {**config, "SIAGA_LANGUAGE": "en"}) == "id"
    assert choose(["log", "--language", "en"], {"SIAGA_LANGUAGE": "id"}) == "en"
    assert choose(["log"], {**config, "SIAGA_LANGUAGE": "id"}) == "id"
    assert choose(["log"], {**config, "LANG": "id_ID.UTF-8"}) == "en"
    assert choose(["log", "-c", str(settings)], {"LANG": "id_ID.UTF-8"}) == "en"
    assert choose(["log"], {**config, "SIAGA_GATEWAY__LANGUAGE": "id"}) == "id"
    settings.write_text("[[")
    assert choose(["log"], {**config, "LANG": "en_GB.UTF-8"}) == "en"
    assert choose(["log"], {**config, "LANG": "C.UTF-8"}) == "id"
    assert choose(["owner", "add", "--language", "en"], {"LANG": "id_ID"}) == "id", "that is the owner's language"
    assert language_of({"LANG": "de_DE.UTF-8"}) == "en"


# Words that no sentence of the other language has; what stands in a command's own form (`ready`, `--file`) is no word.
WORDS = {
    "id": r"the|is|are|of|not|and|with|for|which|there|this|Usage|Options|Commands|Error|Show|Missing",
    "en": r"yang|dan|tidak|untuk|dengan|dari|atau|Opsi|Perintah|Kesalahan|Tampilkan",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_s_help_and_its_refusal_are_whole_in_one_language(language: str) -> None:
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("cli_help_texts.py"))],
        env={**os.environ, "SIAGA_LANGUAGE": language},
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=True,
    )
    told = json.loads(run.stdout)
    assert len(told) > 50
    word = re.compile(rf"\b({WORDS[language]})\b")
    lines = [(words, line) for words, *texts in told for line in "\n".join(texts).splitlines()]
    assert [(words, line) for words, line in lines if word.search(line)] == []
    without_help = [words for words, shown, _ in told if not re.search(r"\n\n  \S", shown)]
    bare_option = re.compile(r"^  (-\S, )?--\S+( [A-Z_]+| \[\S+\])?\n(?!     )", re.MULTILINE)
    assert without_help + [words for words, shown, _ in told if bare_option.search(shown)] == []
