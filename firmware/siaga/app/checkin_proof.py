"""Which check-ins are signed: the first after a start, and one a day. The others prove themselves by a MAC.

A MAC needs a thousandth of a signature's time, on the button and at the gateway. The signed ones show that the button's
own key still answers, and not only the gateway's, which can make every MAC. Such a proof counts once the gateway has
acknowledged it: a dead link does not use up the day's.
"""

from siaga.core import bearer_policy, frame

DAY_S = 86400
# A MAC without an answer so often, on all bearers, may be one that the gateway cannot verify: then the signature goes.
_UNANSWERED = 3


class CheckinProof:
    """Decides for each check-in, and remembers the last signed one over deep sleep (not over a restart)."""

    def __init__(self, rtc: "Rtc", memory: "RtcMemory", anew: bool) -> None:
        """anew: with new keys, or another gateway, than before the sleep."""
        self._rtc = rtc
        self._memory = memory
        if anew or not memory.slept:
            memory.proven_s = 0

    def is_due(self) -> bool:
        """Return whether the next check-in is to be signed: the first, or a day after the last one. A clock that went
        back is no reason to wait."""
        proven_s = self._memory.proven_s
        return not proven_s or not 0 <= self._rtc.seconds() - proven_s < DAY_S

    def signs(self, entry: "Waiting") -> bool:
        """Return whether this check-in is to be sent signed where the bearer takes that."""
        if frame.flags_of(entry.body) & frame.FLAG_DURESS or self.is_due():
            return True  # with duress it is a call
        return entry.first_ms == bearer_policy.EARLIER or sum(entry.attempts) > _UNANSWERED

    def on_acknowledged(self, entry: "Waiting") -> None:
        """Note an acknowledged check-in. Where its MAC may have been sent too, the answer may be to that."""
        if not entry.short:
            self._memory.proven_s = max(self._rtc.seconds(), 1)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.rtc_memory import RtcMemory
    from siaga.core.bearer_policy import Waiting
    from siaga.drivers.clock import Rtc
