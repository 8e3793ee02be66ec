"""Starts the front, which from its first moment on ends with the process that started it, whatever it is doing.

`python -m siaga_gateway.bootstrap.http_front.start LINK LISTENER=N...`: the numbers of open descriptors.
"""

from __future__ import annotations

import os
import select
import sys
import threading


def _end_with(line: int) -> None:
    """Exit when the link ends. The next gateway must find the ports free, so nothing is cleaned up."""
    gone = select.poll()
    gone.register(line, 0)  # only the end of the other side
    while not gone.poll():
        pass
    os._exit(1)


if __name__ == "__main__":
    number = int(sys.argv[1])
    threading.Thread(target=_end_with, args=(number,), name="press-process", daemon=True).start()

    # Loading everything takes a while.
    import socket
    from multiprocessing.connection import Connection

    from siaga_gateway.bootstrap.quick_imports import own_process, quick_imports

    own_process()
    with quick_imports():
        from siaga_gateway.bootstrap.http_front.main import main

    listeners = (each.partition("=") for each in sys.argv[2:])
    main(Connection(number), {name: socket.socket(fileno=int(fd)) for name, _, fd in listeners})
