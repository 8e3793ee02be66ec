"""Every name that the interpreter's own modules, types and objects have, one a line."""

import sys

MODULES = [
    "array",
    "asyncio",
    "asyncio.core",
    "asyncio.event",
    "asyncio.funcs",
    "asyncio.lock",
    "asyncio.stream",
    "binascii",
    "builtins",
    "cmath",
    "collections",
    "cryptolib",
    "deflate",
    "errno",
    "framebuf",
    "gc",
    "hashlib",
    "heapq",
    "io",
    "json",
    "machine",
    "math",
    "micropython",
    "os",
    "platform",
    "random",
    "re",
    "requests",
    "select",
    "socket",
    "ssl",
    "struct",
    "sys",
    "time",
    "tls",
    "uctypes",
    "vfs",
    "websocket",
]

met = set()
ahead = []
for name in MODULES:
    try:
        __import__(name)
        ahead.append(sys.modules.get(name) or __import__(name))
    except ImportError:
        pass  # not in this build
ahead += [
    [],
    {},
    set(),
    "",
    b"",
    bytearray(),
    (),
    1,
    1.5,
    iter([]),
    memoryview(b""),
    open,
    sys.stdin,
    sys.stdout.buffer,
]
seen = []
while ahead:
    thing = ahead.pop()
    if id(thing) in seen:
        continue
    seen.append(id(thing))
    for name in dir(thing):
        if name not in met:
            met.add(name)
            ahead.append(getattr(thing, name, None))
for name in sorted(met):
    print(name)
