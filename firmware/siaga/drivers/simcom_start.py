"""What a SIMCom modem needs once a start, or to be repaired: loaded for that, and given back. From no power to a modem
that answers, its SIM open, its access point set. Sources as in simcom.py."""

import asyncio

from micropython import const
from siaga.core.at import AtError, fields, quoted
from siaga.core.errors import SiagaError
from siaga.core.simcom import RADIO, RESET
from siaga.drivers.at_port import AtPort
from siaga.drivers.parts import Line, Power
from siaga.drivers.simcom import Access, AtTimeout, Modem

_LOOK_MS = const(50)
_PULSE_MS = const(20)
_BOOT_MS = const(30000)
_SIM_MS = const(20000)


async def wake(modem: Modem, power: Power) -> None:
    """Until it answers; by PWRKEY if it is not on already: a button that restarts finds its modem running."""
    port = modem.port
    if not await port.answers(1):
        await _pulse(port, power.key, power.on_ms)
        until_ms = modem.clock.ms() + port.scaled(_BOOT_MS)
        while not modem.rebooted and not await port.answers(1):
            if modem.clock.ms() > until_ms:
                raise AtTimeout("the modem does not start (PWRKEY, supply, serial line?)")
    if not await port.answers():
        raise AtTimeout("the modem says that it started, but does not answer")


async def prepare(modem: Modem, access: Access) -> None:
    """What a modem forgets at each start, or may have been left with."""
    command = modem.port.command
    await command("ATE0")
    await command("AT+CMEE=2")
    modem.model = b"".join(await command("AT+CGMM", "")).decode()
    await _unlock(modem, access.pin)
    if access.apn:
        await _use_apn(modem.port, access)
    await modem.network.prepare()
    await command("AT+CFUN=1", None, 20000)


async def _unlock(modem: Modem, pin: str) -> None:
    port = modem.port
    until_ms = modem.clock.ms() + port.scaled(_SIM_MS)
    tried = False
    while True:
        said = b"".join(await port.attempt("AT+CPIN?", "+CPIN:"))
        if said == b"+CPIN: READY":
            return
        if said == b"+CPIN: SIM PIN" and pin and not tried:
            tried = True  # never twice: the third wrong one locks the SIM
            await port.command("AT+CPIN=" + quoted(pin))
        elif modem.clock.ms() > until_ms:
            raise AtError("the SIM cannot be used: %s" % (said.decode() or "none is found"))
        await _sleep(port, 500)


async def _use_apn(port: AtPort, access: Access) -> None:
    """The APN belongs to the attach: a change needs the radio off and on (TS 27.007 10.1.1)."""
    for line in await port.attempt("AT+CGDCONT?", "+CGDCONT:"):
        parts = fields(line)
        if len(parts) > 2 and parts[0] == b"1" and parts[2].decode().lower() == access.apn.lower():
            return
    await port.command('AT+CGDCONT=1,"IP",' + quoted(access.apn))
    if access.user:
        await port.command("AT+CGAUTH=1,1,%s,%s" % (quoted(access.password), quoted(access.user)))
    await port.command("AT+CFUN=0", None, 20000)


async def repair(modem: Modem, power: Power, step: int) -> None:
    """Raises SiagaError, OSError."""
    port = modem.port
    if step == RADIO:
        await port.command("AT+CFUN=0", None, 20000)
        await _sleep(port, 2000)
        await port.command("AT+CFUN=1", None, 20000)
    elif step == RESET:
        if power.reset is not None:
            await _pulse(port, power.reset, power.reset_ms)
        else:
            await port.attempt("AT+CRESET")
        modem.rebooted = False
        until_ms = modem.clock.ms() + port.scaled(_BOOT_MS)
        while not modem.rebooted and modem.clock.ms() < until_ms:
            await asyncio.sleep_ms(_LOOK_MS)
    else:
        await switch_off(port, power)


async def switch_off(port: AtPort, power: Power) -> None:
    """By its own word, else by PWRKEY, and by the supply where a board has that; waking it puts that on again."""
    try:
        answers = await port.answers()
        if answers:
            await port.attempt("AT+CPOF")
    except (SiagaError, OSError):
        answers = False
    if not answers:
        await _pulse(port, power.key, power.off_ms)
    await _sleep(port, 3000)
    if power.supply is not None:
        power.supply.value(0)
        await _sleep(port, 2000)


async def _pulse(port: AtPort, line: "Line | None", ms: int) -> None:
    if line is None:
        return
    line.value(1)
    await asyncio.sleep_ms(max(_PULSE_MS, ms * port.percent // 100))
    line.value(0)


async def _sleep(port: AtPort, ms: int) -> None:
    await asyncio.sleep_ms(ms * port.percent // 100)
