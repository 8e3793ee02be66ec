"""Interprets the answers of a SIMCom A76xx or SIM7600. Pure: lines and time in, values out.

Sources: SIMCom A76XX Series AT Command Manual V1.09 and A76XX MQTT(S) Application Note V1.02 (chapter 18: MQTT);
SIM7500_SIM7600 Series AT Command Manual V3.00 (chapter 16); 3GPP TS 27.007 7.2 (+CREG), 8.5 (+CSQ), 10.1.22 (+CEREG).
"""

from micropython import const
from siaga.core.at import fields, number
from siaga.core.frame import UNKNOWN_SIGNAL

# Depths of repair; each takes longer than the one before, and takes down everything above it too.
RECONNECT = const(0)  # the MQTT connection
SERVICE = const(1)  # the modem's MQTT service
RADIO = const(2)  # AT+CFUN
RESET = const(3)  # AT+CRESET or the reset line
POWER = const(4)  # power cycle
# How often each may fail before the next deeper one.
_TRIES = (3, 2, 1, 1, 1)

MAX_MESSAGE = const(512)


def repair_name(step: int) -> str:
    """Return a repair's name for people."""
    if step == SERVICE:
        return "restart of the MQTT service"
    if step == RADIO:
        return "radio off and on"
    if step == RESET:
        return "a reset"
    return "off and on again"


def mqtt_error(line: bytes) -> int:
    """Return the result in "+CMQTT...: <client>,<error>" or "+CMQTTSTART: <error>": 0 = done, -1 = no such line."""
    return number(fields(line)[-1]) if line.startswith(b"+CMQTT") else -1


def _certificate() -> str:
    return (
        "the server's certificate was not signed by an authority in mqtt_ca, is out of date, or has another name than "
        "in mqtt_hosts"
    )


def mqtt_why(error: int) -> str:
    """Return a result as text for people."""
    known = (
        "3 no connection to the server; 6 the server does not take this topic (its access list?); 7 the network does "
        "not open (no data service? no credit?); 11 not connected; 12 a parameter is not taken (settings mqtt_hosts, "
        "mqtt_user, mqtt_password); 13 connected already, or not supported; 14 the modem's client is busy; 17 no "
        "answer in time; 19 the modem's client is in use; 20 no client acquired; 23 the network is open already; 25 "
        "the server's name is not known (setting mqtt_hosts, or no data service); 26 the server closed the connection "
        "(does it speak TLS on this port, and want no certificate of ours?); 27 the server does not speak MQTT 3.1.1; "
        "28 the server does not accept the client identifier; 29 the server is not available; 30 wrong user name or "
        "password (settings mqtt_user, mqtt_password); 31 not authorised (settings mqtt_user, mqtt_password, or the "
        "broker's access list); 33 the modem misses the authority's certificate; 34 TLS is refused: $; 32 TLS is "
        "refused: $"
    ).replace("$", _certificate())
    for each in known.split("; "):
        number_of, what = each.split(" ", 1)
        if number_of == str(error):
            return "%s (error %d)" % (what, error)
    return "the modem's MQTT service says (error %d)" % error


def is_refusal(error: int) -> bool:
    """Return whether the server was reached but refused, failed to authenticate itself, or the settings are wrong: no
    repair of the modem helps."""
    return error in (6, 12, 13) or 26 <= error <= 34


def is_about_tls(error: int) -> bool:
    """Return whether it is about the server's certificate. A7670: 34 or 32; SIM7600: 32 or 26."""
    return error in (26, 32, 33, 34)


def registration(lines: "list[bytes]") -> "tuple[int, str] | None":
    """Return (stat, cell) from the answer to AT+CREG?, +CGREG? or +CEREG?; cell is "area,cell" or "". None: there is no
    answer, though perhaps the URC with the same prefix: it has no mode before its stat."""
    for line in lines:
        parts = fields(line)
        if len(parts) < 2 or line.find(b'"') == line.find(b",") + 1:
            continue
        stat = number(parts[1])
        if stat < 0 or number(parts[0]) < 0:
            continue
        cell = parts[2] + b"," + parts[3] if len(parts) >= 4 else b""
        return stat, cell.decode()
    return None


def is_apn(told: str, wanted: str) -> bool:
    """Return whether this is the configured access point: networks append their own part, ".mnc001.mcc240.gprs"."""
    told, wanted = told.lower(), wanted.lower()
    if told == wanted:
        return True
    rest = told[len(wanted) :]
    return told.startswith(wanted) and rest.startswith(".mnc") and ".mcc" in rest and rest.endswith(".gprs")


def model(lines: "list[bytes]") -> str:
    """Return the name in the answer to AT+CGMM, among whatever else the modem sends meanwhile."""
    for line in lines:
        name = line.split(b":")[-1].strip().decode()
        if name.startswith(("A7", "SIM")):
            return name
    return lines[-1].decode() if lines else ""


def takes_data(stat: int) -> bool:
    """Return whether it is registered for packet data: home, roaming, or 11, which modems without SMS report on LTE."""
    return stat in (1, 5, 11)


def takes_sms(stat: int) -> bool:
    """Return whether it is registered for SMS: home, roaming, or SMS only."""
    return stat in (1, 5, 6, 7)


def dbm(lines: "list[bytes]") -> int:
    """Return the received strength from the answer to AT+CSQ, dBm, UNKNOWN_SIGNAL if there is none."""
    for line in lines:
        rssi = number(fields(line)[0])
        if 0 <= rssi <= 31:
            return -113 + 2 * rssi
    return UNKNOWN_SIGNAL


def operator(lines: "list[bytes]") -> str:
    """Return the network's name from the answer to AT+COPS?."""
    for line in lines:
        parts = fields(line)
        if len(parts) >= 3:
            return parts[2].decode()
    return ""


class Inbox:
    """Assembles a message from the modem's pieces (+CMQTTRXSTART to +CMQTTRXEND). Holds at most MAX_MESSAGE bytes."""

    def __init__(self) -> None:
        self._topic = b""
        self._payload = b""
        self._wanted = -1
        self._too_long = False

    def hear(self, line: bytes, piece: "bytes | None") -> "tuple[bytes, bytes] | None":
        """Return (topic, payload) at a message's end, (b"", b"") if it was too long or incomplete."""
        if line.startswith(b"+CMQTTRXSTART:"):
            self._topic = self._payload = b""
            self._too_long = False
            parts = fields(line)
            self._wanted = number(parts[1]) + number(parts[2]) if len(parts) == 3 else -1
        elif line.startswith(b"+CMQTTRXTOPIC:") or line.startswith(b"+CMQTTRXPAYLOAD:"):
            if piece is None or len(self._topic) + len(self._payload) + len(piece) > MAX_MESSAGE:
                self._too_long = True
            elif line.startswith(b"+CMQTTRXTOPIC:"):
                self._topic += piece
            else:
                self._payload += piece
        elif line.startswith(b"+CMQTTRXEND:"):
            topic, payload, wanted = self._topic, self._payload, self._wanted
            self._topic = self._payload = b""
            self._wanted = -1
            if self._too_long or len(topic) + len(payload) != wanted:
                return b"", b""
            return topic, payload
        return None


class RepairLadder:
    """Chooses the next repair. Only later is it known what helped: call mended() once something really worked."""

    def __init__(self) -> None:
        self.step = RECONNECT
        self.failures = 0
        self._tries = 0

    def failed(self, least: int = RECONNECT, most: int = POWER) -> int:
        """Return the repair for one more failure, within these depths. After the deepest it starts over from the least
        one, so that none is skipped for ever."""
        self.failures += 1
        if self.step < least:
            self.step, self._tries = least, 0
        elif self._tries >= _TRIES[self.step]:
            self.step = self.step + 1 if self.step < most else least
            self._tries = 0
        if self.step > most:
            self.step, self._tries = most, 0
        self._tries += 1
        return self.step

    def mended(self) -> None:
        self.step = RECONNECT
        self.failures = 0
        self._tries = 0
