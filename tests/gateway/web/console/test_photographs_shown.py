"""Photographs of responders at the console: in the timeline, for who is signed in, and noted."""

from __future__ import annotations

from gateway.web.conftest import OPERATOR, Console


def test_a_photograph_stands_in_the_timeline_and_each_look_is_noted(console: Console) -> None:
    console.book.press(1)
    console.book.do(do="note", incident=1, kind="photographed", who="responder:budi", number=1)
    page = console.browser.get("/incidents/1").text
    assert '<img class="photograph" src="/incidents/1/photographs/1" alt="Foto 1" loading="lazy">' in page
    before = len(console.disclosures.told)
    picture = console.browser.get("/incidents/1/photographs/1")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["x-content-type-options"] == "nosniff" and picture.headers["cache-control"] == "no-store"
    assert console.disclosures.told[before:] == [(OPERATOR, "incident", (1,))]
    assert console.browser.get("/incidents/1/photographs/2").status_code == 404
    assert console.browser.get("/incidents/1/photographs/x").status_code == 422
    assert console.make().get("/incidents/1/photographs/1").status_code in (303, 401)
