"""Runs `siaga` so that it ends with its parent process, whatever ends that.

`python -m siaga_tools.process.parent_watch gateway run --config siaga.toml` is `siaga gateway run --config siaga.toml`
in this very process, beside a thread that waits for the end of standard input. The parent holds the other end open; the
kernel closes it even if the parent dies by SIGKILL. `parent_watch broker PORT` runs the demo's embedded broker
likewise.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import Final

from siaga_tools.process.slow_machine import patient

GRACE_S: Final = 8.0  # for the gateway to finish its batch


def end_with_parent() -> None:
    """From now on the end of standard input ends this process: SIGTERM, and SIGKILL after the grace time."""
    threading.Thread(target=_wait_for_the_end, name="parent watch", daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patient(GRACE_S))
    os.kill(os.getpid(), signal.SIGKILL)


def run_broker(port: int) -> None:
    """Run the embedded MQTT broker on 127.0.0.1, until killed. Raises OSError for a busy port.

    Not `iotcore.Broker`: that starts its child in the terminal's process group, where Ctrl-C would kill the broker
    before the gateway has finished its batch.
    """
    from iotcore import IotCoreBroker

    # rumqttd logs each packet's routing as an error; nobody needs these records.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    broker = IotCoreBroker(listen="127.0.0.1", port=port, max_connections=64)
    broker.check_ports()
    broker.run_forever()


def main() -> None:
    end_with_parent()
    if sys.argv[1] == "broker":
        run_broker(int(sys.argv[2]))
    else:
        from siaga_tools.cli import main as siaga

        siaga()


if __name__ == "__main__":
    main()
