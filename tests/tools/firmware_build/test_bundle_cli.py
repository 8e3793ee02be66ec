"""What a release engineer types: a key, a bundle, a look at it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from siaga_tools.device_cli import device
from siaga_tools.firmware_build.bundle import read_bundle
from spoiling import spoilt


def siaga(*words: str) -> Result:
    return CliRunner().invoke(device, list(words))


def test_from_a_key_to_a_bundle_that_others_can_check(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795392000")
    key, first, second = tmp_path / "key.pem", tmp_path / "1.siaga", tmp_path / "2.siaga"
    made = siaga("release-key", "-o", str(key))
    assert made.exit_code == 0 and len(made.output.strip()) == 128
    public = made.output.strip()
    again = siaga("release-key", "-o", str(key))
    assert again.exit_code == 1 and "never overwritten" in again.stderr
    for output in (first, second):
        packed = siaga(
            *("bundle", "--key", str(key), "--version", "1.2.3", "--board", "t_a7670", "--battery", "30"),
            *("-o", str(output)),
        )
        assert packed.exit_code == 0, packed.output
    assert first.read_bytes() == second.read_bytes(), "the same sources give the same bytes"
    bundle = read_bundle(first.read_bytes(), bytes.fromhex(public))
    assert (bundle.version, bundle.boards, bundle.battery) == ((1, 2, 3), ("t_a7670",), 30)
    assert "siaga/start.mpy" in bundle.files and not any("simulated" in path for path in bundle.files)
    checked = siaga("bundle-check", str(first), "--public", public)
    assert checked.exit_code == 0 and "1.2.3" in checked.output
    first.write_bytes(spoilt(first.read_bytes()))
    assert siaga("bundle-check", str(first)).exit_code == 0
    refused = siaga("bundle-check", str(first), "--public", public)
    assert refused.exit_code == 1 and "signature" in refused.stderr
    for wrong in (("--version", "1.2"), ("--version", "1.2.3", "--board", "T A")):
        told = siaga("bundle", "--key", str(key), "-o", str(second), *wrong)
        assert told.exit_code == 1 and told.stderr.startswith("siaga: ")
