"""The JSON of LoRaWAN network servers: what they say is read, what they are told is what they take."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.network_server import DOWN, EUI, ORIGIN, UP, body
from siaga_gateway.formats import chirpstack, things_stack
from siaga_gateway.formats.lorawan import LorawanUplink, NotAnUplink, Origin


def test_chirpstack_uplinks() -> None:
    assert chirpstack.read_uplink(UP, body(b"\x12frame")) == LorawanUplink(ORIGIN, 10, b"\x12frame")
    # What protobuf's JSON leaves out where it is a default.
    bare = json.dumps({"deviceInfo": {"devEui": EUI}}).encode()
    assert chirpstack.read_uplink(UP, bare) == LorawanUplink(ORIGIN, 0, b"")
    assert chirpstack.read_uplink(UP, b'{"fPort":10,"data":null}') == LorawanUplink(ORIGIN, 10, b"")


def test_the_things_stack_uplinks() -> None:
    topic = "v3/siaga@polda/devices/toko-contoh/up"
    told = {
        "end_device_ids": {"device_id": "toko-contoh", "dev_eui": EUI.upper()},
        "uplink_message": {"f_port": 10, "frm_payload": base64.b64encode(b"\x12frame").decode()},
    }
    origin = Origin("siaga@polda", "toko-contoh")
    assert things_stack.read_uplink(topic, json.dumps(told).encode()) == LorawanUplink(origin, 10, b"\x12frame")
    assert things_stack.read_uplink(topic, b'{"uplink_message":{}}') == LorawanUplink(origin, 0, b"")
    for wrong in (b'{"join_accept":{}}', b"[]", b'{"uplink_message":{"f_port":10,"frm_payload":"?"}}'):
        with pytest.raises(NotAnUplink):
            things_stack.read_uplink(topic, wrong)
    with pytest.raises(NotAnUplink, match="topic"):
        things_stack.read_uplink("v3/siaga@polda/devices/toko-contoh/join", b"{}")
    push, message = things_stack.write_downlink(origin, b"\x13answer")
    assert push == "v3/siaga@polda/devices/toko-contoh/down/push"
    (downlink,) = json.loads(message)["downlinks"]
    assert (downlink["f_port"], base64.b64decode(downlink["frm_payload"])) == (10, b"\x13answer")


@pytest.mark.parametrize(
    ("topic", "said", "why"),
    [
        (UP, b"", "no JSON"),
        (UP, b"[" * 30_000, "no JSON"),
        (UP, b"\xff\xfe", "no JSON"),
        (UP, b"[1]", "no object"),
        (UP, b" " * 70_000, "70000 bytes"),
        (UP, body(b"x", 256), "FPort 256"),
        (UP, body(b"x", -1), "FPort -1"),
        (UP, body(b"x", fPort="10"), "FPort '10'"),
        (UP, body(b"x", fPort=True), "FPort True"),
        (UP, body(b"x", fPort=10.0), "FPort 10.0"),
        (UP, body(b"x", data="no base64"), "no base64"),
        (UP, body(b"x", data="é"), "no base64"),
        (UP, body(b"x", data=7), "no text"),
        (UP, body(b"x", deviceInfo={"devEui": "0000000000000000"}), "on the topic of"),
        (UP.replace("/up", "/join"), body(b"x"), "topic"),
        (f"application//device/{EUI}/event/up", body(b"x"), "topic"),
        ("siaga/v1/up/0123456789abcdef", body(b"x"), "topic"),
    ],
)
def test_what_cannot_be_read_says_why(topic: str, said: bytes, why: str) -> None:
    with pytest.raises(NotAnUplink, match=why):
        chirpstack.read_uplink(topic, said)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["fPort", "data", "deviceInfo", "devEui", "uplink_message"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_an_uplink_or_a_refusal(told: object) -> None:
    said = json.dumps(told).encode()
    for read, topic in ((chirpstack.read_uplink, UP), (things_stack.read_uplink, "v3/a@b/devices/c/up")):
        try:
            uplink = read(topic, said)
        except NotAnUplink:
            continue
        assert 0 <= uplink.port <= 255


def test_downlinks_are_written_as_chirpstack_takes_them() -> None:
    topic, message = chirpstack.write_downlink(ORIGIN, b"\x13answer")
    assert topic == DOWN
    told = json.loads(message)
    assert told == {"devEui": EUI, "confirmed": False, "fPort": 10, "data": base64.b64encode(b"\x13answer").decode()}
