"""What a person does with a simulated button, as commands in both languages."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from siaga_tools.demo.site import MIDDLE
from siaga_tools.messages import Trouble
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.gnss import ReceiverCondition
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sms import Message, write_message
from siaga_tools.simulate.button import SimulatedButton
from siaga_tools.simulate.chip import ChipState
from siaga_tools.simulate.log_view import text
from siaga_tools.virtual_button import ButtonEvent

if TYPE_CHECKING:
    from siaga_tools.simulate.session import Session


HOME: Final = MIDDLE
_TRACK_S: Final = 5.0
_STEP: Final = 0.0005  # degrees, some 50 m
_WAIT_S: Final = 300.0
_ENROL: Final = 6  # frame kind

# The verbs accepted for each act, in both languages.
_VERBS: Final = {
    "p": ("p", "press", "tekan"),
    "c": ("c", "cancel", "batal"),
    "d": ("d", "duress", "paksa"),
    "t": ("t", "test", "uji"),
    "k": ("k", "taps", "ketuk"),
    "case": ("case", "tutup"),
    "foot": ("foot", "kaki"),
    "battery": ("battery", "baterai"),
    "mains": ("mains", "listrik"),
    "wifi": ("wifi",),
    "net": ("net", "network", "jaringan"),
    "fix": ("fix", "posisi"),
    "fault": ("fault", "rusak"),
    "heal": ("heal", "pulih"),
    "sms": ("sms",),
    "call": ("call", "telepon"),
    "power": ("power", "daya"),
    "reset": ("reset",),
    "speed": ("speed", "kecepatan"),
    "skip": ("skip", "lompat"),
    "a": ("a", "answer", "jawab"),
    "at": ("at",),
    "heap": ("heap", "memori"),
    "wait": ("wait", "tunggu"),
    "l": ("l", "language", "bahasa"),
    "h": ("h", "help", "?", "bantuan"),
    "q": ("q", "quit", "keluar"),
}
_WORDS: Final = {word: verb for verb, words in _VERBS.items() for word in words}
_ON: Final = {
    "on": True,
    "off": False,
    "hidup": True,
    "mati": False,
    "open": True,
    "shut": False,
    "1": True,
    "0": False,
}


def verb_of(word: str) -> str | None:
    """Return the act for a typed verb."""
    return _WORDS.get(word.lower())


async def do(session: Session, button: SimulatedButton, verb: str, rest: list[str]) -> None:
    """Do one act. Raises Trouble; IndexError, KeyError or ValueError for bad arguments."""
    there = asyncio.to_thread
    match verb:
        case "p" | "c" | "d" | "t":
            acts = {
                "p": button.holder.press,
                "c": button.holder.cancel,
                "d": button.holder.duress,
                "t": button.holder.test,
            }
            if verb != "t" and button.life in (ChipState.OFF, ChipState.STOPPED):
                raise Trouble("simulate_off")
            session.say(f"hand_{verb}")
            await there(acts[verb], *(float(word) for word in rest[:1]))
        case "k":
            await there(button.holder.tap)
        case "case" | "foot" | "mains":
            on = _ON[rest[0]]
            await there(
                {"case": button.holder.tamper, "foot": button.holder.foot_switch, "mains": button.mains}[verb], on
            )
            session.switches[verb] = on
            session.say(f"{verb}_{'on' if on else 'off'}")
        case "battery":
            percent = int(rest[0])
            if not -1 <= percent <= 100:
                raise ValueError
            await there(button.battery, percent)
            session.battery = percent
            session.say("battery_is", percent=percent)
        case "wifi":
            await there(button.wifi, _ON[rest[0]])
        case "net":
            _fault(button, Fault.NO_NETWORK, not _ON[rest[0]])
            if button.lorawan is not None:
                button.lorawan.faults.no_coverage = not _ON[rest[0]]
        case "fix":
            await _fix(session, button, rest)
        case "fault":
            if rest[0] == "jam":
                _jam(button, True)
            else:
                _fault(button, Fault(rest[0]), True)
            session.say("fault_on", "wait", fault=rest[0])
        case "heal":
            _heal(button)
            session.say("healed", "good")
        case "sms":
            if button.modem is None:
                raise Trouble("simulate_no_modem")
            write_message(button.modem.sms.incoming, "From", Message(rest[0], " ".join(rest[1:])))
        case "call":
            if button.modem is None:
                raise Trouble("simulate_no_modem")
            button.modem.do(partial(_ring, button.modem, rest[0]))
        case "power":
            await there(button.power_on if _ON[rest[0]] else button.power_cut)
        case "reset":
            await there(button.reset)
        case "speed":
            button.set_speed(float(rest[0]))
            session.say("speed_is", speed=f"{button.clock.speed:g}")
        case "skip":
            if not button.skip_sleep():
                raise Trouble("simulate_awake")
        case "a":
            await _answer(session)
        case "at":
            session.shows_at = _ON[rest[0]] if rest else not session.shows_at
        case "heap":
            used, free = await there(button.heap)
            session.say("heap_is", used=used // 1024, free=free // 1024)
        case "wait":
            await _wait(button, rest[0])


async def _answer(session: Session) -> None:
    if session.house is None:
        raise Trouble("simulate_no_house")
    step = await session.house.answer()
    if not step:
        raise Trouble("simulate_no_incident")
    session.say("operator", "good", step=text(f"step.{step}", session.language))


async def _wait(button: SimulatedButton, word: str) -> None:
    """Wait until it shows a signal, is asleep or off, or was answered at all (enrolled)."""
    if word in (ChipState.ASLEEP, ChipState.OFF, ChipState.RUNNING):
        await asyncio.to_thread(button.events.wait_life, ChipState(word), deadline_s=_WAIT_S)
    elif word == "enrolled":
        await asyncio.to_thread(button.events.wait_for, _is_enrolment, deadline_s=_WAIT_S, what=word)
    elif word != button.signal:
        after = button.events.mark()
        if word != button.signal:
            await asyncio.to_thread(button.events.wait_signal, word, after=after, deadline_s=_WAIT_S)


async def _fix(session: Session, button: SimulatedButton, rest: list[str]) -> None:
    if session.tracking is not None:
        session.tracking.cancel()
        session.tracking = None
    if rest[0] == "none":
        await asyncio.to_thread(button.place, None)
    elif rest[0] == "track":
        session.tracking = asyncio.create_task(_track(button))
    else:
        latitude, longitude = float(rest[0]), float(rest[1])
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise ValueError
        await asyncio.to_thread(button.place, latitude, longitude)


async def _track(button: SimulatedButton) -> None:
    """Carry it away, north-east."""
    step = 0
    while True:
        step += 1
        await asyncio.to_thread(button.place, HOME[0] + step * _STEP, HOME[1] + step * _STEP)
        await asyncio.sleep(button.clock.real_s(_TRACK_S))


def _fault(button: SimulatedButton, fault: Fault, there: bool) -> None:
    modem = button.modem
    if modem is None:
        if fault is Fault.NO_NETWORK:
            button.wifi(not there)
            return
        raise Trouble("simulate_no_modem")
    modem.do(lambda: modem.faults.add(fault) if there else modem.faults.discard(fault))


def _jam(button: SimulatedButton, there: bool) -> None:
    """Switch a jammer on or off: it blocks the cellular network, LoRaWAN, Wi-Fi and GNSS alike."""
    _fault(button, Fault.NO_NETWORK, there)
    if button.lorawan is not None:
        button.lorawan.faults.no_coverage = there
    button.wifi(not there)
    if there:
        button.place(None)
    else:
        button.place(*HOME)


def _heal(button: SimulatedButton) -> None:
    if button.modem is not None:
        button.modem.heal()
    if button.lorawan is not None:
        button.lorawan.faults.no_coverage = button.lorawan.faults.hang = False
    if button.receiver is not None:
        button.receiver.mood = ReceiverCondition.WELL
    button.wifi(True)
    button.place(*HOME)


def _ring(modem: A7670, number: str) -> None:
    modem.urc("RING")
    modem.urc(f'+CLIP: "{number}",145,,,,0')


def _is_enrolment(event: ButtonEvent) -> bool:
    return (
        event.kind == "frame" and event.facts.get("kind") == _ENROL and event.facts.get("step") == "acknowledged"
    ) or (event.kind == "ack")
