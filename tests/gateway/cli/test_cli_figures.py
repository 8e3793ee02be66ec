"""`siaga gateway figures`, as cron calls it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import POLDA, POLRES, SW
from gateway.gateway_folder import Office
from gateway.reports.counted_calls import NOW_MS, call
from siaga_gateway.domain.value import copied

THAT_DAY = ("--from", "2026-09-21", "--to", "2026-09-21")
FORMULA = '=HYPERLINK("http://example.test")'


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Two calls at a Polsek whose name would be a formula."""
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    store = made.store()
    sample_store.with_device(store)
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([POLDA, POLRES, copied(SW, name=FORMULA)])
    for number in (1, 2):
        sample_store.open_incident(store, number)
        record = call(NOW_MS, number, station=SW.key, closed_at_ms=NOW_MS + 60_000, disposition="verified")
        with store.transaction() as transaction:
            transaction.put_call_records([record._replace(acknowledged_ms=NOW_MS + number * 10_000)])
    store.close()
    return made


def lines(written: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written.decode("utf-8-sig")), delimiter=";"))


def test_a_line_a_station_and_one_for_all_of_them(office: Office) -> None:
    result = office.run("figures", *THAT_DAY, "--station", "polres", "--language", "en")
    assert result.exit_code == 0, result.output
    first, total, notice = lines(result.stdout_bytes)
    assert (first["Key"], first["Station"], first["Calls"]) == (SW.key, f"'{FORMULA}", "2")
    assert (total["Key"], total["Station"], total["Ended: Real emergency"]) == ("polres", "Polres", "2")
    assert total["Press to acknowledgement: 90 % within (ms)"] == "20000"
    assert total["Press to arrival: median (ms)"] == "", "nobody arrived: no number"
    assert notice["From"].startswith("Fewer than 5 calls")
    assert "Fewer than 5 calls" in result.stderr or "fewer than 5 calls" in result.stderr
    assert "Wati" not in result.output and sample_store.DEVICE_ID.hex() not in result.output


def test_a_station_with_no_calls_but_its_own_has_one_line(office: Office) -> None:
    result = office.run("figures", *THAT_DAY, "--station", SW.key, "--language", "en")
    only, _ = lines(result.stdout_bytes)
    assert (only["Key"], only["Calls"]) == (SW.key, "2")


def test_the_columns_are_in_the_reader_s_language_and_json_stays(office: Office) -> None:
    columns = {
        language: list(lines(office.run("figures", *THAT_DAY, "--language", language).stdout_bytes)[0])
        for language in ("id", "en")
    }
    assert columns["id"][:6] == ["Dari", "Sampai", "Kunci", "Kantor", "Panggilan", "Tekanan"]
    assert len(columns["id"]) == len(columns["en"]) == len(set(columns["id"])) == len(set(columns["en"]))
    told = json.loads(office.run("figures", *THAT_DAY, "--json").stdout_bytes)
    assert (told["total"]["calls"], told["stations"][0]["station"], told["few"]) == (2, "polres", True)
    assert told["total"]["acknowledged"]["within"] == {"1_min": 2, "5_min": 2, "10_min": 2}
    assert len(told["hours"]) == 168 and sum(told["hours"]) == 2
    assert told["trend"]["steps"] == [{"from": "2026-09-21", "calls": 2, "false": 0, "acknowledged_median_ms": 10_000}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "2026-09-21", "--to", "21-09-2026"), "21-09-2026 is no day"),
        (("--from", "2026-09-21", "--to", "2026-09-20"), "the first day comes first"),
        ((*THAT_DAY, "--station", "polsek-x"), "there is no station polsek-x"),
    ],
)
def test_what_cannot_be_reported_is_told(office: Office, options: tuple[str, ...], said: str) -> None:
    assert said in office.refuses("figures", *options, "--language", "en")


def test_one_day_alone_is_a_question(office: Office) -> None:
    result = office.run("figures", "--from", "2026-09-21", "--language", "en")
    assert result.exit_code == 2 and "--to" in result.stderr
