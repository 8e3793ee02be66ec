"""The model's answers as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from siaga_gateway import catalogue
from siaga_tools.power.figures import CASES, Figure, PowerFigures
from siaga_tools.power.model import BatteryLife, UnknownFigure, Usage, life, measures

_INDONESIAN: Final = str.maketrans(",.", ".,")


def _say(key: str, language: str, **values: object) -> str:
    return catalogue.text(f"power.{key}", language, **values)


def number(amount: float, language: str) -> str:
    """Return three digits at most, as no figure is known better. Decimal comma in Indonesian."""
    if amount >= 100:
        text = f"{amount:,.0f}"
    else:
        text = f"{amount:.1f}" if amount >= 10 else f"{amount:.2g}" if amount < 0.1 else f"{amount:.3g}"
    return text.translate(_INDONESIAN) if language == "id" else text


def _life(amount: float, language: str) -> str:
    """Return days or hours, as integers from ten on."""
    text = f"{amount:,.0f}" if amount >= 10 else f"{amount:.1f}"
    return text.translate(_INDONESIAN) if language == "id" else text


def span(answer: BatteryLife, language: str) -> str:
    """Return the life in hours if on mains or less than two days, else in days."""
    in_hours = answer.hindrance is None or answer.days("typical") < 2
    of = answer.hours if in_hours else answer.days
    return _say(
        f"unit.{'hours' if in_hours else 'days'}", language, **{case: _life(of(case), language) for case in CASES}
    )


def _rows(book: PowerFigures, use: Usage, language: str) -> Iterator[list[str]]:
    yield [_say("table.board", language), *(_say(f"profile.{name}", language) for name in book.profiles)]
    for name, board in book.boards.items():
        yield [
            board.name,
            *(
                span(life(book, name, profile, use), language)
                if profile in board.profiles
                else _say("table.none", language)
                for profile in book.profiles
            ),
        ]


def markdown(book: PowerFigures, use: Usage, language: str) -> str:
    """Return the table of all boards and profiles, as in the documents."""
    head, *rows = _rows(book, use, language)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def table(book: PowerFigures, use: Usage, language: str) -> str:
    """Return the same for a terminal."""
    rows = list(_rows(book, use, language))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    head = _say("table.head", language, capacity=number(use.capacity_mah, language))
    return "\n".join([head, "", *lines, "", _say("table.detail", language)])


def detail(book: PowerFigures, answer: BatteryLife, language: str) -> str:
    """Return one board and profile: life, budget, what prevents the target, what is unknown, and all figures."""
    typical = answer.budgets["typical"]
    profile = _say(f"profile.{answer.profile}", language)
    lines = [
        _say("detail.head", language, board=book.boards[answer.board].name, profile=profile),
        f"  {span(answer, language)}",
        "",
        _say("detail.eats", language),
    ]
    for consumer, ma in sorted(typical.taken_ma.items(), key=lambda item: -item[1]):
        if ma:
            lines.append(
                f"  {number(ma, language):>7}  {typical.share(consumer):4.0%}  {_say(f'consumer.{consumer}', language)}"
            )
    lines += [f"  {number(typical.total_ma, language):>7}        {_say('detail.total', language)}", ""]
    lines += [*hindrance(book, answer, language), ""] if answer.hindrance else []
    lines.append(_say("detail.unknown", language))
    lines += [f"  {_unknown(unknown, answer, language)}" for unknown in answer.unknowns]
    lines += ["", _say("detail.figures", language)]
    for name in answer.used:
        figure = book.figures[name]
        lines += [
            f"  {name}: {figure.best:g}, {figure.typical:g}, {figure.worst:g} {figure.unit}",
            f"      {figure.condition}",
            f"      {_source(figure, language)}",
        ]
    return "\n".join(lines)


def hindrance(book: PowerFigures, answer: BatteryLife, language: str) -> list[str]:
    """Return in plain words what keeps this board from the profile's target. Empty if there is none."""
    found = answer.hindrance
    if found is None:
        return []
    typical = answer.budgets["typical"]
    lines = [_say("detail.hindrance", language, days=found.target_days)]

    def of(key: str, consumer: str) -> str:
        ma = typical.taken_ma[consumer]
        share = f"{typical.share(consumer) * 100:.0f}"
        return _say(
            key, language, consumer=_say(f"consumer.{consumer}", language), ma=number(ma, language), share=share
        )

    if not found.missing_ma:
        lines.append("  " + _say("detail.reached", language, days=found.target_days, typical=span(answer, language)))
    else:
        amounts = {"allowed": found.allowed_ma, "taken": typical.total_ma, "missing": found.missing_ma}
        told = {name: number(amount, language) for name, amount in amounts.items()}
        lines.append("  " + _say("detail.allowed", language, days=found.target_days, **told))
        lines += ["  " + of("detail.alone", consumer) for consumer in found.alone]
        if found.needed_mah is None:
            lines.append("  " + _say("detail.never", language))
        else:
            lines.append("  " + _say("detail.needed", language, mah=number(found.needed_mah, language)))
    if not found.alone:
        lines.append("  " + of("detail.largest", max(typical.taken_ma, key=lambda c: typical.taken_ma[c])))
    for measure in measures(book, answer):
        days = _life(measure.hours / 24, language)
        lines.append("  " + _say("detail.measure", language, days=days, what=_say(f"measure.{measure.key}", language)))
    return lines


def _unknown(unknown: UnknownFigure, answer: BatteryLife, language: str) -> str:
    in_hours = answer.hindrance is None
    worst, best = (h if in_hours else h / 24 for h in (unknown.worst_hours, unknown.best_hours))
    unit = _say(
        f"unit.{'hours' if in_hours else 'days'}",
        language,
        worst=_life(worst, language),
        best=_life(best, language),
        typical="",
    )
    return f"{unit.partition(',')[0]}: {unknown.figure}"


def _source(figure: Figure, language: str) -> str:
    if not figure.known:
        return _say("detail.not_known", language, assumed=figure.assumed)
    if figure.assumed:
        return _say("detail.partly", language, source=figure.source, assumed=figure.assumed)
    return figure.source


def facts(book: PowerFigures, answer: BatteryLife) -> dict[str, Any]:
    """Return the JSON form: hours and days by case, mA by consumer and case, what prevents the target, what is
    unknown."""
    found = answer.hindrance
    return {
        "board": answer.board,
        "profile": answer.profile,
        "hours": {case: round(answer.hours(case), 1) for case in CASES},
        "days": {case: round(answer.days(case), 1) for case in CASES},
        "taken_ma": {
            case: {name: round(ma, 5) for name, ma in budget.taken_ma.items()}
            for case, budget in answer.budgets.items()
        },
        "hindrance": None
        if found is None
        else {
            "target_days": found.target_days,
            "allowed_ma": round(found.allowed_ma, 4),
            "missing_ma": round(found.missing_ma, 4),
            "needed_mah": None if found.needed_mah is None else round(found.needed_mah),
            "alone": list(found.alone),
        },
        "measures": [{"measure": m.key, "hours": round(m.hours, 1)} for m in measures(book, answer)],
        "unknown": [
            {"figure": u.figure, "best_hours": round(u.best_hours, 1), "worst_hours": round(u.worst_hours, 1)}
            for u in answer.unknowns
        ],
        "figures": {name: book.figures[name].model_dump() for name in answer.used},
    }
