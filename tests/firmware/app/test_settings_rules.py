"""The installer's settings: each wrong value is refused by name; checked by the code that runs on the chip."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import FIRMWARE, run_micropython
from siaga.app.settings import Settings
from siaga.app.settings_rules import SettingError, known, parse
from spoiling import spoilt_hex

KEY = "ab" * 64
GOOD = {"mqtt_hosts": ["broker.siaga.example"], "mqtt_tls": False, "gateway_key": KEY}
DEFAULTS = {name: value for name, value in vars(Settings).items() if name[0] != "_" and not callable(value)}
WRONG = [
    ("mqtt_hosts", "mqtt.example"),
    ("mqtt_hosts", [5]),
    ("mqtt_hosts", [""]),
    ("mqtt_hosts", [":1883"]),
    ("mqtt_hosts", ["mqtt.example:"]),
    ("mqtt_hosts", ["mqtt.example:0"]),
    ("mqtt_hosts", ["mqtt.example:65536"]),
    ("mqtt_hosts", ["mqtt://example"]),
    ("mqtt_hosts", ['a"b']),
    ("mqtt_hosts", ["a", "b", "c", "d", "e"]),
    ("mqtt_port", 0),
    ("mqtt_port", 65536),
    ("mqtt_port", "1883"),
    ("mqtt_port", True),
    ("mqtt_port", 1883.0),
    ("mqtt_tls", 1),
    ("mqtt_ca", None),
    ("mqtt_keepalive_s", 1),
    ("gateway_key", "ab" * 63),
    ("gateway_key", "zz" * 64),
    ("hold_ms", 99),
    ("hold_ms", -2000),
    ("cancel_hold_ms", 2100),
    ("duress_hold_ms", 2100),
    ("duress_hold_ms", 5500),
    ("triple_tap", "yes"),
    ("no_ack_s", 1),
    ("checkin_s", -1),
    ("checkin_s", 604801),
    ("profile", "always"),
    ("apn", 'a"b'),
    ("sim_pin", "12a4"),
    ("sms_numbers", "+6281200000000"),
    ("sms_numbers", ["0812"]),
    ("sms_numbers", ["+6281200000000"] * 5),
    ("call_number", "0812"),
    ("call_number", "+62 812 0000"),
    ("call_number", "110;"),
    ("call_number", 110),
    ("answer_numbers", "+6281200000000"),
    ("answer_numbers", ["110"]),
    ("answer_numbers", ["+6281200000000"] * 5),
    ("call_when_silent", 1),
    ("lorawan_app_key", "00"),
    ("lorawan_join_eui", 7),
    ("lorawan_band", 1),
    ("lorawan_dwell", 1),
    ("low_battery", 0),
    ("silent", None),
    ("language", "fr"),
    ("installed_position", [-5.39, 105.26]),
    ("installed_position", [900000001, 0]),
    ("installed_position", [0]),
    ("installed_position", [0, 0, -1]),
    ("clock_floor", -1),
    ("wifi_country", "IDN"),
    ("wifi_ssid", "x" * 33),
    ("wifi_ssid", "é" * 17),
    ("wifi_password", "1234567"),
    ("wifi_password", "x" * 64),
    ("wifi_password", "f" * 65),
    ("wifi_password", "“siaga12345”"),
    ("sim_pin", "123"),
    ("sim_pin", 1234),
    ("hold", 2000),
    ("mqtt_port number", 5),
    ("", ""),
]


def test_good_settings_are_taken_and_the_rest_have_their_defaults():
    got = parse(json.dumps({**GOOD, "hold_ms": 3000, "installed_position": [-53971000, 1052668000]}))
    assert (got.hold_ms, got.mqtt_hosts, got.mqtt_tls) == (3000, ["broker.siaga.example"], False)
    several = parse(json.dumps({**GOOD, "mqtt_hosts": ["a.example", "10.0.0.2:8884"], "mqtt_port": 1883}))
    assert several.brokers() == [("a.example", 1883), ("10.0.0.2", 8884)]
    assert got.cancel_hold_ms == 5000 and got.gateway_public() == bytes.fromhex(KEY)
    assert parse("{}").__dict__ == {}


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name_with_what_would_be_right(name, value):
    with pytest.raises(SettingError) as refusal:
        parse(json.dumps({**GOOD, name: value}))
    said = str(refusal.value)
    assert said.startswith(f"setting {name} is") and any(mend in said for mend in ("right is", "known are", "mean"))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "{'a': 1}", "{}" + " " * 9000])
def test_what_is_no_settings_file_is_refused(text):
    with pytest.raises(SettingError):
        parse(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [("wifi_ssid", "é" * 16), ("wifi_password", ""), ("wifi_password", "12345678"), ("wifi_password", "x" * 63),
     ("wifi_password", "aF" * 32), ("sim_pin", "1234"), ("sim_pin", "")],
)  # fmt: skip
def test_what_just_fits_is_taken(name: str, value: str):
    assert getattr(parse(json.dumps({**GOOD, name: value})), name) == value


@pytest.mark.parametrize("way", [{"sms_numbers": ["+6281200000000"]}, {"lorawan_app_key": "00" * 16}])
def test_no_way_to_the_gateway_does_without_its_key(way):
    with pytest.raises(SettingError, match="gateway_key is missing"):
        parse(json.dumps(way))


@pytest.mark.parametrize("name", ["gateway_key", "release_key"])
def test_a_key_that_is_no_point_is_refused_where_a_file_is_read(name):
    from siaga.app.settings_rules import read

    good = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" + (
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    assert getattr(read(json.dumps({name: good}).encode()), name) == good
    with pytest.raises(SettingError, match=f"setting {name} is wrong: .* no point"):
        read(json.dumps({name: spoilt_hex(good)}).encode())


class Wifi:
    needs_ssid = True


class Anything:
    needs_ssid = False


def test_the_ways_are_those_that_the_parts_and_the_settings_have():
    every = {**GOOD, "lorawan_app_key": "00" * 16, "sms_numbers": ["+6281200000000"]}
    both = parse(json.dumps({**every, "wifi_ssid": "x"}))
    assert both.ways(Wifi(), True, True) == ["mqtt", "lte", "lorawan", "sms"]
    assert both.ways(Wifi(), False, False) == ["mqtt"]
    without = parse(json.dumps(every))
    assert without.ways(Wifi(), True, True) == ["lte", "lorawan", "sms"]
    assert without.ways(Wifi(), False, False) == [] and without.ways(Anything(), False, False) == ["mqtt"]
    assert without.ways(None, False, False) == [] == parse("{}").ways(Wifi(), True, True)


def test_what_must_go_together_is_said():
    with pytest.raises(SettingError, match="gateway_key is missing"):
        parse(json.dumps({"mqtt_hosts": ["x"], "mqtt_tls": False}))
    with pytest.raises(SettingError, match="mqtt_ca is missing"):
        parse(json.dumps({"mqtt_hosts": ["x"], "gateway_key": KEY}))
    some = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'0' * 80).decode()}\n-----END CERTIFICATE-----\n"
    parse(json.dumps({"mqtt_hosts": ["x"], "gateway_key": KEY, "mqtt_ca": some * 4}))
    for pem in (
        "no PEM",
        some * 5,
        some + "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
    ):
        with pytest.raises(SettingError, match="mqtt_ca is wrong"):
            parse(json.dumps({"mqtt_hosts": ["x"], "gateway_key": KEY, "mqtt_ca": pem}))


def test_a_password_is_never_repeated():
    for name in ("mqtt_password", "wifi_password"):
        with pytest.raises(SettingError) as refusal:
            parse(json.dumps({name: "sangat rahasia" * 50}))
        assert "rahasia" not in str(refusal.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from([*sorted(known()), "unknown"]), JSON, max_size=4))
def test_any_json_is_settings_or_a_clear_refusal(given_settings):
    try:
        parse(json.dumps(given_settings))
    except SettingError as refusal:
        assert "setting" in str(refusal)


def test_the_chip_s_interpreter_judges_the_same():
    program = """
import sys, json
from siaga.app.settings_rules import SettingError, parse
for line in sys.stdin:
    try:
        parse(line)
        print("taken")
    except SettingError as refusal:
        print(refusal)
"""
    cases = [json.dumps({**GOOD, name: value}) for name, value in WRONG] + [json.dumps(GOOD), "{", "[]"]
    said = run_micropython(program, feed="\n".join(cases) + "\n").splitlines()
    assert len(said) == len(cases)
    for (name, _), line in zip(WRONG, said, strict=False):
        assert line.startswith(f"setting {name} is"), line
    assert said[len(WRONG)] == "taken" and "JSON" in said[-2] and "JSON object" in said[-1]


def test_every_setting_has_a_rule_and_stands_in_the_readme():
    assert sorted(known()) == sorted(DEFAULTS)
    readme = Path(FIRMWARE / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", readme, flags=re.MULTILINE))
    for name, default in DEFAULTS.items():
        shown = rows[name].strip().strip("`")
        assert shown == json.dumps(default), f"{name}: README says {shown}, the code {json.dumps(default)}"


def test_the_bands_are_those_that_the_driver_knows():
    from siaga.core.lorawan import BANDS

    for band in range(-1, 20):
        if band in BANDS:
            assert parse(json.dumps({"lorawan_band": band})).lorawan_band == band
        else:
            with pytest.raises(SettingError):
                parse(json.dumps({"lorawan_band": band}))
