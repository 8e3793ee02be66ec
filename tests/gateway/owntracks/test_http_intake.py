"""The door for OwnTracks' posts: who gets in, what is answered, and that it is stored before."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from gateway import sample_store
from gateway.dispatch.listed_responders import ALWAYS, BUDI, NOW_MS
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.owntracks.http_intake import OwntracksDoor
from siaga_gateway.adapters.owntracks.metrics import OUTCOMES, owntracks_exposition
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config.owntracks import OwntracksSettings
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.owntracks import LARGEST
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.responder_positions import Outcome, PositionIntake
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S

TOKEN = "an-invented-key-of-a-phone"
LOCATION = {"_type": "location", "lat": -5.4292, "lon": 105.2611, "acc": 13, "tst": NOW_MS // 1000, "t": "u"}


class Front:
    """The door before a real store, and a client."""

    def __init__(self, store: SqlStore, **settings: Any) -> None:
        self.store = store
        self.clock = ManualClock(NOW_MS)
        self.intake = PositionIntake(store, self.clock, self, Duty(store, ZoneInfo("Asia/Jakarta")))  # type: ignore[arg-type]
        self.refused: list[tuple[str | None, str, int]] = []
        self.asked: list[int] = []
        self.take: Callable[[Sequence[Any]], Sequence[str]] = self.intake.take_told
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.door = OwntracksDoor(
            OwntracksSettings(port=0, **settings),
            self._bound,
            clock=self.clock,
            tokens=self.intake.tokens,
            take=self._take,
            refused=lambda *told: self.refused.append(told),
            deadline_s=ENDS_S,
        )
        self.door.start()
        self.client = httpx.Client(verify=False, timeout=ENDS_S, trust_env=False)

    def ring(self) -> None: ...

    def _take(self, reports: Sequence[Any]) -> Sequence[str]:
        self.asked.append(len(reports))
        return self.take(json.loads(json.dumps(reports)))

    def post(self, body: object = LOCATION, user: str = "budi", token: str = TOKEN, **more: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        whole = {"auth": (user, token), **more}
        return self.client.post(self.door.address, content=content, **whole)

    def latitude(self) -> int | None:
        found = self.store.positions_of(["budi"]).get("budi")
        return None if found is None else found.latitude

    def close(self) -> None:
        self.client.close()
        self.door.stop()
        self._bound.close()
        self.store.close()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    store = sample_store.new_store(tmp_path)
    with store.transaction() as transaction:
        transaction.put_responders([copied(BUDI, token_hash=sha256(TOKEN.encode()).hexdigest())])
        transaction.set_shifts("budi", [ALWAYS])
    made = Front(store)
    yield made
    made.close()


def is_done(response: httpx.Response) -> bool:
    return response.status_code == 200 and response.json() == []


def test_a_position_is_stored_when_it_is_answered(front: Front) -> None:
    assert is_done(front.post()) and front.latitude() == -54_292_000
    assert is_done(front.post([{**LOCATION, "tst": NOW_MS // 1000 - 9}, {"_type": "lwt", "tst": 1}]))
    assert is_done(front.post(b""))
    assert (front.door.counts["taken"], front.door.counts["nothing_new"], front.door.counts["passed"]) == (1, 1, 1)
    assert not front.refused


@pytest.mark.parametrize(
    "more",
    [
        {"auth": ("Budi ", TOKEN)},  # a phone begins a name with a capital
        {"auth": None, "headers": {"authorization": f"Bearer {TOKEN}", "x-limit-u": "budi"}},
        {"auth": None, "headers": {"authorization": f"bearer {TOKEN}"}, "params": {"u": "budi", "d": "hp"}},
    ],
)
def test_a_phone_shows_its_key_in_one_of_these_ways(front: Front, more: dict[str, Any]) -> None:
    assert is_done(front.post(**more)) and front.latitude() is not None


@pytest.mark.parametrize(
    "more",
    [
        {"token": ""},
        {"token": TOKEN[:-1]},
        {"user": "wati"},
        {"user": ""},
        {"auth": None},
        {"auth": None, "headers": {"authorization": f"Bearer {TOKEN}"}},
        {"auth": None, "headers": {"authorization": "Basic %%%"}},
        {"auth": None, "headers": {"authorization": b"Basic " + base64.b64encode(b"\xff:\xff")}},
        {
            "auth": None,
            "headers": {"authorization": f"Bearer {sha256(TOKEN.encode()).hexdigest()}", "x-limit-u": "budi"},
        },
    ],
)
def test_who_is_not_known_is_told_nothing_and_is_not_asked_to_come_again(front: Front, more: dict[str, Any]) -> None:
    assert is_done(front.post(**more)) and front.latitude() is None
    assert front.refused == [(None, "position_refused.login", 1)] and not front.asked
    assert front.door.counts["unauthorised"] == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"_type": "encrypted", "data": "x"}, "owntracks.encrypted"),
        (b"{", "owntracks.no_json"),
        ({**LOCATION, "lat": None}, "owntracks.no_place"),
        (b" " * (LARGEST + 1), "owntracks.size"),
    ],
)
def test_what_will_never_be_taken_is_answered_and_told(front: Front, body: object, why: str) -> None:
    assert is_done(front.post(body)) and front.refused == [("budi", why, 1)] and front.latitude() is None


def test_a_list_is_told_once_for_each_reason(front: Front) -> None:
    wrong = [{"_type": "encrypted", "data": "x"}, {**LOCATION, "lat": None}]
    assert is_done(front.post([*wrong * 400, LOCATION])) and front.latitude() is not None
    assert front.refused == [("budi", "owntracks.encrypted", 400), ("budi", "owntracks.no_place", 400)]
    assert front.door.counts["refused"] == 800


def test_whoever_leaves_or_gets_a_new_key_is_cut_off_and_the_new_key_works_at_once(front: Front) -> None:
    assert is_done(front.post())
    with front.store.transaction() as transaction:
        transaction.change_responders()
        (there,) = front.store.responders()
        transaction.put_responders([copied(there, token_hash=sha256(b"another").hexdigest())])
    front.door._tokens_at -= 5  # as after 5 s
    front.post({**LOCATION, "lat": -5.43, "tst": NOW_MS // 1000 + 1})
    assert front.latitude() == -54_292_000 and front.refused == [(None, "position_refused.login", 1)]
    front.clock.at_ms += 2_000
    assert is_done(front.post({**LOCATION, "lat": -5.43, "tst": NOW_MS // 1000 + 1}, token="another"))
    assert front.latitude() == -54_300_000
    with front.store.transaction() as transaction:
        transaction.change_responders()
        transaction.remove_responders(["budi"])
    assert is_done(front.post({**LOCATION, "tst": NOW_MS // 1000 + 2}, token="another")), "its key is not forgotten yet"
    assert front.door.counts["gone"] == 1 and front.latitude() is None


def test_what_cannot_be_stored_is_to_come_again(front: Front) -> None:
    def fails(_reports: Sequence[Any]) -> Sequence[str]:
        raise StoreFailing("passed_on", why="disk")

    front.take = fails
    response = front.post()
    assert response.status_code == 503 and int(response.headers["retry-after"]) > 0
    released = threading.Event()

    def hangs(reports: Sequence[Any]) -> Sequence[str]:
        released.wait(ENDS_S)
        return ["taken"] * len(reports)

    front.take = hangs
    front.door._deadline_s = 1
    assert front.post().status_code == 503, "nothing waits for ever"
    front.door._deadline_s = ENDS_S
    released.set()
    front.take = front.intake.take_told
    assert is_done(front.post()) and front.latitude() is not None
    assert front.door.counts["again"] == 2


def test_what_comes_together_is_asked_together_and_only_the_last_of_a_backlog(front: Front) -> None:
    backlog = [{**LOCATION, "lat": -5 - number / 10**5, "tst": NOW_MS // 1000 - number} for number in range(300)]
    threads = [threading.Thread(target=front.post, args=(backlog,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(front.asked) == 4 * 50 and len(front.asked) < 4
    assert front.latitude() == -50_000_000


def test_its_figures_name_every_outcome(front: Front) -> None:
    front.post()
    told = owntracks_exposition(front.door.counts)().decode()
    assert 'siaga_owntracks_messages_total{outcome="taken"} 1.0' in told
    assert {outcome.value for outcome in Outcome} < set(OUTCOMES)
    assert all(f'outcome="{outcome}"' in told for outcome in OUTCOMES)


def test_a_get_is_no_post(front: Front) -> None:
    assert front.client.get(front.door.address).status_code == 405
