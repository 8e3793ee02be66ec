"""Says the help of every command of `siaga`, and what it answers to an option that does not exist, as JSON:
[[words of the command], help, error]. test_spoken runs it as a program: tools choose their language as they load."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
from click.testing import CliRunner

from siaga_tools.cli import siaga


def commands(command: click.Command, context: click.Context, words: list[str]) -> Iterator[list[str]]:
    yield words
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, click.Context(inner, info_name=name, parent=context), [*words, name])


if __name__ == "__main__":
    said = []
    for words in list(commands(siaga, click.Context(siaga, info_name="siaga"), [])):
        runs = [CliRunner().invoke(siaga, [*words, option], prog_name="siaga") for option in ("--help", "--nonsense")]
        assert [run.exit_code for run in runs] == [0, 2], (words, [run.output for run in runs])
        said.append([words, *(run.output for run in runs)])
    print(json.dumps(said))
