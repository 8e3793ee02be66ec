"""Under MicroPython: a modem's answers, one a line on stdin, into the real ModemGnss; after each, what it knows."""

import json
import sys

from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.modem_gnss import ModemGnss


class Calendar(Rtc):
    def unix(self):
        return 1795919480


gnss = ModemGnss(Clock(Calendar()))
for line in sys.stdin:
    gnss.on_position(line.strip().encode())
    print(json.dumps([gnss.fix(), gnss.rejected, gnss.is_fresh()]))
again = ModemGnss(Clock(Calendar()), gnss.saved())
print(json.dumps([again.fix(), again.rejected, again.is_fresh()]))
