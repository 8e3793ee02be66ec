"""The sample documents of gateway/OUTPUTS.md.

`PYTHONPATH=tests python -m gateway.outputs.manual_samples` writes them anew.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from gateway.outputs.sample_incidents import POSITION, PRESSED_MS, SENT_MS, closed, later, opened
from gateway.sample_site import WIB
from siaga_gateway.domain.gateway_trouble import Trouble, TroubleKind
from siaga_gateway.domain.incident import Change, Disposition, IncidentState
from siaga_gateway.formats import cap, cloudevent, gateway_event
from siaga_gateway.formats.cap_profile import Profile

FOLDER = Path(__file__).parents[3] / "gateway" / "samples"
SENDER = "siaga.polda-lampung.example"

TROUBLE = Trouble(
    gateway="siaga.lampung",
    identifier=f"siaga.lampung-trouble-{SENT_MS}",
    sequence=1,
    kind=TroubleKind.STORE_DAMAGED,
    since_ms=SENT_MS,
    sent_at_ms=SENT_MS,
)
STRICT = Profile(
    expires_s=86_400,
    event_codes=(("OET:v1.2", "OET-000"),),
    web="https://console.polda.example/#{id}",
    contact="+62 721 000000",
    polygon=True,
    geocodes=lambda _position: (("Kemendagri", "18.71"),),
)
BACK = replace(TROUBLE, sequence=3, kind=TroubleKind.RESCUE, sent_at_ms=SENT_MS + 31_000, over=True)


def samples() -> dict[str, bytes]:
    """Each sample by its file name."""
    moved = replace(POSITION, latitude=-54_295_120, accuracy_m=6, fix_age_s=1, at_ms=PRESSED_MS + 30_000)
    assigned = later(
        Change.ASSIGNED,
        3,
        state=IncidentState.ASSIGNED,
        seen_at_ms=SENT_MS + 1_000,
        unit="Polsek Tanjung Karang Barat",
        eta_minutes=6,
        position=moved,
    )
    accident = closed(
        Disposition.ACCIDENTAL, seen_at_ms=SENT_MS + 1_000, cancelled_by_holder=True, note="Dihubungi, pemegang aman"
    )
    return {
        "alert.cap.xml": cap.document(opened(), sender=SENDER, local=WIB),
        "update.cap.xml": cap.document(assigned, sender=SENDER, local=WIB),
        "cancel.cap.xml": cap.document(accident, sender=SENDER, local=WIB),
        "strict.cap.xml": cap.document(opened(), sender=SENDER, local=WIB, profile=STRICT),
        "opened.json": _readable(cloudevent.event(opened(), "siaga.lampung-17.k7q2.1.cad")),
        "trouble.json": _readable(gateway_event.event(TROUBLE, TROUBLE.key("cad"), language="en")),
        "back.json": _readable(gateway_event.event(BACK, BACK.key("cad"), language="en")),
        "closed.json": _readable(cloudevent.event(accident, "siaga.lampung-17.k7q2.4.cad")),
    }


def _readable(event: bytes) -> bytes:
    return (json.dumps(json.loads(event), indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    for name, content in samples().items():
        (FOLDER / name).write_bytes(content)
        print(FOLDER / name)
