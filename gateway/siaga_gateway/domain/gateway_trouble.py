"""Trouble of the gateway itself, as it is reported to the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TroubleKind(StrEnum):
    """From least to worst; within one trouble only a worse kind is reported again."""

    STORE_FAILING = "store_failing"  # nothing can be stored: a full disk, an unreachable database
    STORE_DAMAGED = "store_damaged"
    STORE_GONE = "store_gone"  # its file was deleted or replaced
    RESCUE = "rescue"  # it is being repaired; no press is taken meanwhile
    NOT_MENDED = "not_mended"  # a person is needed

    def worse_than(self, other: TroubleKind) -> bool:
        kinds = list(TroubleKind)
        return kinds.index(self) > kinds.index(other)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One message about a trouble: it began, it became worse, or (`over`) it ended."""

    gateway: str
    identifier: str  # of the trouble, shared by all its messages
    sequence: int  # counts its messages, from 1
    kind: TroubleKind  # if over: the worst it was
    since_ms: int
    sent_at_ms: int
    over: bool = False

    def key(self, output: str) -> str:
        """Return the idempotency key of the message to one output."""
        return f"{self.identifier}.{self.sequence}.{output}"
