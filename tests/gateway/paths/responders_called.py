"""A gateway with the responders' page, a button, and three responders: one is told by ntfy, text message and a bot."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import processes
from gateway.command_button import ObeyingButton
from gateway.dispatch.listed_responders import BUDI, PATROL, POSITION, WATI
from gateway.enrolled_devices import enrolled_buttons
from gateway.outputs.http_receiver import Handler, Receiver, answer
from gateway.ways.bot_api import TOKEN, BotApi
from pressing_button import LAMPUNG, at
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from system.running_gateway import Gateway

STATIONS = "kunci;jenis;nama;induk;lintang;bujur;telepon\npolsek-ne;polsek;Polsek Contoh;;-5,42;105,26;+62721000003\n"
PUBLIC = "http://127.0.0.1"  # the port is drawn at the start
CHAT = 1_000_000_777
NUMBER, SECRET = "+6281200000001", "correct horse battery staple"


class Scene(Gateway):
    """A gateway with the page, a button and three responders."""

    def __init__(self, folder: Path, broker_port: int, server: Receiver) -> None:
        """server: of ntfy, text messages and a bot, by which Budi, who is on duty close by, is told."""
        super().__init__(folder, broker_port)
        self.server = server
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "vapid.pem").write_bytes(pem)
        with self.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[responder_page]\nport = 0\npublic_url = "{PUBLIC}"\n'
                f'\n[[ways]]\nname = "ntfy"\nkind = "ntfy"\nurl = "http://127.0.0.1:{server.port}"\n'
                '\n[[ways]]\nname = "texts"\nkind = "sms"\nvia = "aggregator"\nanswers = true\n'
                f'\n[[ways]]\nname = "bot"\nkind = "telegram"\nurl = "http://127.0.0.1:{server.port}"\n'
                f'token = "{TOKEN}"\nanswers = true\n'
                '\n[[ways]]\nname = "push"\nkind = "push"\nvapid_key = "vapid.pem"\ncontact = "mailto:a@b.example"\n'
                f'\n[sms.aggregator]\nurl = "{server.url}"\n[sms.webhook]\nport = 0\nsecret = "{SECRET}"\n'
            )
        stations = folder / "stations.csv"
        stations.write_text(STATIONS, encoding="utf-8")
        self.command("stations", "import", str(stations), "--by", "Dewi")
        self.button = ObeyingButton(enrolled_buttons(self.data, 1)[0])
        self.store = SqlStore(store_path(self.data), 0)
        now_ms = WallClock().now_ms()
        contacts = [Contact(ContactWay.NTFY, "budi"), Contact(ContactWay.SMS, NUMBER)]
        contacts.append(Contact(ContactWay.TELEGRAM, str(CHAT)))
        budi = copied(BUDI, ways=tuple(ProvenWay(each, now_ms, now_ms) for each in contacts))
        there = copied(POSITION, latitude=LAMPUNG[0], longitude=LAMPUNG[1], fix_ms=now_ms, heard_ms=now_ms)
        with self.store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders([budi, PATROL, WATI])
            transaction.declare(SelfDeclared("budi", DutyState.ON_DUTY, now_ms - 1, now_ms + 3_600_000))
            transaction.put_position(there)
        self.links = ResponderLinks(self.store, "", WallClock())

    def told(self, topic: str) -> list[dict[str, Any]]:
        """What ntfy was given for this topic."""
        messages = [json.loads(request.body) for request in self.server.requests]
        return [each for each in messages if each.get("topic") == topic]

    def texts(self) -> list[str]:
        """What the aggregator was given for Budi's number."""
        messages = [json.loads(request.body) for request in self.server.requests]
        return [each["text"] for each in messages if each.get("to") == NUMBER]

    @property
    def url(self) -> str:
        return str(self.ready["responder_page"])

    def press(self) -> int:
        """Press, and return the open incident."""
        frame = self.button.button.press(int(time.time()), **at())
        assert self.button.say(self.button.button.counter, frame) >= Stage.RECEIVED
        return self.store.open_incidents()[-1].id

    def new_call(self) -> int:
        """Close what is open, and press."""
        with self.store.transaction() as transaction:
            for each in self.store.open_incidents():
                ended = copied(each, state=IncidentState.CLOSED, closed_at_ms=each.opened_at_ms)
                transaction.put_incident(ended)
        return self.press()

    def link(self, incident_id: int, responder: str) -> str:
        return self.url + self.links.url(incident_id, responder)

    def stage(self) -> int:
        return self.button.acknowledged(self.button.button.counter)

    def front(self) -> int:
        """The page's process; 0: there is none, or it is about to end."""
        assert self.process is not None
        found = processes.children(self.process.pid).items()
        return next((pid for pid, line in found if "responders=" in line), 0)


BOT = BotApi()


def taken(handler: Handler) -> None:
    if handler.path.startswith("/bot"):
        BOT.behave(handler)
        return
    answer(200, body=json.dumps({"id": "abc", "event": "message"}).encode())(handler)
