"""The recipe and the compose file of gateway/container, read as far as they are ours, and played without containers."""

from __future__ import annotations

import fnmatch
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from source_files import ROOT, source_files

FOLDER: Final = ROOT / "gateway" / "container"
PROGRAM: Final = FOLDER / "siaga-container"
VENDOR: Final = "gateway/siaga_gateway/web/static/vendor"
_DEFAULT: Final = re.compile(r"\$\{\w+:-(.*?)\}")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(slots=True)
class Stage:
    """base: another stage's name, or an image's."""

    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)  # instruction, what follows


def stages() -> dict[str, Stage]:
    """By name, in the recipe's order."""
    text = re.sub(r"\\\n", " ", (FOLDER / "Containerfile").read_text(encoding="utf-8"))
    found: dict[str, Stage] = {}
    for line in text.splitlines():
        if not line or line.startswith(("#", "ARG")):
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            base, _, name = rest.split()
            found[name] = Stage(name, base)
        else:
            next(reversed(found.values())).lines.append((instruction, " ".join(rest.split())))
    return found


def ancestry(target: str) -> list[Stage]:
    """The stage, and before it those that it begins with."""
    every = stages()
    line = [every[target]]
    while line[0].base in every:
        line.insert(0, every[line[0].base])
    return line


def services() -> dict[str, dict[str, Any]]:
    """By name; a target is where no build is the gateway's."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


def mounts(service: dict[str, Any]) -> list[tuple[str, bool]]:
    """Path, and whether it may be written to."""
    split = [volume.split(":") for volume in service.get("volumes", ())]
    return [(path, "ro" not in more) for _, path, *more in split]


def user_of(service: dict[str, Any]) -> str:
    """The service's own, or that of its image."""
    named = [rest for stage in ancestry(service["build"]["target"]) for what, rest in stage.lines if what == "USER"]
    return str(service.get("user", named[-1] if named else "root"))


def words_of(service: dict[str, Any]) -> list[str]:
    """What runs, from its first word on."""
    return [*service.get("entrypoint", ["siaga-container"]), *service.get("command", ())]


def context() -> list[Path]:
    """Files that .dockerignore lets through, from ROOT; the browser libraries too, where they were built."""
    rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    files = [*source_files(), *(each.relative_to(ROOT) for each in (ROOT / VENDOR).rglob("*") if each.is_file())]

    def taken(file: Path) -> bool:
        kept = True
        for rule in rules:
            pattern = rule.lstrip("!").removesuffix("/")
            names = [str(file), *map(str, file.parents)]
            if any(fnmatch.fnmatch(name, pattern.removeprefix("**/")) or name.endswith(f"/{pattern[3:]}")
                   if pattern.startswith("**/") else fnmatch.fnmatch(name, pattern) for name in names):  # fmt: skip
                kept = rule.startswith("!")
        return kept

    return [file for file in files if taken(file)]


def building() -> list[str]:
    """The recipe as lines of bash, typed as root in a folder that is the context, on one machine for all images."""
    lines = []
    for stage in stages().values():
        for what, rest in stage.lines:
            if what == "RUN":
                lines.append(f"sh -c {shlex.quote(rest)}")
            elif what == "COPY" and "--from=" not in rest:  # from another stage: on this one machine it is there
                options = [word for word in rest.split() if word.startswith("--")]
                *sources, target = (word for word in rest.split() if not word.startswith("--"))
                mode = next((option.partition("=")[2] for option in options if option.startswith("--chmod")), None)
                folder = target if target.endswith("/") or sources == ["."] else str(Path(target).parent)
                lines.append(f"mkdir -p {folder}; cp -r {' '.join(sources)} {target}")
                if mode is not None:
                    names = [f"{target}{Path(each).name}" if target.endswith("/") else target for each in sources]
                    lines.append(f"chmod {mode} {' '.join(names)}")
    return lines


def started(name: str, *more: str) -> str:
    """A service as a line of bash: as its user and with its rights, on a root file system that is closed but for its
    volumes. more: words behind its own."""
    service = services()[name]
    inner = []
    for path, writable in mounts(service):
        inner.append(f"mount --bind {path} {path}")
        if not writable:
            inner.append(f"mount -o remount,bind,ro {path}")
    for place in service.get("tmpfs", ()):
        path, _, options = place.partition(":")
        inner.append(f"mkdir -p {path}; mount -t tmpfs -o {options} tmpfs {path}")
    if service.get("read_only"):
        inner += ["mount -o remount,bind,ro /run", "mount -o remount,bind,ro /"]
    rights = ["-all", *(f"+{right.lower()}" for right in service.get("cap_add", ()))]
    settings = {"PATH": _PATH, "LANG": "C.UTF-8", **service.get("environment", {})}
    given = [_DEFAULT.sub(r"\1", f"{key}={value}") for key, value in settings.items()]
    user = user_of(service)
    own = [
        *("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs", "--inh-caps=-all"),
        *(f"--bounding-set={','.join(rights)}", "env", "-i", *given, *words_of(service), *more),
    ]
    inner.append(f"exec {shlex.join(own)}")
    network = ["--net"] if service.get("network_mode") == "none" else []
    return shlex.join(["unshare", "--mount", *network, "--propagation", "private", "sh", "-ec", "; ".join(inner)])
