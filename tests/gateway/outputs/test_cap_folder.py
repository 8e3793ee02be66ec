"""CAP files in a folder: whole, durable, one a key, and clear words where the folder fails."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outputs.cap_reading import one, tree
from gateway.outputs.sample_incidents import opened
from siaga_gateway.adapters.outputs.cap_folder import CapFolderOutput, file_name
from siaga_gateway.formats import cap
from siaga_gateway.service.ports import Delivered, NotDelivered
from waiting import RUNS_S

KEY = "siaga.lampung-17.k7q2.1.berkas"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cap"
    made.mkdir()
    return made


def output(folder: Path, **settings: object) -> CapFolderOutput:
    return CapFolderOutput("berkas", folder, language="en", **settings)  # type: ignore[arg-type]


def not_delivered(outcome: Delivered | NotDelivered) -> NotDelivered:
    assert isinstance(outcome, NotDelivered), outcome
    assert not outcome.permanent
    return outcome


def test_the_file_is_the_message(folder: Path) -> None:
    outcome = output(folder, encode=cap.encoder("siaga.example")).deliver(opened(), KEY)
    assert outcome == Delivered(f"stored as {KEY}.cap.xml")
    (file,) = folder.iterdir()
    assert file.name == f"{KEY}.cap.xml"
    assert file.read_bytes() == cap.document(opened(), sender="siaga.example")
    assert one(tree(file.read_bytes()), "identifier") == "siaga.lampung-17.k7q2-1"
    assert stat.S_IMODE(file.stat().st_mode) & 0o137 == 0, "no stranger reads personal data, nobody executes it"


def test_the_same_key_again_leaves_the_file_alone(folder: Path) -> None:
    place = output(folder)
    place.deliver(opened(), KEY)
    before = (folder / file_name(KEY)).stat()
    assert isinstance(place.deliver(opened(), KEY), Delivered)
    (file,) = folder.iterdir()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_that_was_taken_away_is_written_again(folder: Path) -> None:
    place = output(folder)
    place.deliver(opened(), KEY)
    (folder / file_name(KEY)).unlink()
    assert isinstance(place.deliver(opened(), KEY), Delivered)
    assert len(list(folder.iterdir())) == 1


def test_the_remains_of_a_power_cut_are_cleared_by_the_next_attempt(folder: Path) -> None:
    (folder / f".{KEY}.cap.xml.part").write_bytes(b"<half a")
    (folder / f"{KEY}.cap.xml").write_bytes(b"damaged")
    assert isinstance(output(folder).deliver(opened(), KEY), Delivered)
    (file,) = folder.iterdir()
    assert file.read_bytes() == cap.document(opened())


def test_no_reader_ever_sees_half_a_file_and_it_is_on_the_disk_before_it_is_delivered(folder: Path) -> None:
    """The order of the system calls, as the kernel saw them: write, flush, rename, flush the folder."""
    calls: list[str] = []
    names = {"write", "fsync", "rename", "replace"}
    real = {name: getattr(os, name) for name in names}

    def watch(name: str):  # type: ignore[no-untyped-def]
        def call(*arguments: object, **named: object) -> object:
            kind = ""
            if name == "fsync":
                kind = " folder" if stat.S_ISDIR(os.fstat(arguments[0]).st_mode) else " file"  # type: ignore[arg-type]
            calls.append(name + kind)
            return real[name](*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(os, name, watch(name))
        assert isinstance(output(folder).deliver(opened(), KEY), Delivered)
    assert calls in (["write", "fsync file", step, "fsync folder"] for step in ("replace", "rename"))


# A folder that fails


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "share" / "cap"
    detail = not_delivered(output(missing).deliver(opened(), KEY)).detail
    assert detail == f"folder {missing}: there is no such file or folder; create it or mount its share"
    assert not missing.exists()


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cap"
    file.write_text("x")
    assert "it is not a folder; create it" in not_delivered(output(file).deliver(opened(), KEY)).detail


def test_a_link_in_the_place_of_the_file_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """Who may write into the folder must not make the gateway overwrite another file."""
    target = tmp_path / "precious"
    target.write_text("precious")
    (folder / f".{KEY}.cap.xml.part").symlink_to(target)
    not_delivered(output(folder).deliver(opened(), KEY))
    assert target.read_text() == "precious"
    assert isinstance(output(folder).deliver(opened(), KEY), Delivered), "the link was cleared away"


# In a process of its own: a limit or an identity that a process takes on, it does not get rid of.
_DELIVER = """
import json, os, resource, signal, sys
folder, key, limit, user = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
from gateway.outputs.sample_incidents import opened
from siaga_gateway.adapters.outputs.cap_folder import CapFolderOutput
CapFolderOutput("berkas", sys.argv[5]).deliver(opened(), key)  # so that all is loaded while it can be read
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
outcome = CapFolderOutput("berkas", folder, language="en").deliver(opened(), key)
print(json.dumps({"type": type(outcome).__name__, "detail": outcome.detail,
                  "permanent": getattr(outcome, "permanent", None), "left": sorted(os.listdir(folder))}))
"""


def _apart(folder: Path, rehearsal: Path, *, limit: int = 0, user: int = 0) -> dict[str, object]:
    run = subprocess.run(
        [sys.executable, "-c", _DELIVER, str(folder), KEY, str(limit), str(user), str(rehearsal)],
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    outcome: dict[str, object] = json.loads(run.stdout)
    return outcome


def test_a_disk_without_room_is_named_and_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    """The process may write no file beyond 1,000 bytes: the write fails half-way, as on a full disk."""
    outcome = _apart(folder, tmp_path, limit=1000)
    assert outcome["type"] == "NotDelivered" and outcome["permanent"] is False
    assert outcome["detail"] == f"folder {folder}: the file is too large; make room"
    assert outcome["left"] == []
    assert isinstance(output(folder).deliver(opened(), KEY), Delivered)


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    # Not below tmp_path, which is closed to others: the superuser may write everywhere, so somebody else delivers.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o555)
        outcome = _apart(folder, tmp_path, user=65_534 if os.geteuid() == 0 else 0)
        folder.chmod(0o755)
    assert outcome["type"] == "NotDelivered" and outcome["permanent"] is False
    assert outcome["detail"] == (
        f"folder {made} cannot be written: permission denied; give the gateway the right to write there"
    )


# Names


@given(st.lists(st.text(st.characters(), max_size=300), min_size=2, max_size=20, unique=True))
def test_two_keys_never_share_a_file(keys: list[str]) -> None:
    names = [file_name(key) for key in keys]
    assert len(set(names)) == len(keys)
    for name in names:
        assert len(name) <= 200 and name.isascii() and name.isprintable()
        assert "/" not in name and not name.startswith(".") and name.endswith(".cap.xml")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (KEY, f"{KEY}.cap.xml"),
        ("a/b", "a%2Fb.cap.xml"),
        ("a%2Fb", "a%252Fb.cap.xml"),
        ("..", "%2E..cap.xml"),
        (".hidden", "%2Ehidden.cap.xml"),
    ],
)
def test_a_file_is_named_after_its_key(key: str, name: str) -> None:
    assert file_name(key) == name


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"folder": "cap"}, "must be an absolute path"),
        ({"folder": ""}, "must be an absolute path"),
        ({"folder": "/x", "deadline_s": 61}, "deadline_s is 61"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        CapFolderOutput("berkas", **settings)  # type: ignore[arg-type]


def test_a_wrong_sender_is_named() -> None:
    with pytest.raises(ValueError, match="sender 'a b'"):
        cap.encoder("a b")
