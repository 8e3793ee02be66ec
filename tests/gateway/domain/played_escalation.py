"""An escalation that is told things at seconds, and says in words what it did: for the tests of its rules."""

from __future__ import annotations

from siaga_gateway.domain.escalation import is_due, opened, step
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import (
    Contact,
    ContactKind,
    Escalation,
    Fact,
    FactKind,
    Phase,
    Result,
    Step,
    Withdrawal,
)

BEGIN_MS = 1_790_000_000_000
LADDER = Ladder("Contoh")


def words(contact: Contact) -> str:
    """`call chief`, `call everyone, 2 (no responders)`, `ring unacknowledged`, `ask A`, `not needed`."""
    match contact.kind:
        case ContactKind.CALL:
            again = f", {contact.round}" if contact.round else ""
            return f"call {contact.rung}{again}{'' if contact.responders else ' (no responders)'}"
        case ContactKind.RING_DESK:
            return f"ring {contact.why}{f' {contact.who}' if contact.who else ''}"
        case ContactKind.ASK:
            return f"ask {contact.who}"
        case _:
            return "not needed"


def told(did: Step) -> list[str]:
    withdrawn = [f"withdraw {did.withdrawn}"] if did.withdrawn is not Withdrawal.NONE else []
    return withdrawn + [words(each) for each in did.contacts]


class Played:
    """Starts with an opened escalation. Every method returns what was done, in words; `result` is the last fact's."""

    def __init__(self, ladder: Ladder = LADDER, *, held: bool = False) -> None:
        self.ladder = ladder
        self.now_ms = BEGIN_MS
        self.result = Result.TAKEN
        self.contacts: list[Contact] = []
        did = opened(1, BEGIN_MS, ladder, held=held)
        self.state: Escalation = did.state
        self.begun = told(self._done(did))

    def _done(self, did: Step) -> Step:
        self.state = did.state
        self.contacts += did.contacts
        return did

    def tell(
        self, kind: FactKind, who: str = "", minutes: int | None = None, *, call: int = 0, wave: int = 0
    ) -> list[str]:
        """Tell it now."""
        did = self._done(step(self.state, Fact(kind, who, minutes, call, wave), self.now_ms, self.ladder))
        self.result = did.result
        return told(did)

    def wait(self, seconds: float) -> list[tuple[float, str]]:
        """Let time pass, with a worker that is always in time: (seconds from now on, what was done)."""
        begin_ms, until_ms, done = self.now_ms, self.now_ms + round(seconds * 1000), []
        while self.state.next_at_ms is not None and self.state.next_at_ms <= until_ms:
            self.now_ms = self.state.next_at_ms
            assert is_due(self.state, self.now_ms)
            done += [((self.now_ms - begin_ms) / 1000, each) for each in self.tell(FactKind.TICK)]
        self.now_ms = until_ms
        return done

    def sleep(self, seconds: float) -> list[str]:
        """Let time pass, or the clock jump, without a worker; then one looks."""
        self.now_ms += round(seconds * 1000)
        return self.tell(FactKind.TICK)

    def summary(self) -> str:
        """Phase, why, wave and height, then each time in seconds from now."""
        state = self.state
        times = ("climb", state.climb_at_ms), ("desk", state.desk_at_ms), ("assign", state.assign_by_ms)
        said = [f"{name} {self.seconds(at)}" for name, at in times if at is not None]
        for each in state.assignments:
            asked = ", asked" if each.asked else ""
            said.append(f"{each.who} {each.progress} of {each.wave} {self.seconds(each.due_ms)}{asked}")
        height = f" at {state.rung}{f', {state.round}' if state.round else ''}" if state.phase in CLIMBING else ""
        return f"{state.phase} {state.why} {state.wave}{height}{''.join(f'; {each}' for each in said)}"

    def seconds(self, at_ms: int | None) -> str:
        return "-" if at_ms is None else f"{(at_ms - self.now_ms) / 1000:+g}"


CLIMBING = (Phase.HELD, Phase.CALLING)
