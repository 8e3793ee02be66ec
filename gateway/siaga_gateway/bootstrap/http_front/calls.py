"""The calls that the front may make in the press process, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from siaga_gateway.adapters.sms.replies import BEARER, WEBHOOK, SmsOrigin
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.inbound import FrameSink, InboundFrame
from siaga_gateway.service.ports import Disclosures, OperatorActions, SignIns

OPERATE: Final = "operate"
DISCLOSURES: Final = "disclosures"
SIGN_INS: Final = "sign_ins"
ANSWERS: Final = "answers"  # of responders
CLOSE_CASE: Final = "maintenance.close"
SEND_AGAIN: Final = "deliveries.send_again"
PASSED_ON: Final = "deliveries.passed_on"
TAKE_POSITIONS: Final = "positions.take"
POSITION_TOKENS: Final = "positions.tokens"
REFUSED_POSITIONS: Final = "positions.refused"
STORE_TROUBLE: Final = "store.trouble"  # why presses cannot all be stored; empty: they can


def front_calls(
    operate: OperatorActions,
    disclosures: Disclosures,
    sign_ins: SignIns,
    maintenance: MaintenanceCases,
    deliveries: DeadLetters,
    positions: PositionIntake,
) -> Mapping[str, Callable[..., Any]]:
    """Return the calls, for adapters.interprocess_link.PressSide."""
    ports = {
        OPERATE: (OperatorActions, operate),
        DISCLOSURES: (Disclosures, disclosures),
        SIGN_INS: (SignIns, sign_ins),
    }
    found: dict[str, Callable[..., Any]] = {
        f"{name}.{method}": getattr(implementation, method)
        for name, (port, implementation) in ports.items()
        for method in vars(port)
        if not method.startswith("_")
    }
    return {
        **found,
        CLOSE_CASE: maintenance.close,
        SEND_AGAIN: deliveries.send_again,
        PASSED_ON: deliveries.passed_on,
        TAKE_POSITIONS: positions.take_told,
        POSITION_TOKENS: positions.tokens,
        REFUSED_POSITIONS: positions.refused,
    }


def offer_to(sink: FrameSink) -> Callable[[Mapping[str, Any], Callable[[bool], None]], bool]:
    """Return the function that offers ingest a frame posted by an aggregator."""

    def offer(told: Mapping[str, Any], dealt_with: Callable[[bool], None]) -> bool:
        number = told["number_from"]
        origin = SmsOrigin(WEBHOOK, str(number)) if number else None
        stored = threading.Event()
        frame = InboundFrame(
            bytes.fromhex(told["raw"]),
            int(told["received_ms"]),
            BEARER,
            lambda: dealt_with(stored.is_set()),
            origin,
            stored=stored.set,
            kept_by_bearer=True,
        )
        return sink.offer(frame, 0)

    return offer
