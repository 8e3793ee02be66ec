"""Lists of buttons: a registrar's CSV file, as saved by a spreadsheet."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO, TypeVar

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.built_in_land import BuiltInLand
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import complain, tell
from siaga_gateway.cli.mounting_place import uncompared
from siaga_gateway.config.loading import load
from siaga_gateway.domain.call_back import CodeWordError
from siaga_gateway.domain.invisible_characters import HiddenMark
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.registry.bulk_enrol import LineFault, Registration, enrol_many, expire_many, faulty
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, proven_key
from siaga_gateway.service.registry.registration_list import code_words_of, day_end_ms, frame_of, position_of

_REQUIRED: Final = ("frame", "name", "nik", "phone", "address", "label")
T = TypeVar("T")

csv_option = click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
)


def enrol_file(config: Path, file: Path, actor: str, sure: bool) -> None:
    """Enrol what the file lists. sure: distant places are intended. Raises: EnrolError."""
    local = load(config).local
    lines = read_list(file, _REQUIRED, lambda where, row: _registration(where, row, local))
    with opened(config) as (settings, store), _progress(len(lines)) as done:
        area = settings.area.area()
        alone = any(line.installed is not None for line in lines) and uncompared(settings, store)
        land = BuiltInLand()
        came = enrol_many(store, WallClock(), lines, actor=actor, done=done, area=area, on_land=land, sure=sure)
    if came.known:
        tell("lists.enrolled_before", devices=came.enrolled, owners=came.owners, known=came.known)
    else:
        tell("lists.enrolled", devices=came.enrolled, owners=came.owners)
    if alone:
        complain("lists.uncompared")


@click.command()
@config_option
@click.option("--file", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=True)
@click.option("--reason", required=True)
@by_option
@told_plainly
def expire(config: Path, file: Path, reason: str, actor: str) -> None:
    device_ids = read_list(file, (), device_of_line)
    with opened(config) as (_, store), _progress(len(device_ids)) as done:
        ended = expire_many(store, WallClock(), device_ids, actor=actor, reason=reason, done=done)
    left = len(device_ids) - ended
    if left:
        tell("lists.expired_before", ended=ended, left=left)
    else:
        tell("lists.expired", ended=ended)


def _registration(where: Localized, row: Mapping[str, str], local: LocalTime) -> Registration:
    owner = NewOwner(row["name"], row["nik"], row["phone"], row["address"], row.get("language") or "id")
    return Registration(
        where=where,
        frame=frame_of(row["frame"]),
        owner=owner,
        label=row["label"],
        valid_until_ms=day_end_ms(row["valid_until"], local) if row.get("valid_until") else None,
        installed=position_of(row["installed"]) if row.get("installed") else None,
        words=code_words_of(row.get("code_word") or "", row.get("duress_word") or ""),
    )


def device_of_line(_where: Localized, row: Mapping[str, str]) -> bytes:
    if row.get("frame"):
        return proven_key(frame_of(row["frame"]))[1]
    try:
        device_id = bytes.fromhex(row.get("device_id") or "")
    except ValueError:
        device_id = b""
    if len(device_id) != 8:
        raise EnrolError("lists.no_device")
    return device_id


def read_list(file: Path, required: tuple[str, ...], read: Callable[[Localized, Mapping[str, str]], T]) -> list[T]:
    """Read each line by `read(where, row)`; all faults at once, so that a list can be corrected in one go. Raises:
    EnrolError."""
    faults: list[LineFault] = []
    lines: list[T] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:  # a spreadsheet's byte order mark is not a column
            rows = csv.DictReader(text, dialect=_dialect(text))
            missing = [name for name in required if name not in (rows.fieldnames or ())]
            if missing:
                raise EnrolError("lists.lacks", file=file, columns=", ".join(missing))
            for row in rows:
                if not any((value or "").strip() for value in row.values() if isinstance(value, str | None)):
                    continue
                where = Localized("errors.lists.line", number=rows.line_num)
                try:
                    if None in row or None in row.values():
                        raise EnrolError("lists.fields", fields=len(rows.fieldnames or ()))
                    lines.append(read(where, row))
                except (EnrolError, HiddenMark, CodeWordError) as error:
                    faults.append(LineFault(where, error))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EnrolError("lists.no_csv", file=file, why=error) from None
    if faults:
        raise faulty(faults, "nothing_changed")
    return lines


def _dialect(text: TextIO) -> type[csv.Dialect]:
    """Return commas, or semicolons, which spreadsheets write where the comma is the decimal sign."""
    first = text.readline()
    text.seek(0)
    return _Semicolons if first.count(";") > first.count(",") else csv.excel


class _Semicolons(csv.excel):
    delimiter = ";"


@contextmanager
def _progress(length: int) -> Iterator[Callable[[int], None]]:
    if length < 2_000 or not sys.stderr.isatty():
        yield lambda count: None
        return
    with click.progressbar(length=length, file=sys.stderr) as bar:
        yield lambda count: bar.update(count - bar.pos)
