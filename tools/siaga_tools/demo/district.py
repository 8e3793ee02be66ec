"""Makes the gateway know the demo's stations and officers, as an administrator does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.responder_csv import responder_rows
from siaga_gateway.formats.shift_csv import shift_rows
from siaga_gateway.formats.spreadsheet_csv import Sheet, sheet
from siaga_gateway.formats.station_csv import station_rows
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.place_lists import Taken, take_stations
from siaga_gateway.service.dispatch.responder_lists import take_responders, take_shifts
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.store import StoreFailing
from siaga_tools.demo.enrolment import ACTOR
from siaga_tools.demo.site import LOCAL
from siaga_tools.demo.stations import PATROL, RESPONDERS, STATIONS, topic
from siaga_tools.messages import Trouble


def set_up(store: SqlStore, language: str, patrol_token: str) -> None:
    """Import the lists, let the patrol's phone in, and prove everybody's way, as an administrator does.

    Uses the services behind `siaga gateway stations`, `responders` and `shifts`, on the running gateway's store. Again
    without harm. language: of everybody's messages. Raises: Trouble (`gateway_refused`).
    """
    clock = WallClock()
    today = LOCAL.at(clock.now_ms()).date()
    try:
        _sound("stations", take_stations(store, clock, station_rows(_stations(today), today.toordinal()), actor=ACTOR))
        _sound("responders", take_responders(store, clock, responder_rows(_responders(language)), actor=ACTOR))
        _sound("shifts", take_shifts(store, clock, shift_rows(_shifts()), actor=ACTOR))
        with store.transaction() as transaction:
            transaction.change_responders()
            patrol = transaction.responder(PATROL.key)
            assert patrol is not None, "it has just been imported"
            hashed = sha256(patrol_token.encode()).hexdigest()
            transaction.put_responders([copied(patrol, token_hash=hashed)])
        questions = WayQuestions(store, clock, Duty(store, LOCAL.zone))
        unproven = [each.key for each in store.responders() if not each.contacts]
        for key in unproven:
            for asked in questions.ask(frozenset({ContactWay.NTFY}), only=key):
                questions.answer(key, asked.code, ACTOR)
    except (Refused, StoreFailing) as error:
        raise Trouble("gateway_refused", command="responders", why=error) from error


def _sound(command: str, taken: Taken) -> None:
    for fault in taken.faults:
        raise Trouble("gateway_refused", command=f"{command} import", why=fault.why)


def _stations(today: date) -> Sheet:
    return _sheet(
        "kunci jenis nama induk lintang bujur alamat ntfy diperiksa_oleh diperiksa_tanggal",
        [
            (each.key, each.kind, each.name, each.parent, each.latitude, each.longitude, "(rekaan)", topic(each.key),
             "peragaan", today.isoformat())
            for each in STATIONS
        ],
    )  # fmt: skip


def _responders(language: str) -> Sheet:
    return _sheet(
        "kunci jenis nama kantor bahasa kendaraan keahlian lintang_rumah bujur_rumah ntfy",
        [
            (each.key, each.kind, each.name, each.station, language, each.transport, each.skills, *each.home,
             topic(each.key))
            for each in RESPONDERS
        ],
    )  # fmt: skip


def _shifts() -> Sheet:
    return _sheet("petugas status jam", [(each.key, each.duty, "24 jam") for each in RESPONDERS])


def _sheet(columns: str, rows: Sequence[Sequence[str]]) -> Sheet:
    return sheet("\n".join(";".join(row) for row in [columns.split(), *rows]).encode())
