"""`siaga gateway output test`: a marked message, by the way of a call for help, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from standardwebhooks import Webhook

from gateway.outputs.http_delivery import SECRET
from gateway.outputs.http_receiver import Receiver, answer
from gateway.outputs.receiver_certificates import Authority
from siaga_gateway.cli.group import gateway

Try = Callable[..., Result]


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    """Types the command for an output with these settings."""

    def type_it(settings: str, name: str = "cad", language: str = "en") -> Result:
        config = tmp_path / "siaga.toml"
        config.write_text(f'name = "siaga.lampung"\ndata_dir = "data"\n[[outputs]]\nname = "cad"\n{settings}\n')
        arguments = ["output", "test", name, "--config", str(config)]
        return CliRunner().invoke(gateway, arguments, env={"SIAGA_LANGUAGE": language}, catch_exceptions=False)

    return type_it


def webhook(url: str, more: str = "") -> str:
    return f'kind = "webhook"\nurl = "{url}"\nsecret = "{SECRET}"\n{more}'


def test_what_is_sent_is_signed_and_can_be_taken_for_no_alarm(attempt: Try) -> None:
    with Receiver() as receiver:
        done = attempt(webhook(receiver.url))
    assert done.exit_code == 0, done.output
    assert re.search(r"cad: taken by http://127\.0\.0\.1:\d+ \(HTTP 204\), in \d\.\d\d s", done.stdout)
    (request,) = receiver.requests
    told = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert told["type"] == "id.siaga.incident.closed.v1"
    assert told["id"] == request.headers["webhook-id"] and told["id"].startswith("siaga.lampung-0.test")
    incident = told["data"]["incident"]
    assert (incident["mode"], incident["state"]) == ("test", "closed")
    assert not incident["duress"] and not incident["silent"]
    assert told["data"]["owner"] is None and told["data"]["position"] is None
    assert told["data"]["device"]["label"].startswith("TEST")
    assert told["subject"] in done.stdout


def test_each_attempt_has_a_key_of_its_own(attempt: Try) -> None:
    with Receiver() as receiver:
        for _ in range(2):
            assert attempt(webhook(receiver.url)).exit_code == 0
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 2


@pytest.mark.parametrize(("language", "words"), [("en", "NOT TAKEN after"), ("id", "TIDAK DITERIMA setelah")])
def test_a_refusal_is_told_in_the_readers_language_and_ends_with_1(attempt: Try, language: str, words: str) -> None:
    with Receiver(answer(401)) as receiver:
        done = attempt(webhook(receiver.url), language=language)
    assert done.exit_code == 1
    assert words in done.stdout and "HTTP 401" in done.stdout
    assert len(receiver.requests) == 1, "once"


def test_the_end_of_the_receivers_certificate_is_told(attempt: Try, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "polda")
    with Receiver(tls=authority.server("127.0.0.1")) as secure:
        done = attempt(webhook(secure.url, f'ca = "{authority.file}"'))
        assert done.exit_code == 0, done.output
        assert re.search(r"127\.0\.0\.1: ENDS in [01] days, until ", done.stdout)
    with Receiver(tls=authority.server("127.0.0.1", expired=True)) as ended:
        done = attempt(webhook(ended.url, f'ca = "{authority.file}"'))
        assert done.exit_code == 1
        assert "certificate has expired" in done.stdout and "ENDED" in done.stdout


def test_a_cap_message_is_of_status_test(attempt: Try, tmp_path: Path) -> None:
    folder = tmp_path / "cap"
    folder.mkdir()
    done = attempt(f'kind = "cap_folder"\nfolder = "{folder}"')
    assert done.exit_code == 0, done.output
    (file,) = folder.iterdir()
    assert "<status>Test</status>" in file.read_text(encoding="utf-8")


def test_an_output_that_is_not_there_is_named_with_those_that_are(attempt: Try) -> None:
    done = attempt(webhook("https://cad.example/x"), name="dac")
    assert done.exit_code == 1
    assert "no output 'dac'" in done.stderr and "cad" in done.stderr
