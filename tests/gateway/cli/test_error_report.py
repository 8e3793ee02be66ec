"""Every error is told at the command line in one way and in the reader's language; a bug looks like one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from siaga_gateway.cli.localized_commands import LocalizedGroup
from siaga_gateway.domain.errors import Refused, SiagaError
from siaga_tools.cli import siaga
from siaga_tools.messages import Trouble
from waiting import RUNS_S


def kinds(root: type[SiagaError] = SiagaError) -> list[type[SiagaError]]:
    return [root, *(each for below in root.__subclasses__() for each in kinds(below))]


def run(error: BaseException, language: str = "id") -> tuple[int, str]:
    """A command with nothing around it, of a group that knows nothing of the error."""

    @click.group(cls=LocalizedGroup)
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    done = CliRunner().invoke(group, ["fail"], env={"SIAGA_LANGUAGE": language}, catch_exceptions=False)
    return done.exit_code, done.stderr


def test_an_error_that_no_command_knows_is_told_without_a_traceback() -> None:
    for kind in kinds():
        error = kind.__new__(kind)
        SiagaError.__init__(error, "operate.none", incident_id=5)
        code, said = run(error)
        assert code == 1 and said.startswith("siaga: ") and "Traceback" not in said, kind
        if kind.GROUP == "errors":
            assert said == "siaga: kejadian 5 tidak ada\n", kind


def test_the_tools_errors_too() -> None:
    assert run(Trouble("load_nothing_planned"), "en")[1].startswith("siaga: With this rate and time")
    assert run(Trouble("load_nothing_planned"), "id")[1] != run(Trouble("load_nothing_planned"), "en")[1]


def test_what_the_system_refuses_is_told_in_the_reader_s_words() -> None:
    assert run(FileNotFoundError(2, "No such file or directory", "a.toml")) == (
        1,
        "siaga: a.toml: berkas atau folder itu tidak ada\n",
    )


def test_a_library_s_words_are_a_quotation() -> None:
    assert run(Refused("file.at", path="a.toml", why=ValueError("bad thing")))[1] == (
        'siaga: a.toml: pesan asli: "bad thing"\n'
    )


def test_without_the_memory_to_read_the_texts_it_is_named_at_least_and_nothing_more() -> None:
    """In a process of its own, which ends there: an end in order needs memory too, and would say so in pages."""
    program = """
from siaga_gateway.catalogue import localized
from siaga_gateway.cli.error_report import errors_told
def no_memory(*_, **__): raise MemoryError
localized.text = no_memory
try:
    with errors_told():
        raise MemoryError
finally:
    print("an end in order")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=RUNS_S)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "siaga: MemoryError\n")


def test_a_bug_is_no_error_of_ours() -> None:
    with pytest.raises(ZeroDivisionError):
        run(ZeroDivisionError())


@pytest.mark.parametrize(
    ("language", "last"), [("id", "ini kesalahan program"), ("en", "this is a fault of the program")]
)
def test_a_bug_shows_its_traceback_and_whose_fault_it_is(language: str, last: str) -> None:
    program = """
import click, sys
from siaga_tools import cli
@click.command()
def broken(): {}["key"]
cli.LazyGroup.get_command = lambda self, ctx, name: broken
sys.argv = ["siaga", "broken"]
cli.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SIAGA_LANGUAGE": language},
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
    )
    assert done.returncode == 1 and "KeyError: 'key'" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"siaga: {last}")


WRONG = [
    ("nonsense",),
    ("gateway", "nonsense"),
    ("gateway", "devices", "--nonsense"),
    ("gateway", "enrol"),
    ("gateway", "state", "xyz", "active", "--by", "a"),
    ("gateway", "devices", "extra", "extra"),
    ("gateway", "run", "--workers", "many"),
    ("gateway", "run", "--workers", "99"),
    ("gateway", "devices", "--config"),
    ("gateway", "show-settings", "--config", "/nowhere/siaga.toml"),
    ("device", "simulate", "--board", "none"),
    ("device", "bundle-check", "/nowhere"),
    ("device", "bundle-check", "/dev/null"),
    ("load", "gateway", "--fleet", "/nowhere"),
    ("load", "fleet", "/nowhere/fleet", "--devices", "0", "--gateway-key", "00"),
    ("load", "fleet", "/nowhere/fleet", "--devices", "1", "--gateway-key", "zz"),
]
ENGLISH = {
    *("the", "is", "not", "no", "and", "missing", "invalid", "option", "such", "value", "unexpected", "argument"),
    *("required", "requires", "usage", "try", "error", "file", "directory", "does", "exist", "for", "command", "range"),
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_is_typed_wrongly_is_told_in_indonesian(arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(siaga, arguments, env={"SIAGA_LANGUAGE": "id"}, catch_exceptions=False)
    said = done.stderr.replace(" ".join(arguments), "")
    original = re.sub(r'pesan asli: ".*"', "", said)
    told = {word.strip("'\"`.,:;()[]{}").lower() for word in original.split() if not word.isupper()}
    assert done.exit_code != 0
    assert told & ENGLISH == set(), said
