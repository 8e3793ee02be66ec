"""The console of a real gateway while it calls: a process of its own, which hears of what is no row of the journal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import httpx
from test_called_people import Called, called

from waiting import ENDS_S, eventually

__all__ = ["called"]  # a fixture


def changed(lines: Iterator[str]) -> Iterator[list[int]]:
    """The incidents of each `ladders` event."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == "ladders":
            yield json.loads(line.removeprefix("data: "))["ids"]
        elif not line:
            name = ""


def test_an_operator_sees_the_call_climb_and_who_was_told_and_ends_it(called: Called) -> None:
    with called.gateway as gateway:
        origin = gateway.console.rstrip("/")
        with httpx.Client(verify=False, base_url=origin, headers={"Origin": origin}, timeout=ENDS_S) as console:
            assert console.post("/sign-in", data={"name": "Siti"}).status_code == 303
            with console.stream("GET", "/live", params={"after": 0}) as live:
                called.press()
                assert next(changed(live.iter_lines())) == [1]

            def detail() -> str:
                return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", console.get("/incidents/1").text))

            eventually(lambda: detail().count("ntfy: diserahkan") >= 3, "who was told, and that it was handed over")
            assert "Polsek Barat" in detail() and "Memanggil bantuan" in detail()
            assert 'href="tel:+62721000003"' in console.get("/incidents/1").text
            eventually(lambda: "Memanggil bantuan · wilayah" in detail(), "the second rung, after 4 s")
            assert console.post("/incidents/1/seen").status_code == 200
            eventually(lambda: "Sudah dilihat meja jaga" in detail(), "the ladder rests")
            assert "Memanggil lagi" in detail() and 'data-ring=""' in console.get("/incidents?ids=1").text

            def calls() -> str:
                """How many were called at the station, and how many acknowledged within a minute."""
                answer = console.get("/figures.csv", params={"station": "polsek-a", "period": "day"})
                line = next(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
                return f"{line['Panggilan']} {line['Tekanan sampai diterima petugas: dalam 1 menit']}"

            assert console.get("/figures").status_code == 200
            eventually(lambda: calls() == "1 1", "the call is counted for the chief")
