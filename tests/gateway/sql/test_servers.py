"""Which of several servers is used: the primary that was promoted last, of all that this machine has ever seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from siaga_gateway.adapters.sql.postgres.servers import Standing, TimelineMemory, each_server

A, B = "a:5432", "b:5432"


def primary(shown: str, timeline: int, system: int = 7) -> Standing:
    return Standing(shown, f"host={shown}", "", system, False, timeline)


def standby(shown: str) -> Standing:
    return Standing(shown, f"host={shown}", "", 7, True)


def silent(shown: str) -> Standing:
    return Standing(shown, f"host={shown}", why="no answer")


@pytest.mark.parametrize(
    ("conninfo", "found"),
    [
        ("host=a,b user=x", ["a:5432", "b:5432"]),
        ("postgresql://x@a:1,b:2/y?target_session_attrs=read-write", ["a:1", "b:2"]),
        ("host=a,b port=7", ["a:7", "b:7"]),
        ("host=/var/run/postgresql", ["/var/run/postgresql:5432"]),
        ("dbname=y", ["localhost:5432"]),
        ("hostaddr=10.0.0.1,10.0.0.2 port=1,2", ["10.0.0.1:1", "10.0.0.2:2"]),
    ],
)
def test_the_servers_of_an_address(conninfo: str, found: list[str]) -> None:
    servers = each_server(conninfo)
    assert [shown for shown, _ in servers] == found
    assert not any("target_session_attrs" in alone or "," in alone for _, alone in servers)


def test_the_primary_is_used_wherever_it_stands() -> None:
    memory = TimelineMemory(None)
    assert memory.newest([standby(A), primary(B, 1)]) == primary(B, 1)
    assert memory.newest([primary(A, 1), silent(B)]) == primary(A, 1)
    assert memory.newest([standby(A), silent(B)]) is None


def test_an_old_primary_beside_the_promoted_one_is_not_used_nor_alone_later_nor_after_a_restart(tmp_path: Path) -> None:
    kept = tmp_path / "store-timeline"
    memory = TimelineMemory(kept)
    assert memory.newest([primary(A, 1), standby(B)]) == primary(A, 1)
    assert memory.newest([primary(A, 1), primary(B, 2)]) == primary(B, 2)
    for later in (memory, TimelineMemory(kept)):
        assert later.newest([primary(A, 1), silent(B)]) is None
        assert later.left_behind(primary(A, 1))
    assert TimelineMemory(kept).newest([primary(A, 3), silent(B)]) == primary(A, 3), "rewound, and promoted in turn"


def test_what_another_process_of_the_machine_saw_is_known(tmp_path: Path) -> None:
    quiet, other = (TimelineMemory(tmp_path / "store-timeline") for _ in range(2))
    assert quiet.newest([primary(A, 1)]) == primary(A, 1)
    assert other.newest([primary(A, 1), primary(B, 2)]) == primary(B, 2)
    assert quiet.left_behind(primary(A, 1)) and quiet.newest([primary(A, 1)]) is None


def test_a_database_that_was_made_anew_is_another_one(tmp_path: Path) -> None:
    kept = tmp_path / "store-timeline"
    TimelineMemory(kept).newest([primary(A, 5)])
    assert TimelineMemory(kept).newest([primary(A, 1, system=8)]) == primary(A, 1, system=8)
    TimelineMemory(kept).newest([primary(A, 5)])
    beside = [primary(A, 5), primary(B, 9, system=8)]
    assert TimelineMemory(kept).newest(beside) == primary(A, 5), (
        "a later timeline of another database counts for nothing"
    )


@pytest.mark.parametrize("content", ["", "7", "x y", "7 5 1", "\x00"])
def test_a_file_that_cannot_be_read_keeps_nobody_from_the_store(tmp_path: Path, content: str) -> None:
    kept = tmp_path / "store-timeline"
    kept.write_text(content)
    assert TimelineMemory(kept).newest([primary(A, 1)]) == primary(A, 1)
