"""Settings that a command changed: written only when they are good as a whole, and on trial until the gateway is heard
with them. The former ones stay beside them until then."""

import json

from siaga.app import flash
from siaga.app.settings import parse
from siaga.app.settings_form import text_of
from siaga.core.errors import SiagaError

# Whoever holds the gateway's key, or a release key, must not be able to pass the button on to another: by cable only.
BY_CABLE = ("gateway_key", "release_key")
_CURRENT = "/settings.json"
_FORMER = "/settings.former"


def merged(folder: str, arguments: bytes) -> bytes:
    """The present settings with these changes. Raises SiagaError for the first that is wrong, by its name."""
    changes = json.loads(text_of(arguments))
    if not changes:
        raise SiagaError("the changed settings are empty: name at least one")
    present = flash.read_file(folder + _CURRENT)
    whole = {} if present is None else json.loads(text_of(present))
    for name in changes:
        if name in BY_CABLE:
            raise SiagaError("setting %s is changed by cable only" % name)
        whole[name] = changes[name]
    text = json.dumps(whole)
    parse(text)
    return text.encode()


def put_on_trial(folder: str, arguments: bytes) -> None:
    """They hold from the next start on. Raises SiagaError, and OSError; then nothing has changed."""
    text = merged(folder, arguments)
    present = flash.read_file(folder + _CURRENT)
    if not are_on_trial(folder):
        flash.write_file(folder + _FORMER, b"" if present is None else present)
    flash.write_file(folder + _CURRENT, text)


def are_on_trial(folder: str) -> bool:
    return flash.read_file(folder + _FORMER) is not None


def confirm(folder: str) -> None:
    """They work."""
    flash.remove(folder + _FORMER)


def take_back(folder: str) -> None:
    """The former ones hold from the next start on."""
    former = flash.read_file(folder + _FORMER)
    if former:
        flash.write_file(folder + _CURRENT, former)
    elif former is not None:
        flash.remove(folder + _CURRENT)
    flash.remove(folder + _FORMER)
