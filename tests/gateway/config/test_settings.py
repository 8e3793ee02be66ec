"""Settings: each wrong one is named, with its value and what would be right; secrets stay out of every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from siaga_gateway.config import loading as config
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.reference import markdown, reference
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.operator_name import clean_name
from siaga_gateway.service.journal import kinds as journal

README = Path(__file__).parents[3] / "gateway" / "README.md"
SETTINGS = README.with_name("SETTINGS.md")
HASH = "$argon2id$v=19$m=65536,t=3,p=4$" + "c" * 22 + "$" + "h" * 43
GOOD = 'name = "siaga.test"\ndata_dir = "data"\n'


def load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    path = tmp_path / "siaga.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path, environment or {})


def test_the_least_that_is_needed_is_enough_and_paths_count_from_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    assert settings.data_dir == tmp_path / "data"
    assert settings.mqtt.port == 1883
    assert settings.outputs == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('data_dir = "x"\n', r"name: is missing; This gateway's name"),
        (
            'name = "Polda Lampung"\ndata_dir = "x"\n',
            r"name = 'Polda Lampung': is not written as it must be; .*lower-case",
        ),
        (GOOD + "bach = 5\n", r"bach: there is no such setting; `siaga gateway settings`"),
        (GOOD + 'mode = "real"\n', r"mode: is 'real' and should be 'actual' or 'exercise'"),
        (GOOD + "[mqtt]\nport = 99999\n", r"mqtt\.port = 99999: input should be less than or equal to 65535"),
        (GOOD + '[mqtt]\nport = "x"\n', r"mqtt\.port = 'x': input should be a valid integer.*; Its port"),
        (GOOD + "[mqtt]\nkeepalive_s = 1\n", r"mqtt\.keepalive_s = 1: input should be greater than or equal to 5"),
        (GOOD + '[console.operators]\nSiti = "plain"\n', r"the entry of 'Siti' is no Argon2 hash"),
        (GOOD + f'[console.operators]\nSiti = "{HASH[:-1]}"\n', r"the hash of 'Siti' is cut short"),
        (GOOD + f'[console.operators]\nSiti = "{HASH[:30]}"\n', r"the hash of 'Siti' is cut short"),
        (GOOD + f'[console.operators]\n"" = "{HASH}"\n', r"'' in \[console\.operators\] is no name: 2 to 60"),
        (GOOD + f'[console.operators]\nS = "{HASH}"\n', r"'S' in \[console\.operators\] is no name: 2 to 60"),
        (
            GOOD + f'[console.operators]\n"Siti A" = "{HASH}"\n"Siti  A" = "{HASH}"\n',
            r"'Siti A' stands twice in \[console\.operators\]",
        ),
        (
            GOOD + '[[outputs]]\nname = "cad"\nkind = "fax"\n',
            r"outputs\.0\.kind = 'fax': input should be one of 'webhook'",
        ),
        (GOOD + '[[outputs]]\nname = "cad"\nkind = "cap_http"\n', r'outputs\.0: kind "cap_http" needs url'),
        (
            GOOD + '[[outputs]]\nname = "X"\nkind = "fax"\n',
            r"outputs\.0\.name = 'X': (?s:.*)outputs\.0\.kind = 'fax'",
        ),
        (GOOD + '[[outputs]]\nname = "cad"\n', r"outputs\.0\.kind: is missing; webhook: signed"),
        (GOOD + '[[outputs]]\nname = "cad"\nkind = ["webhook"]\n', r"outputs\.0\.kind: input should be one of 'webh"),
        (GOOD + '[[outputs]]\nname = "cad"\nkind = "web\u200bhook"\n', r"outputs\.0\.kind: (?s:.*)U\+200B"),
        (GOOD + "outputs = [5]\n", r"outputs\.0 = 5: input should be a section$"),
        (
            GOOD + '[[outputs]]\nname = "a"\nkind = "cap_folder"\nfolder = "f"\nfoo = 1\n',
            r"outputs\.0\.foo: there is no such setting",
        ),
        (
            GOOD + '[[outputs]]\nname = "a"\nkind = "cap_folder"\nfolder = "f"\ntrouble = true\n',
            r"outputs\.0: kind cap_folder has no message for trouble",
        ),
        (GOOD + '[[outputs]]\nname = "cad"\nkind = "cap_folder"\n', r'kind "cap_folder" needs folder'),
        (
            GOOD + '[[outputs]]\nname = "cad"\nkind = "cap_folder"\nfolder = "f"\nat_once = 8\n',
            r'kind "cap_folder" writes one file after the other',
        ),
        (
            GOOD + '[[outputs]]\nname = "cad"\nkind = "webhook"\nurl = "https://cad.example"\n',
            r'kind "webhook" needs secret',
        ),
        (
            GOOD + '[[outputs]]\nname = "a"\nkind = "cap_folder"\nfolder = "f"\n' * 2,
            r"two outputs are named 'a'",
        ),
        (
            GOOD + '[lorawan]\nnetwork = "ttn"\n',
            r"lorawan\.network = 'ttn': input should be one of 'off', 'chirpstack', 'th",
        ),
        (GOOD + "[lorawan]\nport = 0\n", r"lorawan\.port = 0: input should be greater"),
        (
            GOOD + '[sms]\nspool = "kannel"\n',
            r"sms\.spool = 'kannel': input should be one of 'off', 'gammu', 'sms",
        ),
        (GOOD + '[sms]\nspool = "gammu"\ninbox = "in"\n', r'sms: spool "gammu" needs outbox = "/path'),
        (GOOD + '[sms]\nspool = "gammu"\ninbox = "in"\noutbox = "in"\n', r"inbox and outbox are the same folder"),
        (GOOD + "[sms]\nreplies_per_hour = 0\n", r"sms\.replies_per_hour = 0: input should be greater"),
        (GOOD + "[sms.webhook]\nport = 8111\n", r"sms\.webhook: port needs secret"),
        (GOOD + '[sms.webhook]\nport = 8111\nsecret = "x"\n', r"sms\.webhook: secret is too short: at least 16"),
        (GOOD + '[sms.webhook]\npath = "sms"\n', r"sms\.webhook\.path = 'sms': is not written as it must be; Path of"),
        (GOOD + '[sms.webhook]\nsignature_header = "a b"\n', r"signature_header: 'a b' is no name of a header"),
        (GOOD + '[sms.aggregator]\nurls = "x"\n', r"sms\.aggregator\.urls: there is no such setting"),
        (GOOD + 'log_format = "xml"\n', r"log_format = 'xml': input should be one of 'text', 'json'"),
        (
            GOOD + 'log_level = "loud"\n',
            r"log_level = 'loud': input should be one of 'debug', 'info', 'warning', 'er",
        ),
        (GOOD + "[metrics]\nport = 70000\n", r"metrics\.port = 70000: input should be less than or equal to 65535"),
        ("name = ", r"is not TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_the_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(tmp_path, text)


@pytest.mark.parametrize("written", ["Jose\u0301 Nun\u0303ez", " Jos\u00e9  Nu\u00f1ez "])
def test_an_operator_signs_in_however_his_name_is_written_in_the_settings(tmp_path: Path, written: str) -> None:
    typed = "Jos\u00e9 Nu\u00f1ez"
    settings = load(tmp_path, GOOD + f'[console.operators]\n"{written}" = "{HASH}"\n')
    assert settings.console.operators == {typed: HASH}
    assert clean_name(written) == typed == clean_name(typed)


def test_all_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, 'name = "X"\nbatch = 0\n[mqtt]\nport = 0\n')
    assert len(str(caught.value).splitlines()) == 4  # name, data_dir, batch, mqtt.port


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no such file.*`siaga gateway init`"):
        config.load(tmp_path / "none.toml", {})


def test_the_environment_overrides_the_file_for_outputs_by_their_name(tmp_path: Path) -> None:
    text = GOOD + '[[outputs]]\nname = "cad-1"\nkind = "webhook"\nurl = "https://cad.example"\n'
    settings = load(
        tmp_path,
        text,
        {
            "SIAGA_GATEWAY__MQTT__PASSWORD": "hunter2",
            "SIAGA_GATEWAY__OUTPUTS__CAD_1__SECRET": "whsec_c2VjcmV0",
            "PATH": "/bin",
        },
    )
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "hunter2"
    assert settings.outputs[0].secret is not None
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingsError, match=r"there is no setting outputs\.fax\.secret"):
        load(tmp_path, text, {"SIAGA_GATEWAY__OUTPUTS__FAX__SECRET": "x"})


def test_no_message_repeats_a_secret(tmp_path: Path) -> None:
    for text in (
        GOOD + "[mqtt]\npassword = 4711471147\n",
        GOOD + '[console.operators]\nSiti = "4711471147"\n',
        GOOD + '[[outputs]]\nname = "cad"\nkind = "webhook"\nurl = "https://x"\nsecret = 4711471147\n',
        GOOD + '[sms.webhook]\nport = 8111\nsecret = "4711471147"\n',
        GOOD + "[sms.aggregator]\ntoken = 4711471147\n",
    ):
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, text)
        assert "4711471147" not in str(caught.value)


def test_paths_of_the_spool_count_from_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD + '[sms]\nspool = "gammu"\ninbox = "in"\noutbox = "/var/spool/out"\n')
    assert (settings.sms.inbox, settings.sms.outbox) == (tmp_path / "in", Path("/var/spool/out"))
    secret = {"SIAGA_GATEWAY__SMS__WEBHOOK__SECRET": "out of the file, as it should"}
    settings = load(tmp_path, GOOD + "[sms.webhook]\nport = 0\n", secret)
    assert settings.sms.webhook.secret is not None
    assert "out of the file" not in repr(settings)


def test_every_setting_is_documented_and_the_reference_is_what_the_program_says() -> None:
    for name, _, description in reference():
        assert description.endswith((".", ")")), f"{name} has no description that is a sentence"
    assert SETTINGS.read_text(encoding="utf-8") == markdown(), (
        "gateway/SETTINGS.md is not what the program says: `siaga gateway settings --markdown > gateway/SETTINGS.md`"
    )


def test_every_journal_kind_is_explained_in_the_readme() -> None:
    readme = README.read_text(encoding="utf-8")
    kinds = {value for name, value in vars(journal).items() if name.isupper() and isinstance(value, str)}
    assert len(kinds) > 20
    assert not [kind for kind in sorted(kinds) if f"`{kind}`" not in readme]


@pytest.mark.parametrize(
    ("console", "only"),
    [
        ("", True),
        ('host = "::1"\n', True),
        ('host = "192.0.2.1"\n', False),
        ('proxies = ["127.0.0.1"]\n', False),
        ('allowed_hosts = ["sos.contoh.example"]\n', False),
        ('public_url = "https://sos.contoh.example"\n', False),
    ],
)
def test_whoever_can_open_the_console_from_elsewhere_needs_more_than_a_name(
    tmp_path: Path, console: str, only: bool
) -> None:
    assert load(tmp_path, f"{GOOD}[console]\n{console}").console.is_reached_from_here_only is only
