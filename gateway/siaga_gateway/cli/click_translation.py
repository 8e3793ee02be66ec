"""click's own texts (usage, errors, prompts) in the reader's language.

click asks gettext for them, which needs compiled files and the machine's locale. Instead its modules get a translation
from the catalogue's `click.id.toml`, keyed by click's English texts; anything missing there stays English, and a test
compares the file with the installed click.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from importlib import import_module, resources
from typing import Final

from click import types

from siaga_gateway import catalogue
from siaga_gateway.catalogue.language import reader_language

_MODULES: Final = (
    *("core", "decorators", "exceptions", "formatting", "parser"),
    *("termui", "types", "utils", "_termui_impl"),
)


# Names of value types, which click uses in its sentences untranslated.
_KINDS: Final = {
    kind: kind.name
    for kind in (types.StringParamType, types.IntParamType, types.IntRange, types.FloatParamType, types.FloatRange)
}


@cache
def click_texts() -> dict[str, str]:
    """Return Indonesian by English."""
    file = resources.files(catalogue) / "click.id.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def translated(message: str) -> str:
    return click_texts().get(message, message) if reader_language(os.environ) == "id" else message


def _counted(singular: str, plural: str, number: int) -> str:
    return translated(singular if number == 1 else plural)


def translate_click() -> None:
    """Translate from now on; idempotent."""
    for name in _MODULES:
        module = import_module(f"click.{name}")
        if hasattr(module, "_"):
            module._ = translated  # type: ignore[attr-defined]
        if hasattr(module, "ngettext"):
            module.ngettext = _counted  # type: ignore[attr-defined]
    for kind, name in _KINDS.items():
        kind.name = translated(name)
