"""A way that calls through a simulated modem's real pty, and a far end that listens and presses keys."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.ways.way_contract import DEADLINE_S, PATIENT_S
from siaga_gateway.adapters.ways.modem_port import ModemPort
from siaga_gateway.adapters.ways.modem_voice import ModemVoice, ReadAloud
from siaga_gateway.adapters.ways.voice import Credit, VoiceWay
from siaga_gateway.adapters.ways.voice_call import CallTimes
from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.keyed_answer import YES_KEYS
from siaga_gateway.service.dispatch.ways import Budget
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.modem_voice import FarEnd
from waiting import eventually

PACE: Final = 0.01  # one second of the telephone network in 10 ms
NUMBER: Final = "+6281200000001"
NAMED: Final = {text(f"calls.voice.key_{key}", language): key for key in YES_KEYS for language in LANGUAGES}
# Times of ours: the modem's run at another pace.
TIMES: Final = CallTimes(ring=3.0, call=8.0, again=0.2, alone=0.1, why=0.1, look=0.1)


def presses_yes(said: str) -> str:
    """A person who presses the key that the voice names."""
    return NAMED.get(said, "") or NAMED.get(recorded(said), "")


def recorded(said: str) -> str:
    """Return the text of a recording, by its file's name."""
    found = re.fullmatch(r"C:/(id|en)-(key_[0-9])\.amr", said)
    return text(f"calls.voice.{found[2]}", found[1]) if found else ""


class Telephone:
    """Implements way_contract.Place."""

    good, bad = NUMBER, "nobody"

    def __init__(
        self,
        hears: Callable[[str], str] = presses_yes,
        *,
        voice: ModemVoice | None = None,
        sim: Sim | None = None,
        credit: Credit | None = None,
        times: CallTimes = TIMES,
        shared: Callable[[], str | None] = lambda: None,
        model: str = "A7670E-FASE",
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.modem = A7670(Path(self._folder.name), pace=PACE, sim=sim, model=model)
        self.modem.speech.hears = hears
        self.modem.plug_in_as(Path(self._folder.name) / "usb-telephone-if00")
        self.way = VoiceWay(
            "way-1",
            ModemPort(self.modem.path, 115_200, answer_s=2.0),
            voice or ReadAloud(),
            budget=Budget(),
            language="en",
            deadline_s=PATIENT_S,
            credit=credit,
            shared=shared,
            times=times,
        )

    def __enter__(self) -> Self:
        self.modem.__enter__()
        self.modem.power_on()
        eventually(self.modem.radio.has_network)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.way.close()
        self.modem.__exit__(None, None, None)
        self._folder.cleanup()

    @property
    def dialled(self) -> list[str]:
        return self.modem.voice.dialled

    def arrived(self) -> Sequence[str]:
        """What each far end heard, call by call."""
        calls: list[list[str]] = []
        for said in self.modem.speech.said:
            if said == text("calls.voice.open_heard", "id"):
                calls.append([])
            calls[-1].append(said)
        return ["\n".join(dict.fromkeys(call)) for call in calls]

    def break_down(self) -> None:
        self.modem.voice.far_end = FarEnd.BUSY

    def hang(self) -> None:
        self.way._deadline_s = DEADLINE_S
        self.modem.fail(Fault.HANG)

    def recover(self) -> None:
        self.way._deadline_s = PATIENT_S
        self.modem.heal()
        self.modem.voice.far_end = FarEnd.ANSWERS
