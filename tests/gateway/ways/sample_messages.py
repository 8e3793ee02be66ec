"""Messages as people get them; the person, the place and the link are invented."""

from __future__ import annotations

from typing import Any

from siaga_gateway.domain.personal_message import Answer, PersonalMessage

SENT_MS = 1_790_000_000_000
LINK = "https://siaga.example/r/hidden-link"
KEY = "siaga.test-17.k7q2.1.station:polsek-a.ntfy"


def alarm(**changed: Any) -> PersonalMessage:
    values: dict[str, Any] = {
        "title": "PANGGILAN DARURAT · Polsek A",
        "text": "14:03:27 WIB\n-5.4291700, 105.2611100\n1,2 km",
        "url": LINK,
        "urgent": True,
        "expires_ms": SENT_MS + 300_000,
        "answers": (Answer("Saya datang", f"{LINK}/accept"), Answer("Tidak bisa", f"{LINK}/decline")),
    }
    return PersonalMessage(**(values | changed))


def note(**changed: Any) -> PersonalMessage:
    values: dict[str, Any] = {
        "title": "Tidak perlu lagi, terima kasih",
        "text": "Panggilan pukul 14:03:27 WIB sudah ditangani.",
        "url": None,
        "urgent": False,
        "answers": (),
    }
    return alarm(**(values | changed))
