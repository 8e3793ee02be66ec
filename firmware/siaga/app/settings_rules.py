"""The installer's settings, as JSON. Every value is checked and a wrong one is refused by name; the button then keeps
the last good settings. firmware/README.md has the same table for people."""

import binascii
import hashlib
import json

from siaga import long_texts
from siaga.app import flash_records
from siaga.app.settings import Settings
from siaga.app.settings_json import MAX_BYTES, SettingError, nearest, text_of
from siaga.core.errors import SiagaError
from siaga.core.pem import ders_of

# Each with its rule (_fits). One string: as a dictionary of rules they would take 14 KB.
_RULES = """
mqtt_hosts hosts
mqtt_port number 1 65535
mqtt_tls flag
mqtt_ca text 0 6000
mqtt_server_name text 0 255
mqtt_user text 0 255
mqtt_password text 0 255
mqtt_keepalive_s number 2 600
mqtt_reply_s number 1 60
wifi_ssid octets 0 32
wifi_password passphrase
wifi_country text 2 2
apn plain 0 63
apn_user plain 0 63
apn_password plain 0 63
sim_pin digits 4 8
sms_numbers numbers
call_number callable
answer_numbers numbers
call_when_silent flag
lorawan_app_key hex 32
lorawan_join_eui hex 16
lorawan_dev_eui hex 16
lorawan_band band 4 8 9 10 11
lorawan_dwell flag
lorawan_adr flag
profile word-or-none installed ready deep
gateway_key hex 128
release_key hex 128
hold_ms number 100 10000
cancel_hold_ms number 500 30000
duress_hold_ms number 0 30000
triple_tap flag
no_ack_s number 2 120
checkin_s number 0 604800
low_battery number 1 90
battery_floor number 0 50
silent flag
language word id en
installed_position position
clock_floor number 0 4294967295
"""


def known() -> "list[str]":
    """Return the settings' names."""
    return [line.split(" ", 1)[0] for line in _RULES.strip().split("\n")]


def _rule(name: str) -> "tuple[str, list[str]]":
    """Return kind and arguments. Raises SettingError for an unknown name."""
    at = -1 if " " in name else _RULES.find("\n" + name + " ")
    if at < 0:
        near = nearest(name, known())
        if near:
            raise SettingError("setting %s is unknown; did you mean %s?" % (name[:40], near))
        raise SettingError("setting %s is unknown; known are: %s" % (name[:40], ", ".join(sorted(known()))))
    rule = _RULES[at : _RULES.find("\n", at + 1)].split()
    return rule[1], rule[2:]


def _note(name: str) -> str:
    """Return an extra remark about it, "" or a text that begins with a semicolon."""
    known_notes = (
        "mqtt_ca certificates as PEM text, at most 4"
        "; mqtt_server_name the name in the broker's certificate"
        "; wifi_country such as ID"
        "; apn the operator's access point name"
        "; lorawan_dev_eui empty: the module's own"
        "; lorawan_band 4 is EU868, 8 to 11 are AS923-1 to -4"
        "; profile or an empty text: the board's own"
        "; gateway_key as `siaga gateway key` prints them"
        "; release_key as `siaga device release-key` prints them"
        "; duress_hold_ms 0 = no duress cancel"
        "; checkin_s 0 = as the profile has it"
    )
    for each in known_notes.split("; "):
        if each.startswith(name + " "):
            return "; " + each[len(name) + 1 :]
    return ""


def _fits(kind: str, arguments: "list[str]", value: object) -> bool:
    if kind == "flag":
        return type(value) is bool
    if kind == "number":
        return type(value) is int and int(arguments[0]) <= value <= int(arguments[1])
    if kind == "band":
        return type(value) is int and str(value) in arguments
    if kind == "hosts":
        return type(value) is list and len(value) <= 4 and all(_is_host(host) for host in value)
    if kind == "numbers":
        return type(value) is list and len(value) <= 4 and all(_is_number(number) for number in value)
    if kind == "position":
        return value is None or _is_position(value)
    if type(value) is not str:
        return False
    if kind in ("word", "word-or-none"):
        return value in arguments or (not value and kind != "word")
    if kind == "hex":
        return len(value) in (0, int(arguments[0])) and _is_hex(value)
    if kind == "callable":
        return not value or _is_number(value) or (3 <= len(value) <= 6 and value.isdigit() and value[0] != "0")
    if kind == "passphrase":  # IEEE 802.11: 8 to 63 ASCII letters, or the key itself
        return not value or _is_plain(value, "") and (8 <= len(value) <= 63 or len(value) == 64 and _is_hex(value))
    if kind == "digits":
        return not value or (value.isdigit() and int(arguments[0]) <= len(value) <= int(arguments[1]))
    if kind == "octets":
        return int(arguments[0]) <= len(value.encode()) <= int(arguments[1])
    if kind == "plain" and not _is_plain(value, '"'):  # what fits between the quotes of an AT command
        return False
    return int(arguments[0]) <= len(value) <= int(arguments[1])


def _is_hex(value: str) -> bool:
    return all(letter in "0123456789abcdefABCDEF" for letter in value)


def _is_plain(value: str, without: str) -> bool:
    return all(" " <= letter <= "~" and letter not in without for letter in value)


def _is_number(value: object) -> bool:
    """Return whether it is a full telephone number: + and 8 to 15 digits (E.164)."""
    return type(value) is str and value[:1] == "+" and 8 <= len(value) - 1 <= 15 and value[1:].isdigit()


def _is_host(value: object) -> bool:
    """Return whether it is a name or IPv4 address, with a port after a colon if not mqtt_port."""
    if type(value) is not str:
        return False
    name, colon, port = value.partition(":")
    if colon and not (port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        return False
    if not 0 < len(name) <= 253:
        return False
    return all("a" <= letter <= "z" or "0" <= letter <= "9" or letter in "-._" for letter in name.lower())


def _is_position(value: object) -> bool:
    if type(value) is not list or len(value) not in (2, 3) or any(type(part) is not int for part in value):
        return False
    if len(value) == 3 and not 0 <= value[2] <= 65534:
        return False
    return abs(value[0]) <= 900000000 and abs(value[1]) <= 1800000000


def _right(kind: str, arguments: "list[str]") -> str:
    """Return what would fit, for people."""
    if kind == "flag":
        return "true or false"
    if kind == "number":
        return "a whole number from %s to %s" % (arguments[0], arguments[1])
    if kind in ("band", "word", "word-or-none"):
        return "one of %s" % ", ".join(arguments)
    if kind == "hosts":
        return 'a list of at most 4 names or addresses such as ["mqtt.example", "10.0.0.2:8884"]'
    if kind == "numbers":
        return 'a list of at most 4 numbers such as ["+6281200000000"]'
    if kind == "callable":
        return 'a number such as "+6281200000000", or an empty text: no calls'
    if kind == "position":
        return "null or [latitude, longitude] in whole degrees x 10^7, a third number: metres of accuracy"
    if kind == "hex":
        return "%s hexadecimal digits in quotes, or an empty text" % arguments[0]
    if kind == "digits":
        return "%s to %s digits, in quotes, or an empty text" % (arguments[0], arguments[1])
    if kind == "octets":
        return "text of at most %s bytes, in quotes (a letter beyond ASCII takes 2 to 4)" % arguments[1]
    if kind == "passphrase":
        return "8 to 63 plain letters, or 64 hexadecimal digits, or an empty text for an open network"
    return "text of %s to %s letters, in quotes%s" % (
        arguments[0],
        arguments[1],
        "" if kind == "text" else ", plain and without a double quote",
    )


_SECRET = ("mqtt_password", "wifi_password", "apn_password", "sim_pin", "lorawan_app_key")


def _use_language(text: bytes) -> None:
    """Switch to the language that these settings ask for, if that can be read."""
    try:
        language = json.loads(text).get("language")
    except (ValueError, AttributeError):
        return
    if language in ("id", "en"):
        long_texts.language = language


def read(raw: bytes) -> Settings:
    """Return settings from a hand-written file: its form is checked too, and that its keys are keys. Raises
    SettingError for the first error."""
    settings = parse(text_of(raw))
    from siaga.core import p256_verify

    for name in ("gateway_key", "release_key"):
        key = getattr(settings, name)
        try:
            if key:
                p256_verify.check_point(binascii.unhexlify(key))
        except SiagaError as error:
            raise SettingError("setting %s is wrong: %s" % (name, error))
    return settings


def parse(text: str) -> Settings:
    """Return settings from JSON text whose form was checked before. Raises SettingError for the first error."""
    if len(text) > MAX_BYTES:
        raise SettingError("settings of %d letters are too long; at most %d" % (len(text), MAX_BYTES))
    try:
        given = json.loads(text)
    except ValueError:
        raise SettingError("the settings are no JSON: check commas, quotes and braces")
    if type(given) is not dict:
        raise SettingError("the settings must be one JSON object: {...}")
    settings = Settings()
    for name in given:
        kind, arguments = _rule(name)
        value = given[name]
        if not _fits(kind, arguments, value):
            shown = "(not shown)" if name in _SECRET else json.dumps(value)[:80]
            right = _right(kind, arguments) + _note(name)
            raise SettingError("setting %s is %s; right is %s" % (name, shown, right))
        setattr(settings, name, value)
    _agree(settings)
    return settings


def _agree(settings: Settings) -> None:
    """Check what must hold between settings. Raises SettingError."""
    reaches = settings.mqtt_hosts or settings.sms_numbers or settings.lorawan_app_key
    if reaches and not settings.gateway_key:
        raise SettingError("setting gateway_key is missing: without it no acknowledgement can be verified")
    if settings.mqtt_hosts and settings.mqtt_tls:
        if not settings.mqtt_ca:
            raise SettingError(
                "setting mqtt_ca is missing: the certificate of the authority that signed the broker's, as PEM text "
                "(or mqtt_tls false, on a bench without an outside)"
            )
        try:
            ders_of(settings.mqtt_ca)
        except SiagaError as error:
            raise SettingError("setting mqtt_ca is wrong: %s" % error)
    apart = settings.hold_ms + 300
    if settings.cancel_hold_ms < apart:
        raise SettingError(
            "setting cancel_hold_ms is %d; right is at least hold_ms + 300 = %d, or a press would cancel"
            % (settings.cancel_hold_ms, apart)
        )
    if settings.duress_hold_ms:
        if settings.duress_hold_ms < apart:
            raise SettingError(
                "setting duress_hold_ms is %d; right is 0 or at least hold_ms + 300 = %d"
                % (settings.duress_hold_ms, apart)
            )
        if abs(settings.duress_hold_ms - settings.cancel_hold_ms) < 1000:
            raise SettingError(
                "setting duress_hold_ms is %d; right is 0 or 1000 away from cancel_hold_ms (%d), or hands mix them up"
                % (settings.duress_hold_ms, settings.cancel_hold_ms)
            )


def _met(settings: Settings, meet: "Meet") -> Settings:
    if settings.gateway_key:
        try:
            meet(settings.gateway_public())
        except SiagaError as error:
            raise SettingError("setting gateway_key is wrong: %s" % error)
    return settings


def _is_news(folder: str, offered: bytes, kept: "bytes | None") -> bool:
    """Return whether an installer wrote these after the last ones were taken: what a command changed meanwhile is
    kept."""
    taken = flash_records.read_file(folder + "/settings.offered")
    if taken is None or kept is None:
        return offered != kept
    return taken != hashlib.sha256(offered).digest()


def choose(folder: str, offered: "bytes | None", meet: "Meet", complain: "Complain") -> Settings:
    """Return the installer's settings if valid (they are then stored in the folder), else the last good ones, else the
    defaults.

    meet(public key): agrees on keys with the gateway; raises SiagaError for an invalid one. complain(): called for
    everything that was refused.
    """
    path = folder + "/settings.json"
    kept = flash_records.read_file(path)
    _use_language(kept or b"{}")
    if offered is not None and _is_news(folder, offered, kept):
        _use_language(offered)
        try:
            settings = _met(read(offered), meet)
            flash_records.write_file(path, offered)
            flash_records.remove(folder + "/settings.former")
            flash_records.write_file(folder + "/settings.offered", hashlib.sha256(offered).digest())
            return settings
        except SiagaError as error:
            complain("%s. %s" % (error, "The last good settings stay." if kept else "There are no others yet."))
        except OSError as error:
            complain("the settings do not go onto the flash: %s" % error)
    if kept is not None:
        try:
            return _met(parse(kept.decode()), meet)
        except (SiagaError, UnicodeError) as error:
            complain("the settings on the flash are not usable: %s" % error)
    return Settings()


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Meet = Callable[[bytes], None]
    Complain = Callable[[str], None]
