"""Sentences of receivers, and what a decoder tells of them."""

from __future__ import annotations

import calendar

from siaga.core import fix, nmea

UNKNOWN = 65535


Told = list[int | None]


def sentence(text: str) -> bytes:
    """A sentence with its $, checksum and end."""
    return b"$%s*%02X\r\n" % (text.encode(), nmea.checksum(text.encode()))


def rmc(time: str = "123519.00", status: str = "A", where: str = "0525.7520,S,10515.6600,E", **more: str) -> bytes:
    date, mode, talker = more.get("date", "150726"), more.get("mode", ",A"), more.get("talker", "GN")
    return sentence(f"{talker}RMC,{time},{status},{where},0.02,77.5,{date},,{mode}")


def gga(
    time: str = "123519.00", quality: str = "1", where: str = "0525.7520,S,10515.6600,E", hdop: str = "0.9"
) -> bytes:
    return sentence(f"GNGGA,{time},{where},{quality},08,{hdop},545.4,M,46.9,M,,")


def gst(time: str = "123519.00", north: str = "1.5", east: str = "2.0") -> bytes:
    return sentence(f"GPGST,{time},1.8,,,,{north},{east},3.1")


def told(*chunks: bytes) -> list[Told]:
    decoder = nmea.Decoder()
    return [as_list(one) for chunk in chunks for one in decoder.feed(chunk)]


def as_list(one: fix.Fix) -> Told:
    return [one.latitude, one.longitude, one.accuracy, one.time]


NOON = calendar.timegm((2026, 7, 15, 12, 35, 19))


HERE = [-54292000, 1052610000]


def gns(
    time: str = "123519.00", modes: str = "AAN", where: str = "0525.7520,S,10515.6600,E", hdop: str = "0.9"
) -> bytes:
    return sentence(f"GNGNS,{time},{where},{modes},09,{hdop},545.4,46.9,,,V")


def gll(time: str = "123519.00", status: str = "A", mode: str = ",A", where: str = "0525.7520,S,10515.6600,E") -> bytes:
    return sentence(f"GNGLL,{where},{time},{status}{mode}")


LOG = b"".join(
    part
    for second in range(6)
    for part in (
        rmc(f"12352{second}.00", where=f"0000.{second}520,S,00000.6600,W"),
        gga(f"12352{second}.00", where=f"0000.{second}520,S,00000.6600,W", hdop=f"1.{second}"),
        sentence("GPGSV,1,1,01,01,40,083,46"),
        gst(f"12352{second}.00"),
    )
)
