"""How a SIMCom modem sleeps: registered and connected, its serial line deaf until DTR falls, RING pulsing for calls,
messages and results (A76XX AT Command Manual V1.09: AT+CSCLK, AT+CFGRI; SIM7600 AT Command Manual V3.00, the same)."""

from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtPort
from siaga.drivers.parts import Power

_OFF_MS = 9000


async def fall_asleep(port: AtPort, power: Power) -> bool:
    """Let it sleep. False where the board cannot wake it, so that it stays awake. Raises SiagaError, OSError."""
    if power.sleep is None:
        return False
    await port.attempt("AT+CFGRI=1")
    # A move from cell to cell is no reason to wake.
    for name in ("CREG", "CGREG", "CEREG"):
        await port.attempt("AT+%s=0" % name)
    # While nobody reads its line, a message must wait on the SIM and not be handed over.
    await port.attempt("AT+CNMI=2,1,0,0,0")
    await port.command("AT+CSCLK=1")
    power.sleep.value(1)
    return True


async def switch_off(port: AtPort) -> None:
    """Off by its own word; it detaches and is gone in a few seconds. One that does not answer is left as it is: what
    is wrong with it is repaired when it is wanted."""
    try:
        await port.command("AT+CPOF", None, _OFF_MS)
    except (SiagaError, OSError):
        pass
