"""The line of a modem that calls: its faults, who has it, its end, its voice; on a real pty."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from gateway.ways.modem_place import NUMBER, TIMES, Telephone, presses_yes
from gateway.ways.sample_messages import KEY, alarm, note
from gateway.ways.spoken_calls import AREA, Talk, call
from siaga_gateway.adapters.ways import voice_call
from siaga_gateway.adapters.ways.modem_port import ModemFault, ModemPort
from siaga_gateway.adapters.ways.modem_voice import Recordings
from siaga_gateway.adapters.ways.voice import Credit
from siaga_gateway.domain.keyed_answer import Said
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.voice_script import recordings
from siaga_gateway.service.dispatch.ways import HandedOver
from siaga_gateway.service.ports import NotDelivered
from siaga_tools.silicon.at_commands import Command
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.modem_voice import FarEnd
from waiting import ENDS_S, eventually


def test_a_modem_that_starts_anew_hangs_or_is_unplugged_in_a_call_is_told_and_called_with_again() -> None:
    with Telephone(lambda heard: "") as it:
        for fail in (it.modem.brown_out, lambda: it.modem.fail(Fault.HANG)):

            def hears(heard: str, fail: Callable[[], None] = fail) -> str:
                if heard == AREA:
                    it.modem.loop.call_soon(fail)
                return ""

            it.modem.speech.hears = hears
            outcome = it.way.call(NUMBER, call(), KEY, Talk())
            assert isinstance(outcome, NotDelivered) and not outcome.permanent
            assert "not called" in outcome.detail and it.modem.path in outcome.detail
            it.modem.heal()
            it.modem.speech.hears = presses_yes
            eventually(lambda: it.way.look() is None)
            assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), HandedOver)
        met: list[bool] = []
        it.way.on_fault(lambda: met.append(True))
        it.modem.speech.hears = lambda heard: it.modem.unplug() or ""  # type: ignore[func-returns-value]
        outcome = it.way.call(NUMBER, call(), KEY, Talk())
        assert isinstance(outcome, NotDelivered) and "is gone" in outcome.detail and met
        fault = it.way.look()
        assert fault is not None and fault.key == "modem.no_port"


def test_a_modem_that_is_plugged_in_as_the_one_of_the_text_messages_is_not_called_by() -> None:
    other: list[str | None] = [None]
    with Telephone(shared=lambda: other[0]) as it:
        assert it.way.look() is None
        other[0] = "sms.device: /dev/ttyUSB7"
        outcome = it.way.call(NUMBER, call(), KEY, Talk())
        assert isinstance(outcome, NotDelivered) and "/dev/ttyUSB7" in outcome.detail and not outcome.permanent
        fault = it.way.look()
        assert fault is not None and fault.key == "modem.same"
        other[0] = None
        assert it.way.look() is None
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), HandedOver)


def test_a_modem_that_dials_without_a_word_is_not_left_ringing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_call, "_DIAL_S", 0.3)
    with Telephone() as it:
        dial = it.modem.voice.at_d

        async def mute(command: Command) -> None:
            await dial(command)
            await asyncio.sleep(0.6)

        it.modem.voice.far_end = FarEnd.NO_ANSWER
        it.modem.voice.at_d = mute  # type: ignore[method-assign]
        outcome = it.way.call(NUMBER, call(), KEY, Talk())
        assert isinstance(outcome, NotDelivered) and it.modem.path in outcome.detail
        assert len(it.dialled) == 1
        eventually(lambda: it.modem.voice.hang_ups == 1, "it hangs up what it has not heard of")


def test_a_call_that_a_killed_gateway_left_behind_is_ended_first() -> None:
    with Telephone() as it:
        it.modem.do(lambda: it.modem.voice._begin(0, NUMBER))
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), HandedOver)
        assert it.modem.voice.hang_ups == 2 and not it.modem.voice.collisions
        eventually(lambda: not it.modem.voice.is_busy)
        it.modem.voice.call("+6281200000007")  # somebody calls back
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), HandedOver)
        assert not it.modem.voice.collisions and not it.modem.voice.answered


def test_one_line_serves_one_after_another_and_a_call_for_help_goes_before_all_else() -> None:
    with Telephone() as it:
        begun = threading.Event()
        outcomes: list[HandedOver | NotDelivered] = []

        def nothing_urgent(heard: str) -> str:
            begun.set()
            return ""

        it.modem.speech.hears = nothing_urgent
        proof = threading.Thread(
            target=lambda: outcomes.append(it.way.call("+6281200000009", note(), "code", Talk())), daemon=True
        )
        proof.start()
        assert begun.wait(ENDS_S)
        it.modem.speech.hears = presses_yes
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), HandedOver)
        proof.join(ENDS_S)
        (gave_way,) = outcomes
        assert isinstance(gave_way, NotDelivered) and "needed for a call for help" in gave_way.detail
        assert it.dialled == ["+6281200000009", NUMBER] and not it.modem.voice.collisions


def test_the_end_of_the_gateway_breaks_a_call_off() -> None:
    with Telephone(lambda heard: "", times=copied(TIMES, call=60.0)) as it:
        outcomes: list[HandedOver | NotDelivered] = []
        calling = threading.Thread(target=lambda: outcomes.append(it.way.call(NUMBER, call(), KEY, Talk())))
        calling.start()
        eventually(lambda: it.modem.voice.is_up)
        it.way.hang_up()
        calling.join(ENDS_S)
        assert len(outcomes) == 1 and isinstance(outcomes[0], NotDelivered)
        eventually(lambda: not it.modem.voice.is_busy)
        assert isinstance(it.way.call(NUMBER, call(), KEY, Talk()), NotDelivered) and len(it.dialled) == 1


def test_closing_hangs_up_and_the_way_can_be_used_again() -> None:
    with Telephone(lambda heard: "", times=copied(TIMES, call=60.0)) as it:
        calling = threading.Thread(target=it.way.send, args=(NUMBER, alarm(), KEY), daemon=True)
        calling.start()
        eventually(lambda: it.modem.voice.is_up)
        it.way.close()
        calling.join(ENDS_S)
        assert not it.modem.voice.is_busy
        it.modem.speech.hears = presses_yes
        assert isinstance(it.way.send(NUMBER, alarm(), KEY), HandedOver)


@pytest.mark.parametrize("number", ["110", "112", "+62 110"])
def test_no_program_dials_an_emergency_number(number: str) -> None:
    with Telephone() as it:
        outcome = it.way.call(number, call(), KEY, Talk())
        assert isinstance(outcome, NotDelivered) and outcome.permanent and "for people to dial" in outcome.detail
        assert not it.dialled


def test_recordings_are_played_and_a_missing_one_is_named() -> None:
    with Telephone(voice=Recordings("C:/{language}-{phrase}.amr")) as it:
        it.modem.speech.reads_aloud = False
        it.modem.speech.recordings = {f"C:/id-{each.name}.amr" for each in recordings("id")}
        talk = Talk()
        assert isinstance(it.way.call(NUMBER, call(), KEY, talk), HandedOver) and talk.answers == [Said.YES]
        assert it.modem.speech.said[0] == "C:/id-open_responder.amr"
        assert it.modem.speech.said[-1] == "C:/id-taken_responder_yes.amr"
        it.modem.speech.recordings.remove("C:/id-open_responder.amr")
        outcome = it.way.call(NUMBER, call(), KEY, talk)
        assert isinstance(outcome, NotDelivered) and "C:/id-open_responder.amr" in outcome.detail


def test_what_is_wrong_while_nobody_is_called() -> None:
    with Telephone(sim=Sim(credit="Pulsa Rp 15.250 s.d. 31/12/26"), credit=Credit("*888#", 20_000)) as it:

        def fault() -> str:
            found = it.way.look()
            return "" if found is None else found.key

        assert fault() == "modem.credit_low" and 'AT+CUSD=1,"*888#",15' in it.modem.asked
        it.modem.fail(Fault.NO_NETWORK)
        eventually(lambda: fault() == "modem.no_network")
        outcome = it.way.call(NUMBER, call(), KEY, Talk())
        assert isinstance(outcome, NotDelivered) and "not registered" in outcome.detail
        it.modem.heal()
        eventually(lambda: fault() == "modem.credit_low")  # not asked each time
        assert sum("CUSD" in asked for asked in it.modem.asked) == 1
        it.modem.voice.far_end = FarEnd.NO_CARRIER
        for _ in range(3):
            it.way.call(NUMBER, call(), KEY, Talk())
        assert fault() == "modem.not_put_through"
        it.modem.voice.far_end = FarEnd.ANSWERS
        it.way.call(NUMBER, call(), KEY, Talk())
        assert fault() == "modem.credit_low"
        it.modem.speech.reads_aloud = False
        assert fault() == "modem.no_voice", "before anybody is called"
        outcome = it.way.call(NUMBER, call(), KEY, Talk())
        assert isinstance(outcome, NotDelivered) and "cannot read texts aloud" in outcome.detail


def test_a_port_that_another_program_has_is_told() -> None:
    with Telephone() as it, it.way._port:
        other, it.way._port = ModemPort(it.modem.path, 115_200, 0.1), ModemPort(it.modem.path, 115_200, 0.1)
        with pytest.raises(ModemFault, match="another program"), other:
            pass
        assert it.way.look() is None, "for the length of a call it may be the command that tries it"
        it.way._taken_at = -1_000.0
        fault = it.way.look()
        assert fault is not None and fault.key == "modem.in_use"
        assert it.way._line.acquire(timeout=ENDS_S)
        it.way._begun = time.monotonic()
        assert it.way.look() is fault, "during a call it stays as it was"
        it.way._begun -= 1_000
        stuck = it.way.look()
        assert stuck is not None and stuck.key == "modem.stuck"
        it.way._line.release()
