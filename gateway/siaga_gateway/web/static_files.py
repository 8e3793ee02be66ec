"""The console's own files, compressed once: the first page on a slow line is an operator who waits.

Pages themselves are not compressed: the length of what holds personal data beside a guess would tell how near the guess
is (BREACH). These files hold nothing but the program.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Final

from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Scope

_TEXTS: Final = frozenset({".js", ".mjs", ".css", ".svg", ".geojson"})


class PackedFiles(StaticFiles):
    """A folder whose texts go compressed to browsers that unpack; each has a tag, so that nothing is fetched twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, 304 where the browser has it, or raise the framework's own 404."""
        answer = await super().get_response(path, scope)
        if not isinstance(answer, FileResponse) or PurePath(answer.path).suffix not in _TEXTS:
            return answer
        answer.headers["Vary"] = "Accept-Encoding"
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return answer
        tag = answer.headers["etag"]
        packed = await run_in_threadpool(_packed, str(answer.path), tag)
        # Weak: the same text as without compression, in other bytes.
        headers = {
            "Content-Encoding": "gzip",
            "ETag": f"W/{tag}",
            "Last-Modified": answer.headers["last-modified"],
            "Vary": "Accept-Encoding",
        }
        return Response(packed, media_type=answer.media_type, headers=headers)


@lru_cache(maxsize=256)
def _packed(path: str, tag: str) -> bytes:
    """tag: tells a file from one that took its place."""
    return gzip.compress(Path(path).read_bytes(), mtime=0)
