"""What the page advises never contradicts itself: tried for every state in which a telephone may betray the holder."""

from __future__ import annotations

import re
from itertools import product

import pytest

from gateway.web.conftest import Console
from siaga_gateway.catalogue import text
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.registry import RegistrationState

# To telephone, as a verb: what must not be advised. Nouns ("a call", "panggilan") advise nothing.
TELEPHONES = {
    "id": re.compile(r"\b(?:menelepon|telepon(?:lah)?|hubungi)\b", re.I),
    "en": re.compile(
        r"\b(?:call back|call if|call first|call again|do not call|ring|telephone|reach the holder)\b", re.I
    ),
}
FORBIDS = {"id": re.compile(r"\bjangan\b|tidak boleh", re.I), "en": re.compile(r"\bdo not\b|must not", re.I)}
HARMLESS = {  # a question to the operator, a fact, or what to do once somebody is on the line already
    "id": re.compile(
        r"^telepon$|tutup telepon|telepon yang berdering|catat percakapan telepon|membatalkan lewat telepon", re.I
    ),
    "en": re.compile(r"telephone that rings|record a telephone conversation|by telephone", re.I),
}
PLACE = {"latitude": -53835400, "longitude": 1052596000}


def sentences(page: str) -> list[str]:
    """What the operator reads, without the timeline, which tells only what was."""
    page = page.split('data-part="timeline"')[0]
    words = re.sub(r"<[^>]+>", "\n", page)
    return [each.strip() for each in re.split(r"(?<=[.:…])\s|\n", words) if each.strip()]


@pytest.mark.parametrize("language", ["id", "en"])
def test_no_page_of_a_quiet_call_advises_to_telephone_the_holder(console: Console, language: str) -> None:
    console.browser.cookies.set("siaga_language", language)
    told = set()
    flags = product(
        (True, False),  # duress, else silent
        (True, False),  # cancelled by the holder
        (True, False),  # its key may have been copied
        (True, False),  # there is a position
        (None, RegistrationState.SUSPENDED),
        CallBack,
        (IncidentState.OPEN, IncidentState.ASSIGNED),
    )
    for number, (duress, cancelled, copied, placed, held, result, state) in enumerate(flags, start=1):
        console.book.press(
            number,
            person=0,
            **(PLACE if placed else {}),
            duress=duress,
            silent=not duress or cancelled,
            cancelled_by_holder=cancelled,
            key_copied=copied,
            registration=held or RegistrationState.ACTIVE,
            held=held is not None,
            delayed_s=90,
            battery=4,
            presses=2,
            cluster=7,
            state=state,
            unit="Raimas 1",
            call_back=result,
        )
        page = console.browser.get(f"/incidents/{number}").text
        for each in sentences(page):
            if TELEPHONES[language].search(each) and not HARMLESS[language].search(each):
                assert FORBIDS[language].search(each), (number, each)
                told.add(each)
        advice = re.findall(r'<ul class="advice">(.*?)</ul>', page, re.S)
        assert len(advice) == 1
        if duress:
            assert advice[0].count("<li") == 1 and text("console.advice.duress", language) in advice[0]
        _, behind, _ = re.split(r'(<details data-keep="phone".*?</details>)', page, flags=re.S)
        assert "tel:" in behind and page.count('href="tel:') == 1, "the number stands behind a second step alone"
    assert told, "the search finds something at all"


def test_the_number_of_any_other_call_is_there_at_once(console: Console) -> None:
    console.book.press(1, person=0)
    page = console.browser.get("/incidents/1").text
    assert 'data-keep="phone"' not in page and page.count('href="tel:') == 2
    assert text("console.advice.nowhere", "id") in page
