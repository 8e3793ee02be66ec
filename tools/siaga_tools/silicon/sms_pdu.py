"""Messages in PDU mode (3GPP TS 23.040 9.2.2, TS 23.038), with a bit string for the septets."""

from __future__ import annotations

from datetime import datetime

_LETTERS = {letter: letter for letter in range(0x20, 0x7B) if letter not in b"$@[\\]^_`"} | {10: 10, 13: 13}
_LETTERS |= {ord("$"): 2, ord("@"): 0, ord("_"): 0x11}


def deliver(number: str, text: str, at: datetime) -> tuple[int, str]:
    """Return (octets without the SMS centre's address, hexadecimal digits) of a received message. Text outside of the
    default alphabet is sent as UCS2."""
    letters = [_LETTERS.get(ord(letter)) for letter in text]
    if None in letters:
        body = text.encode("utf-16-be")[:140]
        coding, length = 8, len(body)
    else:
        bits = "".join(f"{letter:07b}"[::-1] for letter in letters[:160])
        bits += "0" * (-len(bits) % 8)
        body = bytes(int(bits[start : start + 8][::-1], 2) for start in range(0, len(bits), 8))
        coding, length = 0, len(letters[:160])
    digits = number.removeprefix("+")
    unit = bytes((4, len(digits), 0x91 if number.startswith("+") else 0x81)) + _swapped(digits)
    unit += bytes((0, coding)) + _swapped(f"{at:%y%m%d%H%M%S}") + b"\0" + bytes((length,)) + body
    return len(unit), (bytes.fromhex("0791261801000000") + unit).hex().upper()


def submitted(digits: str, length: int) -> tuple[str, str]:
    """Return (number, text) of a message to be sent, in the default alphabet. Raises ValueError for anything else."""
    whole = bytes.fromhex(digits)
    unit = whole[whole[0] + 1 :]
    if len(unit) != length or unit[0] & 3 != 1:
        raise ValueError("a length that is not this message's, or no SMS-SUBMIT")
    count = unit[2]
    ends = 4 + (count + 1) // 2
    number = _swapped_back(unit[4:ends])[:count]
    if unit[3] == 0x91:
        number = "+" + number
    if unit[ends + 1] != 0:
        raise ValueError("not the default alphabet")
    at = ends + 2 + (1 if unit[0] & 0x18 == 0x10 else 0)
    bits = "".join(f"{octet:08b}"[::-1] for octet in unit[at + 1 :])
    septets = [int(bits[7 * i : 7 * i + 7][::-1], 2) for i in range(unit[at])]
    back = {septet: letter for letter, septet in _LETTERS.items()}
    return number, "".join(chr(back[septet]) for septet in septets)


def _swapped(digits: str) -> bytes:
    digits += "F" * (len(digits) % 2)
    return bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, len(digits), 2))


def _swapped_back(octets: bytes) -> str:
    return "".join(f"{octet & 15:X}{octet >> 4:X}" for octet in octets)
