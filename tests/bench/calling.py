"""What calls people for incidents, put together for measurements as the gateway does it: waves and a sender."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import LONGEST_TRY_S, NotificationSender
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.ways import Way
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import Store

RADIUS_M: Final = 5_000
WIB: Final = timezone(timedelta(hours=7))
# The ladder goes no further while it is measured: only the first rung counts.
LADDER: Final = copied(Ladder("bench"), rungs=Ladder("bench").rungs[:1], again_s=(60,), desk_s=60)


class Calls:
    """Call `start` and `stop`. The store has its stations and people already."""

    def __init__(self, store: Store, way: Way, clock: Clock) -> None:
        self._way = way
        router, duty, origins = Router(store, WIB, 100), Duty(store, WIB), Origins(store)
        messages = CallMessages(store, router, origins.of, LocalTime(WIB), clock)
        self.sender = NotificationSender(
            store,
            [way],
            ListedAddresses(router, duty, "id"),
            messages.message,
            JournalNotifier(),
            clock,
            Lease(store, "way", "bench", LONGEST_TRY_S),
            expect=messages.expect,
        )
        recipients = Recipients(router, origins.of, DutyPeople(duty, RADIUS_M), store.drill)
        ways: list[ContactWay] = [way.kind]
        self.waves = Waves(
            store,
            WavePlanner(store, recipients, lambda i, n: LADDER, AlarmLevels(store), ways),
            JournalNotifier(),
            clock,
            Lease(store, "waves", "bench", LONGEST_S),
            self.sender.wake,
        )
        recipients.ready()
        duty.warm()

    def start(self) -> None:
        self.sender.start()
        self.waves.start()

    def stop(self) -> None:
        self.waves.stop()
        self.sender.stop()
        self._way.close()
