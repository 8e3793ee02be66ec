"""The gateway's log on stderr: lines for people, or one JSON object a line for a collector.

Repeated lines are folded and counted (`log_deduplication`). The gateway's own messages are texts in the catalogue's
`log`: lines for people are in the settings' language; in JSON the message stays English, with the text's key as `event`
and its values as `value_<name>`.

A line about a frame has its device and counter (`service.journal.log_fields`). No line holds personal data: the
gateway's own messages name nobody, and whatever looks like a NIK or a telephone number in a library's message (an error
that repeats a value) is removed here.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from pythonjsonlogger.json import JsonFormatter

from siaga_gateway.bootstrap.log_deduplication import FoldingHandler
from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.catalogue.language import VARIABLE
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.section import LogFormat, LogLevel
from siaga_gateway.domain.invisible_characters import visible

# Libraries that log each request, with its address and at `debug` its headers, which contain tokens.
_TALKATIVE: Final = ("httpx", "httpcore", "uvicorn", "asyncio", "python_multipart")
_FIELDS: Final = ("device", "counter")
_NIK: Final = re.compile(r"(?<![0-9A-Za-z])\d{16}(?![0-9A-Za-z])")
_PHONE: Final = re.compile(
    r"(?:\+|(?<![0-9A-Za-z])00|(?<![0-9A-Za-z])0(?=8))\d[\d -]{7,16}\d(?![0-9A-Za-z])"  # not within a digest
)

log = logging.getLogger(__name__)


def language_of(setting: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the language of lines for people: the settings', or SIAGA_LANGUAGE."""
    named = environ.get(VARIABLE)
    return named if named in LANGUAGES else setting


def set_up(
    log_format: LogFormat = "text", level: LogLevel = "info", stream: TextIO | None = None, *, language: str = "en"
) -> None:
    """Configure all logging of this process. stream: None for stderr. language: for the format `text`."""
    handler = FoldingHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_Json() if log_format == "json" else _Text(language))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    sys.excepthook = _uncaught
    threading.excepthook = lambda caught: _uncaught(
        caught.exc_type, caught.exc_value or caught.exc_type(), caught.exc_traceback
    )


def without_numbers(text: str) -> str:
    """Return the text without anything that may be a NIK or a telephone number."""
    return _PHONE.sub("[number]", _NIK.sub("[16 digits]", text))


class _Text(logging.Formatter):
    def __init__(self, language: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._language = language

    def formatMessage(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, Localized):
            record.message = record.msg.say(self._language)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        first, newline, rest = visible(without_numbers(super().format(record)), lines=True).partition("\n")
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
        if isinstance(record.msg, Localized):
            log_data["event"] = record.msg.key
            log_data.update({f"value_{name}": _machine(value) for name, value in record.msg.values.items()})


def _machine(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _clean(name: str, value: Any) -> Any:
    return (
        value
        if name in _FIELDS or not isinstance(value, str) or name == "time"
        else visible(without_numbers(value), lines=True)
    )


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uncaught(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """Log an uncaught exception in the configured format; Ctrl-C is not an error."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical(Localized("log.fault.not_caught", kind=kind.__name__), exc_info=(kind, value, trace))
