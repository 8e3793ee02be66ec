"""Certificates that end: told in time, again as time runs out, in each place that people look at; renewed without a
restart."""

from __future__ import annotations

import datetime
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brokers import Mosquitto, free_port
from firmware.broker_certificates import DAY, Authority
from gateway.fake_ports import ManualClock
from gateway.gateway_folder import Office
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.tls_authorities import TlsAuthorities
from siaga_gateway.adapters.tls_certificates import in_file, shown_by
from siaga_gateway.bootstrap.certificate_inventory import CertificateNotice, CertificateReader
from siaga_gateway.config.loading import load
from siaga_gateway.domain.certificate_expiry import (
    BUTTONS_STEPS_DAYS,
    DAY_MS,
    STEPS_DAYS,
    Certificate,
    State,
    authority_of,
    standing,
)
from siaga_gateway.service.installation.certificate_health import CertificateWatch
from siaga_gateway.service.journal.notifier import JournalNotifier
from system.running_gateway import Gateway
from waiting import ENDS_S, RUNS_S, eventually

NOW = 1_800_000_000_000


def ends_in(days: float, name: str = "mqtt", **more: bool) -> Certificate:
    return Certificate(name, NOW - 100 * DAY_MS, NOW + round(days * DAY_MS), **more)


# Pure


@pytest.mark.parametrize(
    ("days", "state", "left", "step"),
    [
        (31, State.VALID, 31, 0),
        (30, State.VALID, 30, 0),
        (29.99, State.ENDING, 29, 1),
        (14, State.ENDING, 14, 1),
        (13.5, State.ENDING, 13, 2),
        (6, State.ENDING, 6, 3),
        (2.5, State.ENDING, 2, 4),
        (1.5, State.ENDING, 1, 5),
        (0.5, State.ENDING, 0, 6),
        (0, State.ENDED, 0, 7),
        (-0.5, State.ENDED, 0, 7),
        (-1.5, State.ENDED, -1, 8),
    ],
)
def test_how_a_certificate_stands(days: float, state: State, left: int, step: int) -> None:
    found = standing(ends_in(days), NOW)
    assert (found.state, found.days, found.step) == (state, left, step)


def test_one_of_tomorrow_is_of_no_use_today() -> None:
    found = standing(Certificate("mqtt", NOW + 1, NOW + 90 * DAY_MS), NOW)
    assert (found.state, found.days) == (State.NOT_YET, 1)
    assert standing(Certificate("mqtt", NOW, NOW + 90 * DAY_MS), NOW).state is State.VALID


def test_what_comes_to_the_buttons_by_cable_is_told_of_a_year_before() -> None:
    assert standing(ends_in(364, for_buttons=True), NOW).state is State.ENDING
    assert standing(ends_in(365, for_buttons=True), NOW).state is State.VALID
    assert BUTTONS_STEPS_DAYS[-len(STEPS_DAYS) :] == STEPS_DAYS


def test_of_a_file_of_authorities_the_one_counts_that_is_in_use() -> None:
    """Beside the next one the old one may end in peace, and the other way round."""
    old, new = ends_in(3), ends_in(3000)
    both = [(b"old", old), (b"new", new)]
    assert authority_of(b"old", both) is old and authority_of(b"new", both) is new
    assert authority_of(b"", both) is new and authority_of(b"somebody's", both) is new
    assert authority_of(b"old", []) is None


# The watch


class Watched:
    def __init__(self, tmp_path: Path) -> None:
        self.clock = ManualClock(NOW)
        self.store = SqlStore(store_path(tmp_path), NOW)
        self.certificates = [ends_in(45)]
        self.notice = CertificateNotice(tmp_path)
        self.watch = CertificateWatch(
            self.store, JournalNotifier(), self.clock, lambda: self.certificates, self.notice.write
        )

    def day(self, days: float) -> None:
        self.clock.at_ms = NOW + round(days * DAY_MS)
        self.watch.work()

    def told(self) -> list[tuple[str, int]]:
        return [(entry.kind, entry.facts["days"]) for entry in self.store.journal_last(100)]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.store.close()


def test_it_is_told_again_as_time_runs_out_and_not_each_time(watched: Watched) -> None:
    for hour in range(24 * 48):
        watched.day(hour / 24)
    assert watched.told() == [
        *[("certificate_ending", days) for days in (29, 13, 6, 2, 1, 0)],
        *[("certificate_unusable", days) for days in (0, -1, -2)],
    ]


def test_a_renewed_one_is_told_once_and_watched_on(watched: Watched) -> None:
    watched.day(20)
    assert watched.notice.read() == [{"name": "mqtt", "state": "ending", "days": 25}]
    watched.certificates = [ends_in(135)]
    watched.day(21)
    watched.day(22)
    assert watched.told() == [("certificate_ending", 25), ("certificate_renewed", 114)]
    assert watched.notice.read() == []
    watched.day(134.5)
    assert watched.told()[-1] == ("certificate_ending", 0)


def test_one_that_came_too_early_is_told(watched: Watched) -> None:
    watched.certificates = [Certificate("mqtt", NOW + 2 * DAY_MS, NOW + 90 * DAY_MS)]
    watched.day(0)
    watched.day(1)
    watched.day(3)
    assert watched.told() == [("certificate_unusable", 2), ("certificate_renewed", 87)]


@pytest.mark.parametrize("broken", ["", "no JSON", "{}", "3", '[{"name": "x"}, 4]'])
def test_a_broken_notice_breaks_no_page(tmp_path: Path, broken: str) -> None:
    (tmp_path / "certificates.json").write_text(broken)
    assert CertificateNotice(tmp_path).read() == []
    assert CertificateNotice(tmp_path / "away").read() == []
    CertificateNotice(tmp_path / "away").write([standing(ends_in(3), NOW)])


# Real ones


@contextmanager
def tls_server(certificate: Path, key: Path) -> Iterator[int]:
    """Shows its certificate to whoever connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def settings_of(tmp_path: Path, more: str) -> Path:
    config = tmp_path / "siaga.toml"
    config.write_text(f'name = "siaga.test"\ndata_dir = "data"\n{more}')
    return config


def test_all_that_the_settings_name_is_looked_at(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    now = datetime.datetime.now(datetime.UTC)
    short, long = Authority("short", ends=now + 20 * DAY), Authority("long")
    short.issue(tmp_path, "localhost", last_day=10)
    (tmp_path / "ca.pem").write_text(long.pem + short.pem)
    (tmp_path / "old.pem").write_text(Authority("old", ends=now - DAY).pem)
    with tls_server(tmp_path / "broker.pem", tmp_path / "broker.key") as port:
        config = settings_of(
            tmp_path,
            f"""
            [mqtt]
            host = "localhost"
            port = {port}
            tls = true
            ca = "ca.pem"
            [certificates]
            servers = ["127.0.0.1:{port}", "127.0.0.1:{free_port()}"]
            buttons = "old.pem"
            [[outputs]]
            name = "cad"
            kind = "cap_http"
            url = "https://localhost:{port}/cad"
            ca = "none.pem"
            """,
        )
        found = {each.name: standing(each, round(now.timestamp() * 1000)) for each in CertificateReader(load(config))()}
        office = Office(tmp_path)
        said = office.run("certificates")
    assert {name: (each.state, each.days) for name, each in found.items()} == {
        "mqtt": (State.ENDING, 9),
        "mqtt.ca": (State.ENDING, 19),  # the one that signed what is in use, not the one that lives on
        f"127.0.0.1:{port}": (State.ENDING, 9),
        "outputs.cad": (State.ENDING, 9),
        "certificates.buttons": (State.ENDED, -1),
    }
    assert said.exit_code == 1 and "mqtt: ENDS in 9 days, until " in said.stdout
    assert "certificates.buttons: ENDED 1 days ago" in said.stdout


def test_what_cannot_be_looked_at_is_told_in_the_reader_s_language_and_is_no_good_end(tmp_path: Path) -> None:
    """A broker that is away: the settings do name it, and nobody knows whether its certificate is valid."""
    port = free_port()
    settings = f'name = "siaga.test"\ndata_dir = "data"\n[certificates]\nservers = ["127.0.0.1:{port}"]\n'
    (tmp_path / "siaga.toml").write_text(settings)
    said = subprocess.run(
        [sys.executable, "-m", "siaga_gateway", "certificates"],
        cwd=tmp_path,
        env={**os.environ, "SIAGA_LANGUAGE": "id"},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUNS_S,
    )
    why = f"siaga: sertifikat 127.0.0.1:{port} tidak dapat dilihat: tidak ada yang menjawab dengan TLS di sana\n"
    assert (said.returncode, said.stdout, said.stderr) == (1, "", why)


def test_a_server_that_says_nothing_is_no_certificate(tmp_path: Path) -> None:
    assert shown_by("x", "127.0.0.1", free_port()) is None
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ValueError):
        in_file("x", tmp_path / "empty.pem")


@pytest.mark.parametrize("wrong", ["broker", "broker:", ":8883", "broker:0", "broker:99999", "https://broker:8883"])
def test_a_server_is_written_as_name_and_port(tmp_path: Path, wrong: str) -> None:
    from siaga_gateway.domain.errors import SiagaError

    with pytest.raises(SiagaError, match=r"certificates.servers.*name:port"):
        load(settings_of(tmp_path, f'[certificates]\nservers = ["{wrong}"]\n'))


def test_an_authority_that_is_added_is_believed_without_a_restart(tmp_path: Path) -> None:
    old, new = Authority("old"), Authority("new")
    new.issue(tmp_path, "localhost")
    file = tmp_path / "ca.pem"
    file.write_text(old.pem)
    trust = TlsAuthorities(file)
    with tls_server(tmp_path / "broker.pem", tmp_path / "broker.key") as port:

        def connect() -> None:
            trust.renew()
            with socket.create_connection(("127.0.0.1", port), 5) as plain:
                trust.context.wrap_socket(plain, server_hostname="localhost").close()

        with pytest.raises(ssl.SSLCertVerificationError):
            connect()
        file.write_text("half of a fi")  # somebody is writing
        with pytest.raises(ssl.SSLCertVerificationError):
            connect()
        file.unlink()
        with pytest.raises(ssl.SSLCertVerificationError):
            connect()
        file.write_text(new.pem)
        connect()


# The whole


def test_a_broker_whose_certificate_ends_soon_and_whose_authority_changes(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    first, second = Authority("first", ends=now + 2 * DAY), Authority("second")
    lines = first.issue(tmp_path / "tls", "localhost", last_day=1)
    (tmp_path / "ca.pem").write_text(first.pem)
    tmp_path.chmod(0o755)
    port, tls, figures = free_port(), free_port(), free_port()
    broker = Mosquitto(
        tmp_path / "broker",
        *(f"listener {port} 127.0.0.1", "allow_anonymous true"),
        *(f"listener {tls} 127.0.0.1", "allow_anonymous true", *lines),
        port=port,
    )
    gateway = Gateway(tmp_path / "gateway", port)
    text = gateway.config.read_text().replace('host = "127.0.0.1"', 'host = "localhost"', 1)
    text = text.replace(f"port = {port}", f'port = {tls}\ntls = true\nca = "{tmp_path}/ca.pem"')
    gateway.config.write_text(text + f"\n[metrics]\nport = {figures}\n")

    def page() -> str:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        body = b"name=operator"
        request = urllib.request.Request(f"{gateway.console}sign-in", body, {"Origin": gateway.console.rstrip("/")})
        opener.open(request, timeout=ENDS_S).close()
        return opener.open(gateway.console, timeout=ENDS_S).read().decode()

    with broker, gateway:
        eventually(lambda: gateway.kinds().count("certificate_ending") == 2, "both ends in the journal")
        told = [json.loads(line)["facts"] for line in gateway.command("log", "--json").splitlines()]
        assert {each["certificate"]: each["days"] for each in told if "certificate" in each} == {
            "mqtt": 0,
            "mqtt.ca": 1,
        }
        with urllib.request.urlopen(f"http://127.0.0.1:{figures}/metrics", timeout=ENDS_S) as answer:
            exposition = answer.read().decode()
        assert 'siaga_certificate_usable{certificate="mqtt"} 1.0' in exposition
        assert 'siaga_certificate_ends_timestamp_seconds{certificate="mqtt.ca"}' in exposition
        assert "Sertifikat mqtt berakhir 0 hari lagi" in page()
        assert "the certificate of mqtt.ca ends in 1 days" in gateway.stderr()

        # The next authority takes over: in the gateway's file first, then at the broker.
        (tmp_path / "ca.pem").write_text(first.pem + second.pem)
        second.issue(tmp_path / "tls", "localhost")
        broker.stop()
        eventually(lambda: "broker_lost" in gateway.kinds(), "the broker away")
        broker.start()
        eventually(lambda: "broker_back" in gateway.kinds(), "the broker back, by its new certificate")


def test_a_machine_without_authorities_says_so_and_one_with_them_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "certs"
    folder.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    TlsAuthorities(None)
    assert "knows no certificate authorities" in caplog.text
    caplog.clear()
    (folder / "0a1b2c3d.0").write_text(Authority("some").pem)  # as OpenSSL names them: read when it is asked for
    TlsAuthorities(None)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    (tmp_path / "none.pem").write_text(Authority("some").pem)
    TlsAuthorities(None)
    assert caplog.text == ""
