"""Settings changed by command: written only if valid as a whole, and on trial until the gateway is heard with them. The
previous ones are kept until then."""

import json

from siaga.app import flash_records
from siaga.app.settings_json import text_of
from siaga.app.settings_rules import parse
from siaga.core.errors import SiagaError

# By cable only: a holder of the gateway's key or a release key must not be able to hand the button to another gateway.
BY_CABLE = ("gateway_key", "release_key")
_CURRENT = "/settings.json"
_FORMER = "/settings.former"


def merged(folder: str, arguments: bytes) -> bytes:
    """Return the present settings with these changes. Raises SiagaError for the first invalid one, by name."""
    changes = json.loads(text_of(arguments))
    if not changes:
        raise SiagaError("the changed settings are empty: name at least one")
    present = flash_records.read_file(folder + _CURRENT)
    whole = {} if present is None else json.loads(text_of(present))
    for name in changes:
        if name in BY_CABLE:
            raise SiagaError("setting %s is changed by cable only" % name)
        whole[name] = changes[name]
    text = json.dumps(whole)
    parse(text)
    return text.encode()


def put_on_trial(folder: str, arguments: bytes) -> None:
    """Apply the changes from the next start on, on trial. Raises SiagaError, and OSError; nothing has changed then."""
    text = merged(folder, arguments)
    present = flash_records.read_file(folder + _CURRENT)
    if not are_on_trial(folder):
        flash_records.write_file(folder + _FORMER, b"" if present is None else present)
    flash_records.write_file(folder + _CURRENT, text)


def are_on_trial(folder: str) -> bool:
    return flash_records.read_file(folder + _FORMER) is not None


def confirm(folder: str) -> None:
    """End the trial: they work."""
    flash_records.remove(folder + _FORMER)


def take_back(folder: str) -> None:
    """Restore the previous settings from the next start on."""
    former = flash_records.read_file(folder + _FORMER)
    if former:
        flash_records.write_file(folder + _CURRENT, former)
    elif former is not None:
        flash_records.remove(folder + _CURRENT)
    flash_records.remove(folder + _FORMER)
