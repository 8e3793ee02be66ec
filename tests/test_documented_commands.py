"""Every command that a document shows is one that the program has, with options that it knows."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from siaga_gateway.cli.group import gateway
from siaga_gateway.cli.watch import watch
from siaga_tools.demo.cli import demo
from siaga_tools.device_cli import device
from siaga_tools.load.cli import load
from source_files import ROOT, source_files

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted(ROOT / file for file in source_files() if file.suffix == ".md")
GROUPS: dict[str, click.Command] = {"gateway": gateway, "device": device, "demo": demo, "load": load, "watch": watch}

# What stands behind a command: a comment, a column of words, or a drawing's line.
_REMARK = re.compile(r"\s#|\s{4,}|\.{3}:|\s-{4}|\)\s*$")


def shown(document: Path) -> list[str]:
    """`gateway ...`, `device ...` of each command line in the document's blocks, joined where it goes on."""
    text = re.sub(r"\\\n\s*", "", document.read_text(encoding="utf-8"))
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    found = []
    for line in lines:
        for part in re.split(r"&&|\||\$\(|;", line):
            match = re.search(rf"\bsiaga ((?:{'|'.join(GROUPS)}) .*)", part)
            if match is not None:
                found.append(_REMARK.split(match[1])[0].strip())
    return found


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if shown(path)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_its_commands_and_options_exist(document: Path) -> None:
    for line in shown(document):
        words = shlex.split(line.replace("[", " ").replace("]", " ").replace("...", ""), comments=True)
        command = GROUPS[words.pop(0)]
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name = words.pop(0)
            assert name in command.commands, f"{document.name}: siaga {line}: there is no {name}"
            command = command.commands[name]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for word in words:
            if word.startswith("-") and not re.fullmatch(r"-?[\d.,-]+", word):
                option = word.partition("=")[0]
                assert option in known | {"--help", "--language"}, f"{document.name}: {line}: {option}"
