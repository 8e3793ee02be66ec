"""Invented people who press, and their incidents, for consoles on fakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from siaga_gateway.domain.incident import Incident, IncidentState, Mode, Position
from siaga_gateway.domain.registry import Owner, RegistrationState

# Invented people; NIK with an area code that does not exist.
PEOPLE = (
    ("Sari Dewi", "+6281200000001", "Jl. Contoh Teuku Umar 12, Kedaton, Bandar Lampung", "Toko Makmur, kasir"),
    ("Budi Santoso", "+6281200000002", "Jl. Contoh AH Nasution 4, Metro Pusat, Metro", "Gudang kopi, pintu"),
    ("Made Wirawan", "+6281200000003", "Desa Contoh Balinuraga, Way Panji, Lampung Selatan", "Tombol jinjing Made"),
    ("Ayu Lestari", "+6281200000004", "Jl. Contoh Raya Kotabumi 88, Lampung Utara", "Apotek Sehat, meja depan"),
    ("Rahmat Hidayat", "+6281200000005", "Pekon Contoh, Kota Agung, Tanggamus", "Kapal nelayan Rahmat"),
    ("Siti Aminah", "+6281200000006", "Jl. Contoh Lintas Timur 20, Menggala, Tulang Bawang", "Rumah Siti, dapur"),
    ("Joko Prasetyo", "+6281200000007", "Jl. Contoh Pahlawan 3, Kalianda, Lampung Selatan", "Pos satpam Kalianda"),
)


def owner(number: int) -> Owner:
    name, phone, address, _ = PEOPLE[number % len(PEOPLE)]
    return Owner(id=number + 1, name=name, nik=f"99710000000000{number:02d}", phone=phone, address=address)


def opened(number: int, at_ms: int, facts: dict[str, Any]) -> Incident:
    """An incident that has just opened; facts: see Book.press."""
    person = facts.pop("person", number)
    position = None
    if facts.get("latitude") is not None:
        position = Position(
            latitude=facts.pop("latitude"),
            longitude=facts.pop("longitude"),
            accuracy_m=facts.pop("accuracy_m", 35),
            fix_age_s=facts.pop("fix_age_s", 4),
            source=facts.pop("source", "gnss"),
            at_ms=at_ms,
        )
    whose = None if person is None else replace(owner(person), **facts.pop("owner", {}))
    label = PEOPLE[(person or 0) % len(PEOPLE)][3]
    given: dict[str, Any] = {
        "identifier": f"lampung-{number}",
        "mode": Mode(facts.pop("mode", "actual")),
        "state": IncidentState.OPEN,
        "device_id": number.to_bytes(8, "big"),
        "device_label": facts.pop("label", label),
        "registration": RegistrationState(facts.pop("registration", "active")),
        "owner": whose,
        "opening_counter": number,
        "opened_at_ms": at_ms,
        "pressed_at_ms": at_ms - 700,
        "delayed_s": None,
        "position": position,
        "battery": 84,
    }
    return Incident(id=number, **(given | facts))
