"""The demo's owners and their buttons.

INVENTED: no such person lives there. `Contoh` is Indonesian for "example". A NIK begins with a province code between
11 and 97 and contains a birth date; 99 is no province and 00-00-00 no date, so no real person can have these. No
Indonesian subscriber's number begins with 0 after +62. The positions are approximate: the middle of a town, nobody's
house.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class DemoOwner:
    """One owner with one button. Positions are degrees x 10^7, WGS 84."""

    number: int
    name: str
    nik: str
    phone: str
    address: str
    label: str  # what the installer wrote on the registration
    town: str
    latitude: int
    longitude: int
    accuracy_m: int
    installed: bool  # mounted on the wall: the position is the installer's, not a receiver's
    battery: int  # percent


OWNERS: Final = (
    DemoOwner(
        1,
        "Siti Contoh",
        "9900000000000001",
        "+62000000001",
        "Jl. Contoh 1, Bandar Lampung (alamat rekaan)",
        "Toko Contoh, kasir",
        "Bandar Lampung",
        -5_4292000,
        105_2613000,
        30,
        True,
        100,
    ),
    DemoOwner(
        2,
        "Budi Contoh",
        "9900000000000002",
        "+62000000002",
        "Jl. Contoh 2, Metro (alamat rekaan)",
        "Ojek Budi",
        "Metro",
        -5_1131000,
        105_3067000,
        12,
        False,
        83,
    ),
    DemoOwner(
        3,
        "Dewi Contoh",
        "9900000000000003",
        "+62000000003",
        "Jl. Contoh 3, Kalianda (alamat rekaan)",
        "Rumah Dewi",
        "Kalianda",
        -5_7445000,
        105_5898000,
        25,
        False,
        61,
    ),
)
