"""A settings file as people write it: what its form lacks is said as what it is, by the code that runs on the chip."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.app.settings_json import SettingError, nearest, text_of

NOTED = '{"wifi_ssid": "Bob’s Wi-Fi", "hold_ms": 2000}'
FORMS = {
    "utf-16 with mark": (NOTED.encode("utf-16"), "UTF-16"),
    "utf-16 without": (NOTED.encode("utf-16-le"), "UTF-16"),
    "utf-16 big end": (NOTED.encode("utf-16-be"), "UTF-16"),
    "bom": (NOTED.encode("utf-8-sig"), "byte order mark"),
    "windows-1252": (NOTED.encode("cp1252"), "not UTF-8"),
    "curly quotes": ('{\n“hold_ms”: 2000}'.encode(), "line 2: the quotes are curly"),
    "curly value": ('{"wifi_ssid": “Siaga”}'.encode(), "line 1: the quotes are curly"),
    "curly single": ("{‘hold_ms’: 2000}".encode(), "the quotes are curly"),
    "curly, windows-1252": ('{“hold_ms”: 2000}'.encode("cp1252"), "the quotes are curly"),
    "single quotes": (b"{'hold_ms': 2000}", "single quotes"),
    "single value": (b"{\"wifi_ssid\": 'Siaga'}", "single quotes"),
    "comma at the end": (b'{"hold_ms": 2000,\n}', "line 1: there is a comma after the last"),
    "comma in a list": (b'{"sms_numbers": ["+6281200000000",]}', "there is a comma after the last"),
    "two commas": (b'{"hold_ms": 2000,, "silent": true}', "double quotes"),
    "no comma": (b'{"hold_ms": 2000\n"silent": true}', "line 2: a comma is missing"),
    "no comma in a list": (b'{"installed_position": [1 2]}', "a comma is missing"),
    "no colon": (b'{"hold_ms" 2000}', "a colon is missing"),
    "twice": (b'{"hold_ms": 1,\n"silent": true,\n"hold_ms": 900}', "line 3: setting hold_ms stands here a second time"),
    "comment": (b'{"hold_ms": 2000 // two seconds\n}', "no comments"),
    "comment above": (b'# mine\n{"hold_ms": 2000}', "no comments"),
    "PEM with line breaks": (b'{"mqtt_ca": "-----BEGIN CERTIFICATE-----\nMIIB"}', "does not end on its line"),
    "tab in a text": (b'{"wifi_ssid": "a\tb"}', "does not end on its line"),
    "quote not closed": (b'{"wifi_ssid": "Siaga}', "does not end on its line"),
    "brace not closed": (b'{"hold_ms": 2000', "ends too early"),
    "brace not closed, comma": (b'{"hold_ms": 2000,', "ends too early"),
    "text behind": (b'{"hold_ms": 2000} x', "nothing may follow"),
    "two objects": (b'{}{}', "nothing may follow"),
    "bare name": (b'{hold_ms: 2000}', "double quotes"),
    "Python's True": (b'{"silent": True}', "no value"),
    "bare text": (b'{"wifi_ssid": Siaga}', "no value"),
    "no value": (b'{"hold_ms": }', "a value is missing"),
    "number with a zero before": (b'{"sim_pin": 0123}', "no value"),
    "backslash": (b'{"wifi_password": "a\\p12345678"}', "backslash"),
    "half a backslash u": (b'{"wifi_ssid": "\\u12"}', "backslash"),
    "list": (b'[{"hold_ms": 2000}]', "one JSON object"),
    "null": (b"null", "one JSON object"),
    "empty": (b"", "one JSON object"),
    "deep": (b'{"hold_ms": ' + b"[" * 7000, "brackets stand in brackets"),
    "long": (b'{"hold_ms": 2000}' + b" " * 9000, "too long"),
}  # fmt: skip
GOOD = [
    b"{}",
    b' {\r\n "hold_ms" : 2000 , "silent":true }\n',
    NOTED.encode(),
    b'{"wifi_ssid": "a\\u00e9\\n\\"", "installed_position": [-53971000, 1052668000], "sms_numbers": []}',
    b'{"installed_position": null, "hold_ms": -1.5}',
]


@pytest.mark.parametrize("name", FORMS)
def test_a_wrong_form_is_said_as_what_it_is(name: str):
    raw, said = FORMS[name]
    with pytest.raises(SettingError) as refusal:
        text_of(raw)
    assert said in str(refusal.value)


@pytest.mark.parametrize("raw", GOOD)
def test_good_json_is_taken_as_it_is(raw: bytes):
    assert text_of(raw) == raw.decode()


def test_the_chip_s_interpreter_judges_the_same():
    program = """
import sys, binascii
from siaga.app.settings_json import SettingError, text_of
for line in sys.stdin:
    try:
        text_of(binascii.unhexlify(line.strip()))
        print("taken")
    except SettingError as refusal:
        print(refusal)
"""
    cases = [raw for raw, _ in FORMS.values()] + GOOD
    said = run_micropython(program, feed="".join(raw.hex() + "\n" for raw in cases)).splitlines()
    assert len(said) == len(cases)
    for (_, expected), line in zip(FORMS.values(), said, strict=False):
        assert expected in line
    assert said[len(FORMS) :] == ["taken"] * len(GOOD)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_a_json_writer_writes_is_taken(settings: dict[str, object], indent: object, ascii_only: bool):
    text = json.dumps(settings, indent=indent, ensure_ascii=ascii_only)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return  # half a pair of surrogates
    deep = max((_depth(value) for value in settings.values()), default=0) > 3
    if deep:
        with pytest.raises(SettingError):
            text_of(raw)
    else:
        assert json.loads(text_of(raw)) == settings


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


PIECES = ["{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "true", "x", " ", "\n", "“", "'", "//", "\\", '"', "\0"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example('{"a":1,}')
def test_it_takes_nothing_that_is_no_strict_json(text: str):
    """CPython's reader is the judge, with names that stand there twice refused."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        good = isinstance(json.loads(text, object_pairs_hook=once), dict)
    except ValueError:
        good = False
    try:
        text_of(text.encode())
        taken = True
    except SettingError:
        taken = False
    assert taken == good


@pytest.mark.parametrize(
    ("written", "meant"),
    [("hold", "hold_ms"), ("Hold_ms", "hold_ms"), ("wifi_pasword", "wifi_password"), ("mqtt_hots", "mqtt_hosts"),
     ("sillent", "silent"), ("", ""), ("x", ""), ("zzzzzzzz", ""), ("a" * 4000, "")],
)  # fmt: skip
def test_the_setting_that_was_meant_is_named(written: str, meant: str):
    known = ["hold_ms", "cancel_hold_ms", "wifi_password", "mqtt_hosts", "silent", "apn"]
    assert nearest(written, known) == meant
