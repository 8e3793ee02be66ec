"""The gateway's settings: one TOML file, each setting documented, unknown or wrong ones rejected by name.

An environment variable overrides the file: SIAGA_GATEWAY__MQTT__PASSWORD for `mqtt.password`. So secrets can stay out
of the file; no message here repeats one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from siaga_gateway.catalogue import texts
from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.config.outputs import KINDS, NEEDED, output_fields
from siaga_gateway.config.section import Section
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.ways import WAY_KINDS, way_fields
from siaga_gateway.domain.errors import SiagaError, Unusable

ENVIRONMENT_PREFIX: Final = "SIAGA_GATEWAY__"
# The lists of the file: of each its kinds, and every setting of any kind.
LISTS: Final[dict[str, tuple[Mapping[str, type[Section]], Callable[[], dict[str, FieldInfo]]]]] = {
    "outputs": (KINDS, output_fields),
    "ways": (WAY_KINDS, way_fields),
}
_SECRETS: Final = frozenset({"password", "secret", "token", "operators", "encryption_key", "ping_url"})


class SettingsError(Unusable):
    """The settings cannot be used; the text has one line for each that is wrong."""

    def of(self, file: object) -> SettingsError:
        """Return the same error for a file of another name."""
        if "lines" in self.values:
            return SettingsError("lines", lines=[line.of(file) for line in self.values["lines"]])
        return SettingsError(self.key, **{**self.values, **({"path": file} if "path" in self.values else {})})


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings. Relative paths in the file are relative to the file's folder.

    Raises: SettingsError with one line for each wrong setting: its name, its value and what would be right.
    """
    raw = _read(path)
    _override(raw, os.environ if environment is None else environment)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("lines", lines=_lines(path, error)) from None
    return _absolute(settings, path.resolve().parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError("settings.no_file", path=path) from None
    except PermissionError as error:
        raise SettingsError("install.not_yours", place=f"{path}: ", why=error) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("file.unread", path=path, why=error) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("settings.no_toml", path=path, why=error) from None


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Apply SIAGA_GATEWAY__A__B=value to raw["a"]["b"]. Items of lists (outputs, ways) are addressed by their name."""
    for variable, value in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        *sections, last = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        place: Any = raw
        for section in sections:
            if isinstance(place, list):
                place = next((o for o in place if _variable_name(o.get("name", "")) == section), None)
            else:
                place = place.setdefault(section, {})
            if not isinstance(place, dict | list):
                raise SettingsError(
                    "settings.environment_unknown", variable=variable, setting=".".join((*sections, last))
                )
        if isinstance(place, list):
            raise SettingsError("settings.environment_output", variable=variable)
        place[last] = value


def _variable_name(output: str) -> str:
    return output.replace("-", "_").replace(".", "_")


def _lines(path: Path, error: ValidationError) -> list[SettingsError]:
    return [SettingsError("file.at", path=path, why=_fault(dict(fault))) for fault in error.errors()]


def _fault(fault: dict[str, Any]) -> Localized:
    """Return a fault found by pydantic, in our words; in pydantic's if the catalogue lacks that kind."""
    place, of_kind = _place(fault["loc"])
    location = [str(part) for part in place]
    hidden = any(part in _SECRETS for part in location) or location == ["store", "url"]
    value, kind, right = fault.get("input"), fault["type"], described(place)
    named = ".".join(location)
    shown = "" if hidden or isinstance(value, dict | list) else f" = {value!r}"
    setting = Localized("errors.settings.all") if not named else f"{named}{shown}"
    context = fault.get("ctx", {})
    match kind:
        case "missing" if of_kind in KINDS and location[-1] in NEEDED:
            why = Localized(f"errors.{NEEDED[location[-1]]}", kind=of_kind)
            return Localized("errors.settings.wrong", setting=".".join(location[:-1]), why=why)
        case "missing":
            right = right or Localized("errors.settings.must_be_set")
            return Localized("errors.settings.missing", setting=named, right=right)
        case "extra_forbidden":
            return Localized("errors.settings.unknown", setting=named)
        case "value_error":
            setting = named or Localized("errors.settings.all")
            return Localized("errors.settings.wrong", setting=setting, why=_own(context.get("error"), fault["msg"]))
        case "string_pattern_mismatch":
            why = Localized("errors.settings.pattern")
        case _ if f"errors.pydantic.{kind}" in texts("errors", "en"):
            told = {name: str(each).replace(" or ", ", ") for name, each in context.items() if name != "error"}
            why = Localized(f"errors.pydantic.{kind}", **told)
        case _:
            why = Localized("errors.passed_on", why=original(fault["msg"][:1].lower() + fault["msg"][1:]))
    if right:
        return Localized("errors.settings.wrong_so", setting=setting, why=why, right=right)
    return Localized("errors.settings.wrong", setting=setting, why=why)


def _place(location: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], str | None]:
    """Return a setting's place in the file, and its output's or way's kind: the union adds that after its number, if it
    could tell the kind at all."""
    kinds = LISTS[str(location[0])][0] if location and location[0] in LISTS else {}
    if len(location) > 2 and location[2] in kinds:
        return location[:2] + location[3:], str(location[2])
    return location, None


def _own(error: object, message: str) -> object:
    return error if isinstance(error, SiagaError) else original(message.removeprefix("Value error, "))


def described(location: tuple[int | str, ...]) -> Localized | None:
    """Return the documentation of the setting at this place."""
    model: Any = Settings
    names: list[str] = []
    for part in location:
        if isinstance(part, int):
            continue
        if len(names) == 1 and names[0].endswith("[]"):
            field = LISTS[names[0].removesuffix("[]")][1]().get(str(part))
        else:
            field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            return None
        names.append(f"{part}[]" if not names and part in LISTS else str(part))
        model = field.annotation
    key = f"settings.{'.'.join(names)}"
    return Localized(key) if key in texts("settings", "en") else None


def _absolute(settings: Settings, base: Path) -> Settings:
    """Return the same settings with absolute paths, resolved against `base`."""
    mqtt = settings.mqtt.model_copy(update={"ca": settings.mqtt.ca and base / settings.mqtt.ca})
    lorawan = settings.lorawan.model_copy(update={"ca": settings.lorawan.ca and base / settings.lorawan.ca})
    return settings.model_copy(
        update={
            "data_dir": base / settings.data_dir,
            "personal_key": settings.personal_key and base / settings.personal_key,
            "store": settings.store.under(base),
            "mqtt": mqtt,
            "broker": settings.broker.under(base),
            "certificates": settings.certificates.under(base),
            "lorawan": lorawan,
            "owntracks": settings.owntracks.under(base),
            "sms": settings.sms.under(base),
            "watch": settings.watch.under(base),
            "site": settings.site.model_copy(update={"map": settings.site.map.under(base)}),
            "outputs": [output.under(base) for output in settings.outputs],
            "ways": [way.under(base) for way in settings.ways],
        }
    )
