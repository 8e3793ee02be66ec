"""What an installer writes is judged by the firmware's own rules before it goes onto a chip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_tools.device_cli import device
from siaga_tools.messages import Trouble
from siaga_tools.settings_check import read_settings
from spoiling import spoilt_hex

KEY = GatewayKey.generate().public_xy.hex()
GOOD = {"mqtt_hosts": ["broker.siaga.example"], "mqtt_tls": False, "gateway_key": KEY}


def written(folder: Path, settings: object) -> Path:
    file = folder / "settings.json"
    file.write_bytes(settings if isinstance(settings, bytes) else json.dumps(settings).encode())
    return file


def laid_out(folder: Path, settings: object, board: str = "t_a7670") -> tuple[int, str]:
    command = ["files", str(folder / "out"), "--board", board, "--settings", str(written(folder, settings))]
    command += ["--language", "en"]
    done = CliRunner().invoke(device, command)
    return done.exit_code, done.output


def test_good_settings_are_given_back(tmp_path: Path) -> None:
    assert (
        read_settings(written(tmp_path, {**GOOD, "wifi_ssid": "Siaga"}), "en", board="esp32_devkit")["wifi_ssid"]
        == "Siaga"
    )


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({**GOOD, "wifi_ssid": "x" * 33}, ["wifi_ssid"]),
        ({**GOOD, "wifi_password": "pendek"}, ["wifi_password", "8", "63"]),
        ({**GOOD, "wifi_pasword": "12345678"}, ["wifi_pasword", "wifi_password"]),
        ({**GOOD, "gateway_key": spoilt_hex(KEY)}, ["gateway_key"]),
        ({**GOOD, "mqtt_tls": True}, ["mqtt_ca"]),
        (json.dumps(GOOD).encode("utf-16"), ["UTF-16"]),
        (json.dumps(GOOD).encode("utf-8-sig"), ["BOM"]),
        ("{“mqtt_hosts”: 1}".encode(), ["line 1"]),
        (b'{"hold_ms": 2000, "hold_ms": 3000}', ["hold_ms"]),
        (b'{"hold_ms": 2000,}', ["line 1"]),
    ],
)
def test_broken_settings_lay_out_nothing(tmp_path: Path, settings: object, names: list[str]) -> None:
    code, said = laid_out(tmp_path, settings)
    assert code == 1 and not (tmp_path / "out").exists()
    for name in ["settings.json", *names]:
        assert name in said


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    assert "pendek" not in laid_out(tmp_path, {**GOOD, "wifi_password": "pendek"})[1]


@pytest.mark.parametrize(
    ("board", "settings"),
    [
        ("esp32_devkit", GOOD),
        ("esp32_devkit", {"gateway_key": KEY, "wifi_ssid": "Siaga", "sms_numbers": ["+6281200000000"]}),
        ("t_a7670", {"gateway_key": KEY}),
        ("t_a7670", {}),
    ],
)
def test_settings_with_which_this_board_reaches_nobody_are_refused(
    tmp_path: Path, board: str, settings: dict[str, object]
) -> None:
    assert read_settings(written(tmp_path, settings), "id") == settings, "good by themselves"
    with pytest.raises(Trouble, match="reaches nobody"):
        read_settings(written(tmp_path, settings), "en", board=board)
    code, said = laid_out(tmp_path, settings, board)
    assert code == 1 and board in said


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"s\.json"):
        read_settings(tmp_path / "s.json", "en")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("id", "setelan wifi_password adalah (tidak ditampilkan); yang benar 8 sampai 63 huruf biasa"),
        ("en", "setting wifi_password is (not shown); right is 8 to 63 plain letters"),
    ],
)
def test_what_is_wrong_is_said_in_the_reader_s_language_not_the_button_s(
    tmp_path: Path, language: str, said: str
) -> None:
    other = {"id": "en", "en": "id"}[language]
    with pytest.raises(Trouble) as caught:
        read_settings(written(tmp_path, {**GOOD, "language": other, "wifi_password": "pendek"}), language)
    assert said in caught.value.say(language)
