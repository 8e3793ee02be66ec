"""Delivery reports as the daemons write them, and what only looks like one."""

from __future__ import annotations

import pytest

from siaga_gateway.formats.sms_report import delivered_in

SMSTOOLS = "SMS STATUS REPORT\nMessage_id: 117\nDischarge_timestamp: 26-11-30 20:27:01\nStatus: {status}\n"


@pytest.mark.parametrize(
    ("text", "delivered"),
    [
        ("Delivered", True),
        (" Delivered\n", True),
        ("Failed", False),
        ("Pending", False),
        ("Unknown", False),
        (SMSTOOLS.format(status="0,Ok,short message received by the SME"), True),
        (SMSTOOLS.format(status="0"), True),
        (SMSTOOLS.format(status="1,Ok,short message forwarded, unconfirmed"), False),
        (SMSTOOLS.format(status="48,Still trying,congestion"), False),
        (SMSTOOLS.format(status="70,Error,SM validity period expired"), False),
    ],
)
def test_a_report_says_whether_the_phone_has_it(text: str, delivered: bool) -> None:
    assert delivered_in(text) is delivered


@pytest.mark.parametrize(
    "text",
    ["", "delivered", "Delivered!", "Not Delivered", "1 47", SMSTOOLS.format(status="x"), "SMS STATUS REPORT\n" * 900],
)
def test_anything_else_is_none(text: str) -> None:
    assert delivered_in(text) is None


def test_only_the_beginning_is_looked_at() -> None:
    status = "Status: 0,Ok"
    head = "SMS STATUS REPORT\n"
    for more, delivered in ((0, True), (1, None)):
        filling = "x" * (1_000 - len(head) - 1 - len(status) + 3 + more) + "\n"
        assert delivered_in(head + filling + status) is delivered
