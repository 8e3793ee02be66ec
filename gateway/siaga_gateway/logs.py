"""The gateway's log on stderr: lines for people, or one JSON object a line for a collector.

A line that concerns a frame carries its device and counter (`service.log_fields`). No line holds personal data: what
the gateway itself writes names nobody, and whatever looks like a NIK or a telephone number in the words of a library
(an error that repeats a value) is taken out here.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

# Libraries that tell of each request, with its address and at `debug` with its headers: a token stands in there.
_TALKATIVE: Final = ("httpx", "httpcore", "uvicorn", "asyncio", "python_multipart")
_FIELDS: Final = ("device", "counter")
_NIK: Final = re.compile(r"(?<![0-9A-Za-z])\d{16}(?![0-9A-Za-z])")
_PHONE: Final = re.compile(
    r"(?:\+|(?<![0-9A-Za-z])00|(?<![0-9A-Za-z])0(?=8))\d[\d -]{7,16}\d(?![0-9A-Za-z])"  # not within a digest
)

log = logging.getLogger(__name__)


def set_up(log_format: LogFormat = "text", level: LogLevel = "info", stream: TextIO | None = None) -> None:
    """Make this the one way in which this process logs. stream: None for stderr."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    sys.excepthook = _uncaught
    threading.excepthook = lambda caught: _uncaught(
        caught.exc_type, caught.exc_value or caught.exc_type(), caught.exc_traceback
    )


def without_numbers(text: str) -> str:
    """The text without what may be a NIK or a telephone number."""
    return _PHONE.sub("[number]", _NIK.sub("[16 digits]", text))


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        first, newline, rest = without_numbers(super().format(record)).partition("\n")
        told = "".join(
            f" {name}={getattr(record, name)}" for name in _FIELDS if getattr(record, name, None) is not None
        )
        return f"{first}{told}{newline}{rest}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _moment(record)


class _Json(JsonFormatter):
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: _clean(name, value) for name, value in log_data.items()}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data.update(time=_moment(record), level=record.levelname.lower(), logger=record.name)
        super().add_fields(log_data, record, message_dict)


def _clean(name: str, value: Any) -> Any:
    return value if name in _FIELDS or not isinstance(value, str) or name == "time" else without_numbers(value)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uncaught(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """What nobody caught, in the log's own form; Ctrl-C is no fault."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("not caught: %s", kind.__name__, exc_info=(kind, value, trace))
