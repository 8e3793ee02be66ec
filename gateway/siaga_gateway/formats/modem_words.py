"""What a modem says by itself and answers during calls, as values. Pure; any text is read, nothing raises.

Sources: 3GPP TS 27.007 6.10 (+CEER), 7.2 (+CREG), 7.15 (+CUSD), 7.18 (+CLCC), 8.3 (+CPIN), 8.5 (+CSQ); ITU-T V.250
6.3; SIMCom A76XX AT Command Manual V1.09 and SIM7600 AT Command Manual V3.00 (VOICE CALL, +CTTS, +AUDIOSTATE,
+RXDTMF). Firmware writes some of these with and without blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.value import record
from siaga_gateway.formats.text_rules import one_line


class Heard(StrEnum):
    KEY = "key"  # value: 0-9, A-D, *, #
    BEGAN = "began"
    STATE = "state"  # value: of our call, as in +CLCC: 0 active, 2 dialling, 3 ringing there, 6 over
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NO_CARRIER = "no_carrier"  # not put through, or over
    ENDED = "ended"
    SPOKEN = "spoken"  # a text or a recording is at its end
    STARTED = "started"  # the modem itself
    SIM_GONE = "sim_gone"
    CREDIT = "credit"  # value: the network's answer, as +CUSD has it


@record
class ModemWord:
    heard: Heard
    value: str = ""


_WHOLE: Final = {
    "BUSY": Heard.BUSY,
    "NO ANSWER": Heard.NO_ANSWER,
    "NO CARRIER": Heard.NO_CARRIER,
    "NO DIALTONE": Heard.NO_CARRIER,
    "NO DIAL TONE": Heard.NO_CARRIER,
    "RDY": Heard.STARTED,
    "START": Heard.STARTED,
}
_KEY: Final = re.compile(r'\+(?:RX)?DTMF:\s*"?([0-9A-D*#])"?(?:,\s*[0-9]+)?')
_STATE: Final = re.compile(r"\+CLCC:\s*[0-9]{1,3},\s*0,\s*([0-9]),\s*0\b.*")
_CALL: Final = re.compile(r"\+CLCC:\s*[0-9]{1,3},\s*[01],\s*([0-9]),\s*0\b.*")
_SPOKEN: Final = re.compile(r"\+CTTS:\s*0|\+AUDIOSTATE:\s*audio play\s*stop", re.IGNORECASE)
_VOICE: Final = re.compile(r"VOICE CALL:\s*(BEGIN|END)\b.*")
_SIM_GONE: Final = re.compile(r"\+CPIN:\s*(?:SIM REMOVED|NOT INSERTED|SIM CRASH)")
_REGISTERED: Final = frozenset({"1", "5"})  # at home, roaming
_REGISTRATION: Final = re.compile(r"\+C(?:E|G)?REG:\s*[0-9]+,\s*([0-9]{1,2})\b.*")
_SIGNAL: Final = re.compile(r"\+CSQ:\s*([0-9]{1,3}),.*")
_SIM: Final = re.compile(r"\+CPIN:\s*([A-Z0-9 -]+)")
_REFUSAL: Final = re.compile(r'\+CEER:\s*"?([^"]*)"?')
_USSD: Final = re.compile(r'\+CUSD:\s*([0-9])(?:,\s*"(.*?)"(?:,\s*([0-9]{1,3}))?)?', re.DOTALL)
_AMOUNT: Final = re.compile(r"(?:Rp|IDR)\.?\s*([0-9][0-9.,]{0,14})", re.IGNORECASE)
_CENTS: Final = re.compile(r"[.,][0-9]{2}$")
_UCS2: Final = 72  # data coding scheme, 3GPP TS 23.038


def word_of(line: str) -> ModemWord | None:
    """Return what a line tells about a call, the SIM or the modem; None: nothing."""
    line = line.strip()
    if (heard := _WHOLE.get(line)) is not None:
        return ModemWord(heard)
    if line.startswith("*ATREADY"):
        return ModemWord(Heard.STARTED)
    if found := _KEY.fullmatch(line):
        return ModemWord(Heard.KEY, found[1])
    if found := _STATE.fullmatch(line):
        return ModemWord(Heard.STATE, found[1])
    if found := _VOICE.fullmatch(line):
        return ModemWord(Heard.BEGAN if found[1] == "BEGIN" else Heard.ENDED)
    if _SPOKEN.fullmatch(line):
        return ModemWord(Heard.SPOKEN)
    if _SIM_GONE.fullmatch(line):
        return ModemWord(Heard.SIM_GONE)
    if line.startswith("+CUSD:"):
        return ModemWord(Heard.CREDIT, line)
    return None


def has_call(lines: Iterable[str]) -> bool:
    """Whether an answer to AT+CLCC lists a telephone call, made or coming in, that is not over."""
    found = (_CALL.fullmatch(line.strip()) for line in lines)
    return any(each is not None and each[1] != "6" for each in found)


def is_registered(lines: Iterable[str]) -> bool:
    """Whether one of the answers to AT+CREG? and AT+CEREG? says that calls can be made: over LTE alone only the second
    does. Registered 'for messages only' (6, 7) is not."""
    found = (_REGISTRATION.fullmatch(line.strip()) for line in lines)
    return any(each is not None and each[1] in _REGISTERED for each in found)


def refusal_in(lines: Iterable[str]) -> str:
    """Return why the last call failed, in the words of AT+CEER; empty: it does not say."""
    found = (_REFUSAL.fullmatch(line.strip()) for line in lines)
    return next((one_line(each[1], 60) for each in found if each is not None), "")


def signal_of(lines: Iterable[str]) -> int | None:
    """Return the signal, 0 to 31; None: not known."""
    for line in lines:
        if (found := _SIGNAL.fullmatch(line.strip())) and int(found[1]) <= 31:
            return int(found[1])
    return None


def sim_state(lines: Iterable[str]) -> str:
    """Return what +CPIN says: READY, SIM PIN, SIM PUK ...; empty: nothing."""
    for line in lines:
        if found := _SIM.fullmatch(line.strip()):
            return found[1].strip()
    return ""


def ussd_text(line: str) -> str | None:
    """Return the network's answer to a short code as text; None: it gave none."""
    found = _USSD.fullmatch(line.strip())
    if found is None or found[2] is None:
        return None
    written, scheme = found[2], int(found[3] or 15)
    if scheme == _UCS2 and re.fullmatch(r"(?:[0-9A-Fa-f]{4})+", written):
        return bytes.fromhex(written).decode("utf-16-be", "replace")
    return written


def rupiah_in(text: str) -> int | None:
    """Return the first amount that an answer names: 'Pulsa Rp 15.250 s.d. ...' is 15250; None: it names none."""
    found = _AMOUNT.search(text)
    if found is None:
        return None
    written = found[1].rstrip(".,")
    written = _CENTS.sub("", written) if _CENTS.search(written) else written
    return int(re.sub(r"[.,]", "", written))
