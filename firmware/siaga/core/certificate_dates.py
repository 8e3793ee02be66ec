"""A certificate's validity period, from its DER (RFC 5280, 4.1). Pure."""

_SEQUENCE = 0x30
_INTEGER = 0x02
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_DAYS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def validity(der: "Bytes") -> "tuple[int, int]":
    """Return the first and last second of validity, Unix. Raises ValueError if it is no certificate."""
    at, _ = _content(der, 0, _SEQUENCE)  # Certificate
    at, _ = _content(der, at, _SEQUENCE)  # TBSCertificate
    for kind in (_VERSION, _INTEGER, _SEQUENCE, _SEQUENCE):  # version, serialNumber, signature, issuer
        if kind == _VERSION and der[at] != kind:
            continue
        _, at = _content(der, at, kind)
    at, _ = _content(der, at, _SEQUENCE)  # validity
    begins, at = _time(der, at)
    ends, _ = _time(der, at)
    return begins, ends


def _content(der: "Bytes", at: int, kind: int) -> "tuple[int, int]":
    """Return where the content of the element at this offset begins and ends."""
    if at + 2 > len(der) or der[at] != kind:
        raise ValueError("not a certificate")
    length = der[at + 1]
    at += 2
    if length & 0x80:
        digits = length & 0x7F
        length = int.from_bytes(der[at : at + digits], "big")
        at += digits
    if at + length > len(der):
        raise ValueError("a certificate that is cut short")
    return at, at + length


def _time(der: "Bytes", at: int) -> "tuple[int, int]":
    """Return Unix seconds, and the offset of the next element."""
    kind = der[at]
    if kind not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError("not a time")
    at, end = _content(der, at, kind)
    text = bytes(der[at:end])
    if kind == _UTC_TIME:
        text = (b"20" if text[:2] < b"50" else b"19") + text
    if len(text) != 15 or text[14:] != b"Z":
        raise ValueError("not a time")
    year, month = int(text[:4]), int(text[4:6])
    if not 1 <= month <= 12:
        raise ValueError("not a time")
    years = year - 1
    leaps = years // 4 - years // 100 + years // 400
    days = year * 365 + leaps + _DAYS[month - 1] + int(text[6:8])
    if month > 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
        days += 1
    return (days - 719528) * 86400 + int(text[8:10]) * 3600 + int(text[10:12]) * 60 + int(text[12:14]), end


TYPE_CHECKING = False
if TYPE_CHECKING:
    Bytes = bytes | memoryview
