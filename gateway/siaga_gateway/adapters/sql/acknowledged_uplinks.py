"""Chooses which of an incident's uplinks the acknowledgements of its progress name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.domain.event import CALLS
from siaga_gateway.domain.frame import Kind

_KINDS_OF_CALLS: Final = ", ".join(str(int(kind)) for kind in sorted(CALLS))
_NEWEST: Final = (
    f"SELECT counter, digest FROM event WHERE incident_id = ? AND kind IN ({_KINDS_OF_CALLS}) "  # noqa: S608
    f"ORDER BY CASE kind WHEN {int(Kind.PRESS)} THEN 0 ELSE 1 END, counter DESC, id LIMIT 1"
)
# Somebody else may have made the newest, and any number of others. He can be ahead of the real press, before it and
# after it, though hardly all at once; and whoever has only the gateway's key cannot sign.
_PRESS: Final = f"kind = {int(Kind.PRESS)}"
_SIGNED: Final = f"{_PRESS} AND signature IS NOT NULL"
_SEARCHES: Final = (
    (_PRESS, "counter DESC, id DESC", 8),
    (_PRESS, "id DESC", 8),
    (_PRESS, "id", 8),
    (_SIGNED, "id DESC", 4),
    (_SIGNED, "id", 4),
)
_PRESSES: Final = " UNION ALL ".join(
    f"SELECT * FROM (SELECT {number} AS search, counter, digest FROM event WHERE incident_id = ? AND {wanted} "  # noqa: S608
    f"ORDER BY {order} LIMIT {most}) AS found_{number}"
    for number, (wanted, order, most) in enumerate(_SEARCHES)
)


def calls(
    fetch: Callable[[str, Sequence[Any]], list[Row]], incident_id: int, every_press: bool
) -> list[tuple[int, bytes]]:
    """See service.store.events.EventWriting.named_calls."""
    if every_press:
        rows = fetch(_PRESSES, [incident_id] * len(_SEARCHES))
        found = [[(row[1], row[2]) for row in rows if row[0] == number] for number in range(len(_SEARCHES))]
        if rows:
            # Interleaved, since a narrow bearer may take only the first few.
            return list(dict.fromkeys(one for turn in zip_longest(*found) for one in turn if one is not None))
    return [(counter, digest) for counter, digest in fetch(_NEWEST, (incident_id,))]
