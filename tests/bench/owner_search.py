"""A search among 1,000,000 owners whose names and numbers are encrypted, each with a device: what the registrar waits.

The store is made once, into build/owner-search, by the real functions; only its index is written in order, which takes
a tenth of the time. Names are drawn by chance from syllables and from a few words that many share, so that common and
rare parts both occur. Searches: a rare name, a common one, common words that few share, three letters, nobody's name,
a telephone number, a NIK, the label of a button. Each is the slowest
of its kind that is tried, in processor time, as the machine may be shared.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import time
from array import array
from collections.abc import Callable
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from telling import say

from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.sql.owner_index import LABEL, NAME, packed
from siaga_gateway.domain.name_search import grams
from siaga_gateway.domain.personal_encryption import SEARCH_NUMBERS
from siaga_gateway.domain.registry import Owner

ROOM = Path(__file__).resolve().parents[2] / "build" / "owner-search"
OWNERS = 1_000_000
GAP = 18_446_744_073_709  # between device_ids
TRIES = 20
# As frequent as the words that very many names have; all are invented with the syllables.
COMMON = ("muhammad", "siti", "nur", "ahmad", "dewi", "sri", "putri", "agus", "sari", "wati", "putra", "rahma")
SYLLABLES = tuple(f"{one}{two}" for one in "bcdfghjklmnprstwy" for two in ("a", "i", "u", "e", "o", "an", "ung", "is"))
SHOPS = ("Toko", "Warung", "Rumah", "Kantor", "Bengkel", "Apotek")


def name(number: int) -> str:
    drawn = random.Random(number)
    words = [drawn.choice(COMMON) if drawn.random() < 0.45 else word(drawn) for _ in range(drawn.choice((1, 2, 2, 3)))]
    return " ".join(words).title()


def word(drawn: random.Random) -> str:
    return "".join(drawn.choices(SYLLABLES, k=drawn.choice((2, 3, 3, 4))))


def label(number: int) -> str:
    drawn = random.Random(-number)
    return f"{drawn.choice(SHOPS)} {word(drawn).title()}, {drawn.choice(('kasir', 'pintu depan', 'ruang tamu'))}"


def phone(number: int) -> str:
    return f"+62000{number:08d}"


def nik(number: int) -> str:
    return f"99{number:014d}"


def made() -> Path:
    path, told = store_path(ROOM), ROOM / "whole"
    if told.exists():
        return path
    shutil.rmtree(ROOM, ignore_errors=True)
    ROOM.mkdir(parents=True)
    begun = time.monotonic()
    store = SqlStore(path, 0)
    keys, sealing = store.sealing.keys, store.sealing
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")

    @cache
    def numbers(field: str, part: str) -> frozenset[int]:
        return keys.search_numbers(field, [part])

    having = [array("I") for _ in range(SEARCH_NUMBERS)]  # the owners of each number, in their order

    def rows():  # type: ignore[no-untyped-def]
        for number in range(1, OWNERS + 1):
            owner = Owner(number, name(number), nik(number), phone(number), f"Jl. Contoh {number}")
            own = {n for part in grams(owner.name) for n in numbers(NAME, part)}
            own |= {n for part in grams(label(number)) for n in numbers(LABEL, part)}
            for each in own:
                having[each].append(number)
            sealed = sealing.owner_columns(number, owner)
            indexes = keys.index(owner.nik), keys.phone_index(owner.phone)
            yield (number, *sealed[:4], "id", 0, sealed[4], *indexes, packed(own), sealed[4])

    connection.executemany(
        "INSERT INTO owner (id, name, nik, phone, address, language, created_at_ms, key_id, nik_index, phone_index, "
        "search_numbers, search_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows(),
    )
    connection.executemany(
        "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
        "VALUES (?, randomblob(64), ?, 'active', ?, 0, 0)",
        (((number * GAP).to_bytes(8, "big"), number, label(number)) for number in range(1, OWNERS + 1)),
    )
    connection.executemany(
        "INSERT INTO owner_search (number, owner_id) VALUES (?, ?)",
        ((number, owner_id) for number, owners in enumerate(having) for owner_id in owners),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    told.touch()
    print(f"made the owners in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return path


def slowest(search: Callable[[int], object]) -> float:
    worst = 0.0
    for each in range(TRIES):
        begun = time.process_time()
        search(each)
        worst = max(worst, time.process_time() - begun)
    return worst * 1000


def main() -> None:
    store = SqlStore(made(), 0)
    drawn = random.Random(7)
    some = [drawn.randrange(1, OWNERS + 1) for _ in range(TRIES)]
    pairs = [f"{one} {other}" for one in COMMON for other in COMMON if one != other][:TRIES]
    apart = [f"{one} {other} {third}" for one, other, third in zip(COMMON, COMMON[1:], COMMON[2:], strict=False)]
    three = [word(drawn)[:3] for _ in range(TRIES)]
    kinds: dict[str, Callable[[int], object]] = {
        "a whole name": lambda at: store.owners_named(name(some[at]), 50),
        "a common word": lambda at: store.owners_named(COMMON[at % len(COMMON)], 50),
        "two common words": lambda at: store.owners_named(pairs[at], 50),
        "three common words": lambda at: store.owners_named(apart[at % len(apart)], 50),
        "three letters": lambda at: store.owners_named(three[at], 50),
        "common parts, nobody's": lambda at: store.owners_named(f"{COMMON[at % 12]}{COMMON[-1 - at % 12]}", 50),
        "a telephone number": lambda at: store.owners_with_phone(phone(some[at]), 50),
        "a NIK": lambda at: store.owner_by_nik(nik(some[at])),
        "a label": lambda at: store.devices_labelled(label(some[at]), 50),
        "a common label": lambda at: store.devices_labelled(SHOPS[at % len(SHOPS)], 50),
        "half a device id": lambda at: store.devices_beginning((some[at] * GAP).to_bytes(8, "big").hex()[:8], 50),
    }
    assert any(owner.name == name(some[0]) for owner in store.owners_named(name(some[0]), 50).owners)
    for kind, search in kinds.items():
        say(f"search: {kind}", slowest(search), "ms", wanted="under 100")
    store.close()


if __name__ == "__main__":
    main()
