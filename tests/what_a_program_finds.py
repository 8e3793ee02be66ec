"""`python -m what_a_program_finds ...`: prints what it finds around it, does as it is told, and ends."""

from __future__ import annotations

import atexit
import gc
import json
import locale
import os
import random
import resource
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any, TextIO


def _descriptors() -> dict[str, str]:
    """Where each leads that a program can have been given; without the line to a preloader, which is far from them."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        if int(name) < 200:
            with_target = Path(f"/proc/self/fd/{name}")
            if with_target.exists() or os.path.islink(with_target):
                found[name] = os.readlink(with_target).partition(":")[0]
    return found


def _stream(stream: TextIO | Any) -> list[object]:
    return [stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.write_through, stream.mode]


def _status() -> dict[str, str]:
    names = ("SigBlk", "SigIgn", "SigCgt", "Threads", "Umask", "NoNewPrivs", "Cpus_allowed", "Groups", "Uid", "CapEff")
    lines = (line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: value.strip() for name, value in lines if name in names}


def _terminal() -> tuple[bool, bool]:
    """Whether its session has one, and whether what is typed there reaches its group."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return fields[4] != "0", fields[5] == str(os.getpgrp())


def found() -> dict[str, object]:
    signals = [each for each in signal.valid_signals() if isinstance(each, signal.Signals)]
    return {
        "parent": os.getppid(),
        "alone in its session": os.getsid(0) == os.getpid(),
        "session": os.getsid(0),
        "terminal": _terminal(),
        "group": os.getpgrp() if os.getpgrp() != os.getpid() else "its own",
        "command": Path("/proc/self/cmdline").read_bytes().decode().rstrip("\0").split("\0"),
        "argv": sys.argv,
        "original argv": sys.orig_argv,
        "path": sys.path,
        "flags": str(sys.flags),
        "name": __name__,
        "main": sys.modules["__main__"].__dict__["__name__"],
        "package": __package__,
        "file": __file__,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "zone": time.strftime("%Z", time.localtime(0)),
        "status": _status(),
        "signals": {number.name: str(signal.getsignal(number)).partition(" at ")[0] for number in signals},
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if "RLIMIT_" in name},
        "niceness": os.nice(0),
        "descriptors": _descriptors(),
        "streams": [_stream(each) for each in (sys.stdin, sys.stdout, sys.stderr)],
        "encoding": locale.getpreferredencoding(),
        "collecting": gc.isenabled(),
        "threads": [each.name for each in threading.enumerate()],
        "main thread": threading.main_thread() is threading.current_thread(),
    }


def drawn() -> list[str]:
    """What no other process has."""
    from siaga_gateway.domain.frame_authentication import GatewayKey

    with tempfile.NamedTemporaryFile() as file:
        name = file.name
    key = GatewayKey.generate()
    return [
        *(
            key.public_xy.hex(),
            ssl.RAND_bytes(8).hex(),
            os.urandom(8).hex(),
            secrets.token_hex(),
            str(uuid.uuid4()),
            name,
        ),
        *(str(random.random()), str(random.SystemRandom().random())),
    ]


class Cycle:
    """Nobody has it, but a search for garbage is needed to find that out."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        print("never closed")


if __name__ == "__main__":
    mode, *rest = sys.argv[1:]
    print(json.dumps(found()), flush=True)
    if mode == "child":
        done = subprocess.run([sys.executable, "-m", "what_a_program_finds", "end"], stdout=subprocess.PIPE, check=True)
        child = json.loads(done.stdout)
        print(json.dumps({**child, "parent": child["parent"] == os.getpid()}))
    elif mode == "draw":
        print(json.dumps(drawn()))
    elif mode == "read":
        print(sys.stdin.read())
    elif mode == "exit":
        atexit.register(lambda: print("at exit"))
        threading.Thread(target=lambda: (time.sleep(0.2), print("a thread's last word"))).start()
        sys.exit(int(rest[0]))
    elif mode == "cycle":
        sys.stdin.read()  # until what it found is read
        Cycle()
    elif mode == "unread":
        sys.stdin.read()  # until the reader of what comes now is gone
        print("for nobody")
    elif mode == "complain":
        sys.exit("what is wrong")
    elif mode == "raise":
        raise LookupError("what it ended with")
    elif mode == "wait":
        signal.pause()
