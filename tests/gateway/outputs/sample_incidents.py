"""Incidents and notices for the tests of the outputs: one plain example, and any that could exist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState, Mode, Notice, Position
from siaga_gateway.domain.registry import Owner, RegistrationState

PRESSED_MS = 1_795_417_406_000  # 2026-11-23 14:03:26 WIB
STORED_MS = PRESSED_MS + 1_250
SENT_MS = PRESSED_MS + 1_300

OWNER = Owner(
    id=1,
    name="Siti Aminah",
    nik="1871014509870002",
    phone="+628127900001",
    address="Jl. Raden Intan 10, Bandar Lampung",
)
POSITION = Position(
    latitude=-54_292_000, longitude=1_052_610_000, accuracy_m=12, fix_age_s=3, source="gnss", at_ms=PRESSED_MS
)
INCIDENT = Incident(
    id=17,
    identifier="siaga.lampung-17.k7q2",
    mode=Mode.ACTUAL,
    state=IncidentState.OPEN,
    device_id=bytes.fromhex("00a1b2c3d4e5f607"),
    device_label="Toko Makmur, kasir",
    registration=RegistrationState.ACTIVE,
    owner=OWNER,
    opening_counter=7,
    opened_at_ms=STORED_MS,
    pressed_at_ms=PRESSED_MS,
    delayed_s=None,
    position=POSITION,
    battery=81,
)


def opened(**changes: Any) -> Notice:
    """The first notice of the example incident, with fields of the incident changed."""
    return Notice(replace(INCIDENT, **changes), Change.OPENED, 1, SENT_MS)


def later(change: Change, sequence: int = 3, **changes: Any) -> Notice:
    """A later notice of it, two seconds after the one before."""
    previous = tuple((earlier, SENT_MS + 2_000 * (earlier - 1)) for earlier in range(1, sequence))
    return Notice(
        replace(INCIDENT, sequence=sequence, **changes), change, sequence, SENT_MS + 2_000 * (sequence - 1), previous
    )


def closed(disposition: Disposition | None, **changes: Any) -> Notice:
    """Its last notice."""
    return later(
        Change.CLOSED, 4, state=IncidentState.CLOSED, disposition=disposition, closed_at_ms=SENT_MS + 6_000, **changes
    )


# What people and attackers write: markup, control characters, emojis, right-to-left, marks that reorder, surrogates.
TEXTS = st.one_of(
    st.text(st.characters(), max_size=60),
    st.lists(
        st.sampled_from(
            [
                *("<&>\"'", "]]>", "<!--", "&amp;", "{who}", "%s", "Siti", "é", "Ⅷ", " "),
                *("\x00", "\x1b[31m", "\r\n", "\t", "\u2028", "\ufeff", "\u202eevil", "\u2066x\u2069"),
                *("👩‍👩‍👧", "🚨", "مرحبا", "שלום", "\ud800", "\ufffe"),
            ]
        ),
        max_size=12,
    ).map("".join),
)
MOMENTS = st.integers(0, 2**32 * 1000)
COUNTS = st.integers(0, 2**31)
POSITIONS = st.builds(
    Position,
    latitude=st.integers(-(2**31) + 1, 2**31 - 1) | st.integers(-900_000_000, 900_000_000) | st.integers(-3, 3),
    longitude=st.integers(-(2**31) + 1, 2**31 - 1) | st.integers(-1_800_000_000, 1_800_000_000) | st.integers(-3, 3),
    accuracy_m=st.none() | st.integers(0, 65_534),
    fix_age_s=st.none() | st.integers(0, 65_534),
    source=st.sampled_from(["gnss", "network", "installed"]),
    at_ms=MOMENTS,
)
OWNERS = st.builds(
    Owner, id=st.integers(1, 2**31), name=TEXTS, nik=st.text("0123456789", min_size=16, max_size=16), phone=TEXTS,
    address=TEXTS, language=st.sampled_from(["id", "en"]),
)  # fmt: skip
INCIDENTS = st.builds(
    Incident,
    id=st.integers(1, 2**31),
    identifier=st.from_regex(r"[a-z0-9.-]{1,20}-[1-9][0-9]{0,6}\.[a-z0-9]{1,8}", fullmatch=True),
    mode=st.sampled_from(Mode),
    state=st.sampled_from(IncidentState),
    device_id=st.binary(min_size=8, max_size=8),
    device_label=TEXTS,
    registration=st.sampled_from(RegistrationState),
    owner=st.none() | OWNERS,
    opening_counter=COUNTS,
    opened_at_ms=MOMENTS,
    pressed_at_ms=st.none() | MOMENTS,
    delayed_s=st.none() | COUNTS,
    position=st.none() | POSITIONS,
    presses=st.integers(1, 10_000),
    silent=st.booleans(),
    duress=st.booleans(),
    cancelled_by_holder=st.booleans(),
    key_copied=st.booleans(),
    claimed_s=st.none() | COUNTS,
    held=st.booleans(),
    battery=st.none() | st.integers(0, 100),
    seen_by=st.none() | TEXTS,
    seen_at_ms=st.none() | MOMENTS,
    unit=st.none() | TEXTS,
    eta_minutes=st.none() | st.integers(0, 254),
    closed_by=st.none() | TEXTS,
    closed_at_ms=st.none() | MOMENTS,
    disposition=st.none() | st.sampled_from(Disposition),
    note=st.none() | TEXTS,
)


@st.composite
def _notices(draw: st.DrawFn) -> Notice:
    incident = draw(INCIDENTS)
    earlier = sorted(draw(st.lists(MOMENTS, max_size=4)))
    sequence = len(earlier) + 1
    return Notice(
        incident=replace(incident, sequence=sequence),
        change=draw(st.sampled_from(Change)),
        sequence=sequence,
        sent_at_ms=draw(MOMENTS),
        previous=tuple(enumerate(earlier, start=1)),
    )


NOTICES = _notices()
