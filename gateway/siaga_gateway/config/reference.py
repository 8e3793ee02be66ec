"""The reference of the settings, generated from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from siaga_gateway.catalogue import text, texts
from siaga_gateway.config.loading import ENVIRONMENT_PREFIX, LISTS
from siaga_gateway.config.settings import Settings


def reference(language: str = "en") -> Iterator[tuple[str, str, str]]:
    """Yield every setting as (dotted name, default as in TOML or the word for it, description), in order."""
    for name, field in _settings(Settings, ""):
        yield name, _default(name, field, language), text(f"settings.{name}", language)


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if not prefix and name in LISTS:
            yield from _of_list(name)
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _settings(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _of_list(section: str) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the settings of all kinds, in the order of their descriptions."""
    order = [name for name in texts("settings", "en") if name.startswith(f"settings.{section}[].")]
    described = {f"settings.{section}[].{name}": field for name, field in LISTS[section][1]().items()}
    for name in sorted(described, key=lambda name: order.index(name) if name in order else len(order)):
        yield name.removeprefix("settings."), described[name]


def _default(name: str, field: FieldInfo, language: str) -> str:
    if field.is_required():
        return text("commands.settings.required", language)
    value = field.get_default(call_default_factory=True)
    if value is None:
        return text("commands.settings.none", language)
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def markdown() -> str:
    """Return gateway/SETTINGS.md: a table for each section of the file."""
    parts = [_ABOUT]
    section: str | None = None
    for name, default, description in reference():
        where, _, _ = name.rpartition(".")
        if where != section:
            section = where
            title = "Above the first section" if not where else _toml_section(where)
            parts.append(f"\n## {title}\n\n| setting | default | what it does |\n|---|---|---|\n")
        parts.append(f"| `{name}` | {default} | {description} |\n")
    return "".join(parts)


def _toml_section(where: str) -> str:
    return f"`[[{where.removesuffix('[]')}]]`" if where.endswith("[]") else f"`[{where}]`"


_ABOUT: Final = f"""\
# Settings of the gateway

Written by `siaga gateway settings --markdown`; a test holds it to the program. [gateway/README.md](README.md) says what
to use them for.

They stand in `siaga.toml`, each section under its heading. Relative paths count from the file's folder. A setting that
is wrong or unknown is refused by its name at the start. An environment variable overrides the file:
`{ENVIRONMENT_PREFIX}MQTT__PASSWORD` for `mqtt.password`, and for an output
`{ENVIRONMENT_PREFIX}OUTPUTS__<NAME>__SECRET` (dots and dashes of its name as underscores).
"""
