"""Under MicroPython: one JSON object a line on stdin, {"feed": hex} or {"modem": text}; what came of it on stdout."""

import binascii
import json
import sys

from siaga.core import modem_fix, nmea
from siaga.core.fix import FixError


def fields(fix):
    return fix and [fix.latitude, fix.longitude, fix.accuracy, fix.time]


for line in sys.stdin:
    given = json.loads(line)
    if "feed" in given:
        decoder = nmea.Decoder()
        fixes = [fields(fix) for fix in decoder.feed(binascii.unhexlify(given["feed"]))]
        print(json.dumps({"fixes": fixes, "rejected": decoder.rejected, "why": sorted(decoder.by_reason.items())}))
    else:
        try:
            print(json.dumps({"fix": fields(modem_fix.modem_fix(given["modem"].encode()))}))
        except FixError as error:
            print(json.dumps({"refused": str(error)}))
