"""How the bearer "lte" becomes connected: loaded for that, and given back. Sources as in simcom_mqtt.py."""

from micropython import const
from siaga.core.at import AtError, fields, quoted
from siaga.drivers.at_port import AtPort, AtTimeout
from siaga.drivers.clock import Clock
from siaga.drivers.simcom_mqtt import Broker, Lte, Refused
from siaga.drivers.simcom_tls import verify_servers

_CONNECT_MS = const(75000)


async def is_connected(port: AtPort, broker: Broker) -> bool:
    """Whether the modem holds a connection to one of these brokers. Only this firmware makes one, and subscribes."""
    servers = [("tcp://%s:%d" % server).encode() for server in broker.servers]
    for line in await port.attempt("AT+CMQTTCONNECT?", "+CMQTTCONNECT:"):
        found = fields(line)[:2]
        if len(found) == 2 and found[0] == b"0" and found[1] in servers:
            broker.place = servers.index(found[1])
            return True
    return False


async def start_service(lte: Lte, port: AtPort) -> None:
    """The service anew: it may be running from before this chip's own restart. Raises SiagaError, OSError."""
    await _attached(port)
    try:
        await lte.outcome("AT+CMQTTSTART", "+CMQTTSTART:", _CONNECT_MS)
    except AtTimeout:
        raise
    except (Refused, AtError):
        await lte.drop_client()
        await lte.quietly("AT+CMQTTSTOP", "+CMQTTSTOP:")
        await lte.outcome("AT+CMQTTSTART", "+CMQTTSTART:", _CONNECT_MS)


async def _attached(port: AtPort) -> None:
    """An address, or nothing can be opened (TS 27.007 10.1.10, 10.1.14)."""
    for line in await port.attempt("AT+CGPADDR=1", "+CGPADDR:"):
        address = line.split(b",")[-1].strip(b'" ')
        if len(address) > 6 and address != b"0.0.0.0":
            return
    await port.command("AT+CGACT=1,1", None, 40000)


async def enter(lte: Lte, port: AtPort, clock: Clock, broker: Broker, old: bool) -> None:
    """A client of its own for this broker, and its connection. Raises SiagaError, OSError."""
    tls = bool(broker.ca)
    await port.command("AT+CMQTTACCQ=0,%s,%d" % (quoted(broker.client_id), tls))
    # Set after ACCQ and before CONNECT; REL forgets them (MQTT application note 3.1).
    if not await lte.granted('AT+CMQTTCFG="version",0,4') and not old:
        raise AtError("the modem does not speak MQTT 3.1.1")
    await lte.granted('AT+CMQTTCFG="checkUTF8",0,0')
    await lte.granted('AT+CMQTTCFG="optimeout",0,20')
    if tls:
        await verify_servers(port, clock, broker.ca)
        await port.command("AT+CMQTTSSLCFG=0,0")  # forgotten after every failed CONNECT
    connect = 'AT+CMQTTCONNECT=0,"tcp://%s:%d",%d,0' % (broker.host, broker.port, broker.keepalive_s)
    if broker.login is not None:
        broker.user, broker.password = broker.login.next(broker.place)
    if broker.user:
        connect += "," + quoted(broker.user)
        if broker.password:
            connect += "," + quoted(broker.password)
    await lte.outcome(connect, "+CMQTTCONNECT:", _CONNECT_MS)
