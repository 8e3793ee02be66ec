"""`siaga device release-key | bundle | bundle-check`: the release engineer's commands."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Final

import click

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import reader_language
from siaga_tools.firmware_build.bundle import (
    Bundle,
    make_key,
    parse_public,
    parse_version,
    public_hex,
    read_bundle,
)
from siaga_tools.firmware_build.bundle import read_key as read_release_key
from siaga_tools.firmware_build.make_bundle import build_bundle
from siaga_tools.micropython import find_firmware

_LANGUAGE: Final = reader_language(os.environ)


def _say(key: str, **values: object) -> str:
    return catalogue.text(f"bundle.{key}", _LANGUAGE, **values)


@click.command("release-key", help=_say("help.release_key"))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("release-key.pem"),
    show_default=True,
    help=_say("help.output"),
)
def release_key(output: Path) -> None:
    click.echo(public_hex(make_key(output)))


@click.command("bundle", help=_say("help.bundle"))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), required=True, help=_say("help.key_file"))
@click.option("--version", "version_text", required=True, help=_say("help.version"))
@click.option("--board", "boards", multiple=True, help=_say("help.board"))
@click.option("--battery", type=click.IntRange(0, 100), default=0, show_default=True, help=_say("help.battery"))
@click.option("--firmware", type=click.Path(path_type=Path, file_okay=False, exists=True), help=_say("help.firmware"))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help=_say("help.output")
)
def make_bundle(
    key: Path, version_text: str, boards: tuple[str, ...], battery: int, firmware: Path | None, output: Path
) -> None:
    source = firmware or find_firmware().parent
    built = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    written = build_bundle(source, read_release_key(key), parse_version(version_text), built, boards, battery)
    output.write_bytes(written)
    _show(output, read_bundle(written), written)


@click.command("bundle-check", help=_say("help.bundle_check"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--public", help=_say("help.public"))
def check_bundle(file: Path, public: str | None) -> None:
    content = file.read_bytes()
    bundle = read_bundle(content, parse_public(public) if public is not None else None)
    _show(file, bundle, content)
    click.echo(_say("say.unsigned" if public is None else "say.signed"))


def _show(file: Path, bundle: Bundle, content: bytes) -> None:
    click.echo(
        _say(
            "say.bundle",
            file=file,
            version=".".join(str(part) for part in bundle.version),
            boards=", ".join(bundle.boards) or _say("say.any_board"),
            battery=bundle.battery,
            files=len(bundle.files),
            bytes=len(content),
            digest=hashlib.sha256(content).hexdigest(),
        )
    )
