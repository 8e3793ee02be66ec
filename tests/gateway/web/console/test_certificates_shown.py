"""What operators and installers see of certificates: the urgent ones before the queue, all of them at Maintenance."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.web.conftest import Console


def told(*certificates: tuple[str, str, int]) -> list[dict[str, Any]]:
    return [{"name": name, "state": state, "days": days} for name, state, days in certificates]


@pytest.fixture
def shown(console: Console) -> Any:
    """The console's page, and the part that it asks for when one is told of, for these certificates."""

    def show(certificates: list[dict[str, Any]]) -> str:
        browser = console.make(certificates=lambda: certificates)
        browser.post("/sign-in", data={"name": "Rina Wulandari"})
        page, part = browser.get("/"), browser.get("/certificates")
        assert page.status_code == part.status_code == 200
        assert [line for line in part.text.splitlines() if line and line not in page.text] == []
        return part.text

    return show


def test_what_ends_in_weeks_is_no_matter_of_the_operators(shown: Any) -> None:
    assert shown([]).strip() == ""
    assert shown(told(("mqtt", "ending", 29), ("certificates.buttons", "ending", 200))).strip() == ""


def test_the_worst_come_first_and_the_queue_keeps_its_room(shown: Any) -> None:
    text = shown(
        told(("a", "ending", 6), ("b", "ending", 2), ("c", "ended", -1), ("d", "not_yet", 2), ("e", "ending", 5))
    )
    lines = [line for line in text.splitlines() if line]
    assert len(lines) == 3
    assert "SERTIFIKAT c SUDAH BERAKHIR 1 hari" in lines[0] and "certificate-bad" in lines[0]
    assert "SERTIFIKAT d baru berlaku 2 hari lagi" in lines[1]
    assert "3 sertifikat lain" in lines[2]


def test_a_name_cannot_become_markup(shown: Any) -> None:
    assert "<b>" not in shown(told(("<b>x</b>", "ended", -1)))
