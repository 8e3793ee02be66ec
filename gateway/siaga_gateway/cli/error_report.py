"""Reports errors on the command line: the same way for all commands, in the reader's language.

A SiagaError or an error of the operating system is one message on stderr and exit code 1. Anything else is a bug: a
traceback, and a line that says so.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, NoReturn

import click

from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import visible

PROGRAM: Final = "siaga"


@contextmanager
def errors_told() -> Iterator[None]:
    """End the program on any expected error: one clear message, exit code 1, no traceback."""
    try:
        yield
    except SiagaError as error:
        _give_up(error)
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of a pipe is gone: click ends quietly
            raise
        _give_up(_of_system(error))
    except (MemoryError, SystemError, RuntimeError) as error:
        if not _for_want_of_memory(error):
            raise
        try:
            _tell(Localized("errors.install.no_memory"))
        except MemoryError:  # the texts could not be read either
            os.write(sys.stderr.fileno(), b"siaga: MemoryError\n")
            os._exit(1)  # an end in order needs memory too, and would say so in pages
        sys.exit(1)


def tell_bugs() -> None:
    """Have the traceback of an uncaught exception followed by a line in the reader's language."""
    sys.excepthook = _bug


def _bug(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    sys.__excepthook__(kind, value, trace)
    if not issubclass(kind, KeyboardInterrupt):
        _tell(Localized("errors.install.bug"))


def _give_up(error: SiagaError | Localized) -> NoReturn:
    _tell(error)
    sys.exit(1)


def _tell(error: SiagaError | Localized) -> None:
    """Print it on stderr, each of its lines after the program's name."""
    for line in error.say(reader_language(os.environ)).splitlines():
        click.echo(f"{PROGRAM}: {visible(line)}", err=True)


def _of_system(error: OSError) -> Localized:
    place = "" if error.filename is None else f"{error.filename}: "
    mine = error.errno not in (errno.EACCES, errno.EPERM)
    return Localized("errors.install.system" if mine else "errors.install.not_yours", place=place, why=error)


def _for_want_of_memory(error: BaseException | None) -> bool:
    """Whether this, or what it followed from, is a lack of memory. Python and C extensions report that as no memory, as
    no thread, or as a failure without an exception, and cleaning up after it may fail too."""
    while error is not None:
        match error:
            case MemoryError():
                return True
            case SystemError() if "without setting an exception" in str(error) or "without exception" in str(error):
                return True
            case RuntimeError() if "can't start new thread" in str(error):
                return True
        error = error.__context__
    return False
