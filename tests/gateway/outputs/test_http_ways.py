"""Ways to a receiver: through a proxy, with a certificate of our own, with two secrets, in other forms of the event."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook

from gateway.fake_ports import ManualClock
from gateway.outputs.http_delivery import GRACE_S, QUICK_S, SECRET, refused, webhook
from gateway.outputs.http_receiver import Receiver, answer
from gateway.outputs.receiver_certificates import Authority
from gateway.outputs.sample_incidents import opened
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.outputs.http import HttpTroubleOutput
from siaga_gateway.bootstrap.outputs import make_output
from siaga_gateway.config import loading
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.formats import cloudevent
from siaga_gateway.service.ports import Delivered

OLD_SECRET = "whsec_" + "b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWNyZXQ="


@dataclass
class Proxy:
    """An HTTP proxy on loopback: CONNECT, and requests in absolute form. heads: of each request that it got."""

    answer: bytes = b""  # instead of passing anything on
    heads: list[str] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listening, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._sockets.append(client)
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with suppress(OSError):
            read = b""
            while b"\r\n\r\n" not in read:
                read += client.recv(65_536)
            head, _, _ = read.partition(b"\r\n\r\n")
            self.heads.append(head.decode("ascii"))
            if self.answer:
                client.sendall(self.answer)
                return
            method, target = self.heads[-1].split()[:2]
            address = target if method == "CONNECT" else target.split("/")[2]
            host, _, port = address.rpartition(":")
            server = socket.create_connection((host, int(port)))
            self._sockets.append(server)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(read)
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()
            _pump(client, server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


def test_plain_http_goes_through_a_proxy_with_its_password(
    receiver: Receiver, proxy: Proxy, make: Callable[..., HttpTroubleOutput]
) -> None:
    output = make(proxy=f"http://siaga:hid%20den@127.0.0.1:{proxy.port}")
    outcome = output.deliver(opened(), "k")
    assert isinstance(outcome, Delivered) and "hid" not in outcome.detail
    (head,) = proxy.heads
    assert head.startswith(f"POST {receiver.url} ")
    assert "proxy-authorization: basic c2lhz2e6agl" in head.lower() and "c2lhZ2E6aGlkIGRlbg==" in head


def test_tls_goes_through_a_proxy_that_sees_nothing_of_it(
    proxy: Proxy, tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    authority = Authority(tmp_path, "polda")
    with Receiver(tls=authority.server("127.0.0.1")) as secure:
        output = make(secure.url, ca_file=authority.file, proxy=f"http://siaga:secret@127.0.0.1:{proxy.port}")
        for key in ("k1", "k2"):
            assert isinstance(output.deliver(opened(), key), Delivered)
        (head,) = proxy.heads
        assert head.startswith(f"CONNECT 127.0.0.1:{secure.port} ")
        assert "proxy-authorization: basic " in head.lower() and "hidden" not in head
        assert all("proxy-authorization" not in request.headers for request in secure.requests)


@pytest.mark.parametrize("status", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_proxy_that_refuses_is_told_and_tried_again(
    status: str, proxy: Proxy, tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    proxy.answer = f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode()
    outcome = refused(make("https://cad.example/x", proxy=f"http://127.0.0.1:{proxy.port}").deliver(opened(), "k"))
    assert not outcome.permanent
    assert "no connection to https://cad.example" in outcome.detail and status[:3] in outcome.detail


def test_a_proxy_that_never_answers_costs_no_more_than_the_deadline(make: Callable[..., HttpTroubleOutput]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        through = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        output = make("https://cad.example/x", proxy=through, deadline_s=QUICK_S)
        assert not refused(output.deliver(opened(), "k")).permanent
        assert time.monotonic() - started < QUICK_S + GRACE_S


# Our own certificate


def asks_for_one(authority: Authority, clients: Authority) -> ssl.SSLContext:
    context = authority.server("127.0.0.1")
    context.load_verify_locations(clients.file)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_receiver_that_asks_for_our_certificate_gets_it(
    tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    authority, clients = Authority(tmp_path, "polda"), Authority(tmp_path, "clients")
    own = clients.client("siaga.lampung")
    with Receiver(tls=asks_for_one(authority, clients)) as secure:
        bare = make(secure.url, ca_file=authority.file)
        assert not refused(bare.deliver(opened(), "k")).permanent
        assert secure.requests == []
        assert isinstance(
            make(secure.url, ca_file=authority.file, client_certificate=own).deliver(opened(), "k"), Delivered
        )


def test_a_renewed_certificate_of_ours_is_shown_without_a_new_start(
    tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    authority, clients = Authority(tmp_path, "polda"), Authority(tmp_path, "clients")
    certificate, key = Authority(tmp_path, "strangers").client("siaga.lampung")
    with Receiver(tls=asks_for_one(authority, clients)) as secure:
        output = make(secure.url, ca_file=authority.file, client_certificate=(certificate, key))
        refused(output.deliver(opened(), "k"))
        for file, renewed in zip((certificate, key), clients.client("renewed"), strict=True):
            renewed.replace(file)
        assert isinstance(output.deliver(opened(), "k"), Delivered)


def test_while_only_one_of_the_two_files_is_renewed_the_old_certificate_is_shown(
    tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    authority, clients = Authority(tmp_path, "polda"), Authority(tmp_path, "clients")
    certificate, key = clients.client("siaga.lampung")
    each_anew = answer(204, {"connection": "close"})
    with Receiver(each_anew, tls=asks_for_one(authority, clients)) as secure:
        output = make(secure.url, ca_file=authority.file, client_certificate=(certificate, key))
        renewed, renewed_key = clients.client("renewed")
        renewed.replace(certificate)
        outcome = output.deliver(opened(), "k")
        assert isinstance(outcome, Delivered), outcome
        renewed_key.replace(key)
        assert isinstance(output.deliver(opened(), "k"), Delivered)


# Two secrets at once


def test_while_a_secret_is_changed_both_sign(receiver: Receiver) -> None:
    clock = ManualClock(time.time_ns() // 1_000_000)
    output = webhook("cad", receiver.url, SECRET, clock=clock, previous_secret=OLD_SECRET)
    assert isinstance(output.deliver(opened(), "k"), Delivered)
    output.close()
    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(request.body, dict(request.headers))


# The forms of an event, as the settings ask for them


def sent(receiver: Receiver, folder: Path, settings: str) -> Any:
    """What a webhook with these settings sends of an opening."""
    file = folder / "siaga.toml"
    file.write_text(
        'name = "siaga.lampung"\ndata_dir = "data"\n[console]\npublic_url = "https://siaga.example/"\n'
        f'[[outputs]]\nname = "cad"\nkind = "webhook"\nurl = "{receiver.url}"\nsecret = "{SECRET}"\n{settings}\n',
        encoding="utf-8",
    )
    loaded = loading.load(file, {})
    output = make_output(loaded.outputs[0], loaded, WallClock())
    assert isinstance(output.deliver(opened(), "k"), Delivered)
    output.close()
    return receiver.requests[-1]


def test_an_event_is_json_for_those_who_read_nothing_else(receiver: Receiver, tmp_path: Path) -> None:
    usual = sent(receiver, tmp_path, "")
    plain = sent(receiver, tmp_path, 'content_type = "application/json"')
    assert usual.headers["content-type"] == cloudevent.CONTENT_TYPE
    assert plain.headers["content-type"] == "application/json"
    assert plain.body == usual.body


def test_an_event_in_binary_mode_is_read_by_the_sdk_and_is_the_same(receiver: Receiver, tmp_path: Path) -> None:
    whole = from_http_event(HTTPMessage({"content-type": cloudevent.CONTENT_TYPE}, sent(receiver, tmp_path, "").body))
    request = sent(receiver, tmp_path, 'content_mode = "binary"')
    assert request.headers["content-type"] == "application/json"
    assert request.headers["ce-type"] == "id.siaga.incident.opened.v1"
    Webhook(SECRET).verify(request.body, dict(request.headers))
    event = from_http_event(HTTPMessage(dict(request.headers), request.body))
    assert event.get_data() == whole.get_data() == json.loads(request.body)
    assert event.get_attributes() == whole.get_attributes()


def test_binary_mode_keeps_what_no_header_can_hold() -> None:
    event = cloudevent.event(opened(identifier='Käse 100% "x"-17.k7q2'), "k")
    _, headers = cloudevent.binary(event)
    assert headers["ce-subject"] == "K%C3%A4se%20100%25%20%22x%22-17.k7q2"


def test_an_event_has_a_link_to_the_incident_and_its_place_for_a_map(receiver: Receiver, tmp_path: Path) -> None:
    data = json.loads(sent(receiver, tmp_path, "").body)["data"]
    assert data["incident"]["link"] == f"https://siaga.example/#{opened().incident.id}"
    position = data["position"]
    assert (position["latitude"], position["longitude"]) == (-5.4292, 105.261)
    assert position["geojson"] == {"type": "Point", "coordinates": [105.261, -5.4292]}
    assert json.loads(cloudevent.event(opened(), "k"))["data"]["incident"]["link"] is None


def test_the_settings_reach_the_way(receiver: Receiver, proxy: Proxy, tmp_path: Path) -> None:
    through = f'proxy = "http://127.0.0.1:{proxy.port}"\nprevious_secret = "{OLD_SECRET}"\ndeadline_s = 30'
    request = sent(receiver, tmp_path, through)
    assert len(proxy.heads) == 1
    Webhook(OLD_SECRET).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ('client_certificate = "own.pem"', "go together"),
        ("deadline_s = 61", "deadline_s"),
        ("deadline_s = 0.5", "deadline_s"),
        ('content_mode = "batch"', "content_mode"),
        ('proxy = "proxy.example:3128"', "proxy must be http://host:port"),
        ('client_certificate = "own.pem"\nclient_key = "own.key"', "cannot be used"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(
    settings: str, text: str, receiver: Receiver, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=text):
        sent(receiver, tmp_path, settings)
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url", ["siaga.example", "https://siaga.example/x", "https://u:p@siaga.example", "https://a?b"]
)
def test_an_address_of_the_console_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    file = tmp_path / "siaga.toml"
    file.write_text(f'name = "siaga.lampung"\ndata_dir = "data"\n[console]\npublic_url = "{url}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="public_url"):
        loading.load(file, {})
