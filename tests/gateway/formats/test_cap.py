"""Which CAP message a notice becomes, and what stands in it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gateway.outputs.cap_reading import all_of, check_prose, infos, one, pairs, tree
from gateway.outputs.sample_incidents import INCIDENT, OWNER, POSITION, PRESSED_MS, STORED_MS, closed, later, opened
from gateway.sample_site import BERLIN, WIB, WITA
from siaga_gateway.domain.incident import Change, Disposition, IncidentState, Mode, Notice
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.formats import cap

document = partial(cap.document, local=WIB)


def indonesian(notice: Notice) -> Any:
    return infos(tree(document(notice)))["id-ID"]


def english(notice: Notice) -> Any:
    return infos(tree(document(notice)))["en-US"]


def judged(notice: Notice) -> tuple[str, ...]:
    """msgType, responseType, urgency, severity, certainty as they stand in the document; both languages agree."""
    root = tree(document(notice))
    values = [
        tuple(one(info, name) for name in ("responseType", "urgency", "severity", "certainty"))
        for info in infos(root).values()
    ]
    assert values[0] == values[1]
    return one(root, "msgType"), *values[0]


def test_the_first_notice_is_an_alert() -> None:
    root = tree(document(opened()))
    check_prose(root)
    assert one(root, "identifier") == "siaga.lampung-17.k7q2-1"
    assert one(root, "sender") == "siaga.lampung"
    assert one(root, "sent") == "2026-11-23T14:03:27+07:00"
    assert one(root, "status") == "Actual"
    assert one(root, "msgType") == "Alert"
    assert one(root, "source") == "siaga:00a1b2c3d4e5f607"
    assert one(root, "scope") == "Restricted"
    assert "UU 27/2022" in one(root, "restriction")
    assert one(root, "incidents") == "siaga.lampung-17.k7q2"
    assert all_of(root, "references") == []


def test_its_two_info_blocks_say_the_same_in_two_languages() -> None:
    blocks = infos(tree(document(opened())))
    assert one(blocks["id-ID"], "event") == "Tombol darurat ditekan"
    assert one(blocks["en-US"], "event") == "Panic button pressed"
    assert one(blocks["id-ID"], "headline") == "SOS: Siti Aminah (Toko Makmur, kasir)"
    for info in blocks.values():
        assert all_of(info, "category") == ["Security", "Safety"]
        assert pairs(info, "eventCode") == {"siaga:event": "sos"}
        assert one(info, "onset") == "2026-11-23T14:03:26+07:00"
        assert one(info, "area/circle") == "-5.4292000,105.2610000 0.012"
        assert "Jl. Raden Intan 10" in one(info, "area/areaDesc")
        assert "+628127900001" in one(info, "description")
    assert pairs(blocks["id-ID"]) == pairs(blocks["en-US"])


def test_its_parameters_are_for_machines() -> None:
    assert pairs(indonesian(opened(delayed_s=95, silent=True, presses=2))) == {
        "siaga:incident": "siaga.lampung-17.k7q2",
        "siaga:sequence": "1",
        "siaga:change": "opened",
        "siaga:state": "open",
        "siaga:device_id": "00a1b2c3d4e5f607",
        "siaga:device_label": "Toko Makmur, kasir",
        "siaga:registration": "active",
        "siaga:presses": "2",
        "siaga:silent": "true",
        "siaga:duress": "false",
        "siaga:cancelled_by_holder": "false",
        "siaga:key_copied": "false",
        "siaga:delayed_s": "95",
        "siaga:battery_percent": "81",
        "siaga:position_source": "gnss",
        "siaga:position_time": "2026-11-23T14:03:26+07:00",
        "siaga:accuracy_m": "12",
        "siaga:fix_age_s": "3",
        "siaga:owner_name": "Siti Aminah",
        "siaga:owner_phone": "+628127900001",
        "siaga:owner_address": "Jl. Raden Intan 10, Bandar Lampung",
    }


def test_the_national_identity_number_and_the_operators_stay_in_the_gateway() -> None:
    for notice in (opened(), closed(Disposition.VERIFIED, seen_by="operator-budi", closed_by="operator-budi")):
        told = document(notice).decode()
        assert OWNER.nik not in told
        assert "operator-budi" not in told


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        (opened(), ("Alert", "Execute", "Immediate", "Severe", "Likely")),
        (opened(delayed_s=86_400), ("Alert", "Execute", "Immediate", "Severe", "Likely")),
        (opened(duress=True), ("Alert", "Execute", "Immediate", "Extreme", "Likely")),
        (opened(registration=RegistrationState.STOLEN), ("Alert", "Execute", "Immediate", "Severe", "Possible")),
        (later(Change.PRESSED_AGAIN, presses=2), ("Update", "Execute", "Immediate", "Severe", "Likely")),
        (later(Change.POSITION), ("Update", "Execute", "Immediate", "Severe", "Likely")),
        (later(Change.SEEN, state=IncidentState.SEEN), ("Update", "Execute", "Immediate", "Severe", "Likely")),
        (later(Change.ON_SCENE, state=IncidentState.ON_SCENE), ("Update", "Monitor", "Immediate", "Severe", "Likely")),
        # A cancellation by the holder lowers nothing: it can be forced, or be a hold in panic.
        (
            later(Change.CANCELLED_BY_HOLDER, cancelled_by_holder=True),
            ("Update", "Execute", "Immediate", "Severe", "Likely"),
        ),
        (
            later(Change.DURESS, cancelled_by_holder=True, duress=True),
            ("Update", "Execute", "Immediate", "Extreme", "Likely"),
        ),
        (closed(Disposition.VERIFIED), ("Update", "AllClear", "Past", "Severe", "Observed")),
        (closed(None), ("Update", "AllClear", "Past", "Severe", "Unknown")),
        (closed(Disposition.NOT_NEEDED), ("Update", "AllClear", "Past", "Severe", "Likely")),
        (closed(Disposition.UNFOUNDED), ("Cancel", "None", "Past", "Minor", "Unlikely")),
        (closed(Disposition.TEST), ("Cancel", "None", "Past", "Minor", "Unlikely")),
        (closed(Disposition.TECHNICAL), ("Cancel", "None", "Past", "Minor", "Unlikely")),
        (closed(Disposition.ACCIDENTAL), ("Cancel", "None", "Past", "Minor", "Unlikely")),
        (closed(Disposition.ABUSE), ("Cancel", "None", "Past", "Minor", "Unlikely")),
        (closed(Disposition.EXERCISE), ("Cancel", "None", "Past", "Minor", "Unlikely")),
        (closed(Disposition.EXERCISE, mode=Mode.EXERCISE), ("Update", "AllClear", "Past", "Severe", "Unlikely")),
    ],
)
def test_what_is_asked_of_the_receiver(notice: Notice, expected: tuple[str, ...]) -> None:
    assert judged(notice) == expected
    check_prose(tree(document(notice)))


@pytest.mark.parametrize(
    ("mode", "status", "mark"),
    [(Mode.ACTUAL, "Actual", "SOS"), (Mode.EXERCISE, "Exercise", "[LATIHAN] SOS"), (Mode.TEST, "Test", "[UJI] SOS")],
)
def test_the_mode_is_the_status_and_stands_before_the_headline(mode: Mode, status: str, mark: str) -> None:
    root = tree(document(opened(mode=mode)))
    check_prose(root)
    assert one(root, "status") == status
    assert one(infos(root)["id-ID"], "headline").startswith(mark + ":")


def test_a_test_press_looks_like_a_real_one_but_for_its_status() -> None:
    """The gateway closes a test in the moment it opens it."""
    notice = opened(mode=Mode.TEST, state=IncidentState.CLOSED, closed_at_ms=STORED_MS)
    root = tree(document(notice))
    assert one(root, "status") == "Test"
    assert judged(notice) == judged(opened())
    info = infos(root)["id-ID"]
    assert one(info, "headline") == "[UJI] SOS: Siti Aminah (Toko Makmur, kasir)"
    assert one(info, "instruction").startswith("UJI TEKNIS: jangan bertindak. ")
    assert "Ditutup" not in one(info, "description")


def test_a_later_message_references_every_earlier_one_exactly_as_it_was_sent() -> None:
    sequence = [opened(), later(Change.POSITION, 2), later(Change.SEEN, 3), closed(Disposition.UNFOUNDED)]
    roots = [tree(document(notice, sender="siaga.example")) for notice in sequence]
    sent = [f"siaga.example,{one(root, 'identifier')},{one(root, 'sent')}" for root in roots]
    assert one(roots[-1], "msgType") == "Cancel"
    assert one(roots[-1], "references").split() == sent[:3]
    assert one(roots[1], "references").split() == sent[:1]
    assert len({one(root, "identifier") for root in roots}) == 4


def test_a_notice_with_nothing_to_reference_is_an_alert_even_when_it_is_closed() -> None:
    notice = opened(state=IncidentState.CLOSED, disposition=Disposition.UNFOUNDED)
    assert judged(notice) == ("Alert", "None", "Past", "Minor", "Unlikely")
    check_prose(tree(document(notice)))


def test_without_a_position_the_area_says_so_and_gives_the_address() -> None:
    info = english(opened(position=None))
    assert all_of(info, "area/circle") == []
    assert one(info, "area/areaDesc").startswith("Position unknown")
    assert "Jl. Raden Intan 10" in one(info, "area/areaDesc")
    assert not [name for name in pairs(info) if name in ("siaga:fix_age_s", "siaga:position_time")]
    nobody = indonesian(opened(position=None, owner=None))
    assert one(nobody, "area/areaDesc") == "Posisi tidak diketahui"
    assert "Data pemegang sudah dihapus" in one(nobody, "description")
    assert one(nobody, "headline") == "SOS: tombol Toko Makmur, kasir"


def test_an_unknown_accuracy_gives_the_sources_radius_and_says_it_is_unknown() -> None:
    position = replace(POSITION, accuracy_m=None, fix_age_s=None, source="network")
    info = indonesian(opened(position=position))
    assert one(info, "area/circle") == "-5.4292000,105.2610000 5.000"
    assert "akurasi tidak diketahui" in one(info, "area/areaDesc")
    assert "umur fiks tidak diketahui" in one(info, "area/areaDesc")
    assert not {"siaga:accuracy_m", "siaga:fix_age_s"} & set(pairs(info))


def test_an_old_fix_is_shown_as_old() -> None:
    info = indonesian(opened(position=replace(POSITION, fix_age_s=21_600)))
    assert "umur fiks 6 jam" in one(info, "area/areaDesc")
    assert "umur fiks 6 jam" in one(info, "description")


def test_an_installed_position_has_no_age() -> None:
    position = replace(POSITION, source="installed", fix_age_s=None, accuracy_m=None)
    assert "umur fiks" not in one(indonesian(opened(position=position)), "area/areaDesc")


def test_a_position_that_no_place_has_is_told_but_not_drawn() -> None:
    info = english(opened(position=replace(POSITION, latitude=900_000_001)))
    assert all_of(info, "area/circle") == []
    assert "impossible: 90.0000001, 105.2610000" in one(info, "description")


def test_a_button_without_a_clock_is_said_to_have_none() -> None:
    info = indonesian(opened(pressed_at_ms=None))
    assert all_of(info, "onset") == []
    assert one(info, "description").startswith("Jam tombol belum diatur; laporan diterima 23-11-2026 14:03:27 WIB.")


def test_a_delayed_press_says_so_where_everybody_looks() -> None:
    info = indonesian(opened(delayed_s=7_500, pressed_at_ms=PRESSED_MS - 7_500_000))
    assert one(info, "headline").startswith("SOS, terlambat 2 jam: ")
    assert "Laporan terlambat 2 jam" in one(info, "description")


@pytest.mark.parametrize("change", [{"silent": True}, {"duress": True}])
def test_a_silent_alarm_and_duress_forbid_a_call_to_the_holder(change: dict[str, bool]) -> None:
    info = english(opened(**change))
    assert "Do not phone the holder" in one(info, "instruction")
    assert "Do not phone" not in one(english(opened()), "instruction")


def test_a_clock_that_nobody_has_checked_makes_no_headline_and_is_told() -> None:
    info = english(opened(claimed_s=7_500, pressed_at_ms=None))
    assert all_of(info, "onset") == []
    assert "late" not in one(info, "headline")
    assert one(info, "description").startswith(
        "Report received 23-11-2026 14:03:27 WIB.\n"
        "By the button's own clock, which nobody has checked, it was pressed 2 h"
    )


@pytest.mark.parametrize("silent", [False, True])
def test_a_cancellation_adds_to_what_is_asked_and_takes_nothing_back(silent: bool) -> None:
    before = one(english(opened(silent=silent)), "instruction")
    after = one(english(later(Change.CANCELLED_BY_HOLDER, cancelled_by_holder=True, silent=silent)), "instruction")
    assert after.startswith(before)
    assert "Do not recall officers" in after


def test_what_people_did_is_told() -> None:
    info = indonesian(
        later(Change.ASSIGNED, state=IncidentState.ASSIGNED, seen_at_ms=PRESSED_MS, unit="Polsek <TKB>", eta_minutes=6)
    )
    assert "Unit Polsek <TKB> ditugaskan, perkiraan tiba 6 menit." in one(info, "description")
    assert pairs(info)["siaga:unit"] == "Polsek <TKB>"
    last = indonesian(closed(Disposition.ACCIDENTAL, note="Anak bermain\ndengan tombol"))
    assert "Catatan: Anak bermain dengan tombol" in one(last, "description")
    assert one(last, "headline") == "SOS selesai (tertekan tanpa sengaja): Siti Aminah (Toko Makmur, kasir)"


def test_a_suspended_registration_is_told() -> None:
    info = indonesian(opened(registration=RegistrationState.SUSPENDED))
    assert "Registrasi tombol: ditangguhkan." in one(info, "description")


def test_every_change_has_its_own_headline() -> None:
    headlines = {one(indonesian(later(change)), "headline") for change in Change if change is not Change.CLOSED}
    assert len(headlines) == len(Change) - 2  # DURESS and OPENED share one: there the kind of alarm says it


def test_times_are_the_site_s_and_say_their_zone() -> None:
    notice = later(Change.SEEN, seen_at_ms=PRESSED_MS)
    there = tree(cap.document(notice, local=WITA))
    assert one(there, "sent").endswith("+08:00") and one(there, "references").endswith("+08:00")
    assert "23-11-2026 15:03:26 WITA" in one(infos(there)["id-ID"], "description")
    assert pairs(infos(there)["en-US"])["siaga:position_time"].endswith("+08:00")
    told = cap.document(notice, local=BERLIN).decode()
    assert "23-11-2026 08:03:26 CET" in told and "WI" not in told


def test_utc_is_written_as_the_standard_wants_it() -> None:
    assert one(tree(cap.document(opened())), "sent") == "2026-11-23T07:03:27-00:00"  # 3.3.2


def test_the_info_blocks_stand_in_the_site_s_order() -> None:
    root = tree(cap.document(opened(), languages=("en", "id")))
    assert list(infos(root)) == ["en-US", "id-ID"]
    assert one(root, "restriction").index("personal") < one(root, "restriction").index("pribadi")


def test_the_same_notice_gives_the_same_bytes() -> None:
    assert document(opened()) == document(opened())


@pytest.mark.parametrize("sender", ["", "a b", "a,b", "a<b", "a&b", "a\nb"])
def test_a_sender_that_cap_cannot_hold_is_refused_by_name(sender: str) -> None:
    with pytest.raises(ValueError, match="CAP sender"):
        document(opened(), sender=sender)


def test_an_identifier_that_cap_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="incident identifier"):
        document(opened(identifier="polda lampung-17"), sender="lampung")


def test_the_example_is_an_actual_incident_of_the_registry() -> None:
    assert INCIDENT.owner is OWNER and INCIDENT.mode is Mode.ACTUAL
