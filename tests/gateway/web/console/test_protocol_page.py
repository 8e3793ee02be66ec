"""The checklist of a call, and the page on which a supervisor changes it."""

from __future__ import annotations

import re

import pytest

from gateway.web.conftest import OPERATOR, Console
from gateway.web.fake_protocols import protocols_of
from siaga_gateway.domain.permissions import OF_ROLE, Permission, Role
from siaga_gateway.domain.protocol import CallKind, steps_of


@pytest.fixture
def desk(console: Console) -> Console:
    console.browser = console.make(protocols=protocols_of(console.book, console.clock))
    assert console.sign_in().status_code == 303
    return console


def boxes(page: str) -> list[tuple[str, str]]:
    """Whether it is ticked, and its step."""
    return re.findall(r'role="checkbox"[^>]*aria-checked="(\w+)".*?<span>(.*?)</span>', page, re.S)


def tick(console: Console, step: int, *, version: int = 0, protocol: str = "normal", done: bool = True) -> str:
    form = {"protocol": protocol, "version": version, "step": step, "done": str(done).lower()}
    answer = console.browser.post("/incidents/1/protocol", data=form)
    assert answer.status_code == 200
    return answer.text


def test_a_step_is_ticked_with_name_and_time_and_stands_in_the_timeline(desk: Console) -> None:
    desk.book.press(1)
    steps = steps_of(None, CallKind.NORMAL, "id")
    shown = desk.browser.get("/incidents/1").text
    assert boxes(shown) == [("false", each) for each in steps] and f"0 dari {len(steps)}" in shown
    ticked = tick(desk, 1)
    assert boxes(ticked) == [("true" if at == 1 else "false", each) for at, each in enumerate(steps)]
    assert f"1 dari {len(steps)}" in ticked and f"<small>{OPERATOR} · <time" in ticked
    timeline = ticked.partition('data-part="timeline"')[2]
    assert "Langkah protokol selesai" in timeline and steps[1] in timeline
    assert ("true", steps[1]) not in boxes(tick(desk, 1, done=False))


def test_a_call_that_turns_worse_goes_by_another_list_and_tells_so(desk: Console) -> None:
    desk.book.press(1)
    tick(desk, 0)
    desk.book.do(do="duress", incident=1)
    shown = desk.browser.get("/incidents/1").text
    assert boxes(shown) == [("false", each) for each in steps_of(None, CallKind.DURESS, "id")]
    assert steps_of(None, CallKind.NORMAL, "id")[0] in shown.partition('data-part="timeline"')[2]
    form = {"protocol": "normal", "version": 0, "step": 1, "done": "true"}
    assert desk.browser.post("/incidents/1/protocol", data=form).status_code == 409
    desk.book.do(do="close", incident=1, actor=OPERATOR, disposition="verified", note="")
    assert (
        "<button"
        not in desk.browser.get("/incidents/1").text.partition('data-part="protocol"')[2].partition("</section>")[0]
    )


def test_a_supervisor_changes_the_steps_and_a_call_that_is_under_way_keeps_its_own(desk: Console) -> None:
    desk.book.press(1)
    page = desk.browser.get("/protocols").text
    assert page.count("<textarea") == 2 * len(CallKind) and "Langkah bawaan" in page
    typed = {"steps_id": "tanya <lokasi>\nkirim unit", "steps_en": "ask where", "shown": "0"}
    refused = desk.browser.post("/protocols/normal", data=typed)
    assert refused.status_code == 409 and "samakan jumlahnya" in refused.text
    assert "tanya &lt;lokasi&gt;\nkirim unit</textarea>" in refused.text, "nothing typed is lost"
    saved = desk.browser.post("/protocols/normal", data=typed | {"steps_en": ""})
    assert (saved.status_code, saved.headers["location"]) == (303, "/protocols#normal")
    again = desk.browser.get("/protocols").text
    assert "<li>tanya &lt;lokasi&gt;</li>" in again and f"Versi 1, disimpan {OPERATOR}" in again
    overtaken = desk.browser.post("/protocols/normal", data=typed | {"steps_en": "", "steps_id": "lain"})
    assert overtaken.status_code == 409 and OPERATOR in overtaken.text
    assert len(boxes(desk.browser.get("/incidents/1").text)) == len(steps_of(None, CallKind.NORMAL, "id"))
    desk.book.press(2, opened_at_ms=desk.clock.now_ms() + 1000)
    assert [step for _, step in boxes(desk.browser.get("/incidents/2").text)] == ["tanya &lt;lokasi&gt;", "kirim unit"]


def test_who_may_not_change_them_reads_them_and_is_refused_by_the_route(console: Console) -> None:
    reads = console.browser.get("/protocols").text  # this console has nobody who changes them
    assert steps_of(None, CallKind.SILENT, "id")[0] in reads and "<textarea" not in reads
    assert console.browser.post("/protocols/normal", data={"steps_id": "satu"}).status_code == 404
    changes = {role for role in Role if Permission.PROTOCOLS_CHANGE in OF_ROLE[role]}
    assert changes == {Role.SUPERVISOR, Role.ADMINISTRATOR}
