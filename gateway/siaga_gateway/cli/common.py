"""What the commands have in common: the settings, the store, and errors as one readable sentence."""

from __future__ import annotations

import functools
import json
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from siaga_gateway.bootstrap.quick_imports import quick_imports
from siaga_gateway.cli.error_report import errors_told
from siaga_gateway.cli.localized_commands import LocalizedOption, say, tell
from siaga_gateway.domain.invisible_characters import refuse_hidden
from siaga_gateway.domain.limits import LONGEST_CHECKIN_S, SHORTEST_CHECKIN_S
from siaga_gateway.domain.supervision import PROFILES

if TYPE_CHECKING:
    from siaga_gateway.adapters.sql import SqlStore
    from siaga_gateway.config.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

INSTALLED: Final = Path("/etc/siaga/siaga.toml")  # as in gateway/INSTALL.md and the units


def _default_config() -> Path:
    """Return the folder's own settings, else the installation's, if they exist or if only somebody else may look."""
    own = Path("siaga.toml")
    return INSTALLED if not readable_state(own) and _may_be_there(INSTALLED) else own


config_option = click.option(
    "--config",
    "-c",
    cls=LocalizedOption,
    type=click.Path(dir_okay=False, readable=False, path_type=Path),  # `load` reports whose it is, with the remedy
    default=_default_config,
    envvar="SIAGA_CONFIG",
    show_default=f"siaga.toml | {INSTALLED}",
    show_envvar=True,
)
by_option = click.option(
    "--by", "actor", cls=LocalizedOption, required=True, envvar="SIAGA_REGISTRAR", show_envvar=True
)


def readable_state(path: Path) -> bool:
    """Whether such a file exists, as far as we may look: an unreadable folder has none for us."""
    try:
        return path.is_file()
    except OSError:
        return False


def _may_be_there(path: Path) -> bool:
    """Whether the file may exist: the installation's folder is closed to whoever forgot `sudo -u siaga`."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def told_plainly(command: F) -> F:
    """No text with hidden marks gets in, and every foreseen failure is told, see error_report."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        with errors_told():
            for name, value in options.items():
                if isinstance(value, str):
                    options[name] = refuse_hidden(value, name)
            return command(*arguments, **options)

    return run  # type: ignore[return-value]


@contextmanager
def opened(config: Path) -> Iterator[tuple[Settings, SqlStore]]:
    """Open the settings and their store; also while the gateway runs."""
    # Imported here: commands that need neither do not wait for them.
    with quick_imports():
        from siaga_gateway.adapters.clock import WallClock
        from siaga_gateway.adapters.sql import StoreUnusable, open_store, store_is_there
        from siaga_gateway.config.loading import load

    settings = load(config)
    if not store_is_there(settings):
        raise StoreUnusable("store.none", data_dir=settings.data_dir)
    store = open_store(settings, WallClock().now_ms())
    try:
        yield settings, store
    finally:
        store.close()


def print_rows(
    rows: Sequence[T], as_json: Callable[[T], Mapping[str, object]] | None, as_text: Callable[[T], None], none: str
) -> None:
    """Print a list: each row as a line of JSON, or, without `as_json`, as text. none: the text of an empty list, by its
    key; in JSON that has no line."""
    for each in rows:
        if as_json is None:
            as_text(each)
        else:
            click.echo(json.dumps(as_json(each), ensure_ascii=False))
    if not rows and as_json is None:
        tell(none)


class DeviceId(click.ParamType[bytes]):
    """8 bytes as 16 hex digits."""

    name = "device_id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            device_id = bytes.fromhex(value)
        except ValueError:
            device_id = b""
        if len(device_id) != 8:
            self.fail(say("shared.no_device_id", written=value), param, ctx)
        return device_id


class CheckIn(click.ParamType[int]):
    """A device's check-in interval: its profile's name, or seconds."""

    name = "checkin"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        seconds = PROFILES.get(value) or (int(value) if value.isdecimal() and len(value) < 9 else 0)
        if not SHORTEST_CHECKIN_S <= seconds <= LONGEST_CHECKIN_S:
            self.fail(say("shared.no_checkin", written=value, longest=LONGEST_CHECKIN_S), param, ctx)
        return seconds
