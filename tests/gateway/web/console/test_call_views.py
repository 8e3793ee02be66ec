"""Who was told, and what is known of it, by example."""

from __future__ import annotations

from typing import Any

from gateway.web.fake_calls import CallsInMemory
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.web.console.call_views import MOST, CallsView, calls_view

NOW_MS = 1_796_050_800_000
KOTA, POLRES, BUDI = "station:contoh-kota", "station:contoh", "responder:budi"


def row(recipient: str, way: str, state: str, **more: Any) -> dict[str, Any]:
    return {"recipient": recipient, "way": way, "state": state, **more}


def shown(
    *rows: dict[str, Any],
    rungs: str = "stations",
    recipients: int = 1,
    opened: dict[str, int] | None = None,
    exercise: bool = False,
    **escalation: Any,
) -> CallsView:
    """opened: when links were, by responder. rungs: that this wave has called; recipients: of the last of them."""
    calls = CallsInMemory()
    calls.climb(1, NOW_MS, **{"wave": 1, "rung": "stations", **escalation})
    calls.tell(1, NOW_MS, rows)
    entries = [
        JournalEntry(number, NOW_MS, journal.CALLED, 1, None, None, {"rung": rung, "wave": 1, "recipients": told})
        for number, (rung, told) in enumerate(
            (each, recipients if each == rungs.split()[-1] else 1) for each in rungs.split()
        )
    ]
    directory = CallDirectory(calls)
    rows_now, known = calls.notifications_of(1), calls.escalation_of(1)
    return calls_view(rows_now, opened or {}, entries, known, directory.find, "en", exercise=exercise)


def test_each_outcome_is_said_and_nothing_more_than_is_known() -> None:
    found = shown(
        row(KOTA, "ntfy", "handed_over", attempts=1, metres=840),
        row(KOTA, "phone", "by_hand"),
        row(POLRES, "sms", "failed", attempts=2, detail="HTTP 403"),
        row(POLRES, "email", "expired"),
        row(BUDI, "telegram", "pending"),
        row(BUDI, "ntfy", "pending", attempts=3, detail="time-out"),
        row(BUDI, "whatsapp", "withdrawn"),
    )
    told = {each.name: [(way.way, way.outcome, way.tone) for way in each.ways] for each in found.told}
    assert told == {
        "Polsek Contoh Kota": [("ntfy", "handed over", "done"), ("telephone", "call by hand", "warning")],
        "Polres Contoh": [
            ("text message", "FAILED: HTTP 403", "alarm"),
            ("email", "FAILED: not handed over in time", "alarm"),
        ],
        "Aipda Budi Contoh": [
            ("Telegram", "waits", "plain"),
            ("ntfy", "not yet (3 tries): time-out", "plain"),
            ("WhatsApp", "taken back before it went", "plain"),
        ],
    }
    assert found.waiting and found.told[0].away == "840 m" and found.told[1].away is None
    assert [(each.shown, each.link) for each in found.told[1].numbers] == [
        ("+62 812-0000-0092", "tel:+6281200000092"),
        ("Contoh Induk", None),
    ]


def test_an_opened_link_is_said_of_its_person_and_is_waited_for_while_the_call_is_open() -> None:
    rows = [row(KOTA, "ntfy", "handed_over", attempts=1), row(f"{BUDI}/2", "sms", "handed_over", attempts=1)]
    before = shown(*rows)
    assert before.waiting and [each.opened_ms for each in before.told] == [None, None]
    assert not shown(*rows, phase=Phase.CLOSED).waiting and not shown(rows[0]).waiting
    thanked = row(BUDI, "sms", "handed_over", kind="not_needed", attempts=1)
    assert not shown(thanked).waiting, "a note of thanks has no link"
    after = shown(*rows, opened={"budi": NOW_MS + 5, "contoh-kota": 1})
    assert not after.waiting and [each.opened_ms for each in after.told] == [None, NOW_MS + 5]


def test_a_text_message_that_reached_its_phone_says_so_and_when() -> None:
    found = shown(row(BUDI, "sms", "handed_over", attempts=1, delivered_ms=NOW_MS + 4_000))
    (way,) = found.told[0].ways
    assert (way.outcome, way.tone, way.at_ms) == ("handed over, a message reached the phone", "done", NOW_MS + 4_000)


def test_several_messages_on_one_way_are_one_line_with_the_last_outcome() -> None:
    found = shown(
        row(KOTA, "ntfy", "failed", detail="HTTP 500", attempts=1),
        row(KOTA, "ntfy", "handed_over", number=2, attempts=1),
        row(KOTA, "ntfy", "handed_over", number=3, kind="ring_desk", attempts=1),
    )
    (way,) = found.told[0].ways
    assert (way.outcome, way.times, found.waiting) == ("rung once more: handed over", 3, False)


def test_a_rung_that_reached_nobody_is_named_with_the_nearest_number_first() -> None:
    rows = [
        row(POLRES, "phone", "by_hand", metres=3000),
        row(KOTA, "ntfy", "failed", metres=900, attempts=1),
        row(KOTA, "phone", "by_hand", metres=900),
    ]
    (unreached,) = shown(*rows).unreached
    assert unreached.rung == "stations, desk and responders"
    assert [(name, number.link) for name, number in unreached.numbers] == [
        ("Polsek Contoh Kota", "tel:+6281200000091"),
        ("Polres Contoh", "tel:+6281200000092"),
        ("Polres Contoh", None),
    ]
    assert shown(*rows, row(BUDI, "telegram", "pending")).unreached == ()
    assert shown(*rows, phase="acknowledged").unreached == (), "a desk has it"
    assert shown(*rows, wave=2).unreached == (), "that was the wave before"


def test_whom_an_earlier_call_has_reached_or_still_tries_is_reached() -> None:
    """A later call adds nothing on a way that still waits: its telephone numbers alone are no failure."""
    found = shown(
        row(KOTA, "ntfy", "pending"),
        row(KOTA, "phone", "by_hand", number=2, rung="everyone"),
        rungs="stations everyone",
    )
    assert found.unreached == ()


def test_a_number_is_read_once_though_several_rungs_have_it() -> None:
    first, second = shown(
        row(KOTA, "phone", "by_hand"),
        row(KOTA, "phone", "by_hand", number=2, rung="everyone"),
        rungs="stations everyone",
    ).unreached
    assert (len(first.numbers), first.above) == (1, False)
    assert (second.numbers, second.above) == ((), True)


def test_a_rung_with_nobody_on_it_says_so_without_a_number() -> None:
    found = shown(row(KOTA, "ntfy", "handed_over"), rungs="stations chief", recipients=0)
    assert [(each.rung, each.numbers) for each in found.unreached] == [("chief", ())]
    drill = shown(row(KOTA, "ntfy", "failed", attempts=1), rungs="stations chief", recipients=0, exercise=True)
    assert [each.rung for each in drill.unreached] == ["stations, desk and responders"], "a drill has no chief to miss"
    assert shown(rungs="operator", recipients=0, phase="held").unreached == (), "the console rings"
    assert shown(rungs="stations", recipients=0, phase=str(Phase.CLOSED)).unreached == ()


def test_who_is_on_no_list_any_more_is_shown_by_his_key_and_hundreds_are_counted() -> None:
    found = shown(*(row(f"station:s{number}", "ntfy", "handed_over") for number in range(MOST + 7)))
    assert (found.told[0].name, len(found.told), found.more) == ("s0", MOST, 7)


def test_names_are_those_of_the_lists_as_they_are_now() -> None:
    directory = CallDirectory(CallsInMemory())
    names = [directory.name(who) for who in ("unit:Raimas 1", KOTA, f"{KOTA}/2", BUDI, "responder:gone", "anybody")]
    assert names == ["Raimas 1", "Polsek Contoh Kota", "Polsek Contoh Kota", "Aipda Budi Contoh", "gone", "anybody"]
