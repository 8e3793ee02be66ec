"""Where a field stands in a frame is known to domain/frame.py and, on the button, to core/frame.py; nobody else cuts a
frame by number."""

from __future__ import annotations

import ast
from pathlib import Path

import siaga_gateway
import siaga_tools
from pressing_button import PressingButton
from siaga_gateway.domain.frame import (
    Kind,
    Stage,
    ack_tag,
    counter_of,
    decode_uplink,
    device_id_of,
    encode_ack,
    encode_command,
    glance_down,
    kind_of,
    stage_of,
    unsigned_and_tag,
)

GATEWAY, TOOLS = Path(siaga_gateway.__file__).parent, Path(siaga_tools.__file__).parent
FIRMWARE = Path(__file__).parents[3] / "firmware" / "siaga"
# What a variable that holds a frame is called. The tools' pages of SQLite's log are frames too, and no concern of this.
NAMES = {"frame", "raw", "uplink", "downlink", "payload", "ack"}
HOMES = {GATEWAY / "domain" / "frame.py", FIRMWARE / "core" / "frame.py"}
OTHER_FRAMES = {
    GATEWAY / "adapters" / "sql" / "rescue" / "sqlite_pages.py",  # of SQLite's write-ahead log
    FIRMWARE / "app" / "settings_json.py",  # raw text
}


def cuts(source: str) -> list[int]:
    """Lines that subscript a frame by a number, or by a constant that stands for one."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Subscript)
        and (ast.unparse(node.value).rpartition(".")[2] in NAMES or ast.unparse(node.value) == "entry.body")
        and _by_number(node.slice)
    ]


def _by_number(where: ast.expr) -> bool:
    if isinstance(where, ast.Slice):
        bounds = [bound for bound in (where.lower, where.upper) if bound is not None]
        return any(_is_number(part) for bound in bounds for part in ast.walk(bound))
    return any(_is_number(part) for part in ast.walk(where)) or (isinstance(where, ast.Name) and where.id.isupper())


def _is_number(part: ast.AST) -> bool:
    return isinstance(part, ast.Constant) and isinstance(part.value, int)


def test_no_other_module_cuts_a_frame_by_number() -> None:
    files = {*GATEWAY.rglob("*.py"), *TOOLS.rglob("*.py"), *FIRMWARE.rglob("*.py")} - HOMES - OTHER_FRAMES
    found = {str(file): lines for file in files if (lines := cuts(file.read_text(encoding="utf-8")))}
    assert found == {}


def test_a_cut_is_found() -> None:
    for line in ("frame.raw[2:10]", "frame[0] & 15", "payload[10:14]", "frame[_STAGE]", "one.raw[:-16]", "ack[-1]"):
        assert cuts(line) == [1], line
    for line in ("raw[:_KEPT]", "frame[at:end]", "other[2:10]", "frame[place]"):
        assert cuts(line) == [], line


def test_the_fields_stand_where_the_layout_says() -> None:
    button, key = PressingButton(7), bytes(range(32))
    press = button.press()
    uplink = decode_uplink(press)
    assert (kind_of(press), device_id_of(press), counter_of(press)) == (uplink.kind, uplink.device_id, uplink.counter)
    ack = encode_ack(key, uplink.device_id, 9, bytes(32), 1, Stage.ASSIGNED, 3)
    assert (kind_of(ack), device_id_of(ack), counter_of(ack)) == (Kind.ACK, uplink.device_id, 9)
    assert (stage_of(ack), glance_down(ack)) == (Stage.ASSIGNED, Kind.ACK)
    unsigned, tag = unsigned_and_tag(ack)
    assert tag == ack_tag(key, unsigned, bytes(32)) and unsigned + tag == ack
    command = encode_command(key, uplink.device_id, 9, 1, 3, b"{}")
    assert glance_down(command) is Kind.COMMAND
    for wrong in (b"", ack[:-1], ack + b"x", command[:-1], command + b"x", press, b"\x23" + ack[1:]):
        assert glance_down(wrong) is None
