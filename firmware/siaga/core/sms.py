"""A frame as a text message, in PDU mode: the modem then shows a message as one line of hexadecimal digits, and no
sender's text can be taken for the modem's own output. Pure.

Sources: 3GPP TS 23.040 9.2.2 (SMS-DELIVER, SMS-SUBMIT), 9.1.2.5 (addresses); TS 23.038 4 and 6.1.2 (alphabets, seven
bits packed into eight); TS 27.005 4 (PDU mode).
"""

import binascii

from micropython import const
from siaga.core.frame import down_size

_LETTERS = const(160)
_LOOKED_AT = const(320)  # of one message, in any alphabet
_BEGINS = b"E4"  # a downlink: 0x13, 0x81 or 0x82
_SUBMIT = const(0x11)  # with a validity period, which is relative
_A_DAY = const(0xA7)
_INTERNATIONAL = const(0x91)


def text(frame: bytes) -> str:
    """Return a frame as message text: base64, no line breaks. All its letters are the same in every alphabet of TS
    23.038."""
    return binascii.b2a_base64(frame).strip().decode()


def frame(told: bytes) -> "bytes | None":
    """Return the frame in a message's text, None if there is none: the text is its base64, or contains a downlink among
    what carriers and aggregators have added."""
    told = told.strip()
    return _whole(told) or _found(told)


def _whole(told: bytes) -> "bytes | None":
    if not told or len(told) > _LETTERS or len(told) % 4:
        return None
    for letter in told:
        if not (_is_letter(letter) or letter == 0x3D):
            return None
    return _decoded(told)


def _found(told: bytes) -> "bytes | None":
    """A space may have been a plus sign, if the text has none: the frame then ends where the letters end."""
    for plus in (False,) if b"+" in told else (True, False):
        letters = bytearray()
        edges = []
        for letter in told[:_LOOKED_AT]:
            if letter in b" \r\n\t\0":
                edges.append(len(letters))
                if letter != 0x20 or not plus:
                    continue
                letter = 0x2B
            elif letter == 0x2D:  # the url-safe alphabet, as it is and in GSM's
                letter = 0x2B
            elif letter == 0x5F or letter == 0x11:
                letter = 0x2F
            letters.append(letter if _is_letter(letter) else 0x20)
        run = bytes(letters)
        at = run.find(_BEGINS)
        while at >= 0:
            size = _size(run[at : at + 28])
            end = at + (size * 4 + 2) // 3
            if size and end <= len(run) and b" " not in run[at:end]:
                if not plus or end == len(run) or end in edges or run[end] == 0x20:
                    return _decoded(run[at:end] + b"=" * (-(end - at) % 4))
            at = run.find(_BEGINS, at + 1)
    return None


def _size(letters: bytes) -> int:
    """Return the length of the downlink that begins like this; 0 if it is none."""
    head = _decoded(letters) if len(letters) == 28 and b" " not in letters else None
    if not head:
        return 0
    return down_size(head)


def _decoded(letters: bytes) -> "bytes | None":
    try:
        return binascii.a2b_base64(letters)
    except ValueError:
        return None


def _is_letter(letter: int) -> bool:
    """Return whether it is a base64 letter, padding excluded."""
    return 0x30 <= letter <= 0x39 or 0x41 <= letter <= 0x5A or 0x61 <= letter <= 0x7A or letter in b"+/"


def submit(number: str, letters: str) -> "tuple[int, str]":
    """Return (length for AT+CMGS, hexadecimal digits) of a message to a full number (+62...), via the SIM's default SMS
    centre."""
    digits = number[1:]
    unit = bytearray((_SUBMIT, 0, len(digits), _INTERNATIONAL))
    for i in range(0, len(digits), 2):
        unit.append(int(digits[i]) | (int(digits[i + 1]) if i + 1 < len(digits) else 0xF) << 4)
    unit += bytes((0, 0, _A_DAY, len(letters)))
    unit += _packed(letters.encode())
    return len(unit), "00" + binascii.hexlify(bytes(unit)).decode().upper()


def delivered(digits: bytes) -> "bytes | None":
    """Return the text of a received message, letter by letter, without its optional header; None if it is no such
    message."""
    try:
        unit = binascii.unhexlify(digits.strip())
        at = unit[0] + 1
        first = unit[at]
        if first & 3:
            return None
        at += 3 + (unit[at + 1] + 1) // 2
        coding = unit[at + 1]
        length = unit[at + 9]
        body = unit[at + 10 :]
        header = body[0] + 1 if first & 0x40 else 0
    except (ValueError, IndexError):
        return None
    width = _width(coding)
    if width == 7:
        if len(body) < (length * 7 + 7) // 8:
            return None
        return _unpacked(body, length)[(header * 8 + 6) // 7 :]
    if not width or len(body) < length:
        return None
    body = body[header:length]
    if width == 8:
        return body
    return bytes([0x3F if body[i] else body[i + 1] for i in range(0, len(body) - 1, 2)])


def _width(coding: int) -> int:
    """Return the bits per letter for the data coding scheme (TS 23.038 4); 0 = compressed, or unknown."""
    if coding < 0x80:
        return 0 if coding & 0x20 else (7, 8, 16, 0)[coding >> 2 & 3]
    group = coding >> 4
    if group == 0xF:
        return 8 if coding & 4 else 7
    return 16 if group == 0xE else 7 if group >= 0xC else 0


def _packed(letters: bytes) -> bytes:
    packed = bytearray()
    held = bits = 0
    for letter in letters:
        held |= letter << bits
        bits += 7
        while bits >= 8:
            packed.append(held & 0xFF)
            held >>= 8
            bits -= 8
    if bits:
        packed.append(held)
    return bytes(packed)


def _unpacked(packed: bytes, letters: int) -> bytes:
    told = bytearray()
    held = bits = 0
    for octet in packed:
        held |= octet << bits
        bits += 8
        while bits >= 7 and len(told) < letters:
            told.append(held & 0x7F)
            held >>= 7
            bits -= 7
    return bytes(told)
