"""Decides which incident an event belongs to, and what it changes there. Pure: everything known is an argument.

The rules, each on the side of safety:

- A holder has at most one open incident. Whatever opened it, everything that follows joins it: further presses (also
  from a button that restarted and counts from a new opening), updates, a cancel.
- A frame names its incident by its key, the counter of the PRESS that opened it. A frame that arrives before that PRESS
  opens the incident: someone pressed.
- CANCEL closes nothing. Duress in any frame marks the incident, and opens one if there is none.
- A late UPDATE or CANCEL joins the closed incident that it names. But a new PRESS or CANCEL under duress that names a
  closed incident (the button has not heard that it was closed), and news of duress, open another incident, which takes
  the name over: the button goes on using it. Neither counters nor clocks make a press old: somebody else may have the
  key, and be ahead of both.
- A test never joins a real incident, nor the reverse. A test's incident is born closed.
- A counter already used by a different message does not reject a call. Whichever came first, both messages' incidents
  are marked, and so are all later ones of a button whose counters clashed or jumped: somebody else may have its key.
- The first press within a drill opens an exercise; what speaks against that is in domain/drill.py. Another press of its
  button, duress, or doubt about its counters makes it real, as does its own PRESS if that is found to be from before.
- A registration that is not active opens a held incident; a person dispatches it, or a further press does once the
  registration is active. Duress lets a suspended one through at once: whoever forces its holder pressed for no prank.

The same events in any order give the same incident, as long as nobody closes it in between.
"""

from __future__ import annotations

from siaga_gateway.domain.drill import is_exercise, made_real
from siaga_gateway.domain.event import Event
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Answered, Change, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.incident_outcome import EventContext, IncidentBasis, Mark, Outcome, TimelineEntry
from siaga_gateway.domain.position import best_known, better, distance_m, reported, same_fix, worth_telling
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.value import copied


def decide(event: Event, basis: IncidentBasis, known: EventContext) -> Outcome:
    """Decide where the event belongs and what it changes. `basis` is used only if it opens an incident."""
    if event.test:
        return _test(event, basis, known) if event.is_call else Outcome(Stage.RECEIVED)
    incident, late = _incident_for(event, known)
    if incident is not None:
        return _attach(event, basis, known, incident, late)
    if event.is_call or event.duress:
        return _open(event, basis, known)
    return Outcome(Stage.RECEIVED)


def _incident_for(event: Event, known: EventContext) -> tuple[Incident | None, bool]:
    """Return the incident that the event joins, if any, and whether it comes too late for it."""
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
    """Whether the event says something that whoever closed the incident cannot have known."""
    if event.duress and (event.kind is Kind.CANCEL or not closed.duress):
        return True
    return event.kind is Kind.PRESS


def _open(event: Event, basis: IncidentBasis, known: EventContext) -> Outcome:
    closed = known.keyed
    key = event.counter if event.key is None else event.key
    own = event.kind is Kind.PRESS and event.counter == key
    marks = [Mark(key, arrived=known.key_arrived or own)]
    presses = 1
    if event.counter != key and closed is not None:
        marks.append(Mark(event.counter, arrived=event.kind is Kind.PRESS))
    elif event.counter != key and event.kind is Kind.PRESS:
        presses = 2  # this one and the one that it names
    incident = _new_incident(event, basis, known, event.counter if closed is not None else key, presses)
    facts = {
        "counter": event.counter,
        "kind": event.kind.name.lower(),
        "trigger": event.report.trigger.name.lower(),
        "mode": incident.mode.value,
        "drill": incident.drill,
        "registration": incident.registration.value,
        "held": incident.held,
        "silent": incident.silent,
        "delayed_s": event.delayed_s,
        "claimed_s": event.claimed_s,
        "clock": event.clock.value,
        "has_position": incident.position is not None,
        "after": None if closed is None else closed.id,
    }
    happened = [TimelineEntry(Change.OPENED, facts)]
    if incident.duress:
        happened.append(TimelineEntry(Change.DURESS, {"counter": event.counter, "late": False}))
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


def _new_incident(
    event: Event, basis: IncidentBasis, known: EventContext, opening_counter: int, presses: int
) -> Incident:
    is_cancel = event.kind is Kind.CANCEL
    active = basis.registration is RegistrationState.ACTIVE
    position = _position_now(event, basis.device, known)
    held = not active and not event.test and not _let_through(event, basis)
    reported_now = active or not (held or event.test)
    named_before = known.keyed is not None and not event.test
    doubtful = known.counters_doubtful or named_before or presses > 1
    drill = basis.drill if active and not doubtful and not event.duress and not event.test else None
    return Incident(
        id=basis.id,
        identifier=basis.identifier,
        mode=Mode.TEST if event.test else basis.mode if drill is None else Mode.EXERCISE,
        state=IncidentState.CLOSED if event.test else IncidentState.OPEN,
        device_id=event.device_id,
        device_label=basis.device.label,
        registration=basis.registration,
        owner=basis.owner,
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
        held=held,
        battery=known.battery,
        closed_at_ms=event.received_ms if event.test else None,
        sequence=int(reported_now),
        last_press=event.counter if event.kind is Kind.PRESS else -1 if event.key is None else event.key,
        last_cancel=event.counter if is_cancel else None,
        told_place=_place(position) if reported_now else None,
        key_copied=known.counters_doubtful,
        drill=drill,
    )


def _attach(event: Event, basis: IncidentBasis, known: EventContext, incident: Incident, late: bool) -> Outcome:
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
        last_cancel = None  # a cancel with a counter from the future would stand for ever
    cancelled = last_cancel is not None and last_cancel > last_press
    active = basis.registration is RegistrationState.ACTIVE
    released = incident.held and not late and ((is_press and active) or _let_through(event, basis))
    if late:
        position = better(incident.position, reported(event.report, event.at_ms))
    else:
        position = _position_now(event, basis.device, known)
    if same_fix(incident.position, position):
        position = incident.position

    happened: list[TimelineEntry] = []
    told: list[Change] = []
    if position is not None and position is not incident.position:
        happened.append(_moved(event, incident.position, position, late))
        if worth_telling(incident.told_place, position):
            told.append(Change.POSITION)
    copied_key = known.counters_doubtful and not incident.key_copied
    if copied_key:
        happened.append(_copied(event.kind, event.counter, late))
        told.append(Change.KEY_COPIED)
    if is_press and (presses or released):
        facts = {
            "counter": event.counter,
            "presses": incident.presses + presses,
            "after_cancel": incident.cancelled_by_holder and not cancelled,
            "released": released,
        }
        happened.append(TimelineEntry(Change.PRESSED_AGAIN, facts))
        told.append(Change.PRESSED_AGAIN)
    if is_cancel:
        happened.append(_cancelled(event, late))
        if cancelled and not incident.cancelled_by_holder:
            told.append(Change.CANCELLED_BY_HOLDER)
    if event.duress and not incident.duress:
        happened.append(TimelineEntry(Change.DURESS, {"counter": event.counter, "late": late}))
        told.append(Change.DURESS)
    if released:
        told.append(Change.OPENED)
    real = None if late else _why_real(event, basis, known, incident, presses)
    if real is not None:
        happened.append(TimelineEntry(Change.MADE_REAL, {"counter": event.counter, "why": real}))
        told.append(Change.MADE_REAL)
    held = incident.held and not released
    if late or held:
        told.clear()

    after = copied(
        incident if real is None else made_real(incident, pressed=last_press > incident.last_press),
        opening_counter=opening,
        pressed_at_ms=event.happened_ms if is_press and event.counter == opening else incident.pressed_at_ms,
        position=position,
        presses=incident.presses + presses,
        silent=incident.silent or event.report.silent,
        duress=incident.duress or event.duress,
        cancelled_by_holder=cancelled,
        held=held,
        battery=incident.battery if late else known.battery,
        sequence=incident.sequence + bool(told),
        last_press=last_press,
        last_cancel=last_cancel,
        told_place=_place(position) if told else incident.told_place,
        key_copied=incident.key_copied or copied_key,
    )
    return Outcome(
        answer=_answer(after) if event.is_call else Stage.RECEIVED,
        incident=after,
        happened=tuple(happened),
        told=told[-1] if told else None,  # the last is the most serious; each shows the whole incident
        marks=marks,
    )


def _why_real(event: Event, basis: IncidentBasis, known: EventContext, incident: Incident, presses: int) -> str | None:
    """Return why an exercise becomes a call in earnest; None: it does not, or is none."""
    if not is_exercise(incident):
        return None
    if event.duress:
        return "duress"
    if presses:
        return "pressed_again"
    if known.counters_doubtful:
        return "key_copied"
    own = event.kind is Kind.PRESS and event.counter == incident.opening_counter
    return "not_planned" if own and basis.drill is None else None


def _marks(event: Event, known: EventContext, incident: Incident) -> tuple[tuple[Mark, ...], int]:
    """Return the marks that the event leaves on an incident, and how many presses were not counted before."""
    if event.key is None:
        return (), 0
    own = event.kind is Kind.PRESS and event.counter == event.key
    # Its own PRESS was counted at the opening; another one under the same counter is another call.
    presses = int(event.kind is Kind.PRESS and (not own or known.key_arrived))
    marks: tuple[Mark, ...] = ()
    if known.keyed is None:
        marks = (Mark(event.key, arrived=own),)
        presses += 1
    elif own and not known.key_arrived:
        marks = (Mark(event.key, arrived=True),)
    elif known.keyed.id != incident.id:  # names a closed incident, joins the open one, which takes the name over
        marks = (Mark(event.key, arrived=known.key_arrived),)
    return marks, presses


def contradict(incident: Incident, kind: Kind, counter: int) -> Outcome:
    """Apply to a call's incident that a different message, of this kind, arrived under the same counter."""
    if incident.key_copied:
        return Outcome(Stage.RECEIVED, incident)
    late = incident.state is IncidentState.CLOSED
    happened = (_copied(kind, counter, late),)
    if late or incident.held:
        return Outcome(Stage.RECEIVED, copied(incident, key_copied=True), happened=happened)
    after = copied(incident, key_copied=True, sequence=incident.sequence + 1, told_place=_place(incident.position))
    return Outcome(Stage.RECEIVED, after, happened=happened, told=Change.KEY_COPIED)


def _test(event: Event, basis: IncidentBasis, known: EventContext) -> Outcome:
    active = basis.registration is RegistrationState.ACTIVE
    answer = Stage.TEST if active else Stage.REFUSED
    key = event.counter if event.key is None else event.key
    arrived = event.kind is Kind.PRESS and event.counter == key
    if known.keyed is not None:
        marks = (Mark(key, arrived=True),) if arrived else ()
        return Outcome(answer, known.keyed, marks=marks)
    return Outcome(
        answer=answer,
        incident=_new_incident(event, basis, known, key, 1),
        opened=True,
        told=Change.OPENED if active else None,
        marks=(Mark(key, arrived=arrived),),
    )


def _let_through(event: Event, basis: IncidentBasis) -> bool:
    """Whether it is no longer a question of the registration."""
    return event.duress and basis.registration is RegistrationState.SUSPENDED


def _answer(incident: Incident) -> Stage:
    return Stage.REFUSED if incident.held else Stage.RECEIVED


def stage_of(incident: Incident) -> Stage:
    """Return the stage to show the holder for this incident, under the counters that opened it."""
    if incident.mode is Mode.TEST:
        return Stage.TEST if incident.registration is RegistrationState.ACTIVE else Stage.REFUSED
    stage = _answer(incident) if incident.state is IncidentState.OPEN else _STAGES[incident.state]
    if stage is Stage.REFUSED or incident.answered is None:
        return stage
    return max(stage, _ANSWERED[incident.answered])


_STAGES = {
    IncidentState.SEEN: Stage.SEEN,
    IncidentState.ASSIGNED: Stage.ASSIGNED,
    IncidentState.ON_SCENE: Stage.ON_SCENE,
    IncidentState.CLOSED: Stage.CLOSED,
}
# Whoever had accepted has seen it; that he comes is true no more.
_ANSWERED = {
    Answered.COMING: Stage.ASSIGNED,
    Answered.ON_SCENE: Stage.ON_SCENE,
    Answered.WITHDRAWN: Stage.SEEN,
}


def _position_now(event: Event, device: Device, known: EventContext) -> Position | None:
    installed = None
    if device.installed_latitude is not None and device.installed_longitude is not None:
        installed = (device.installed_latitude, device.installed_longitude)
    return best_known(known.last_position, installed, event.at_ms)


def _place(position: Position | None) -> tuple[int, int, int | None] | None:
    return None if position is None else (position.latitude, position.longitude, position.accuracy_m)


def _moved(event: Event, before: Position | None, after: Position, late: bool) -> TimelineEntry:
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
    return TimelineEntry(Change.POSITION, facts)


def _copied(kind: Kind, counter: int, late: bool) -> TimelineEntry:
    return TimelineEntry(Change.KEY_COPIED, {"counter": counter, "kind": kind.name.lower(), "late": late})


def _cancelled(event: Event, late: bool) -> TimelineEntry:
    return TimelineEntry(Change.CANCELLED_BY_HOLDER, {"counter": event.counter, "duress": event.duress, "late": late})
