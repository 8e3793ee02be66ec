"""Every way passes the contract of its port."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gateway.fake_ports import ManualClock
from gateway.outputs.http_receiver import Receiver, answer
from gateway.ways.fake_way import FakeWay
from gateway.ways.http_places import HttpPlace, ntfy_place, telegram_place, whatsapp_place
from gateway.ways.mail_server import Mailboxes
from gateway.ways.modem_place import Telephone
from gateway.ways.sample_messages import SENT_MS
from gateway.ways.way_contract import DEADLINE_S, PATIENT_S, WayContract
from siaga_gateway.adapters.ways.apprise import AppriseWay
from siaga_gateway.adapters.ways.email import EmailWay, MailServer
from siaga_gateway.adapters.ways.sms import SmsWay, SpoolSending
from siaga_gateway.formats import gammu
from siaga_gateway.service.dispatch.ways import Budget
from siaga_gateway.service.ports import NotDelivered
from waiting import ENDS_S


class TestServicesOverHttp(WayContract):
    @pytest.fixture(params=[ntfy_place, telegram_place, whatsapp_place])
    def place(self, request: pytest.FixtureRequest) -> Iterator[HttpPlace]:
        with Receiver() as receiver:
            place: HttpPlace = request.param(receiver)
            yield place
            place.way.close()


class MailPlace:
    """Implements way_contract.Place."""

    good = "duty@polsek-a.example"
    bad = "polsek-a"

    def __init__(self, server: Mailboxes) -> None:
        self._server = server
        to = MailServer("127.0.0.1", server.port, "plain", "siaga@police.example", "Siaga")
        self.way = EmailWay(
            "way-1",
            to,
            budget=Budget(),
            clock=ManualClock(SENT_MS),
            language="en",
            deadline_s=PATIENT_S,
            at_once=4,
        )

    def arrived(self) -> Sequence[str]:
        return [f"{email['subject']}\n{email.get_content()}" for email in self._server.emails]

    def break_down(self) -> None:
        self._server.replies["RCPT"] = "451 4.3.0 out of order"

    def hang(self) -> None:
        self.way._deadline_s = DEADLINE_S
        self._server.hangs_at = "DATA"

    def recover(self) -> None:
        self.way._deadline_s = PATIENT_S
        self._server.replies.clear()
        self._server.hangs_at = None
        self._server.forget()


class TestEmail(WayContract):
    @pytest.fixture
    def place(self) -> Iterator[MailPlace]:
        with Mailboxes() as server:
            yield MailPlace(server)


class _Disk:
    """A share that can hang: what the folder's own calls go through."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()


class HangingFolder(type(Path())):  # type: ignore[misc]
    """A folder whose listing waits for the share."""

    disk: _Disk

    def iterdir(self) -> Iterator[Path]:
        self.disk.answers.wait(ENDS_S)
        return iter([Path(self) / name for name in os.listdir(self)])


class SpoolPlace:
    """Implements way_contract.Place."""

    good = "+6281200000001"
    bad = "0812"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disk = _Disk()
        watched = HangingFolder(folder)
        HangingFolder.disk = self._disk
        self._sending = SpoolSending("gammu", watched, clock=ManualClock(SENT_MS), language="en", deadline_s=PATIENT_S)
        self.way = SmsWay("way-1", self._sending, budget=Budget(), language="en", at_once=4)

    def arrived(self) -> Sequence[str]:
        if not self._folder.is_dir():
            return []
        return [file.read_text() for file in sorted(self._folder.iterdir()) if gammu.is_ours(file.name)]

    def break_down(self) -> None:
        self._folder.rename(self._folder.with_name("elsewhere"))

    def hang(self) -> None:
        self._sending._deadline_s = DEADLINE_S
        self._disk.answers.clear()

    def recover(self) -> None:
        self._sending._deadline_s = PATIENT_S
        self._disk.answers.set()
        if not self._folder.is_dir():
            self._folder.with_name("elsewhere").rename(self._folder)


class TestModem(WayContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[SpoolPlace]:
        folder = tmp_path / "outbox"
        folder.mkdir()
        place = SpoolPlace(folder)
        yield place
        place.recover()


class TestTelephone(WayContract):
    @pytest.fixture
    def place(self) -> Iterator[Telephone]:
        with Telephone() as place:
            yield place


class ApprisePlace(HttpPlace):
    """The library itself, at the service of its that posts JSON."""

    def __init__(self, receiver: Receiver) -> None:
        way = AppriseWay("way-1", ["json"], budget=Budget(), language="en", deadline_s=PATIENT_S, at_once=4)
        shown = lambda body: f"{body['title']}\n{body['message']}"  # noqa: E731
        super().__init__(receiver, way, f"json://127.0.0.1:{receiver.port}/hidden", "nonsense", answer(200), shown)


class TestApprise(WayContract):
    @pytest.fixture
    def place(self) -> Iterator[ApprisePlace]:
        with Receiver() as receiver:
            yield ApprisePlace(receiver)


class FakePlace:
    """Implements way_contract.Place."""

    good, bad = "siaga-a", ""

    def __init__(self) -> None:
        self.way = FakeWay(deadline_s=PATIENT_S)

    def arrived(self) -> Sequence[str]:
        return [f"{each.message.title}\n{each.message.text}" for each in self.way.told]

    def break_down(self) -> None:
        self.way.broken = NotDelivered("out of order")

    def hang(self) -> None:
        self.way._deadline_s = DEADLINE_S
        self.way.silent = True

    def recover(self) -> None:
        self.way._deadline_s = PATIENT_S
        self.way.broken = None
        self.way.speak()


class TestFake(WayContract):
    @pytest.fixture
    def place(self) -> FakePlace:
        return FakePlace()
