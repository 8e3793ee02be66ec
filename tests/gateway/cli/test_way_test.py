"""`siaga gateway way test`: a marked message as an alarm goes, and what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.outputs.http_receiver import Receiver
from gateway.ways.http_places import NTFY_OK, TELEGRAM_OK, origin, says
from siaga_gateway.cli.group import gateway

Try = Callable[..., Result]


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    """Types the command for a way with these settings."""

    def type_it(settings: str, *more: str, name: str = "duty", address: str = "siaga-a", reader: str = "en") -> Result:
        config = tmp_path / "siaga.toml"
        config.write_text(
            'name = "siaga.test"\ndata_dir = "data"\n[site]\ntime_zone = "Asia/Makassar"\n'
            f'[[ways]]\nname = "duty"\n{settings}\n'
        )
        arguments = ["way", "test", name, address, "--config", str(config), *more]
        return CliRunner().invoke(gateway, arguments, env={"SIAGA_LANGUAGE": reader}, catch_exceptions=False)

    return type_it


def test_what_is_sent_rings_and_can_be_taken_for_no_alarm(attempt: Try) -> None:
    with Receiver(NTFY_OK) as receiver:
        settings = f'kind = "ntfy"\nurl = "{origin(receiver)}"\ntoken = "tk_hidden"'
        done = attempt(settings, "--link", "https://siaga.example/r/x")
        quiet = attempt(settings, "--quiet")
    assert done.exit_code == 0, done.output
    assert re.search(r"duty: 127\.0\.0\.1 has it \(HTTP 200\), in \d\.\d\d s", done.stdout)
    assert "look at the phone" in done.stdout and "hidden" not in done.output
    loud, soft = (json.loads(request.body) for request in receiver.requests)
    assert loud["title"].startswith("UJI COBA") and "WITA" in loud["message"], "in the site's language and zone"
    assert (loud["priority"], loud["click"], soft["priority"]) == (5, "https://siaga.example/r/x", 3)
    assert loud["sequence_id"] != soft["sequence_id"], "one test does not replace the other"
    assert quiet.exit_code == 0


@pytest.mark.parametrize(("reader", "words"), [("en", "NOT HANDED OVER after"), ("id", "TIDAK TERKIRIM setelah")])
def test_a_dead_address_is_told_in_the_readers_language_and_ends_with_1(attempt: Try, reader: str, words: str) -> None:
    blocked = says(403, {"ok": False, "description": "Forbidden: bot was blocked by the user"})
    with Receiver(blocked) as receiver:
        settings = f'kind = "telegram"\nurl = "{origin(receiver)}"\ntoken = "17:hidden"'
        done = attempt(settings, address="123456789", reader=reader)
    assert done.exit_code == 1
    assert words in done.stdout and "bot was blocked" in done.stdout and "hidden" not in done.output


def test_a_way_that_the_settings_lack_is_refused_by_name(attempt: Try) -> None:
    done = attempt('kind = "ntfy"\nurl = "https://ntfy.example"', name="mail")
    assert done.exit_code != 0 and "no way 'mail'; they have: duty" in done.output


def test_a_text_goes_to_the_modem_s_folder(attempt: Try, tmp_path: Path) -> None:
    for folder in ("inbox", "outbox"):
        (tmp_path / folder).mkdir()
    sms = '[sms]\nspool = "gammu"\ninbox = "inbox"\noutbox = "outbox"'
    done = attempt(f'kind = "sms"\nvia = "spool"\n{sms}', address="+6281200000001")
    assert done.exit_code == 0, done.output
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.read_text().startswith("UJI COBA SIAGA") and file.name in done.stdout


def test_telegram_needs_no_address_of_its_own(attempt: Try) -> None:
    with Receiver(TELEGRAM_OK) as receiver:
        done = attempt(f'kind = "telegram"\nurl = "{origin(receiver)}"\ntoken = "17:hidden"', address="@siaga_a")
    assert done.exit_code == 0 and "message 4711" in done.stdout
