"""Assembles what reads responders' answers in writing: by text message, and to a Telegram bot."""

from __future__ import annotations

from collections.abc import Callable

from siaga_gateway.adapters.ways.telegram_answers import ASKED_S, ChatReplies, TelegramAnswers
from siaga_gateway.bootstrap.bearers import OtherBearers
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.lifecycle_journal import journalled
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.bootstrap.ways import telegram_service
from siaga_gateway.config.ways import TelegramSettings
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.dispatch.text_receipts import TextReceipts
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.incidents.text_answers import TextAnswers, TextReplies
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.scheduling.lease import Lease


def make_text_answers(base: Foundation, bearers: OtherBearers, steps: ResponderSteps, duty: Duty) -> TextAnswers:
    """Return what reads text messages, and reports of those that were sent."""
    return _made(base, steps, duty, bearers.texts_back(), ContactWay.SMS, TextReceipts(base.store).note)


def telegram_answers(base: Foundation, steps: ResponderSteps, duty: Duty) -> list[Piece]:
    """Return what fetches answers from each bot that is to. Raises: SettingsError."""
    pieces = []
    for way in base.settings.ways:
        if isinstance(way, TelegramSettings) and way.read_back:
            service, spoken = telegram_service(way)
            replies = ChatReplies()
            facts = {"bearer": way.kind, "way": way.name}
            fetching = TelegramAnswers(
                way.name,
                service,
                spoken,
                _made(base, steps, duty, replies, ContactWay.TELEGRAM),
                replies,
                base.store,
                Lease(base.store, f"answers {way.name}", base.worker, ASKED_S),
                base.clock,
                journalled(
                    base.store,
                    base.notifier,
                    base.clock,
                    lost=journal.BEARER_LOST,
                    back=journal.BEARER_BACK,
                    facts=facts,
                ),
                base.settings.language,
            )
            pieces.append(Piece(f"connections of answers {way.name}", stop=service.close))
            pieces.append(Piece(f"answers to {way.name}", fetching.start, fetching.stop))
    return pieces


def _made(
    base: Foundation,
    steps: ResponderSteps,
    duty: Duty,
    replies: TextReplies,
    way: ContactWay,
    received: Callable[[str, int], None] = lambda number, at_ms: None,
) -> TextAnswers:
    settings, store, clock = base.settings, base.store, base.clock
    return TextAnswers(
        store,
        TextNumbers(store, way),
        steps,
        WayQuestions(store, clock, duty),
        replies,
        clock,
        settings.local,
        ReplyBudget(settings.sms.replies_per_minute, settings.sms.replies_per_hour),
        way,
        received,
    )
