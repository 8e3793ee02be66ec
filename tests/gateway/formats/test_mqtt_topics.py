"""What a broker's subscribers are told, as messages."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given

from gateway.outputs.manual_samples import BACK, TROUBLE
from gateway.outputs.sample_incidents import NOTICES, closed, later, opened
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Change, Disposition, IncidentState, Mode, Notice
from siaga_gateway.domain.value import copied
from siaga_gateway.formats import cloudevent
from siaga_gateway.formats.mqtt_topics import Topics, check_prefix, messages, trouble

TOPICS = Topics("siaga/out/polda", True, 3_600, "https://console.example", "en")
SCHEMA = jsonschema.Draft202012Validator(dict(cloudevent.schema()))


def test_a_change_is_an_event_and_a_retained_state() -> None:
    event, state = messages(later(Change.ASSIGNED, state=IncidentState.ASSIGNED), "k-3", TOPICS)
    assert (event.topic, event.retained, event.expires_s) == (
        "siaga/out/polda/events/siaga.lampung-17.k7q2",
        False,
        None,
    )
    assert json.loads(event.body)["id"] == "k-3" and event.content_type == "application/cloudevents+json"
    assert (state.topic, state.retained, state.expires_s) == (
        "siaga/out/polda/incidents/siaga.lampung-17.k7q2",
        True,
        None,
    )
    told = json.loads(state.body)
    assert told == json.loads(event.body)["data"] and told["incident"]["link"] == "https://console.example/#17"


def test_a_closed_incident_stays_for_a_while_or_goes_at_once() -> None:
    _, state = messages(closed(Disposition.VERIFIED), "k", TOPICS)
    assert json.loads(state.body)["incident"]["state"] == "closed" and state.expires_s == 3_600
    _, state = messages(closed(Disposition.VERIFIED), "k", copied(TOPICS, keep_closed_s=0))
    assert (state.body, state.retained, state.expires_s) == (b"", True, None)


def test_a_trial_and_an_output_without_states_leave_nothing_behind() -> None:
    assert len(messages(opened(mode=Mode.TEST), "k", TOPICS)) == 1
    assert len(messages(opened(), "k", copied(TOPICS, states=False))) == 1
    assert len(messages(opened(mode=Mode.EXERCISE), "k", TOPICS)) == 2


def test_trouble_stays_while_it_lasts() -> None:
    (told,) = trouble(TROUBLE, "t-1", TOPICS)
    assert told.topic == "siaga/out/polda/trouble" and told.retained
    assert json.loads(told.body)["data"]["headline"] == "Siaga gateway siaga.lampung: its store is damaged"
    back, cleared = trouble(BACK, "t-3", TOPICS)
    assert json.loads(back.body)["data"]["state"] == "back"
    assert (cleared.topic, cleared.body, cleared.retained) == (told.topic, b"", True)


@given(NOTICES)
def test_any_notice_keeps_the_schema_and_the_same_bytes(notice: Notice) -> None:
    said = messages(notice, "k", TOPICS)
    assert said == messages(notice, "k", TOPICS)
    for message in said[1:]:
        SCHEMA.validate(json.loads(message.body))
    assert not any(mark in message.topic for message in said for mark in "+#\0")


@pytest.mark.parametrize("prefix", ["siaga", "siaga/out/polda.lampung", "a b/c", "x" * 200])
def test_prefixes(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["", "/a", "a/", "a//b", "a/+/b", "#", "$SYS/x", "a\n", "a\0", "x" * 201])
def test_what_is_no_prefix(prefix: str) -> None:
    with pytest.raises(SettingError, match="must be names with / between"):
        check_prefix(prefix)
