"""The demo's stations and officers.

INVENTED: there is no such station and no such officer. `Contoh` is Indonesian for "example"; the positions are
approximate, of nothing in particular. Their addresses are topics of the demo's own stand-in for ntfy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoStation:
    """A station as in a list of stations; degrees, WGS 84."""

    key: str
    kind: str
    name: str
    parent: str
    latitude: str
    longitude: str


@dataclass(frozen=True, slots=True)
class DemoResponder:
    """An officer or a patrol as in a list of them."""

    key: str
    kind: str
    name: str
    station: str
    transport: str
    duty: str  # every day, all day
    home: tuple[str, str] = ("", "")  # latitude, longitude
    skills: str = ""
    answers: bool = False  # when called, accepts by itself after a while


STATIONS: Final = (
    DemoStation("polda-contoh", "polda", "Polda Contoh", "", "-5.3530", "105.3050"),
    DemoStation("polres-contoh-kota", "polres", "Polres Contoh Kota", "polda-contoh", "-5.3750", "105.2400"),
    DemoStation("polres-contoh-selatan", "polres", "Polres Contoh Selatan", "polda-contoh", "-5.6900", "105.5500"),
    DemoStation("polsek-contoh-barat", "polsek", "Polsek Contoh Barat", "polres-contoh-kota", "-5.4340", "105.2480"),
    DemoStation("polsek-contoh-timur", "polsek", "Polsek Contoh Timur", "polres-contoh-kota", "-5.4210", "105.2850"),
    DemoStation("polsek-contoh-tengah", "polsek", "Polsek Contoh Tengah", "polres-contoh-kota", "-5.4050", "105.2600"),
    DemoStation("polsek-contoh-utara", "polsek", "Polsek Contoh Utara", "polres-contoh-kota", "-5.1200", "105.3000"),
    DemoStation(
        "polsek-contoh-pantai", "polsek", "Polsek Contoh Pantai", "polres-contoh-selatan", "-5.7500", "105.5950"
    ),
)
PATROL: Final = DemoResponder(
    "patroli-contoh-1", "patroli", "Patroli Contoh 1", "polsek-contoh-barat", "mobil", "bertugas"
)
RESPONDERS: Final = (
    PATROL,
    DemoResponder(
        "rahmat-contoh", "petugas", "Aiptu Rahmat Contoh", "polsek-contoh-timur", "motor", "siap_di_rumah",
        home=("-5.4370", "105.2690"), answers=True,
    ),
    DemoResponder(
        "wayan-contoh", "petugas", "Bripka Wayan Contoh", "polsek-contoh-utara", "motor", "bertugas", answers=True
    ),
    DemoResponder(
        "sari-contoh", "petugas", "Bripka Sari Contoh", "polsek-contoh-pantai", "motor", "bertugas", answers=True
    ),
    DemoResponder(
        "ratna-contoh", "petugas", "AKBP Ratna Contoh", "polres-contoh-kota", "mobil", "bertugas", skills="pimpinan"
    ),
    DemoResponder(
        "indra-contoh", "petugas", "AKBP Indra Contoh", "polres-contoh-selatan", "mobil", "bertugas", skills="pimpinan"
    ),
)  # fmt: skip
NAMES: Final = {each.key: each.name for each in (*STATIONS, *RESPONDERS)}
_TOPIC: Final = "siaga-peragaan-"


def topic(key: str) -> str:
    """Return where a station or a responder is told."""
    return _TOPIC + key


def key_of(topic: str) -> str:
    """Return whose topic it is; empty: nobody's here."""
    key = topic.removeprefix(_TOPIC)
    return key if key in NAMES else ""
