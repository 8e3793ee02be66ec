"""Which incident an event belongs to, and what it changes there. Pure: everything known is an argument.

The rules, each on the side of safety:

- A holder has at most one open incident. Whatever opens it, everything that follows belongs to it: further presses
  (also of a button that restarted and counts from a new opening), updates, a cancel.
- A frame names its incident by the counter of the PRESS that opened it, its key. A frame that arrives before that
  PRESS opens the incident: someone pressed.
- CANCEL closes nothing. Duress in any frame marks the incident, and opens one where there is none.
- A late UPDATE or CANCEL joins the closed incident that it names. But a PRESS or forced CANCEL that was not seen, under
  the name of a closed incident (the button has not heard of the closing), and news of duress open another, which takes
  the name over: the button goes on using it. Neither counters nor clocks make a press old: somebody else may have the
  key, and be ahead of both.
- A test never joins an incident in earnest, nor the other way round. A test's incident is closed from its birth.
- A counter that another message has used keeps no call out. Whichever came first, the incidents of both are marked, and
  so are all later ones of a button whose counters clashed or jumped: somebody else may have its key.
- A registration that is not active opens a held incident, which a person dispatches, or a further press once the
  registration is active.

The same events in any order give the same incident, as long as nobody closes it in between.
"""

from __future__ import annotations

from dataclasses import replace

from siaga_gateway.domain.event import Event
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.outcome import Birth, Happening, Known, Mark, Outcome
from siaga_gateway.domain.position import best_known, better, distance_m, reported, same_fix, worth_telling
from siaga_gateway.domain.registry import Device, RegistrationState


def decide(event: Event, birth: Birth, known: Known) -> Outcome:
    """Where the event belongs and what it changes. `birth` is used only if it opens an incident."""
    if event.test:
        return _test(event, birth, known) if event.is_call else Outcome(Stage.RECEIVED)
    incident, late = _home(event, known)
    if incident is not None:
        return _attach(event, birth, known, incident, late)
    if event.is_call or event.duress:
        return _open(event, birth, known)
    return Outcome(Stage.RECEIVED)


def _home(event: Event, known: Known) -> tuple[Incident | None, bool]:
    """The incident that the event joins, if any, and whether it comes too late for it."""
    keyed = known.keyed
    if keyed is None:
        return known.open, False
    if keyed.state is not IncidentState.CLOSED:
        return keyed, False
    before_open = known.open is None or event.counter < known.open.opening_counter
    if before_open and not _is_news(event, keyed):
        return keyed, True
    return known.open, False


def _is_news(event: Event, closed: Incident) -> bool:
    """Whether the event says what whoever closed the incident could not have meant to close."""
    if event.duress and (event.kind is Kind.CANCEL or not closed.duress):
        return True
    return event.kind is Kind.PRESS


def _open(event: Event, birth: Birth, known: Known) -> Outcome:
    closed = known.keyed
    key = event.counter if event.key is None else event.key
    own = event.kind is Kind.PRESS and event.counter == key
    marks = [Mark(key, arrived=known.key_arrived or own)]
    presses = 1
    if event.counter != key and closed is not None:
        marks.append(Mark(event.counter, arrived=event.kind is Kind.PRESS))
    elif event.counter != key and event.kind is Kind.PRESS:
        presses = 2  # this one, and the one that it names
    incident = _born(event, birth, known, event.counter if closed is not None else key, presses)
    facts = {
        "counter": event.counter,
        "kind": event.kind.name.lower(),
        "trigger": event.report.trigger.name.lower(),
        "mode": incident.mode.value,
        "registration": incident.registration.value,
        "held": incident.held,
        "silent": incident.silent,
        "delayed_s": event.delayed_s,
        "claimed_s": event.claimed_s,
        "clock": event.clock.value,
        "has_position": incident.position is not None,
        "after": None if closed is None else closed.id,
    }
    happened = [Happening(Change.OPENED, facts)]
    if incident.duress:
        happened.append(Happening(Change.DURESS, {"counter": event.counter, "late": False}))
    if incident.cancelled_by_holder:
        happened.append(_cancelled(event, late=False))
    if incident.key_copied:
        happened.append(_copied(event.kind, event.counter, late=False))
    return Outcome(
        answer=_answer(incident) if event.is_call else Stage.RECEIVED,
        incident=incident,
        opened=True,
        happened=tuple(happened),
        told=None if incident.held else Change.OPENED,
        marks=tuple(marks),
    )


def _born(event: Event, birth: Birth, known: Known, opening_counter: int, presses: int) -> Incident:
    is_cancel = event.kind is Kind.CANCEL
    active = birth.registration is RegistrationState.ACTIVE
    position = _position_now(event, birth.device, known)
    return Incident(
        id=birth.id,
        identifier=birth.identifier,
        mode=Mode.TEST if event.test else birth.mode,
        state=IncidentState.CLOSED if event.test else IncidentState.OPEN,
        device_id=event.device_id,
        device_label=birth.device.label,
        registration=birth.registration,
        owner=birth.owner,
        opening_counter=opening_counter,
        opened_at_ms=event.received_ms,
        pressed_at_ms=event.happened_ms,
        delayed_s=event.delayed_s,
        claimed_s=event.claimed_s,
        position=position,
        presses=presses,
        silent=event.report.silent,
        duress=event.duress,
        cancelled_by_holder=is_cancel,
        held=not active and not event.test,
        battery=known.battery,
        closed_at_ms=event.received_ms if event.test else None,
        sequence=int(active),
        last_press=event.counter if event.kind is Kind.PRESS else -1 if event.key is None else event.key,
        last_cancel=event.counter if is_cancel else None,
        told_place=_place(position) if active else None,
        key_copied=known.counters_doubtful,
    )


def _attach(event: Event, birth: Birth, known: Known, incident: Incident, late: bool) -> Outcome:
    is_press, is_cancel = event.kind is Kind.PRESS, event.kind is Kind.CANCEL
    marks, presses = _marks(event, known, incident)
    opening, last_press, last_cancel = incident.opening_counter, incident.last_press, incident.last_cancel
    if is_press:
        last_press = max(last_press, event.counter)
    if known.keyed is None and event.key is not None:
        opening, last_press = min(opening, event.key), max(last_press, event.key)
    if is_cancel:
        last_cancel = max(event.counter, -1 if last_cancel is None else last_cancel)
    if is_press and known.counters_doubtful:
        last_cancel = None  # a cancel from the future would stand for ever
    cancelled = last_cancel is not None and last_cancel > last_press
    released = incident.held and is_press and birth.registration is RegistrationState.ACTIVE
    if late:
        position = better(incident.position, reported(event.report, event.at_ms))
    else:
        position = _position_now(event, birth.device, known)
    if same_fix(incident.position, position):
        position = incident.position

    happened: list[Happening] = []
    told: list[Change] = []
    if position is not None and position is not incident.position:
        happened.append(_moved(event, incident.position, position, late))
        if worth_telling(incident.told_place, position):
            told.append(Change.POSITION)
    copied = known.counters_doubtful and not incident.key_copied
    if copied:
        happened.append(_copied(event.kind, event.counter, late))
        told.append(Change.KEY_COPIED)
    if is_press and (presses or released):
        facts = {
            "counter": event.counter,
            "presses": incident.presses + presses,
            "after_cancel": incident.cancelled_by_holder and not cancelled,
            "released": released,
        }
        happened.append(Happening(Change.PRESSED_AGAIN, facts))
        told.append(Change.PRESSED_AGAIN)
    if is_cancel:
        happened.append(_cancelled(event, late))
        if cancelled and not incident.cancelled_by_holder:
            told.append(Change.CANCELLED_BY_HOLDER)
    if event.duress and not incident.duress:
        happened.append(Happening(Change.DURESS, {"counter": event.counter, "late": late}))
        told.append(Change.DURESS)
    if released:
        told.append(Change.OPENED)
    held = incident.held and not released
    if late or held:
        told.clear()

    # In full: `replace` asks for the fields of the class first, at five times the cost, for every press.
    after = Incident(
        id=incident.id,
        identifier=incident.identifier,
        mode=incident.mode,
        state=incident.state,
        device_id=incident.device_id,
        device_label=incident.device_label,
        registration=incident.registration,
        owner=incident.owner,
        opening_counter=opening,
        opened_at_ms=incident.opened_at_ms,
        pressed_at_ms=event.happened_ms if is_press and event.counter == opening else incident.pressed_at_ms,
        delayed_s=incident.delayed_s,
        claimed_s=incident.claimed_s,
        position=position,
        presses=incident.presses + presses,
        silent=incident.silent or event.report.silent,
        duress=incident.duress or event.duress,
        cancelled_by_holder=cancelled,
        held=held,
        battery=incident.battery if late else known.battery,
        seen_by=incident.seen_by,
        seen_at_ms=incident.seen_at_ms,
        unit=incident.unit,
        eta_minutes=incident.eta_minutes,
        closed_by=incident.closed_by,
        closed_at_ms=incident.closed_at_ms,
        disposition=incident.disposition,
        note=incident.note,
        sequence=incident.sequence + bool(told),
        last_press=last_press,
        last_cancel=last_cancel,
        told_place=_place(position) if told else incident.told_place,
        key_copied=incident.key_copied or copied,
    )
    return Outcome(
        answer=_answer(after) if event.is_call else Stage.RECEIVED,
        incident=after,
        happened=tuple(happened),
        told=told[-1] if told else None,  # the last is the weightiest, and each shows the whole incident
        marks=marks,
    )


def _marks(event: Event, known: Known, incident: Incident) -> tuple[tuple[Mark, ...], int]:
    """The marks that the event leaves on an incident, and how many presses were not counted before."""
    if event.key is None:
        return (), 0
    own = event.kind is Kind.PRESS and event.counter == event.key
    # Its own PRESS counts where it opens; one more under the same counter is another call.
    presses = int(event.kind is Kind.PRESS and (not own or known.key_arrived))
    marks: tuple[Mark, ...] = ()
    if known.keyed is None:
        marks = (Mark(event.key, arrived=own),)
        presses += 1
    elif own and not known.key_arrived:
        marks = (Mark(event.key, arrived=True),)
    elif known.keyed.id != incident.id:  # named after a closed incident, joins the open one, which takes the name over
        marks = (Mark(event.key, arrived=known.key_arrived),)
    return marks, presses


def contradict(incident: Incident, kind: Kind, counter: int) -> Outcome:
    """What it does to the incident of a call that another message, of this kind, comes under the same counter."""
    if incident.key_copied:
        return Outcome(Stage.RECEIVED, incident)
    late = incident.state is IncidentState.CLOSED
    happened = (_copied(kind, counter, late),)
    if late or incident.held:
        return Outcome(Stage.RECEIVED, replace(incident, key_copied=True), happened=happened)
    after = replace(incident, key_copied=True, sequence=incident.sequence + 1, told_place=_place(incident.position))
    return Outcome(Stage.RECEIVED, after, happened=happened, told=Change.KEY_COPIED)


def _test(event: Event, birth: Birth, known: Known) -> Outcome:
    active = birth.registration is RegistrationState.ACTIVE
    answer = Stage.TEST if active else Stage.REFUSED
    key = event.counter if event.key is None else event.key
    arrived = event.kind is Kind.PRESS and event.counter == key
    if known.keyed is not None:
        marks = (Mark(key, arrived=True),) if arrived else ()
        return Outcome(answer, known.keyed, marks=marks)
    return Outcome(
        answer=answer,
        incident=_born(event, birth, known, key, 1),
        opened=True,
        told=Change.OPENED if active else None,
        marks=(Mark(key, arrived=arrived),),
    )


def _answer(incident: Incident) -> Stage:
    return Stage.REFUSED if incident.held else Stage.RECEIVED


def stage_of(incident: Incident) -> Stage:
    """The stage that the holder may be shown for this incident, under the counters that opened it."""
    if incident.mode is Mode.TEST:
        return Stage.TEST if incident.registration is RegistrationState.ACTIVE else Stage.REFUSED
    if incident.state is IncidentState.OPEN:
        return _answer(incident)
    return _STAGES[incident.state]


_STAGES = {
    IncidentState.SEEN: Stage.SEEN,
    IncidentState.ASSIGNED: Stage.ASSIGNED,
    IncidentState.ON_SCENE: Stage.ON_SCENE,
    IncidentState.CLOSED: Stage.CLOSED,
}


def _position_now(event: Event, device: Device, known: Known) -> Position | None:
    installed = None
    if device.installed_latitude is not None and device.installed_longitude is not None:
        installed = (device.installed_latitude, device.installed_longitude)
    return best_known(known.last_position, installed, event.at_ms)


def _place(position: Position | None) -> tuple[int, int, int | None] | None:
    return None if position is None else (position.latitude, position.longitude, position.accuracy_m)


def _moved(event: Event, before: Position | None, after: Position, late: bool) -> Happening:
    facts = {
        "counter": event.counter,
        "source": after.source,
        "accuracy_m": after.accuracy_m,
        "fix_age_s": after.fix_age_s,
        "moved_m": None
        if before is None
        else distance_m((before.latitude, before.longitude), (after.latitude, after.longitude)),
        "late": late,
    }
    return Happening(Change.POSITION, facts)


def _copied(kind: Kind, counter: int, late: bool) -> Happening:
    return Happening(Change.KEY_COPIED, {"counter": counter, "kind": kind.name.lower(), "late": late})


def _cancelled(event: Event, late: bool) -> Happening:
    return Happening(Change.CANCELLED_BY_HOLDER, {"counter": event.counter, "duress": event.duress, "late": late})
