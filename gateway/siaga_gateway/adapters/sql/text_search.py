"""Conditions for what somebody typed into a search box: part of a label, or the start of a device_id."""

from __future__ import annotations

from typing import Any


def label_or_id(text: str, label: str, device_id: str) -> tuple[str, list[Any]]:
    """Return a condition over these columns, and its values."""
    conditions, values = [f"lower({label}) LIKE ? ESCAPE '\\'"], list[Any]([part_of(text)])
    if (between := ids_beginning(text)) is not None:
        conditions.append(f"{device_id} BETWEEN ? AND ?")
        values.extend(between)
    return f"({' OR '.join(conditions)})", values


def part_of(text: str) -> str:
    """Return the pattern of what has this text in it, small letters, for LIKE ... ESCAPE '\\'."""
    marked = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{marked}%"


def ids_beginning(text: str) -> tuple[bytes, bytes] | None:
    """Return the lowest and the highest device_id with this hex prefix; None: no device_id has it."""
    digits = text.strip().lower()
    if not 1 <= len(digits) <= 16 or not set(digits) <= set("0123456789abcdef"):
        return None
    return bytes.fromhex(digits.ljust(16, "0")), bytes.fromhex(digits.ljust(16, "f"))
