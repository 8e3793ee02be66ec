"""Run a part of the demo so that it ends with the demo, whatever ends the demo.

`python -m siaga_tools.demo.leash gateway run --config siaga.toml` is `siaga gateway run --config siaga.toml` in this
very process, beside one thread that waits for the end of standard input. The demo holds the other end open; the kernel
closes it even when the demo dies by SIGKILL. `leash broker PORT` runs the embedded broker likewise.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import Final

GRACE_S: Final = 8.0  # for the gateway to finish its batch


def hold() -> None:
    """From now on the end of standard input ends this process: SIGTERM, and SIGKILL after the grace time."""
    threading.Thread(target=_wait_for_the_end, name="leash", daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def run_broker(port: int) -> None:
    """The embedded MQTT broker on 127.0.0.1, until killed. Raises OSError for a busy port.

    Why not `iotcore.Broker`: it starts its child in the terminal's process group, where Ctrl-C would take the broker
    away before the gateway has finished its batch.
    """
    from iotcore import IotCoreBroker

    # rumqttd writes each packet's routing as an error; nobody listens to these records.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    broker = IotCoreBroker(listen="127.0.0.1", port=port, max_connections=64)
    broker.check_ports()
    broker.run_forever()


def main() -> None:
    hold()
    if sys.argv[1] == "broker":
        run_broker(int(sys.argv[2]))
    else:
        from siaga_tools.cli import main as siaga

        siaga()


if __name__ == "__main__":
    main()
