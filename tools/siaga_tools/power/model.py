"""How long the cell lasts: what each consumer draws from it on average, and what prevents the target.

Pure arithmetic. Every current is calculated at the cell: a load on the converter's rail draws
rail_v / (cell_v x efficiency) times as much from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from siaga_tools.power.figures import CASES, Board, Case, PowerFigures, Profile

_HOUR_S: Final = 3600.0
_DAY_S: Final = 86400.0
_YEAR_S: Final = 365.25 * _DAY_S
_MONTH_S: Final = _YEAR_S / 12
# The keys of `power.consumer` in the catalogue.
CONSUMERS: Final = (
    "board",
    "processor",
    "modem",
    "lora",
    "checkins",
    "keepalive",
    "fixes",
    "incidents",
    "self_discharge",
)


@dataclass(frozen=True)
class Usage:
    """How a button is used.

    capacity_mah: as printed on the cell
    lora: an RAK3172 is fitted; check-ins of `deep` then go by LoRaWAN
    incident_minutes: minutes of incident in a year
    fixes_per_day: satellite fixes beside those of an incident, None = one a check-in
    keepalive_s: seconds between the pings of a sleeping modem that keeps its MQTT connection; 0 = it keeps none, and
        reconnects for each check-in and press; None = as in the profile
    """

    capacity_mah: float = 3000.0
    lora: bool = False
    incident_minutes: float = 30.0
    fixes_per_day: float | None = None
    keepalive_s: float | None = None


@dataclass(frozen=True)
class Budget:
    """The average draw from the cell, in mA, by consumer; and the available charge, in mAh."""

    taken_ma: Mapping[str, float]
    usable_mah: float

    @property
    def total_ma(self) -> float:
        return sum(self.taken_ma.values())

    @property
    def hours(self) -> float:
        return self.usable_mah / self.total_ma

    @property
    def days(self) -> float:
        return self.hours / 24

    def share(self, consumer: str) -> float:
        """Return the consumer's share, 0 to 1."""
        return self.taken_ma[consumer] / self.total_ma


@dataclass(frozen=True)
class UnknownFigure:
    """A figure that no document gives, and the life with only it at its best and at its worst, in hours."""

    figure: str
    best_hours: float
    worst_hours: float

    @property
    def spread(self) -> float:
        return abs(self.best_hours - self.worst_hours)


@dataclass(frozen=True)
class Obstacle:
    """What prevents the target, typical case.

    allowed_ma: the average draw that would meet the target
    missing_ma: the excess, 0 = target met
    needed_mah: the printed capacity that would meet it; None = none, self-discharge alone is too much
    alone: consumers that on their own exceed what the target allows
    """

    target_days: int
    allowed_ma: float
    missing_ma: float
    needed_mah: float | None
    alone: tuple[str, ...]


@dataclass(frozen=True)
class BatteryLife:
    """The answer for one board and profile."""

    board: str
    profile: str
    use: Usage
    budgets: Mapping[Case, Budget]
    unknowns: tuple[UnknownFigure, ...]  # the one with the largest effect first
    hindrance: Obstacle | None
    used: tuple[str, ...] = field(default=())  # names of the figures it is based on

    def hours(self, case: Case) -> float:
        return self.budgets[case].hours

    def days(self, case: Case) -> float:
        return self.budgets[case].days


def life(book: PowerFigures, board: str, profile: str, use: Usage | None = None) -> BatteryLife:
    """Calculate the life. Raises KeyError for an unknown board, or a profile that it lacks."""
    use = use or Usage()
    if profile not in book.boards[board].profiles:
        raise KeyError(profile)
    used: set[str] = set()

    def budget(choose: Callable[[str], Case]) -> Budget:
        def figure(name: str) -> float:
            used.add(name)
            return book.figures[name].at(choose(name))

        return _budget(board, book.boards[board], book.profiles[profile], use, figure)

    budgets = {case: budget(lambda _, case=case: case) for case in CASES}  # type: ignore[misc]
    names = tuple(sorted(used))
    unknowns = [
        UnknownFigure(
            name,
            budget(lambda other, name=name: "best" if other == name else "typical").hours,  # type: ignore[misc]
            budget(lambda other, name=name: "worst" if other == name else "typical").hours,  # type: ignore[misc]
        )
        for name in names
        if not book.figures[name].known
    ]
    unknowns.sort(key=lambda unknown: -unknown.spread)
    target = book.profiles[profile].target_days
    return BatteryLife(
        board,
        profile,
        use,
        budgets,
        tuple(unknowns),
        None if target is None else _hindrance(budgets["typical"], target, use.capacity_mah),
        names,
    )


@dataclass(frozen=True)
class Improvement:
    """A possible improvement (`power.measure.<key>`), and the life with it, typical case."""

    key: str
    hours: float


def measures(book: PowerFigures, answer: BatteryLife) -> list[Improvement]:
    """Return each one separately, then all together; only those with an effect here."""
    board, profile, use = book.boards[answer.board], book.profiles[answer.profile], answer.use
    if not profile.processor_asleep:
        return []
    changes: dict[str, dict[str, object]] = {}
    if profile.modem == "asleep" and (profile.keepalive_s if use.keepalive_s is None else use.keepalive_s):
        changes["connect_anew"] = {"keepalive_s": 0.0}
    if profile.modem == "off" and board.supply_held:
        changes["supply_off"] = {}
    if profile.modem == "off" and not use.lora:
        changes["lora"] = {"lora": True}
    if profile.locate_s and use.fixes_per_day != 0:
        changes["no_fix"] = {"fixes_per_day": 0.0}
    free = book.with_board(answer.board, supply_held=False)

    def hours(keys: Iterable[str]) -> float:
        using = replace(use, **{name: value for key in keys for name, value in changes[key].items()})  # type: ignore[arg-type]
        changed = free if "supply_off" in keys else book
        return life(changed, answer.board, answer.profile, using).hours("typical")

    found = [Improvement(key, hours([key])) for key in changes]
    return [*found, Improvement("together", hours(list(changes)))] if len(found) > 1 else found


def _budget(name: str, board: Board, profile: Profile, use: Usage, figure: Callable[[str], float]) -> Budget:
    """Calculate the sum for one choice of figures."""
    modem = board.modem
    out_of_cell = board.rail_v / (figure("cell.voltage") * figure(f"{name}.converter"))
    wifi = modem == "wifi"
    # Wi-Fi is the processor's own radio: its draw includes the processor.
    awake = 0.0 if wifi else figure("esp32.awake")
    connected = figure("esp32.wifi") if wifi else figure(f"{modem}.connected")
    busy = (awake + figure(f"{name}.awake_extra") + connected) * out_of_cell
    keepalive_s = (profile.keepalive_s if use.keepalive_s is None else use.keepalive_s) * (profile.modem == "asleep")
    taken = dict.fromkeys(CONSUMERS, 0.0)

    if profile.processor_asleep:
        # The vendors measured their boards at the cell; the devkit is calculated at its 5 V pin.
        taken["board"] = figure(f"{name}.asleep") * (out_of_cell if wifi else 1.0)
    else:
        taken["board"] = figure(f"{name}.awake_extra") * out_of_cell
        taken["processor"] = awake * out_of_cell
    if profile.modem == "asleep":
        taken["board"] += figure(f"{name}.asleep_extra") * out_of_cell
        taken["modem"] = figure(f"{modem}.asleep") * out_of_cell
    elif profile.modem == "off" and board.supply_held:
        taken["board"] += (figure(f"{name}.asleep_extra") + figure(f"{modem}.off")) * out_of_cell
    elif profile.modem == "connected":
        taken["modem"] = _always_on(modem, profile, figure, connected) * out_of_cell
    if use.lora:
        taken["lora"] = figure("rak3172.asleep") * out_of_cell
    if profile.processor_asleep:
        charge = _checkin_mas(name, board, profile, use, keepalive_s > 0, figure, busy, out_of_cell)
        taken["checkins"] = charge / profile.checkin_s
    fixes_per_day = _DAY_S / profile.checkin_s if use.fixes_per_day is None else use.fixes_per_day
    if fixes_per_day and profile.locate_s:
        beside = awake + (connected if wifi else figure(f"{modem}.idle")) + figure(f"{name}.awake_extra")
        mas = (beside + figure(f"{modem}.gnss")) * min(figure(f"{modem}.fix"), profile.locate_s)
        if profile.modem == "off" and use.lora and not wifi:
            mas += beside * figure(f"{modem}.start")  # the receiver is the modem's, and the check-in did not start it
        taken["fixes"] = mas * out_of_cell * fixes_per_day / _DAY_S
    if keepalive_s:
        # A ping is a packet: the radio connection comes up for it and lasts for the network's tail.
        share = min(1.0, (1.0 + figure(f"{modem}.tail")) / keepalive_s)
        taken["keepalive"] = share * connected * out_of_cell
    if not profile.mains:
        incident = busy + (figure(f"{modem}.gnss") + figure("signals.on")) * out_of_cell
        taken["incidents"] = incident * use.incident_minutes * 60 / _YEAR_S
        # Percent of the printed capacity per month, as a current.
        taken["self_discharge"] = figure("cell.self_discharge") / 100 * use.capacity_mah / (_MONTH_S / _HOUR_S)
    return Budget(taken, use.capacity_mah * figure("cell.usable"))


def _always_on(modem: str, profile: Profile, figure: Callable[[str], float], connected: float) -> float:
    """Return the mean mA of a radio that never sleeps: connected for a frame and the network's tail, else idle."""
    if modem == "wifi":
        return connected
    share = min(1.0, (1.0 + figure(f"{modem}.tail")) / profile.checkin_s)
    return share * connected + (1 - share) * figure(f"{modem}.idle")


def _checkin_mas(
    name: str,
    board: Board,
    profile: Profile,
    use: Usage,
    resumes: bool,
    figure: Callable[[str], float],
    busy: float,
    out_of_cell: float,
) -> float:
    """Return mA x s of one check-in of a processor that sleeps in between: awake, on the air, and back to sleep.

    resumes: the MQTT connection is still up. busy: mA of processor and connected radio together.
    """
    modem = board.modem
    alone = (figure("esp32.awake") + figure(f"{name}.awake_extra")) * out_of_cell
    start = alone * figure("esp32.boot")
    if profile.modem == "off" and use.lora:
        on_air = figure("rak3172.sending") * figure("rak3172.airtime")
        on_air += figure("rak3172.receiving") * figure("rak3172.wait")
        return start + alone * (figure("rak3172.wait") + profile.linger_s) + on_air * out_of_cell
    if profile.modem == "off":
        return start + busy * (figure(f"{modem}.start") + figure(f"{modem}.exchange") + profile.linger_s)
    # Asleep but registered: no start; the radio connection lasts for the network's tail, whoever is awake.
    exchange = figure(f"{modem}.{'resumed' if resumes else 'exchange'}")
    tail = figure(f"{modem}.tail") * figure(f"{modem}.connected") * out_of_cell
    return start + busy * exchange + alone * profile.linger_s + tail


def _hindrance(typical: Budget, target_days: int, capacity_mah: float) -> Obstacle:
    allowed = typical.usable_mah / (target_days * 24)
    # A larger cell self-discharges more.
    leak = typical.taken_ma["self_discharge"] / capacity_mah
    per_mah = typical.usable_mah / capacity_mah / (target_days * 24) - leak
    rest = typical.total_ma - typical.taken_ma["self_discharge"]
    return Obstacle(
        target_days,
        allowed,
        max(0.0, typical.total_ma - allowed),
        rest / per_mah if per_mah > 0 else None,
        tuple(sorted((c for c, ma in typical.taken_ma.items() if ma > allowed), key=lambda c: -typical.taken_ma[c])),
    )
