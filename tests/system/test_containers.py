"""The container recipe and its compose file: do they fit the program, and do they work where no container may run?"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from packages.lock import pinned
from siaga_gateway.bootstrap.setup.installation_plan import Plan
from siaga_gateway.bootstrap.setup.settings_text import NewSettings
from siaga_gateway.cli.group import gateway
from siaga_gateway.config.settings import Settings
from source_files import ROOT
from system import container_recipe as recipe
from system.bare_machine import PASSWORD, missing, type_in
from waiting import RUNS_S

GUIDE = ROOT / "gateway" / "CONTAINERS.md"
SERVICES = recipe.services()
STAGES = recipe.stages()
LASTING = ("database", "broker", "gateway", "proxy", "backups", "certificates")
LOCKS = ("gateway.lock", "build.lock")


def packages(lock: str) -> dict[str, tuple[str, list[str]]]:
    """What pip is asked for, by name: version and hashes."""
    text = "\n".join(line for line in lock.splitlines() if not line.lstrip().startswith("#"))
    found = {}
    for block in filter(str.strip, re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)):
        name, version = re.match(r"([A-Za-z0-9._-]+)(?:\[.*?\])?==([^\s;\\]+)", block).groups()  # type: ignore[union-attr]
        found[name] = (version, sorted(re.findall(r"sha256:\w+", block)))
    return found


# What the recipe takes


def test_every_package_comes_by_the_version_and_the_hashes_that_are_tested() -> None:
    tested = packages((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    for name in LOCKS:
        listed = packages((recipe.FOLDER / name).read_text(encoding="utf-8"))
        assert {key: tested.get(key) for key in listed} == listed, f"{name}: make lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {re.split(r"[\[<>=]", each)[0] for each in project["project"]["dependencies"]}
    listed = pinned((recipe.FOLDER / "gateway.lock").read_text(encoding="utf-8"))
    assert wanted <= set(listed) and {"playwright", "textual", "mypy"}.isdisjoint(listed)
    for _, rest in STAGES["build"].lines:
        if "pip install" in rest:
            assert "--require-hashes" in rest or ("--no-deps" in rest and "--no-index" in rest), rest


def test_the_context_holds_what_the_wheel_is_made_of_and_nothing_of_ours_else() -> None:
    taken = {str(each) for each in recipe.context()}
    needed = {"pyproject.toml", "README.md", "LICENSE", "firmware/main.py", "gateway/build_vendor.py"}
    needed |= {
        "gateway/siaga_gateway/web/package-lock.json",
        "gateway/operations/nginx.conf",
        "tools/siaga_tools/cli.py",
    }
    assert needed <= taken
    assert not [each for each in taken if each.startswith((".git", "tests/", "hardware/", ".venv", "build/"))]
    assert not [each for each in taken if each.endswith((".pem", ".key", "secrets.env"))]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    assert not [volume for volume in service.get("volumes", ()) if volume.startswith(("/", ".", "~"))]
    if recipe.user_of(service) == "root":
        assert name in ("setup", "certificates") and service["network_mode"] == "none"
    else:
        assert "cap_add" not in service
    assert ("ports" in service) is (name == "network")


@pytest.mark.parametrize("name", SERVICES)
def test_what_it_mounts_and_runs_is_in_its_image(name: str) -> None:
    service = SERVICES[name]
    line = recipe.ancestry(service["build"]["target"])
    made = " ".join(rest for stage in line for what, rest in stage.lines if what == "RUN")
    for path, _ in recipe.mounts(service):
        assert re.search(rf"install -d [^&]*{path}(?= |$)", made), f"{name}: {path} is not made by the recipe"
    words = recipe.words_of(service)
    known = re.findall(r"^([a-z |]+)\)$", recipe.PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)
    assert words[1] in " | ".join(known).split(" | ")
    for path, writable in recipe.mounts(service):
        # Whoever only reads a volume cannot change what another lives by.
        if not writable:
            assert any((path, True) in recipe.mounts(each) for each in SERVICES.values()), path


def test_users_have_the_numbers_that_the_guide_and_the_mounts_name() -> None:
    made = " ".join(rest for what, rest in STAGES["machine"].lines if what == "RUN")
    users = {
        name: (int(uid), group) for uid, group, name in re.findall(r"--uid (\d+) --gid (\w+) .*?(\w+)(?= &&|$)", made)
    }
    groups = {name: int(gid) for gid, name in re.findall(r"groupadd --system --gid (\d+) (\w+)", made)}
    assert set(users) == {"siaga", "mosquitto", "caddy", "postgres"}
    assert all(group == name and groups[name] == uid for name, (uid, group) in users.items())
    guide = GUIDE.read_text(encoding="utf-8")
    for name, service in SERVICES.items():
        user = recipe.user_of(service)
        if name != "setup":
            row = next(line for line in guide.splitlines() if line.startswith(f"| `{name}` |"))
            assert (f"{user} ({users[user][0]})" if user != "root" else "root, with three rights") in row
        for place in service.get("tmpfs", ()):
            if "uid=" in place:
                assert f"uid={users[user][0]},gid={users[user][0]}" in place


def test_what_the_containers_are_told_is_what_the_program_knows() -> None:
    text = recipe.PROGRAM.read_text(encoding="utf-8")
    for line in re.findall(r"siaga gateway (\w[^\n;|]*)", text):
        words = shlex.split(line.replace('"$@"', ""))
        if not words:
            continue
        command = gateway.get_command(click.Context(gateway), words[0])
        assert command is not None, line
        options = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
    settings = Settings(name="x", data_dir=Path("/x"))
    assert f"http://{settings.console.host}:{settings.console.port}/health" in text
    setup = gateway.get_command(click.Context(gateway), "setup")
    assert setup is not None
    assert "--container" in {option for each in setup.params for option in each.opts}
    plan = Plan(NewSettings("x", Path("/var/lib/siaga"), broker=Path("/etc/mosquitto/siaga")), "y", "caddy", True, True)
    published = {port.split(":")[1] for port in SERVICES["network"]["ports"]}
    assert plan.broker is not None and published == {str(plan.broker.port), "443", "80"}
    watched = re.search(r"serve (\S+) (\S+) -- mosquitto -c (\S+)", text)
    assert watched is not None
    assert watched.groups() == (str(plan.broker.passwords), str(plan.broker.certificate), str(plan.broker.target))
    assert all(str(each.path).startswith(("/etc/siaga/", "/etc/caddy/")) for each in plan.files()), (
        "nothing of systemd's"
    )
    assert not [command for command in plan.commands() if "systemctl" in command or "sudo" in command]


def test_the_commands_of_the_guide_are_those_of_compose() -> None:
    for line in re.findall(r"^    docker compose (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE):
        named = [
            word.partition(":")[0] for word in shlex.split(line.rstrip("\\")) if word.partition(":")[0] in SERVICES
        ]
        assert named or line.split()[0] in ("build", "up", "ps", "down"), line


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_program_of_the_containers_is_for_any_shell(shell: str) -> None:
    assert os.access(recipe.PROGRAM, os.X_OK)
    assert subprocess.run([shell, "-n", recipe.PROGRAM], check=False, timeout=RUNS_S).returncode == 0


def test_who_begins_without_the_first_run_is_told(tmp_path: Path) -> None:
    text = recipe.PROGRAM.read_text(encoding="utf-8").replace("rest 10", "true")
    done = subprocess.run(
        ["sh", "-c", text, "siaga-container", "broker"],
        capture_output=True, text=True, check=False, timeout=RUNS_S,
    )  # fmt: skip
    if not Path("/etc/mosquitto/siaga/mosquitto.conf").exists():
        assert done.returncode == 1 and "docker compose run --rm setup" in done.stderr


# Played


_SETUP = (
    *("--name", "siaga.lampung", "--host", "sos.example", "--site", "Polda Lampung", "--time-zone", "Asia/Jakarta"),
    *("--area=-4.9,105.0", "--administrator", "Contoh Admin"),
)
_PLAYED = Path(__file__).with_name("containers.sh").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def played() -> dict[str, str]:
    """By step: what was printed."""
    if lacking := missing():
        pytest.skip(f"On Debian or Ubuntu: sudo apt-get install {' '.join(lacking)}")
    if os.geteuid():
        pytest.skip("a machine is copied by root only: run this test as root")
    site_packages = next(path for path in sys.path if path.endswith("site-packages"))
    files = "\n".join(sorted(str(each) for each in recipe.context()))
    lines = [
        "set -eo pipefail",
        "rm -f /usr/local/bin/systemctl /usr/bin/systemctl /etc/systemd/system/*siaga*",
        "for each in mosquitto caddy postgres siaga; do",
        "userdel $each 2>/dev/null || true; groupdel $each 2>/dev/null || true; done",
        "mkdir /context; cat > /tmp/files << 'FILES'\n" + files + "\nFILES",
        f"tar -C {shlex.quote(str(ROOT))} -T /tmp/files -cf - | tar -C /context -xf -",
        "cd /context",
        *recipe.building(),
        # The packages may lie below /tmp, which each service has for itself.
        f"mkdir /srv/packages; mount --bind {shlex.quote(site_packages)} /srv/packages",
        "for each in /opt/siaga/lib/python3*/site-packages; do echo /srv/packages > $each/packages.pth; done",
        *(
            f"echo {value} > /proc/sys/{name.replace('.', '/')}"
            for name, value in SERVICES["network"]["sysctls"].items()
        ),
        *(f"{name.upper()}={shlex.quote(recipe.started(name))}" for name in LASTING),
        f"SETUP={shlex.quote(recipe.started('setup', *_SETUP))}; AGAIN={shlex.quote(recipe.started('setup'))}",
        f"PASSWORD={PASSWORD}",
        _PLAYED,
    ]
    code, printed = type_in(
        "sudo --preserve-env=SIAGA_SKIP_VENDOR bash -s << 'PLAY'\n" + "\n".join(lines) + "\nPLAY", timeout_s=3000
    )
    parts = dict(part.split("\n", 1) for part in printed.split("\x1e")[1:])
    assert code == 0 and "end" in parts, f"it stopped (code {code}):\n{printed[-6000:]}"
    return parts


@pytest.mark.timeout(3600)
def test_the_whole_is_built_set_up_started_and_takes_a_press(played: dict[str, str]) -> None:
    assert "docker compose up --detach" in played["setup"] and "systemctl" not in played["setup"]
    assert not re.search(r"^(made|dibuat|replaced|diganti) ", played["again"], re.MULTILINE), played["again"]
    assert '"store":true' in played["page"]
    faults = re.findall(r"^(FAULT|NOT SEEN) +(.*)$", played["doctor"], re.MULTILINE)
    assert [line for line in faults if not line[1].startswith("clock:")] == [], played["doctor"]
    assert "PostgreSQL" in played["doctor"]
    assert "Toko Contoh" in played["press"] and " open " in played["press"]


def test_a_certificate_that_grows_old_is_renewed_and_shown_without_a_restart(played: dict[str, str]) -> None:
    assert "renewed" in played["certificate"].split()


def test_each_ends_when_it_is_told(played: dict[str, str]) -> None:
    assert played["stopped"].split("\n")[:-1] == [
        f"{each} ended" for each in ("backups", "certificates", "proxy", "gateway", "broker", "database")
    ]


def test_nobody_reads_more_than_he_must(played: dict[str, str]) -> None:
    found = {line.split()[2]: line.split()[:2] for line in played["rights"].splitlines() if line}
    assert found == {
        "/etc/siaga/siaga.toml": ["root:siaga", "640"],
        "/etc/mosquitto/certs/broker.key": ["root:mosquitto", "640"],
        "/etc/ssl/siaga/console.key": ["root:caddy", "640"],
        "/etc/siaga-authority/authority.key": ["root:root", "600"],
        "/etc/mosquitto/siaga/passwords": ["siaga:mosquitto", "640"],
        "/var/lib/siaga/personal-key": ["siaga:siaga", "600"],
    }
    assert played["units"].split() == ["0"]
