"""Delivery with bearers that misbehave, on a real littlefs: one whose send hangs holds up none of the others, one that
fails is told of, and a signature that is owed leaves only with an acknowledgement that must be its own.

The bearers are hand-written; so is what the gateway says, under the real keys."""

import asyncio

from delivering import DeliveryHarness, Mouth

from siaga.app import delivery as delivering
from siaga.app.outbox import SETTLE_S, Outbox
from siaga.app.restore import load
from siaga.core import frame

NOW = 1900000000


async def hang():
    await asyncio.Event().wait()


async def fail():
    raise ValueError("a driver's mistake")


async def a_bearer_that_hangs_holds_up_no_other():
    stuck, good = Mouth("stuck", does=hang), Mouth("good")
    with DeliveryHarness(stuck, good) as harness:
        harness.up(stuck, good)
        press = harness.press()
        await stuck.next()
        harness.later(5000)
        assert (await good.next())[10:14] == press.counter.to_bytes(4, "big")
        second = harness.press()
        harness.later(5000)
        seen = set()
        while second.counter not in seen:
            seen.add(int.from_bytes((await good.next())[10:14], "big"))
        assert len(stuck.sent) == 1, "one frame at a time"
        harness.later(delivering._SEND_MS)
        await stuck.next()
        assert len(stuck.sent) == 2 and "bearer stuck hangs over a frame" in harness.board.what("error")
        assert harness.outbox.entries == [press, second]


async def a_driver_s_mistake_stops_nothing():
    bad, good = Mouth("bad", does=fail), Mouth("good")
    with DeliveryHarness(bad, good) as harness:
        harness.up(bad, good)
        harness.press()
        await bad.next()
        harness.later(5000)
        await good.next()
        harness.later(20000)
        await bad.next()
        assert any("a driver's mistake" in what for what in harness.board.what("error"))


async def a_press_by_a_narrow_bearer_owes_its_signature():
    narrow, wide = Mouth("narrow", 53), Mouth("wide")
    with DeliveryHarness(narrow, wide) as harness:
        harness.up(narrow)
        press = harness.press()
        assert len(await narrow.next()) == 43
        harness.say(narrow, press, 1, NOW)
        assert harness.acks == [(True, press.counter, 1)] and harness.outbox.entries == []
        assert harness.outbox.owed == [press] and not harness.delivery.is_urgent()
        harness.up(wide)
        harness.say(wide, press, 1, NOW + SETTLE_S)  # nothing was handed over that this could answer
        harness.later(SETTLE_S * 1000)
        signed = await wide.next()
        assert len(signed) == 99 and signed[14:35] == press.body
        for stage, time in ((1, NOW), (1, NOW + SETTLE_S - 1), (2, NOW + 900), (5, NOW + 900)):
            harness.say(wide, press, stage, time)
            assert harness.outbox.owed == [press], (stage, time)
        assert [ack[0] for ack in harness.acks[1:]] == [False] * 5, "to the alarm it is nothing that waited"
        harness.later(60000)
        assert await wide.next() == signed, "again, until it is answered"
        harness.say(narrow, press, 1, NOW + SETTLE_S)
        assert harness.outbox.owed == [] and harness.board.steps(press.counter)[-1] == "witnessed"
        again = Outbox("/side/outbox", harness.identity.device_id, harness.identity.counter, 2)
        load(again, 0)
        assert again.entries == [] and again.owed == []


async def what_owes_nothing():
    narrow, wide = Mouth("narrow", 53), Mouth("wide")
    with DeliveryHarness(narrow, wide) as harness:
        harness.up(narrow)
        test = harness.press(frame.FLAG_TEST)
        await narrow.next()
        harness.say(narrow, test, 6, NOW)
        narrow.policy.up = False
        harness.up(wide)
        long = harness.press()
        assert len(await wide.next()) == 99
        harness.say(wide, long, 1, NOW)
        assert harness.outbox.entries == [] and harness.outbox.owed == []
        waiting = harness.press()
        again = Outbox("/side/outbox", harness.identity.device_id, harness.identity.counter, 2)
        load(again, 0)
        assert [entry.counter for entry in again.entries] == [waiting.counter] and again.entries[0].short


for check in (
    a_bearer_that_hangs_holds_up_no_other,
    a_driver_s_mistake_stops_nothing,
    a_press_by_a_narrow_bearer_owes_its_signature,
    what_owes_nothing,
):
    asyncio.run(check())
    asyncio.new_event_loop()
    print("holds:", check.__name__)
