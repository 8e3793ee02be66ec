"""A photograph from the scene: from who has accepted, small and bare in the store, a few of each person."""

from __future__ import annotations

import asyncio
import html
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.to_thread import current_default_thread_limiter
from httpx import ASGITransport, AsyncClient, Response

from gateway.adapters.test_photograph_conversion import from_a_phone
from gateway.web.responder.scene_page import BASE, BROWSER, ScenePage
from siaga_gateway.adapters.photograph_conversion import is_small_jpeg
from siaga_gateway.domain.limits import LARGEST_UPLOAD, MOST_PHOTOGRAPHS
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import ResponderRefused
from siaga_gateway.web.session.security_headers import LARGEST_BODY
from waiting import ENDS_S


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ScenePage]:
    made = ScenePage(tmp_path)
    yield made
    made.store.close()


def send(scene: ScenePage, raw: bytes, name: str = "photo") -> Response:
    return scene.phone.post(f"{scene.budi}/photo", files={name: ("../../x.jpg", raw, "text/html")}, headers=BROWSER)


def test_a_photograph_reaches_the_incident_bare_and_is_a_sign_of_life(scene: ScenePage) -> None:
    assert "/photo" not in scene.phone.get(scene.budi).text
    for step in ("accept", "arrived"):
        scene.phone.post(f"{scene.budi}/{step}", headers=BROWSER)
    assert f'href="{scene.budi}/photo"' in scene.phone.get(scene.budi).text
    page = scene.phone.get(f"{scene.budi}/photo").text
    assert 'enctype="multipart/form-data"' in page and "8 MB at most" in page
    answer = send(scene, from_a_phone())
    assert (answer.status_code, answer.headers["location"]) == (303, scene.budi)
    (kept,) = scene.store.photographs_of(1)
    jpeg = scene.store.picture(1, 1)
    assert kept.responder == "budi" and jpeg is not None and is_small_jpeg(jpeg) and b"Exif" not in jpeg
    noted = [each for each in scene.store.journal_of_incident(1) if each.kind == journal.PHOTOGRAPHED]
    assert [dict(each.facts) for each in noted] == [{"who": "responder:budi", "number": 1}]
    assert scene.said() == ["accepted", "arrived", "alive"]


def test_it_is_taken_from_who_has_accepted_and_while_the_incident_is_open(scene: ScenePage) -> None:
    decoded: list[bytes] = []
    scene.page._uploads._converted = lambda raw: decoded.append(raw) or b""
    first = send(scene, from_a_phone())
    assert first.status_code == 409 and "who has accepted" in first.text
    with pytest.raises(ResponderRefused, match="who has accepted"):
        scene.steps.add_photograph(scene.budi.rpartition("/")[2], "b" * 22, "/9j/")
    assert scene.phone.get(f"{scene.budi}/photo").status_code == 303
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    scene.desk.close(1, "Siti", "verified", "aman")
    assert send(scene, from_a_phone()).status_code == 303
    assert scene.store.photographs_of(1) == [] and decoded == []
    assert scene.phone.post(f"/r/{'x' * 22}/photo", files={"photo": b"x"}, headers=BROWSER).status_code == 404


def test_what_is_no_photograph_is_refused_by_name_and_no_other_form_may_be_large(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    for raw, name in ((b"<svg/>", "photo"), (b"", "photo"), (from_a_phone(), "other")):
        refused = send(scene, raw, name)
        assert refused.status_code == 409 and ("cannot be read" in refused.text or "8 MB" in refused.text)
    large = {"note": "x" * (LARGEST_BODY + 1)}
    assert scene.phone.post(f"{scene.budi}/note", data=large, headers=BROWSER).status_code == 413
    assert send(scene, b"x" * (LARGEST_UPLOAD + LARGEST_BODY + 1)).status_code == 413
    assert scene.store.photographs_of(1) == []


def test_there_are_a_few_of_each_person(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    scene.page._uploads._converted = lambda raw: b"\xff\xd8\xff" + raw
    for _ in range(MOST_PHOTOGRAPHS):
        assert send(scene, b"x").status_code == 303
        scene.clock.at_ms += 60_000
    refused = send(scene, b"x")
    assert refused.status_code == 409 and f"{MOST_PHOTOGRAPHS} photographs" in html.unescape(refused.text)
    token = scene.wati.rpartition("/")[2]
    scene.steps.say(token, "w" * 22, "accepted")
    scene.steps.add_photograph(token, "w" * 22, "/9j/")
    assert [each.number for each in scene.store.photographs_of(1)] == list(range(1, MOST_PHOTOGRAPHS + 2))


def test_photographs_that_are_converted_hold_up_nothing_else_and_of_one_person_there_are_two(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    done = threading.Event()

    def slowly(raw: bytes) -> bytes:
        assert done.wait(ENDS_S)
        return b"\xff\xd8\xff" + raw

    scene.page._uploads._converted = slowly

    async def meanwhile() -> tuple[list[int], list[int]]:
        current_default_thread_limiter().total_tokens = 2  # as many as are converted at once
        async with AsyncClient(transport=ASGITransport(app=scene.app), base_url=BASE) as client:

            async def upload() -> int:
                files = {"photo": ("x.jpg", b"x", "image/jpeg")}
                return (await client.post(f"{scene.budi}/photo", files=files, headers=BROWSER)).status_code

            tasks = [asyncio.create_task(upload()) for _ in range(4)]
            try:
                ended = iter(asyncio.as_completed(tasks, timeout=ENDS_S))
                refused = [await next(ended) for _ in range(2)]
                answer = await asyncio.wait_for(client.get(scene.budi), ENDS_S)
                assert answer.status_code == 200
            finally:
                done.set()
            return refused, [await each for each in tasks]

    refused, all_of_them = asyncio.run(meanwhile())
    assert refused == [503, 503] and sorted(all_of_them) == [303, 303, 503, 503]
    assert send(scene, b"x").status_code == 303, "their places are free again"
