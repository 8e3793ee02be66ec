"""What an installer sets, as JSON. Every value is checked and a wrong one is refused by name; the button then keeps
the last good settings. firmware/README.md has the same table for people."""

import hashlib
import json

from siaga.app import flash
from siaga.app.chosen import Settings
from siaga.core.errors import SiagaError
from siaga.drivers.tls import der_of

MAX_TEXT = 8192


class SettingError(SiagaError):
    """A setting that cannot be used; the text has its name, its value and what would be right."""


def _text(longest: int) -> "Check":
    return lambda value: type(value) is str and len(value) <= longest


def _number(low: int, high: int) -> "Check":
    return lambda value: type(value) is int and low <= value <= high


def _flag(value: object) -> bool:
    return type(value) is bool


def _hex(digits: int) -> "Check":
    return lambda value: (
        type(value) is str and len(value) in (0, digits) and all(letter in "0123456789abcdefABCDEF" for letter in value)
    )


def _plain(longest: int) -> "Check":
    """What fits between the quotes of an AT command."""
    return lambda value: (
        type(value) is str and len(value) <= longest and all(" " <= letter <= "~" and letter != '"' for letter in value)
    )


def _digits(shortest: int, longest: int) -> "Check":
    return lambda value: type(value) is str and shortest <= len(value) <= longest and (not value or value.isdigit())


def _is_number(value: object) -> bool:
    """A telephone number in full: + and 8 to 15 digits (E.164)."""
    return type(value) is str and value[:1] == "+" and 8 <= len(value) - 1 <= 15 and value[1:].isdigit()


def _is_callable(value: object) -> bool:
    """A number in full, or a short one such as 110, or none."""
    if type(value) is not str:
        return False
    return not value or _is_number(value) or (3 <= len(value) <= 6 and value.isdigit() and value[0] != "0")


def _numbers(value: object) -> bool:
    return type(value) is list and len(value) <= 4 and all(_is_number(number) for number in value)


def _position(value: object) -> bool:
    if value is None:
        return True
    if type(value) is not list or len(value) not in (2, 3) or any(type(part) is not int for part in value):
        return False
    if len(value) == 3 and not 0 <= value[2] <= 65534:
        return False
    return abs(value[0]) <= 900000000 and abs(value[1]) <= 1800000000


_YES_NO = "true or false"
_BANDS = (4, 8, 9, 10, 11)  # of core/rui3.py, which a button without LoRaWAN does not load
_RULES = {
    "mqtt_host": (_text(255), "a host name or address, in quotes"),
    "mqtt_port": (_number(1, 65535), "a whole number from 1 to 65535"),
    "mqtt_tls": (_flag, _YES_NO),
    "mqtt_ca": (_text(6000), "one certificate as PEM text"),
    "mqtt_server_name": (_text(255), "the name in the broker's certificate, in quotes"),
    "mqtt_user": (_text(255), "text of at most 255 letters"),
    "mqtt_password": (_text(255), "text of at most 255 letters"),
    "mqtt_keepalive_s": (_number(2, 600), "whole seconds from 2 to 600"),
    "mqtt_reply_s": (_number(1, 60), "whole seconds from 1 to 60"),
    "wifi_ssid": (_text(32), "text of at most 32 letters"),
    "wifi_password": (_text(64), "text of at most 64 letters"),
    "wifi_country": (lambda value: type(value) is str and len(value) == 2, "two letters, such as ID"),
    "apn": (_plain(63), "the operator's access point name, in quotes"),
    "apn_user": (_plain(63), "plain text of at most 63 letters"),
    "apn_password": (_plain(63), "plain text of at most 63 letters"),
    "sim_pin": (_digits(0, 8), "the SIM's PIN, in quotes, or an empty text"),
    "sms_numbers": (_numbers, 'a list of at most 4 numbers such as ["+6281200000000"]'),
    "call_number": (_is_callable, 'a number such as "+6281200000000" or "110", or an empty text: no calls'),
    "answer_numbers": (_numbers, 'a list of at most 4 numbers such as ["+6281200000000"]'),
    "call_when_silent": (_flag, _YES_NO),
    "lorawan_app_key": (_hex(32), "32 hexadecimal digits, or an empty text"),
    "lorawan_join_eui": (_hex(16), "16 hexadecimal digits"),
    "lorawan_dev_eui": (_hex(16), "16 hexadecimal digits, or an empty text: the module's own"),
    "lorawan_band": (lambda value: type(value) is int and value in _BANDS, "4 (EU868) or 8 to 11 (AS923-1 to -4)"),
    "lorawan_dwell": (_flag, _YES_NO),
    "lorawan_adr": (_flag, _YES_NO),
    "profile": (
        lambda value: value in ("", "installed", "ready", "deep"),
        '"installed", "ready", "deep", or an empty text: the board\'s own',
    ),
    "gateway_key": (_hex(128), "128 hexadecimal digits, as `siaga gateway key` prints them"),
    "release_key": (_hex(128), "128 hexadecimal digits, as `siaga device release-key` prints them"),
    "hold_ms": (_number(100, 10000), "whole milliseconds from 100 to 10000"),
    "cancel_hold_ms": (_number(500, 30000), "whole milliseconds from 500 to 30000"),
    "duress_hold_ms": (_number(0, 30000), "whole milliseconds up to 30000, 0 = no duress cancel"),
    "triple_tap": (_flag, _YES_NO),
    "no_ack_s": (_number(2, 120), "whole seconds from 2 to 120"),
    "checkin_s": (_number(0, 604800), "whole seconds up to 604800, 0 = as the profile has it"),
    "low_battery": (_number(1, 90), "percent from 1 to 90"),
    "battery_floor": (_number(0, 50), "percent from 0 to 50"),
    "silent": (_flag, _YES_NO),
    "language": (lambda value: value in ("id", "en"), '"id" or "en"'),
    "installed_position": (
        _position,
        "null or [latitude, longitude] in whole degrees x 10^7, a third number: metres of accuracy",
    ),
    "clock_floor": (_number(0, 0xFFFFFFFF), "whole Unix seconds"),
}
_SECRET = ("mqtt_password", "wifi_password", "apn_password", "sim_pin", "lorawan_app_key")


def parse(text: str) -> Settings:
    """Settings from JSON text. Raises SettingError for the first thing that is wrong."""
    if len(text) > MAX_TEXT:
        raise SettingError("settings of %d letters are too long; at most %d" % (len(text), MAX_TEXT))
    try:
        given = json.loads(text)
    except ValueError:
        raise SettingError("the settings are no JSON: check commas, quotes and braces")
    if type(given) is not dict:
        raise SettingError("the settings must be one JSON object: {...}")
    settings = Settings()
    for name in given:
        if name not in _RULES:
            raise SettingError("setting %s is unknown; known are: %s" % (name, ", ".join(sorted(_RULES))))
        value = given[name]
        check, right = _RULES[name]
        if not check(value):
            shown = "(not shown)" if name in _SECRET else json.dumps(value)[:80]
            raise SettingError("setting %s is %s; right is %s" % (name, shown, right))
        setattr(settings, name, value)
    _agree(settings)
    return settings


def _agree(settings: Settings) -> None:
    """What must hold between settings."""
    if settings.mqtt_host and not settings.gateway_key:
        raise SettingError("setting gateway_key is missing: without it no acknowledgement can be verified")
    if settings.mqtt_host and settings.mqtt_tls:
        if not settings.mqtt_ca:
            raise SettingError(
                "setting mqtt_ca is missing: the certificate of the authority that signed the broker's, as PEM text "
                "(or mqtt_tls false, on a bench without an outside)"
            )
        try:
            der_of(settings.mqtt_ca)
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


def _accept(text: str, meet: "Meet") -> Settings:
    settings = parse(text)
    if settings.gateway_key:
        try:
            meet(settings.gateway_public())
        except SiagaError as error:
            raise SettingError("setting gateway_key is wrong: %s" % error)
    return settings


def _is_news(folder: str, offered: str, kept: "bytes | None") -> bool:
    """Whether an installer has written these since the last ones were taken: what a command changed meanwhile stays."""
    taken = flash.read_file(folder + "/settings.offered")
    if taken is None or kept is None:
        return offered.encode() != kept
    return taken != hashlib.sha256(offered.encode()).digest()


def choose(folder: str, offered: "str | None", meet: "Meet", complain: "Complain") -> Settings:
    """The installer's settings if they are good (they are then kept in the folder), else the last good ones, else the
    defaults. meet(public key) agrees on keys with the gateway and raises SiagaError for one that is none; complain()
    hears of everything that was refused."""
    path = folder + "/settings.json"
    kept = flash.read_file(path)
    if offered is not None and _is_news(folder, offered, kept):
        try:
            settings = _accept(offered, meet)
            flash.write_file(path, offered.encode())
            flash.remove(folder + "/settings.former")
            flash.write_file(folder + "/settings.offered", hashlib.sha256(offered.encode()).digest())
            return settings
        except SiagaError as error:
            complain("%s. %s" % (error, "The last good settings stay." if kept else "There are no others yet."))
        except OSError as error:
            complain("the settings do not go onto the flash: %s" % error)
    if kept is not None:
        try:
            return _accept(kept.decode(), meet)
        except (SiagaError, UnicodeError) as error:
            complain("the settings on the flash are not usable: %s" % error)
    return Settings()


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[object], bool]
    Meet = Callable[[bytes], None]
    Complain = Callable[[str], None]
