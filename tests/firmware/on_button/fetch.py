"""A file over the button's own HTTP client. stdin: a JSON object {"ca": ...}, then lines "<from> <url>"; each gives one
JSON line."""

import asyncio
import binascii
import hashlib
import json
import sys

from siaga.drivers import http
from siaga.drivers.board_parts import Network
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.http import Http


class Loopback(Network):
    def is_up(self):
        return True

    async def resolve(self, host):
        return ["127.0.0.99", "127.0.0.1"]


http._ANSWER_MS = 1500


async def get(source, start, url):
    whole = hashlib.sha256()
    came = longest = 0
    try:
        answer = await source.open(url, start)
        while True:
            piece = await source.read()
            if not piece:
                break
            came += len(piece)
            longest = max(longest, len(piece))
            whole.update(piece)
    except Exception as error:
        final = getattr(error, "is_final", None)
        return {"got": came, "failed": str(error).strip(), "kind": type(error).__name__, "final": final}
    finally:
        await source.close()
    return {
        "got": came,
        "start": answer.start,
        "total": answer.total,
        "validator": answer.validator.decode(),
        "longest": longest,
        "sha": binascii.hexlify(whole.digest()).decode(),
    }


source = Http(Loopback(), json.loads(sys.stdin.readline())["ca"], Clock(Rtc()))
for line in sys.stdin:
    start, url = line.split()
    print(json.dumps(asyncio.run(get(source, int(start), url))))
