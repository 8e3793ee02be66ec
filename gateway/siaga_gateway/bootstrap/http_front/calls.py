"""The calls that the front may make in the press process, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from siaga_gateway.adapters.sms.replies import BEARER, WEBHOOK, SmsOrigin
from siaga_gateway.service.accounts.account_changes import AccountChanges
from siaga_gateway.service.accounts.token_changes import TokenChanges
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.dispatch.drills import Drills, WantedDrill
from siaga_gateway.service.dispatch.list_imports import ListImports
from siaga_gateway.service.dispatch.responder_positions import PositionIntake
from siaga_gateway.service.downlink.command_port import DeviceCommands
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.inbound import FrameSink, InboundFrame, InboundText, TextOutcome, TextReader
from siaga_gateway.service.incidents.console_presence import PresenceNotes
from siaga_gateway.service.incidents.protocol_book import ProtocolChanges
from siaga_gateway.service.operator_port import OperatorActions
from siaga_gateway.service.ports import Disclosures, SignIns
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_changes import RegistryChanges
from siaga_gateway.service.reports.shift_book import ShiftChanges

OPERATE: Final = "operate"
DISCLOSURES: Final = "disclosures"
SIGN_INS: Final = "sign_ins"
ACCOUNTS: Final = "accounts"
REGISTRY: Final = "registry"  # a registrar's changes
IMPORTS: Final = "imports"  # lists that a registrar brings
PROTOCOLS: Final = "protocols"
SHIFTS: Final = "shifts"
TOKENS: Final = "tokens"  # of programs
PRESENCE: Final = "presence"  # which calls are open at which consoles
COMMANDS: Final = "commands"  # to buttons
ANSWERS: Final = "answers"  # of responders
OPENED: Final = f"{ANSWERS}.opened"  # the page of a link
DUTY: Final = "duty"  # what they say on their own pages
CLOSE_CASE: Final = "maintenance.close"
SET_SIM: Final = "maintenance.set_sim"
SUSPEND_OWNER: Final = "owner_cases.suspend"
DISMISS_OWNER_CASE: Final = "owner_cases.dismiss"
ADVISED_OWNER: Final = "owner_cases.advised"
SET_CODE_WORDS: Final = "owner_cases.set_code_words"
LIFT_SUSPENSION: Final = "owner_cases.lift"
LONGER_HOLD: Final = "owner_cases.longer_hold"
SEND_AGAIN: Final = "deliveries.send_again"
PASSED_ON: Final = "deliveries.passed_on"
ORDER_DRILL: Final = "drills.order"
END_DRILL: Final = "drills.end"
ANSWER_CODE: Final = "ways.answer"  # somebody told the code of a way
TAKE_POSITIONS: Final = "positions.take"
POSITION_TOKENS: Final = "positions.tokens"
REFUSED_POSITIONS: Final = "positions.refused"
READ_TEXT: Final = "texts.read"
ARRIVED: Final = "receipts.arrived"  # messages that reached a phone
MACHINE: Final = "machine.found"  # what is wrong with its disk and clock
STORE_TROUBLE: Final = "store.trouble"  # why presses cannot all be stored; empty: they can
_LONGEST_TEXT: Final = 200  # an answer is much shorter


def front_calls(
    operate: OperatorActions,
    disclosures: Disclosures,
    sign_ins: SignIns,
    accounts: AccountChanges,
    protocols: ProtocolChanges,
    shifts: ShiftChanges,
    tokens: TokenChanges,
    maintenance: MaintenanceCases,
    deliveries: DeadLetters,
    positions: PositionIntake,
    owners: OwnerCases,
    drills: Drills,
    registry: RegistryChanges,
    presence: PresenceNotes,
    imports: ListImports,
    commands: DeviceCommands,
) -> Mapping[str, Callable[..., Any]]:
    """Return the calls, for adapters.interprocess_link.PressSide."""
    ports = {
        OPERATE: (OperatorActions, operate),
        DISCLOSURES: (Disclosures, disclosures),
        SIGN_INS: (SignIns, sign_ins),
        ACCOUNTS: (AccountChanges, accounts),
        REGISTRY: (RegistryChanges, registry),
        IMPORTS: (ListImports, imports),
        PROTOCOLS: (ProtocolChanges, protocols),
        SHIFTS: (ShiftChanges, shifts),
        TOKENS: (TokenChanges, tokens),
        PRESENCE: (PresenceNotes, presence),
        COMMANDS: (DeviceCommands, commands),
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
        SET_SIM: maintenance.set_sim,
        SUSPEND_OWNER: owners.suspend,
        DISMISS_OWNER_CASE: owners.dismiss,
        ADVISED_OWNER: owners.advised,
        LIFT_SUSPENSION: owners.lift,
        SET_CODE_WORDS: owners.set_code_words,
        SEND_AGAIN: deliveries.send_again,
        PASSED_ON: deliveries.passed_on,
        ORDER_DRILL: lambda told, actor: drills.order(wanted_drill(told), actor),
        END_DRILL: drills.end,
        TAKE_POSITIONS: positions.take_told,
        POSITION_TOKENS: positions.tokens,
        REFUSED_POSITIONS: positions.refused,
    }


def told_drill(wanted: WantedDrill) -> dict[str, Any]:
    """Return what the front tells of a drill that it asks for, in JSON's types."""
    return {
        "name": wanted.name,
        "buttons": [each.hex() for each in wanted.buttons],
        "contacts": list(wanted.contacts),
        "minutes": wanted.minutes,
        "begins_ms": wanted.begins_ms,
    }


def wanted_drill(told: Mapping[str, Any]) -> WantedDrill:
    """Return what told_drill told."""
    begins_ms = told["begins_ms"]
    return WantedDrill(
        str(told["name"]),
        tuple(bytes.fromhex(each) for each in told["buttons"]),
        tuple(str(each) for each in told["contacts"]),
        int(told["minutes"]),
        None if begins_ms is None else int(begins_ms),
    )


class RemoteTexts:
    """Implements service.inbound.TextReader in the front, by what `ask` calls."""

    def __init__(self, ask: Callable[..., TextOutcome]) -> None:
        self._ask = ask

    def read(self, text: InboundText) -> TextOutcome:
        return self._ask(READ_TEXT, text.number, text.text[:_LONGEST_TEXT], text.received_ms)


def read_by(reader: TextReader) -> Callable[[str, str, int], TextOutcome]:
    """Return the function that reads a text posted by an aggregator."""

    def read(number: str, text: str, received_ms: int) -> TextOutcome:
        number = str(number)
        return reader.read(InboundText(number, str(text), int(received_ms), SmsOrigin(WEBHOOK, number)))

    return read


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
