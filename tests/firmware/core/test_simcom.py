"""What a SIMCom modem's words mean, by the lines of the manuals and of real logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.core import simcom
from siaga.core.frame import UNKNOWN_SIGNAL
from siaga.core.simcom import POWER, RADIO, RECONNECT, RESET, SERVICE, Inbox, RepairLadder


@pytest.mark.parametrize(
    ("line", "means"),
    [
        (b"+CREG: 0,1", (1, "")),
        (b'+CEREG: 2,5,"1A2B","01C3D4E5",7', (5, "1A2B,01C3D4E5")),
        (b"+CGREG: 2,11", (11, "")),
        (b'+CEREG: 1,"1A2B","01C3D4E5",7', None),  # the URC
        (b"+CEREG: 2", None),
        (b"+CEREG: x,y", None),
    ],
)
def test_registration(line: bytes, means: tuple[int, str] | None):
    assert simcom.registration([line]) == means
    assert simcom.registration([b'+CEREG: 1,"1","2",7', line]) == means


def test_who_takes_what():
    assert [stat for stat in range(12) if simcom.takes_data(stat)] == [1, 5, 11]
    assert [stat for stat in range(12) if simcom.takes_sms(stat)] == [1, 5, 6, 7]


def test_signal_and_operator():
    assert simcom.dbm([b"+CSQ: 20,99"]) == -73
    assert simcom.dbm([b"+CSQ: 99,99"]) == simcom.dbm([]) == UNKNOWN_SIGNAL
    assert simcom.operator([b'+COPS: 0,0,"TELKOMSEL",7']) == "TELKOMSEL"
    assert simcom.operator([b"+COPS: 0"]) == ""


def test_mqtt_outcomes():
    assert simcom.mqtt_error(b"+CMQTTCONNECT: 0,32") == 32
    assert simcom.mqtt_error(b"+CMQTTSTART: 0") == 0
    assert simcom.mqtt_error(b"+CME ERROR: 3") == -1
    assert "mqtt_ca" in simcom.mqtt_why(32)
    refusals = [error for error in range(40) if simcom.is_refusal(error)]
    assert refusals == [6, 12, 13, 26, 27, 28, 29, 30, 31, 32, 33, 34]
    assert [error for error in range(40) if simcom.is_about_tls(error)] == [26, 32, 33, 34]
    for error in refusals:
        assert f"(error {error})" in simcom.mqtt_why(error) and "the modem's MQTT service" not in simcom.mqtt_why(error)


def test_an_access_point_with_the_network_s_own_part():
    assert simcom.is_apn("internet", "Internet")
    assert simcom.is_apn("online.telia.se.mnc001.mcc240.gprs", "online.telia.se")
    for other in ("online.telia.se.ims", "internet2", "inter", "", "internet.mnc001.gprs.mcc240"):
        assert not simcom.is_apn(other, "internet" if other.startswith("inter") else "online.telia.se")


def test_a_model_s_name_among_other_words():
    assert simcom.model([b"QCRDY", b"A7670E-FASE", b"UC6228CI lite"]) == "A7670E-FASE"
    assert simcom.model([b"SIMCOM_SIM7600E-H"]) == "SIMCOM_SIM7600E-H"
    assert simcom.model([b"Quectel"]) == "Quectel" and simcom.model([]) == ""


def pieces(topic: bytes, payload: bytes, size: int) -> list[tuple[bytes, bytes | None]]:
    told: list[tuple[bytes, bytes | None]] = [(b"+CMQTTRXSTART: 0,%d,%d" % (len(topic), len(payload)), None)]
    for name, whole in ((b"TOPIC", topic), (b"PAYLOAD", payload)):
        for start in range(0, max(len(whole), 1), size):
            piece = whole[start : start + size]
            told.append((b"+CMQTTRX%s: 0,%d" % (name, len(piece)), piece))
    return [*told, (b"+CMQTTRXEND: 0", None)]


@given(st.binary(min_size=1, max_size=60), st.binary(max_size=700), st.integers(1, 300))
def test_a_message_in_any_pieces(topic: bytes, payload: bytes, size: int):
    inbox = Inbox()
    for _ in range(2):
        told = [inbox.hear(line, piece) for line, piece in pieces(topic, payload, size)]
        assert told[:-1] == [None] * (len(told) - 1)
        whole = len(topic) + len(payload) <= simcom.MAX_MESSAGE
        assert told[-1] == ((topic, payload) if whole else (b"", b""))


def test_a_message_that_came_in_part():
    inbox = Inbox()
    told = [inbox.hear(line, piece) for line, piece in pieces(b"t", b"abcdef", 3) if piece != b"abc"]
    assert told[-1] == (b"", b"")
    assert inbox.hear(b"+CMQTTRXEND: 0", None) == (b"", b"")


def test_repairs_go_deeper_and_begin_again():
    ladder = RepairLadder()
    steps = [ladder.failed() for _ in range(9)]
    assert steps == [RECONNECT] * 3 + [SERVICE] * 2 + [RADIO, RESET, POWER, RECONNECT]
    assert ladder.failed(least=RESET) == RESET, "a modem that does not answer needs no AT+CFUN"
    assert [ladder.failed(least=RESET) for _ in range(3)] == [POWER, RESET, POWER]
    ladder.mended()
    assert [ladder.failed(most=SERVICE) for _ in range(7)] == [0, 0, 0, 1, 1, 0, 0]
    assert ladder.failures == 7
