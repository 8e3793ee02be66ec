"""The way from a bare machine to the first press, typed as it is written, by an ordinary user who may use sudo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from system.bare_machine import NOT_RUN, ROOT, missing, type_in

GATEWAY = ROOT / "gateway"
GUIDE, PANDUAN = GATEWAY / "INSTALL.md", GATEWAY / "INSTALL.id.md"
OPERATIONS = GATEWAY / "operations"
QUESTIONS = Path(__file__).with_name("machine") / "questions.sh"
_MARK = "\x1e"
pytestmark = pytest.mark.timeout(7200)  # two minutes on a machine that does nothing else


def blocks(guide: Path) -> list[str]:
    """The commands, a block each: what is indented by four."""
    found: list[list[str]] = []
    within = False
    for line in guide.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            if not within:
                found.append([])
            found[-1].append(line[4:])
            within = True
        elif line:
            within = False
    return ["\n".join(block) for block in found]


def script(commands: list[str]) -> str:
    parts = ["set -eo pipefail", "cd ~"]
    for number, block in enumerate(commands, 1):
        parts += [f"printf '\\036{number}\\n'", block]
    return "\n".join([*parts, QUESTIONS.read_text(encoding="utf-8")])


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """By block, and by question afterwards: what was printed."""
    if lacking := missing():
        pytest.skip(f"On Debian or Ubuntu: sudo apt-get install {' '.join(lacking)}")
    if os.geteuid():
        pytest.skip("a machine is copied by root only: run this test as root")
    code, printed = type_in(script(blocks(GUIDE)), timeout_s=7000)
    parts = dict(part.split("\n", 1) for part in printed.split(_MARK)[1:])
    assert code == 0 and "end" in parts, f"it stopped (code {code}):\n{printed[-4000:]}"
    return parts


def block(said: dict[str, str], words: str) -> str:
    """What the one block with these words printed."""
    (number,) = (number for number, text in enumerate(blocks(GUIDE), 1) if words in text)
    return said[str(number)]


def test_every_step_works_as_written(said: dict[str, str]) -> None:
    assert re.search(r"^siaga [0-9]+\.[0-9]+", block(said, "siaga --version"), re.MULTILINE)
    assert re.search(r"^[0-9a-f]{128}$", block(said, "gateway setup --name"), re.MULTILINE)
    assert "/etc/mosquitto/certs/broker.pem: OK" in block(said, "openssl verify")
    assert "Verification: OK" in block(said, "openssl s_client")
    service = block(said, "systemctl status siaga-gateway")
    assert "active menerima tekanan" in service and "gateway_started" in service
    watched = block(said, "gateway certificates")
    assert "127.0.0.1:8883: tersisa 396 hari" in watched
    assert re.findall(r"^(\S+): tersisa", watched, re.MULTILINE) == [
        "127.0.0.1:8883",
        "127.0.0.1:443",
        "certificates.buttons",
    ]
    assert "  active" in block(said, "gateway owner add")
    # A container's clock is its host's, and may follow nothing.
    looked_at = re.findall(r"^(RUSAK|TAK TERLIHAT) +(.*)$", block(said, "gateway doctor"), re.MULTILINE)
    assert [line for line in looked_at if not line[1].startswith("jam:")] == []
    for number, text in said.items():
        assert "Traceback" not in text, f"block {number}:\n{text}"


def test_the_first_press_becomes_an_incident(said: dict[str, str]) -> None:
    pressed = block(said, "sleep 3; echo p")
    assert "Toko Contoh, kasir" in pressed and " open " in pressed
    assert {"incident_opened", "broker_access", "enrolled", "restored"} <= set(said["journal"].split())
    assert "broker_lost" not in said["journal"].split()


def test_rights_are_no_wider_and_no_narrower_than_needed(said: dict[str, str]) -> None:
    found = {line.split()[2]: line.split()[:2] for line in said["rights"].splitlines() if line}
    assert found == {
        "/etc/siaga/siaga.toml": ["root:siaga", "640"],
        "/etc/mosquitto/certs/broker.key": ["root:mosquitto", "640"],
        "/etc/ssl/siaga/console.key": ["root:caddy", "640"],
        "/etc/siaga-authority/authority.key": ["root:root", "600"],
        "/etc/mosquitto/siaga": ["siaga:mosquitto", "2750"],
        "/etc/mosquitto/siaga/passwords": ["siaga:mosquitto", "640"],
        "/var/lib/siaga": ["siaga:siaga", "700"],
        "/var/backups/siaga": ["siaga:siaga", "700"],
    }
    assert said["readable"].split() == ["both"]


def test_the_console_is_reached_through_the_proxy_and_the_live_stream_is_not_held_back(said: dict[str, str]) -> None:
    assert said["sign-in"].split() == ["303"]
    assert said["console"].split() == ["1"]
    assert int(said["stream"].split()[-1]) >= 2


def test_a_second_console_is_trusted_by_its_browser_and_by_nobody_else_s(said: dict[str, str]) -> None:
    assert said["second-console"].split() == ["303", "1", "0"]


def test_an_installer_s_token_serves_until_it_is_revoked(said: dict[str, str]) -> None:
    used = block(said, "token make")
    assert '"label":"Toko Contoh, kasir"' in used and "Contoh Pemasang" in used
    assert said["token"].split() == ["401"]


def test_a_dispatcher_sees_the_calls_of_his_polres_and_no_other(said: dict[str, str]) -> None:
    assert "polres-kota" in block(said, "--role dispatcher")
    assert said["dispatchers"].split() == ["303", "303", "200", "200", "403"]


def test_so_it_is_through_caddy(said: dict[str, str]) -> None:
    page, rows = re.findall(r"^\d+$", said["caddy"], re.MULTILINE)
    assert page == "200" and int(rows) >= 2


def test_a_new_certificate_needs_no_restart(said: dict[str, str]) -> None:
    assert said["renewed"].split()[-1] == "both"
    assert "deployed" in said["hook"] and "refused" in said["hook"]


def test_backups_come_are_restored_and_go(said: dict[str, str]) -> None:
    assert "can be restored" in block(said, "siaga-backup drill")
    assert "is its disk mounted?" in said["wrong-disk"] and "refused" in said["wrong-disk"]
    kept = said["rotation"].split()
    assert "siaga-old.db" not in kept and "gateway-key.pem" in kept and "siaga.toml" in kept
    assert "personal-key" not in kept and any(name.endswith("-DATE.db") for name in kept)


def test_what_was_not_run_is_what_the_guide_says(said: dict[str, str]) -> None:
    ran = {line.split()[2] for line in said["not-run"].splitlines() if line.startswith("not run: ")}
    assert ran == set(NOT_RUN)
    assert all(name in GUIDE.read_text(encoding="utf-8").split("## What is not tried")[1] for name in NOT_RUN)


# What needs no machine


def test_both_languages_have_the_same_commands_in_the_same_order() -> None:
    assert blocks(PANDUAN) == blocks(GUIDE)
    steps = [
        re.findall(r"^☐ \*\*(\d+)\.", guide.read_text(encoding="utf-8"), re.MULTILINE) for guide in (GUIDE, PANDUAN)
    ]
    assert steps[0] == steps[1] == [str(number) for number in range(1, 17)]


def test_each_version_is_installed_with_its_own_packages() -> None:
    """The way back took the packages of the version that it left."""
    changing = [block for block in blocks(GUIDE) if re.search(r"git -C ~/siaga (pull|checkout)", block)]
    assert len(changing) == 2
    for text in changing:
        version, packages = re.search(r"siaga (pull|checkout)", text), text.find("siaga/requirements.lock")
        assert version is not None and version.start() < packages < text.index("pip install")


def test_what_is_typed_has_no_remark_in_one_language() -> None:
    assert [block for block in blocks(GUIDE) if re.search(r"(^|\s)# ", block, re.MULTILINE)] == []


@pytest.mark.parametrize("unit", sorted(OPERATIONS.glob("siaga-*.[st]*er*")), ids=lambda unit: unit.name)
def test_systemd_reads_the_units(unit: Path, tmp_path: Path) -> None:
    """Where it is installed; each names only programs that the guide puts there."""
    text = unit.read_text(encoding="utf-8")
    for program in re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE):
        assert program in ("/opt/siaga/bin/siaga", "/opt/siaga/bin/siaga-backup", "/opt/siaga/bin/siaga-certificate")
    if (analyze := shutil.which("systemd-analyze")) is None:
        return
    for each in OPERATIONS.glob("siaga-*"):
        # The program is not on this machine; `true` stands for it.
        changed = re.sub(r"^ExecStart=/opt/siaga\S+", "ExecStart=/bin/true", each.read_text(), flags=re.MULTILINE)
        (tmp_path / each.name).write_text(changed)
    name = unit.name.replace("@.", "@metro.")
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    told = [line for line in done.stderr.splitlines() if "siaga" in line]
    assert done.returncode == 0 and not told, done.stderr


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    if (caddy := shutil.which("caddy")) is None:
        pytest.skip("On Debian or Ubuntu: sudo apt-get install caddy")
    text = (OPERATIONS / "Caddyfile").read_text(encoding="utf-8")
    assert "flush_interval -1" in text and "header_up X-Forwarded-For {remote_host}" in text
    # Its certificate is made by the guide; here Caddy's own stands for it.
    changed = re.sub(r"tls /etc/ssl/siaga/\S+ \S+", "tls internal", text)
    assert changed != text
    (tmp_path / "Caddyfile").write_text(changed)
    done = subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("siaga-certificate", 2, "own NAME"),
        ("siaga-certificate own", 2, "own NAME"),
        ("siaga-certificate deploy", 2, "deploy CHAIN KEY"),
        ("siaga-certificate deploy chain.pem", 2, "deploy CHAIN KEY"),
        ("siaga-certificate own sos.example", 1, "make it first: siaga-certificate authority"),
        ("siaga-certificate --help", 0, "own NAME"),
        ("siaga-backup --help", 0, "drill [FOLDER]"),
        ("siaga-backup --drill", 2, "drill [FOLDER]"),
        ("siaga-backup . drill", 2, "drill [FOLDER]"),
        ("siaga-backup drill .", 1, "make the backup by siaga-backup"),
    ],
)
def test_who_types_a_script_wrongly_is_told_how(tmp_path: Path, asked: str, code: int, said: str) -> None:
    (tmp_path / "siaga.toml").write_text('data_dir = "/nowhere"\n')
    (tmp_path / "plain.db").touch()
    script, *arguments = asked.split()
    done = subprocess.run(
        ["sh", str(OPERATIONS / script), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "SIAGA": "false",
            "SIAGA_CONFIG": str(tmp_path / "siaga.toml"),
            "SIAGA_AUTHORITY": str(tmp_path),
        },
    )
    assert done.returncode == code and said in done.stdout + done.stderr, done.stderr
    assert not re.search(r"not set|: 2:|cannot stat", done.stderr)


@pytest.mark.parametrize("script", ["siaga-backup", "siaga-certificate"])
def test_the_scripts_are_for_any_shell(script: str) -> None:
    path = OPERATIONS / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["sh", "-n", str(path)], capture_output=True, check=False).returncode == 0
