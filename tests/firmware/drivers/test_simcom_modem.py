"""The modem's drivers under real MicroPython, a simulated A7670 over a real pty, a real Mosquitto with TLS behind."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.drivers.modem_button import CHECKIN, DOWN, PRESS, UP, Broker, Button, Maker
from gateway.outputs.receiver_certificates import Authority
from modem_time import let_pass
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sim import Sim
from siaga_tools.silicon.modem_sms import Message, read_message, write_message
from waiting import eventually

pytestmark = pytest.mark.side_by_side(4)
# What anybody may write to this button's number.
SPEAKING = (
    "Menang!\r\nOK\r\n+CMQTTCONNLOST: 0,1\r\n*ATREADY: 1",
    '\r\nRING\r\n\r\n+CLIP: "+6281200000110",145\r\n',
    "+CMS ERROR: 500\r\n> \r\n+CREG: 3\r\n+CPIN: SIM PUK",
    "\r\nERROR\r\n" * 16,
    "\x1a",
    "+004F 004B",
    "\u0635\u0628\u0627\u062d \u0627\u0644\u062e\u064a\u0631",
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "house")


@pytest.fixture
def broker(authority: Authority) -> Iterator[Broker]:
    with Broker(authority.file.parent, authority) as running:
        yield running


@pytest.fixture
def button(tmp_path: Path, broker: Broker, authority: Authority) -> Iterator[Maker]:
    made: list[Button] = []

    def make(*faults: Fault, sim: Sim | None = None, **settings: Any) -> Button:
        one = Button(tmp_path, broker, authority, settings, sim or Sim())
        one.modem.faults.update(faults)
        made.append(one)
        return one.__enter__()

    yield make
    for each in made:
        each.__exit__()


def test_from_no_power_to_a_frame_and_its_answer(button: Maker, broker: Broker):
    it = button()
    it.up("sms")
    it.up()
    it.send(7, PRESS)
    it.until(puback=7, on="lte")
    broker.until(PRESS)
    assert broker.got == [(UP, PRESS)]
    broker.say(DOWN, bytes(range(36)))
    it.until(downlink=bytes(range(36)).hex(), on="lte")
    it.program.say("state")
    state = it.until(operator="TELKOMSEL", cell="2F1A,0A1B2C3D", signal=-73, model="A7670E-FASE")
    assert state["heap"] < 150_000  # compiled modules in it; a whole button may take 250 KB
    assert it.modem.mqtt.verified and it.modem.boots == 1
    asked = it.modem.asked
    for needed in ('AT+CMQTTCFG="version",0,4', 'AT+CSSLCFG="authmode",0,1', 'AT+CSSLCFG="enableSNI",0,1', "AT+CMGF=0"):
        assert needed in asked
    # The chip restarts under a modem that is connected: no power key, and the certificate is not written again.
    it.restart()
    it.up()
    it.send(8, CHECKIN)
    it.until(puback=8)
    assert it.modem.boots == 1 and len([text for text in asked if "CCERTDOWN" in text]) == 1
    it.program.say("close")
    it.until(closed=True)


@pytest.mark.parametrize(
    ("model", "where", "off"),
    [
        ("A7670E-FASE", ",5.3971000,S,105.2668000,E,", ["AT+CGNSSPWR=0"]),
        ("SIMCOM_SIM7600E-H", ",0523.826000,S,10516.008000,E,", ["AT+CGPS=0", "AT+CVAUXS=0"]),
    ],
)
def test_its_positions_are_handed_on_beside_all_else(button: Maker, model: str, where: str, off: list[str]):
    access = {"pin": "1234", "apn": "siaga.private", "user": "u"}
    it = button(sim=Sim(pin="1234", apn="siaga.private"), access=access, model=model)
    it.modem.place = (-5.3971000, 105.2668000)
    it.up()
    it.program.say("locate 1")
    eventually(lambda: where in it.program.until(5).get("position", ""))
    it.send(1, PRESS)
    it.until(puback=1)
    it.program.say("locate 0")
    eventually(lambda: all(word in it.modem.asked for word in off))  # the SIM7600 feeds its antenna no longer either
    assert it.modem.asked.count('AT+CPIN="1234"') == 1


def test_the_next_server_is_tried_at_once_and_found_again_after_a_restart(button: Maker, broker: Broker):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        it = button(before=[["localhost", nobody.getsockname()[1]]])
        it.up()
        it.send(7, PRESS)
        it.until(puback=7, on="lte")
        assert attempts(it) == 2 and it.modem.boots == 1
        it.restart()
        it.up()
        it.send(8, CHECKIN)
        it.until(puback=8)


def attempts(it: Button) -> int:
    """How often it has asked for a connection to a broker."""
    return sum(text.startswith("AT+CMQTTCONNECT=") for text in list(it.modem.asked))


def test_a_server_of_another_authority_gets_nothing(button: Maker, broker: Broker, tmp_path: Path):
    it = button(ca=Authority(tmp_path, "stranger").file.read_text())
    it.up("sms")
    assert "certificate" in it.until(bearer="lte", up=False)["why"]
    tried = attempts(it)
    eventually(lambda: attempts(it) > tried, "it tries again")
    assert it.modem.mqtt.connections == 0 and it.modem.boots == 1


def test_a_certificate_that_ran_out_counts_once_the_clock_is_known(tmp_path: Path, authority: Authority):
    with (
        Broker(authority.file.parent, authority, expired=True) as late,
        Button(tmp_path, late, authority, {}, Sim()) as it,
    ):
        it.up()  # without a clock nothing can be out of date, and the press goes
        it.program.say(f"clock {int(time.time())}")
        it.modem.drop_connection()
        it.until(bearer="lte", up=False)
        assert "certificate" in it.until(bearer="lte", up=False)["why"]
        it.up()  # the clock is set, and nobody has confirmed it: what could do so comes through this connection
        it.program.say(f"known {int(time.time())}")
        it.modem.drop_connection()
        it.until(bearer="lte", up=False)
        assert "certificate" in it.until(bearer="lte", up=False)["why"]
        connections = it.modem.mqtt.connections
        tried = attempts(it)
        eventually(lambda: attempts(it) >= tried + 3)
        assert it.modem.mqtt.connections == connections


def test_stray_words_noise_and_results_first(button: Maker, broker: Broker):
    it = button(Fault.STRAY_WORDS, Fault.RESULT_FIRST, Fault.NOISE, Fault.CONTEXT_REFUSED)
    it.up()
    heap = []
    for counter in range(1, 13):
        frame = PRESS[:-1] + bytes([counter])
        it.send(counter, frame)
        it.until(puback=counter)
        broker.say(DOWN, bytes([counter]) * 36)
        it.until(downlink=(bytes([counter]) * 36).hex())
        it.program.say("state")
        heap.append(it.until(model="A7670E-FASE")["heap"])
    # Single looks catch what is under way; the least of several does not.
    assert min(heap[-4:]) < min(heap[:4]) + 2000, heap
    assert [got for topic, got in broker.got if topic == UP][-12:] == [PRESS[:-1] + bytes([i]) for i in range(1, 13)]
    it.program.say("state")
    assert it.until(model="A7670E-FASE")["garbage"] > 0


def test_a_lost_connection_a_lost_network_and_a_lost_broker(button: Maker, broker: Broker):
    it = button()
    it.up()
    it.modem.drop_connection(2)
    assert "cause 2" in it.until(bearer="lte", up=False)["why"]
    it.up()
    it.modem.drop_network()
    it.until(bearer="lte", up=False, why="the modem's data network is gone")
    it.up()
    it.modem.fail(Fault.NO_NETWORK)
    it.until(told="the network is lost")
    it.until(bearer="sms", up=False)
    it.modem.heal()
    it.up()
    broker.mosquitto.kill()
    it.until(bearer="lte", up=False)
    it.until(bearer="lte", up=False)
    broker.mosquitto.start()
    it.up()
    it.send(3, PRESS)
    it.until(puback=3)
    assert it.modem.boots == 1


def test_a_modem_that_hangs_is_reset_and_one_that_hangs_hard_loses_its_power(button: Maker):
    it = button(wires="power_key reset supply")
    it.up()
    it.modem.fail(Fault.HANG)
    it.send(5, PRESS)
    it.until(told="modem: a reset")
    it.up()
    assert it.modem.boots == 2
    it.modem.fail(Fault.HANG_HARD)
    it.send(6, PRESS)
    it.until(told="modem: off and on again", within=30)
    it.up()
    it.send(6, PRESS)
    it.until(puback=6)


def test_a_receiver_that_does_not_come_on_is_tried_again_and_stops_nothing(button: Maker):
    it = button(Fault.NO_GNSS)
    it.modem.place = (-5.3971000, 105.2668000)
    it.program.say("locate 1")
    it.up()
    eventually(lambda: it.modem.asked.count("AT+CGNSSPWR=1") >= 2)
    it.modem.do(lambda: it.modem.faults.update({Fault.GNSS_DEAF}))
    it.modem.do(lambda: it.modem.faults.discard(Fault.NO_GNSS))
    eventually(lambda: "AT+CGNSSPWR=0" in it.modem.asked)
    it.modem.heal()
    eventually(lambda: ",5.3971000,S," in it.program.until(30).get("position", ""))
    it.send(1, PRESS)
    it.until(puback=1)
    assert it.modem.boots == 1 and "AT+CFUN=0" not in it.modem.asked


def test_a_model_that_does_not_greet(button: Maker):
    it = button(model="A7608SA-H")
    it.up()
    it.modem.fail(Fault.HANG)
    it.send(5, PRESS)
    it.until(told="modem: a reset")
    it.up()
    assert it.modem.boots == 2


def test_brown_outs_lost_answers_and_a_gateway_that_is_silent(button: Maker):
    it = button()
    it.up()
    it.modem.fail(Fault.LOST_PUBACK)
    it.send(9, PRESS)
    assert "+CMQTTPUB" in it.until(bearer="lte", up=False)["why"]
    it.modem.heal()
    it.up()
    it.send(9, PRESS)
    it.until(puback=9)
    it.program.say("watchdog 200")
    assert "acknowledgement" in it.until(bearer="lte", up=False)["why"]
    it.up()
    let_pass(it.modem, 11)  # no start is news while one is going on
    it.modem.say(b"\r\n*ATREADY: 1\r\n")
    it.until(told="modem: it restarted by itself (brown-out?)")
    it.up()
    assert it.modem.boots == 1
    # Whether its silence or its greeting is noticed first, it comes back.
    it.modem.brown_out()
    it.until(bearer="lte", up=False)
    it.up()
    boots = it.modem.boots
    assert boots >= 2
    it.program.say("wanted 0")
    it.until(told="modem: off")
    eventually(lambda: "AT+CPOF" in it.modem.asked and not it.modem.is_on)
    it.program.say("wanted 1")
    it.up()
    assert it.modem.boots == boots + 1


def test_messages_out_and_in_while_a_connection_takes_its_time(button: Maker):
    it = button(Fault.SLOW_TLS)
    it.up("sms")
    it.send(2, PRESS, "sms")
    it.until(puback=2, on="sms")
    assert not it.modem.mqtt.connections
    [file] = (it.folder / "outgoing" / "62110").iterdir()
    sent = read_message(file)
    assert sent.number == "+6281100000001" and base64.b64decode(sent.text) == PRESS
    it.up()
    incoming = it.folder / "incoming"
    down = bytes(range(36))
    write_message(incoming, "From", Message("+62110", base64.b64encode(down).decode()))
    it.until(downlink=down.hex(), on="sms")
    # What pretends to be the modem speaks to nobody.
    for text in SPEAKING:
        write_message(incoming, "From", Message("+62999", text))
        it.until(rejected="a message that is no frame")
    # What came while the button was off is read when it is on again.
    it.program.__exit__()
    kept = {3: Message("+62110", base64.b64encode(bytes(36)).decode())}
    kept |= {5 + i: Message("+62999", text) for i, text in enumerate(SPEAKING)}
    it.modem.do(lambda: it.modem.sms.store.update(kept))
    assert not [fact for fact in it.program.heard if fact.get("up") is False]
    it.restart()
    it.until(downlink=bytes(36).hex(), on="sms")
    eventually(lambda: not it.modem.sms.store)
    assert not [fact for fact in it.program.heard if fact.get("up") is False]
    assert it.modem.boots == 1


def test_without_data_and_without_credit(button: Maker):
    it = button(Fault.NO_DATA)
    it.up("sms")
    it.modem.fail(Fault.NO_CREDIT)
    it.send(3, PRESS, "sms")
    assert "+CMS ERROR: 50" in it.until(bearer="sms", up=False)["why"]
    it.modem.heal()
    it.up("sms")
    it.send(3, PRESS, "sms")
    it.until(puback=3, on="sms")
    assert len(list((it.folder / "outgoing" / "62111").iterdir())) == 1, "the next number's turn"
    if not any(fact.get("bearer") == "lte" and fact.get("up") for fact in it.program.heard):
        it.up()


def test_without_a_card(button: Maker):
    it = button(Fault.NO_SIM)
    it.until(told="modem: the SIM cannot be used: SIM not inserted")
    it.until(told="modem: radio off and on")
    it.modem.heal()
    it.up()
