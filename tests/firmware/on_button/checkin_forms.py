"""Which check-ins are signed and which carry a MAC, from the outbox to the bearer; and what a sleep, a clock, a lost
answer, another gateway make of that."""

import asyncio

from delivering import DeliveryHarness, Mouth

from siaga.app.checkin_proof import DAY_S, CheckinProof
from siaga.app.restore import load
from siaga.core import frame, p256

NOW = 1900000000
SIGNED, BY_MAC = 0x11, 0x12


class Sleeper:
    """As much of a button's memory as a proof reads."""

    slept = True
    proven_s = 0


async def sent(harness, bearer, entry=None):
    entry = entry or harness.check_in()
    raw = await bearer.next()
    assert raw[1] == frame.CHECKIN and raw[10:14] == entry.counter.to_bytes(4, "big")
    return entry, raw


async def told(harness, bearer, suite):
    """One check-in, acknowledged, in this form."""
    entry, raw = await sent(harness, bearer)
    assert raw[0] == suite, raw[0]
    assert len(raw) == (107 if suite == SIGNED else 51)
    harness.say(bearer, entry, 1, NOW)
    assert harness.outbox.find(entry.counter) is None


async def the_first_is_signed_and_one_a_day():
    wide = Mouth("wide")
    with DeliveryHarness(wide) as harness:
        harness.up(wide)
        rtc = harness.board.rtc
        await told(harness, wide, SIGNED)
        for _ in range(3):
            await told(harness, wide, BY_MAC)
        rtc.passed_s += DAY_S - 1
        await told(harness, wide, BY_MAC)
        rtc.passed_s += 1
        await told(harness, wide, SIGNED)
        await told(harness, wide, BY_MAC)
        rtc.passed_s -= 3600  # a clock that went back
        await told(harness, wide, SIGNED)
        await told(harness, wide, BY_MAC)
        rtc.passed_s += 40 * DAY_S
        await told(harness, wide, SIGNED)
        press = harness.press()
        assert (await wide.next())[:2] == bytes([SIGNED, frame.PRESS])
        harness.say(wide, press, 1, NOW)
        forced = harness.check_in(frame.FLAG_DURESS)
        _, raw = await sent(harness, wide, forced)
        assert raw[0] == SIGNED, "with duress it is a call"


async def a_lost_answer_leaves_the_day_s_proof_owed():
    wide = Mouth("wide")
    with DeliveryHarness(wide) as harness:
        harness.up(wide)
        entry, raw = await sent(harness, wide)
        for _ in range(4):
            harness.later(300000)
            assert await wide.next() == raw and raw[0] == SIGNED
        harness.outbox.remove(entry)  # let go for something more important, never answered
        await told(harness, wide, SIGNED)
        await told(harness, wide, BY_MAC)


async def a_mac_that_nobody_answers_is_followed_by_the_signature():
    wide = Mouth("wide")
    with DeliveryHarness(wide) as harness:
        harness.up(wide)
        await told(harness, wide, SIGNED)
        entry, raw = await sent(harness, wide)
        forms = [raw[0]]
        while len(forms) < 5:
            harness.later(300000)
            forms.append((await wide.next())[0])
        assert forms == [BY_MAC] * 3 + [SIGNED] * 2, forms
        proven_s = harness.memory.proven_s
        harness.board.rtc.passed_s += 60
        harness.say(wide, entry, 1, NOW)
        assert harness.memory.proven_s == proven_s, "the answer may be to the MAC"


async def what_an_earlier_run_left_is_signed_and_counts_as_no_proof():
    wide = Mouth("wide")
    with DeliveryHarness(wide) as harness:
        kept = harness.check_in()
        harness.outbox.entries.clear()
        load(harness.outbox, harness.clock.ms())
        (entry,) = harness.outbox.entries
        assert entry.counter == kept.counter
        harness.up(wide)
        _, raw = await sent(harness, wide, entry)
        assert raw[0] == SIGNED
        harness.say(wide, entry, 1, NOW)
        await told(harness, wide, SIGNED)
        await told(harness, wide, BY_MAC)


async def a_bearer_too_narrow_for_a_signature_proves_nothing():
    narrow, wide = Mouth("narrow", 53), Mouth("wide")
    with DeliveryHarness(narrow, wide) as harness:
        harness.up(narrow)
        await told(harness, narrow, BY_MAC)
        assert harness.memory.proven_s == 0
        narrow.policy.up = False
        harness.up(wide)
        await told(harness, wide, SIGNED)
        await told(harness, wide, BY_MAC)


async def without_a_gateway_s_key_everything_is_signed():
    wide = Mouth("wide")
    with DeliveryHarness(wide) as harness:
        harness.identity.mac_up = b""
        harness.memory.proven_s = harness.board.rtc.seconds()
        harness.up(wide)
        _, raw = await sent(harness, wide)
        assert raw[0] == SIGNED


async def a_sleep_keeps_it_and_a_start_or_another_gateway_does_not():
    with DeliveryHarness() as harness:
        rtc, memory = harness.board.rtc, Sleeper()
        memory.proven_s = rtc.seconds()
        assert not CheckinProof(rtc, memory, False).is_due()
        assert CheckinProof(rtc, memory, True).is_due()
        memory.proven_s = rtc.seconds()
        memory.slept = False
        assert CheckinProof(rtc, memory, False).is_due() and memory.proven_s == 0
        harness.identity.met_anew = False
        harness.identity.meet(p256.public_key(p256.private_from(b"h" * 48)))
        assert harness.identity.met_anew
        harness.identity.met_anew = False
        harness.identity.meet(p256.public_key(p256.private_from(b"h" * 48)))
        assert not harness.identity.met_anew, "the same gateway as before"


CASES = (
    the_first_is_signed_and_one_a_day,
    a_lost_answer_leaves_the_day_s_proof_owed,
    a_mac_that_nobody_answers_is_followed_by_the_signature,
    what_an_earlier_run_left_is_signed_and_counts_as_no_proof,
    a_bearer_too_narrow_for_a_signature_proves_nothing,
    without_a_gateway_s_key_everything_is_signed,
    a_sleep_keeps_it_and_a_start_or_another_gateway_does_not,
)

for case in CASES:
    asyncio.run(case())
    asyncio.new_event_loop()
    print("holds:", case.__name__)
