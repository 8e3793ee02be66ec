"""A kind of way is a settings class and an entry in the registry; what is wrong is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.fake_ports import ManualClock
from siaga_gateway.bootstrap import ways as ways_made
from siaga_gateway.bootstrap.certificate_inventory import places
from siaga_gateway.bootstrap.ways import MAKERS, make_way
from siaga_gateway.catalogue.localized import in_words
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.reference import reference
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.ways import WAY_KINDS, TextSettings, way_fields
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.ways import Budget

EACH = """
[sms]
spool = "gammu"
inbox = "in"
outbox = "out"
device = "/dev/ttyUSB7"
[sms.aggregator]
url = "https://sms.example/send"
[[ways]]
name = "a"
kind = "ntfy"
url = "https://ntfy.example"
token = "tk_hidden"
burst = 1000
interval_s = 0
[[ways]]
name = "b"
kind = "telegram"
token = "17:hidden"
[[ways]]
name = "c"
kind = "whatsapp"
token = "hidden"
phone_number_id = "10551055"
template = "siaga_call"
link_template = "siaga_call_link"
link_base = "https://siaga.example/r/"
template_languages = { en = "en_US" }
[[ways]]
name = "d"
kind = "push"
vapid_key = "vapid.pem"
contact = "mailto:siaga@police.example"
[[ways]]
name = "e"
kind = "email"
host = "mail.example"
security = "tls"
sender = "siaga@police.example"
user = "siaga"
password = "hidden"
[[ways]]
name = "f"
kind = "sms"
via = "spool"
[[ways]]
name = "g"
kind = "sms"
via = "aggregator"
[[ways]]
name = "h"
kind = "apprise"
schemes = ["gotify"]
[[ways]]
name = "i"
kind = "phone"
device = "/dev/serial/by-id/usb-contoh-if02"
recordings = "C:/{language}-{phrase}.amr"
credit_code = "*888#"
"""


def read(folder: Path, ways: str, environment: dict[str, str] | None = None) -> Settings:
    file = folder / "siaga.toml"
    file.write_text(f'name = "siaga.test"\ndata_dir = "data"\nlanguage = "en"\n{ways}', encoding="utf-8")
    return load(file, environment or {})


def key_file(file: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_every_kind_has_a_maker_and_goes_by_the_name_that_its_class_says() -> None:
    assert set(MAKERS) == set(WAY_KINDS.values())
    assert set(WAY_KINDS) <= set(ContactWay)
    assert {kind: (kind,) for kind in WAY_KINDS} == {
        kind: get_args(model.model_fields["kind"].annotation) for kind, model in WAY_KINDS.items()
    }


def test_each_kind_is_made_from_its_settings(tmp_path: Path) -> None:
    key_file(tmp_path / "vapid.pem", ec.generate_private_key(ec.SECP256R1()))
    settings = read(tmp_path, EACH)
    ways = [make_way(way, settings, ManualClock()) for way in settings.ways]
    assert [(way.name, way.kind) for way in ways] == [
        ("a", "ntfy"),
        ("b", "telegram"),
        ("c", "whatsapp"),
        ("d", "push"),
        ("e", "email"),
        ("f", "sms"),
        ("g", "sms"),
        ("h", "apprise"),
        ("i", "phone"),
    ]
    assert {way.kind for way in settings.ways} == set(WAY_KINDS)
    assert ways[0].budget == Budget(interval_ms=0, burst=1_000)
    assert ways[2].budget.person_ms == 6_000
    assert ways[5].at_once == 1 and ways[5].budget == Budget(interval_ms=10_000, burst=8), "each is two messages"
    assert [way.name for way in ways if way.repeats_recognised] == ["d"]
    assert "hidden" not in repr(settings)
    looked_at = {place.name: place.server for place in places(settings) if place.name.startswith("ways.")}
    assert looked_at["ways.a"] == ("ntfy.example", 443) and looked_at["ways.e"] == ("mail.example", 465)
    for way in ways:
        way.close()


def test_what_is_written_back_is_read_by_the_modem_and_at_an_aggregator_where_it_is_said(tmp_path: Path) -> None:
    key_file(tmp_path / "vapid.pem", ec.generate_private_key(ec.SECP256R1()))
    webhook = '[sms.webhook]\nport = 0\nsecret = "correct horse battery staple"\n'
    texts = [way for way in read(tmp_path, EACH).ways if isinstance(way, TextSettings)]
    assert [(way.via, way.read_back) for way in texts] == [("spool", True), ("aggregator", False)]
    way = f'{AGGREGATOR}{webhook}{WAY}kind = "sms"\nvia = "aggregator"\nanswers = true'
    (only,) = read(tmp_path, way).ways
    assert isinstance(only, TextSettings) and only.read_back
    quick = read(tmp_path, EACH.replace('via = "spool"', 'via = "spool"\nanswers = false'))
    assert make_way(quick.ways[5], quick, ManualClock()).budget == Budget(interval_ms=5_000, burst=10)


def test_a_token_can_come_from_the_environment(tmp_path: Path) -> None:
    way = '[[ways]]\nname = "bot.1"\nkind = "telegram"\n'
    settings = read(tmp_path, way, {"SIAGA_GATEWAY__WAYS__BOT_1__TOKEN": "17:hidden"})
    assert "17:hidden" not in repr(settings)
    assert make_way(settings.ways[0], settings, ManualClock()).kind == "telegram"


WAY = '[[ways]]\nname = "x"\n'
AGGREGATOR = '[sms.aggregator]\nurl = "https://sms.example/send"\n'


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        (f'{WAY}kind = "fax"', "'ntfy', 'telegram', 'whatsapp', 'push', 'email', 'sms', 'phone', 'apprise'"),
        (WAY, "ways.0.kind: is missing"),
        (f'{WAY}kind = "ntfy"', "ways.0.url: is missing; The service's address"),
        (f'{WAY}kind = "telegram"', "ways.0.token: is missing"),
        (f'{WAY}kind = "telegram"\ntoken = "17:hidden"\nfoo = 1', "ways.0.foo: there is no such setting"),
        (f'{WAY}kind = "sms"\nvia = "spool"', "way 'x' has via = \"spool\""),
        (f'{WAY}kind = "sms"\nvia = "aggregator"', "way 'x' has via = \"aggregator\""),
        (
            f'{AGGREGATOR}{WAY}kind = "sms"\nvia = "aggregator"\nanswers = true',
            "way 'x' says that what people write back is read, but there is no [sms.webhook]",
        ),
        (f'{WAY}kind = "ntfy"\nurl = "https://a.example"\n{WAY}kind = "ntfy"\nurl = "https://b.example"', "two ways"),
        (
            f'{WAY}kind = "email"\nhost = "mail.example"\nsender = "a@b.example"\nsecurity = "plain"',
            "email to mail.example would go unencrypted",
        ),
        (f'{WAY}kind = "email"\nhost = "mail.example"\nsender = "a@b.example"\nuser = "u"', "user and password"),
        (f'{WAY}kind = "email"\nhost = "mail.example"\nsender = "Siaga"', "ways.0.sender = 'Siaga'"),
        (
            f'{WAY}kind = "whatsapp"\ntoken = "hidden"\nphone_number_id = "10551"\ntemplate = "t"\nlink_base = "https://a"',
            "link_template and link_base",
        ),
        (f'{WAY}kind = "phone"', "ways.0.device: is missing"),
        (f'{WAY}kind = "phone"\ndevice = "/dev/ttyS1"\nrecordings = "C:/id.amr"', "must have {language} and {phrase}"),
        (f'{WAY}kind = "phone"\ndevice = "/dev/ttyS1"\ncredit_code = "888"', "ways.0.credit_code"),
        (f'{WAY}kind = "push"\nvapid_key = "v.pem"\ncontact = "me"', "ways.0.contact = 'me'"),
        (f'{WAY}kind = "ntfy"\nurl = "https://a.example"\ndeadline_s = 60', "ways.0.deadline_s"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(ways: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, ways)
    told = str(in_words(error.value, "en"))
    assert said in told and "hidden" not in told


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ('kind = "ntfy"\nurl = "http://ntfy.example"', "unencrypted"),
        ('kind = "ntfy"\nurl = "ntfy.example"', "https://host/path"),
        ('kind = "ntfy"\nurl = "https://a.example"\nca = "none.pem"', "none.pem"),
        ('kind = "telegram"\ntoken = "a b c"', "token must be"),
        ('kind = "push"\nvapid_key = "none.pem"\ncontact = "mailto:a@b.example"', "openssl ecparam"),
        ('kind = "push"\nvapid_key = "rsa.pem"\ncontact = "mailto:a@b.example"', "curve P-256"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_way_s_name(way: str, said: str, tmp_path: Path) -> None:
    key_file(tmp_path / "rsa.pem", rsa.generate_private_key(65537, 2048))
    settings = read(tmp_path, f"{WAY}{way}")
    with pytest.raises(SettingsError) as error:
        make_way(settings.ways[0], settings, ManualClock())
    told = str(in_words(error.value, "en"))
    assert "way 'x'" in told and said in told


def test_the_reference_has_every_setting_and_those_that_every_way_needs() -> None:
    named = {name for name, _, _ in reference() if name.startswith("ways[].")}
    assert named == {f"ways[].{name}" for name in way_fields()}
    assert {name for name, field in way_fields().items() if field.is_required()} == {"name", "kind"}


@pytest.mark.parametrize(
    ("device", "said"), [("", "set sms.device to its port"), ("/dev/ttyS1", "takes text messages")]
)
def test_calls_never_go_through_the_modem_that_takes_presses(
    device: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways_made, "ports_of_daemon", lambda spool: iter(()))  # whatever this machine's files name
    sms = '[sms]\nspool = "gammu"\ninbox = "in"\noutbox = "out"\n' + (f'device = "{device}"\n' if device else "")
    settings = read(tmp_path, f'{sms}{WAY}kind = "phone"\ndevice = "/dev/ttyS1"')
    with pytest.raises(SettingsError) as error:
        make_way(settings.ways[0], settings, ManualClock())
    assert said in str(in_words(error.value, "en"))
