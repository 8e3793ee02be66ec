"""People's own links, and what is done by them: a link nobody used ends soon, and only a proven way gets one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import DISTRICT
from gateway.dispatch.listed_responders import NIGHT, NOW_MS, WATI, chat
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import store_path
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.shifts import DutyState, Shift
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_link_messages import EACH_MS, DutyLinkMessages
from siaga_gateway.service.dispatch.duty_links import IDLE_MS, MOST, UNUSED_MS, DutyLinks, OpenedDuty, open_duty
from siaga_gateway.service.dispatch.duty_page import DutyPage
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.responder_positions import Outcome, PositionIntake
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.way_traffic import WayTraffic, outcome_of
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import NotDelivered, ResponderRefused

WIB = ZoneInfo("Asia/Jakarta")
BASE = "https://petugas.example"
HOUR_MS = 3_600_000
BUDI = Responder(
    "budi",
    ResponderKind.OFFICER,
    "Contoh Budi",
    "polsek-ne",
    ways=(ProvenWay(chat(1), NOW_MS, NOW_MS), ProvenWay(Contact(ContactWay.SMS, "+6281200000001"))),
)


class Office:
    """A store with Budi, who has no shift, and Wati, who has no way; and all that a link of theirs leads to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = sample_store.new_store(folder)
        with self.store.transaction() as transaction:
            transaction.put_stations(DISTRICT)
            transaction.put_responders([BUDI, WATI])
        self.clock = ManualClock(NOW_MS)
        self.duty = Duty(self.store, WIB)
        self.links = DutyLinks(self.store, BASE + "/", self.clock)
        bell = JournalNotifier()
        self.asked: list[str] = []
        self.questions = WayQuestions(self.store, self.clock, self.duty, code=lambda: "246810")
        intake = PositionIntake(self.store, self.clock, bell, self.duty)
        self.page = DutyPage(
            self.store, self.clock, bell, WIB, self.links, self.questions, intake, self.asked.append
        )  # fmt: skip

    def link(self, key: str = "budi") -> str:
        """A token that was never used."""
        return self.links.make(key).removeprefix(f"{BASE}/me/")

    def opened(self, token: str) -> OpenedDuty | None:
        return open_duty(self.store, self.duty, token, self.clock.now_ms())

    def told(self, kind: str) -> list[dict[str, object]]:
        return [dict(one.facts) for one in self.store.journal_after(0) if one.kind == kind]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_a_link_leads_to_its_person_and_its_token_is_nowhere_in_the_store(office: Office) -> None:
    token = office.link()
    assert len(token) >= 22, "128 bits"
    opened = office.opened(token)
    assert opened is not None and opened.responder == BUDI
    assert office.told(journal.DUTY_LINK_MADE) == [{"responder": "budi"}]
    with pytest.raises(ResponderError, match="Did you mean budi"):
        office.links.make("budy")
    office.store.close()
    assert token.encode() not in store_path(office.folder).read_bytes()


@pytest.mark.parametrize("token", ["", "x", "0" * 22, "../../../../etc/passwd", "A" * 10_000])
def test_any_other_token_leads_nowhere_and_does_nothing(office: Office, token: str) -> None:
    office.link()
    assert office.opened(token) is None
    with pytest.raises(ResponderRefused, match="nowhere"):
        office.page.declare(token, "on_duty")
    assert not office.store.declared()


def test_one_that_nobody_used_ends_after_a_day_and_a_used_one_when_it_lies_for_half_a_year(office: Office) -> None:
    unused, used = office.link(), office.link()
    office.page.declare(used, "on_duty")
    office.clock.at_ms += UNUSED_MS
    assert office.opened(unused) is None and office.opened(used) is not None
    with pytest.raises(ResponderRefused):
        office.page.declare(unused, "off")
    office.clock.at_ms += IDLE_MS - UNUSED_MS - 1
    assert office.opened(used) is not None
    office.page.declare(used, "shifts")
    office.clock.at_ms += IDLE_MS - 1
    assert office.opened(used) is not None, "counted from the last use"
    office.clock.at_ms += 1
    assert office.opened(used) is None


def test_whoever_asks_for_many_pushes_out_none_that_is_used(office: Office) -> None:
    used = office.link()
    office.page.declare(used, "on_duty")
    made = []
    for _ in range(MOST + 2):
        office.clock.at_ms += 1_000
        made.append(office.link())
    good = [token for token in made if office.opened(token) is not None]
    assert good == made[-MOST + 1 :] and office.opened(used) is not None


def test_a_lost_phone_is_cut_off_by_a_new_link(office: Office) -> None:
    lost, other = office.link(), office.link()
    fresh = office.page.renew(other)
    assert [office.opened(each) is not None for each in (lost, other, fresh)] == [False, False, True]
    assert office.told(journal.DUTY_LINKS_VOIDED) == [{"responder": "budi"}]
    office.clock.at_ms += UNUSED_MS
    assert office.opened(fresh) is not None, "it counts as used"


def test_a_new_link_takes_the_browsers_with_it_that_somebody_can_have_added_by_the_old_one(office: Office) -> None:
    browser = ProvenWay(Contact(ContactWay.PUSH, '{"endpoint": "https://push.example/thief"}'), NOW_MS)
    with office.store.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([copied(BUDI, ways=(browser, *BUDI.ways))])
    push, telegram = Service(ContactWay.PUSH), Service(ContactWay.TELEGRAM)
    sending = messages(office, [push, telegram])
    sending.ask("budi")
    sending.work()
    assert (len(push.sent), len(telegram.sent)) == (0, 1), "a browser gets no link where there is another way"
    office.page.renew(office.link())
    budi = office.duty.responder("budi")
    assert budi is not None and budi.ways == BUDI.ways
    assert office.told(journal.WAY_REMOVED) == [{"responder": "budi", "way": "push"}]


def test_who_is_reached_by_browsers_alone_gets_his_link_on_the_one_that_he_has_had_the_longest(office: Office) -> None:
    ways = [Contact(ContactWay.PUSH, f'{{"endpoint": "https://push.example/{name}"}}') for name in ("new", "old")]
    with office.store.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([copied(BUDI, ways=tuple(ProvenWay(each, NOW_MS) for each in ways))])
    push = Service(ContactWay.PUSH)
    sending = messages(office, [push])
    sending.ask("budi")
    sending.work()
    assert [address for address, _ in push.sent] == [ways[1].address]


def test_whoever_leaves_the_list_is_cut_and_another_with_the_key_has_none_of_his_links(office: Office) -> None:
    token = office.link()
    with office.store.transaction() as transaction:
        transaction.remove_responders(["budi"])
    assert office.opened(token) is None
    with pytest.raises(ResponderRefused):
        office.page.share(token, 1, 1, 5, 0)
    with office.store.transaction() as transaction:
        transaction.put_responders([BUDI])
    assert office.opened(token) is None


def test_what_he_says_holds_until_the_time_that_he_names(office: Office) -> None:
    token = office.link()
    office.page.declare(token, "available", "02:30")  # it is 00:20
    opened = office.opened(token)
    assert opened is not None
    assert (opened.standing.duty, opened.standing.until_ms) == (DutyState.AVAILABLE, NOW_MS + 130 * 60_000)
    assert opened.may_share
    office.page.declare(token, "on_duty", "")
    assert office.store.declared()["budi"].until_ms == NOW_MS + 12 * HOUR_MS
    office.page.declare(token, "shifts")
    opened = office.opened(token)
    assert opened is not None and not opened.standing.declared and not opened.may_share
    assert [each["duty"] for each in office.told(journal.DUTY_DECLARED)] == ["available", "on_duty", None]
    for said, until, why in (
        ("asleep", "", "one of on_duty"),
        ("available", "25:00", "no time of day"),
        ("off", "x", "x"),
    ):
        with pytest.raises(ResponderRefused, match=why):
            office.page.declare(token, said, until)


def test_the_end_of_duty_takes_no_later_shift_away(office: Office) -> None:
    with office.store.transaction() as transaction:
        transaction.change_responders()
        transaction.set_shifts("budi", [Shift("budi", DutyState.ON_DUTY, NIGHT.hours)])  # 22:00-06:00, and it is 00:20
    token = office.link()
    office.page.declare(token, "off")
    opened = office.opened(token)
    assert opened is not None and opened.standing.duty is DutyState.OFF
    assert [(begin - NOW_MS) // 60_000 for begin, _ in opened.shifts[:2]] == [-140, 22 * 60 - 20]
    office.clock.at_ms += 6 * HOUR_MS  # 06:20: he helped out, and goes home
    office.page.declare(token, "on_duty")
    office.page.declare(token, "off")
    office.clock.at_ms += 16 * HOUR_MS  # 22:20
    opened = office.opened(token)
    assert opened is not None and opened.standing.duty is DutyState.ON_DUTY


def test_the_code_of_a_way_proves_it_and_a_wrong_one_says_so(office: Office) -> None:
    token = office.link()
    with pytest.raises(ResponderRefused, match="no code waits"):
        office.page.answer(token, "246810")
    office.questions.ask(frozenset({ContactWay.SMS}))
    with pytest.raises(ResponderRefused, match="not the code"):
        office.page.answer(token, "111111")
    office.page.answer(token, " 246-810 ")
    opened = office.opened(token)
    assert opened is not None and [each.proven for each in opened.responder.ways] == [True, True]


def test_a_position_is_kept_on_duty_and_off_duty_never(office: Office) -> None:
    token = office.link()
    sea = (-60_000_000, 1_030_000_000)
    assert office.page.share(token, *sea, 12, 500) == Outcome.OFF_DUTY
    assert not office.store.positions_of(["budi"])
    office.page.declare(token, "on_duty")
    office.clock.at_ms += 60_000
    assert office.page.share(token, *sea, 12, 1_000) == Outcome.TAKEN
    kept = office.store.positions_of(["budi"])["budi"]
    assert (kept.place, kept.accuracy_m, kept.fix_ms) == (sea, 12, NOW_MS + 59_000)
    for wrong in ((10**10, 0), (0, 2 * 10**9), ("0", 0)):
        with pytest.raises(ResponderRefused, match="no position"):
            office.page.share(token, *wrong, 12, 0)  # type: ignore[arg-type]


# Sending links


class Service:
    """A way that keeps what it was given, and answers what it is told to."""

    at_once, repeats_recognised, budget = 1, False, Budget()

    def __init__(self, kind: ContactWay) -> None:
        self.kind = kind
        self.name = f"contoh-{kind}"
        self.sent: list[tuple[str, PersonalMessage]] = []
        self.answers: list[HandedOver | NotDelivered] = []

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        self.sent.append((address, message))
        return self.answers.pop(0) if self.answers else HandedOver("taken")

    def close(self) -> None: ...


def messages(office: Office, ways: list[Service]) -> DutyLinkMessages:
    return DutyLinkMessages(office.links, office.duty, ways, office.clock, LocalTime(WIB))


def test_a_link_goes_to_a_proven_way_once_in_ten_minutes_and_nowhere_else(office: Office) -> None:
    telegram, sms = Service(ContactWay.TELEGRAM), Service(ContactWay.SMS)
    sending = messages(office, [sms, telegram])
    for key in (*(f"guess-{number}" for number in range(200)), "budi", "budi", "nobody", "wati"):
        sending.ask(key)
    for _ in range(4):
        sending.work()
    assert [address for address, _ in telegram.sent] == [chat(1).address] and sms.sent == []
    ((_, message),) = telegram.sent
    assert message.url is not None and not message.urgent and "Budi" not in message.title + message.text
    assert office.opened(message.url.removeprefix(f"{BASE}/me/")) is not None
    office.clock.at_ms += EACH_MS - 1
    sending.ask("budi")
    sending.work()
    assert len(telegram.sent) == 1
    office.clock.at_ms += 1
    sending.ask("budi")
    sending.work()
    assert len(telegram.sent) == 2
    assert len(office.told(journal.DUTY_LINK_MADE)) == 2, "none was made for who can be sent none"


def test_it_waits_while_calls_for_help_wait_and_takes_the_next_way_when_one_fails(office: Office) -> None:
    both = copied(BUDI, ways=(*BUDI.ways[:1], ProvenWay(Contact(ContactWay.SMS, "+6281200000001"), NOW_MS)))
    with office.store.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([both])
    telegram, sms = Service(ContactWay.TELEGRAM), Service(ContactWay.SMS)
    telegram.answers.append(NotDelivered("blocked", permanent=True))
    busy = [True]
    sending = DutyLinkMessages(
        office.links, office.duty, [telegram, sms], office.clock, LocalTime(WIB), lambda: busy[0]
    )  # fmt: skip
    sending.ask("budi")
    sending.work()
    assert telegram.sent == []
    busy[0] = False
    sending.work()
    assert (len(telegram.sent), len(sms.sent)) == (1, 1)
    assert telegram.sent[0][1].url == sms.sent[0][1].url, "one link"


def test_nobody_is_rung_for_a_link_and_it_goes_on_a_way_that_shows_it(office: Office) -> None:
    by_phone = ProvenWay(Contact(ContactWay.PHONE, "+6281200000001"), NOW_MS)
    with office.store.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([copied(BUDI, ways=(by_phone, *BUDI.ways))])
    phone, telegram = Service(ContactWay.PHONE), Service(ContactWay.TELEGRAM)
    sending = messages(office, [phone, telegram])
    sending.ask("budi")
    sending.work()
    assert (len(phone.sent), len(telegram.sent)) == (0, 1)


def test_a_link_that_no_way_took_is_tried_again_and_asked_for_again(office: Office) -> None:
    telegram = Service(ContactWay.TELEGRAM)
    telegram.answers += [NotDelivered("down")] * 5
    sending = messages(office, [telegram])
    sending.ask("budi")
    sending.work()
    sending.work()
    assert len(telegram.sent) == 1, "not at once"
    for tries in range(2, 6):
        office.clock.at_ms += 60_000
        sending.work()
        assert len(telegram.sent) == tries
    office.clock.at_ms += 60_000
    sending.work()
    assert len(telegram.sent) == 5, "given up"
    sending.ask("budi")
    sending.work()
    assert len(telegram.sent) == 6


def test_links_share_what_a_service_takes_with_the_calls_for_help(office: Office) -> None:
    telegram = Service(ContactWay.TELEGRAM)
    traffic, spent = WayTraffic(Budget()), NotDelivered("quota", exhausted=True)
    traffic.ended("responder:wati", round(time.monotonic() * 1000), outcome_of(spent))
    sending = DutyLinkMessages(
        office.links, office.duty, [telegram], office.clock, LocalTime(WIB), traffic={telegram.name: traffic}
    )
    sending.ask("budi")
    sending.work()
    assert telegram.sent == []
