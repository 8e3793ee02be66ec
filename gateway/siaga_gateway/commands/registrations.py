"""Lists of buttons: a registrar's CSV file, as a spreadsheet saves it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO, TypeVar

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.commands.shared import by_option, config_option, opened, told_plainly
from siaga_gateway.commands.written import day_end_ms, frame_of, position_of
from siaga_gateway.service.enrol import EnrolError, NewOwner, proven_key
from siaga_gateway.service.enrol_many import Registration, enrol_many, expire_many

_REQUIRED: Final = ("frame", "name", "nik", "phone", "address", "label")
_OPTIONAL: Final = ("language", "valid_until", "installed")
_MOST_TOLD: Final = 20
T = TypeVar("T")

csv_option = click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help=f"Many buttons at once: a CSV file with the columns {', '.join(_REQUIRED)} and, where wanted, "
    f"{', '.join(_OPTIONAL)}.",
)


def enrol_file(config: Path, file: Path, actor: str) -> None:
    """Enrol what the file lists. Raises EnrolError."""
    lines = _read(file, _REQUIRED, _registration)
    with opened(config) as (_, store), _progress(len(lines)) as done:
        came = enrol_many(store, WallClock(), lines, actor=actor, done=done)
    known = f", {came.known} were enrolled before" if came.known else ""
    click.echo(f"{came.enrolled} devices enrolled, {came.owners} owners added{known}")


@click.command()
@config_option
@click.option("--file", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=True, help="The list.")
@click.option("--reason", required=True, help="Why; it stays in the journal.")
@by_option
@told_plainly
def expire(config: Path, file: Path, reason: str, actor: str) -> None:
    """End the registrations of all devices of a list (as `enrol --file` takes it, or only a column device_id)."""
    device_ids = _read(file, (), _device_id)
    with opened(config) as (_, store), _progress(len(device_ids)) as done:
        ended = expire_many(store, WallClock(), device_ids, actor=actor, reason=reason, done=done)
    before = f", {len(device_ids) - ended} had expired before" if ended < len(device_ids) else ""
    click.echo(f"{ended} registrations expired{before}")


def _registration(where: str, row: Mapping[str, str]) -> Registration:
    owner = NewOwner(row["name"], row["nik"], row["phone"], row["address"], row.get("language") or "id")
    return Registration(
        where=where,
        frame=frame_of(row["frame"]),
        owner=owner,
        label=row["label"],
        valid_until_ms=day_end_ms(row["valid_until"]) if row.get("valid_until") else None,
        installed=position_of(row["installed"]) if row.get("installed") else None,
    )


def _device_id(_where: str, row: Mapping[str, str]) -> bytes:
    if row.get("frame"):
        return proven_key(frame_of(row["frame"]))[1]
    try:
        device_id = bytes.fromhex(row.get("device_id") or "")
    except ValueError:
        device_id = b""
    if len(device_id) != 8:
        raise EnrolError("no frame, and no device_id of 16 hex digits")
    return device_id


def _read(file: Path, required: tuple[str, ...], read: Callable[[str, Mapping[str, str]], T]) -> list[T]:
    """Each line by `read(where, row)`; all faults at once, so that a list is mended in one go. Raises EnrolError."""
    faults: list[str] = []
    lines: list[T] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:  # a spreadsheet's mark at the begin is no column
            rows = csv.DictReader(text, dialect=_dialect(text))
            missing = [name for name in required if name not in (rows.fieldnames or ())]
            if missing:
                raise EnrolError(f"{file}: the first line lacks {', '.join(missing)}")
            for row in rows:
                if not any((value or "").strip() for value in row.values() if isinstance(value, str | None)):
                    continue
                where = f"line {rows.line_num}"
                try:
                    if None in row or None in row.values():
                        raise EnrolError(f"it has not the {len(rows.fieldnames or ())} fields of the first line")
                    lines.append(read(where, row))
                except EnrolError as error:
                    faults.append(f"{where}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EnrolError(f"{file}: cannot be read as CSV in UTF-8: {error}") from None
    if faults:
        more = [f"and {len(faults) - _MOST_TOLD} more"] if len(faults) > _MOST_TOLD else []
        raise EnrolError("\n".join([*faults[:_MOST_TOLD], *more, "nothing was changed"]))
    return lines


def _dialect(text: TextIO) -> type[csv.Dialect]:
    """Commas, or semicolons as spreadsheets write where the comma is the decimal sign."""
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
