"""Calculates with ngspice what the circuit does: the button's contact and filter, the light, the motor's driver, and
the 3.3 V in a burst of the modem. Values are circuit.py's; each limit is shown to fail with a wrong part.

Not known, and taken as stated: what of 100 uF is left at 3.3 V (55 %), how far the module's own supply is gone in a
burst (wholly, for a GSM burst of 577 us, which is worse than any), the chip's current then (100 mA), the motor's coil
(1 mH, 30 ohms), the LEDs' curves (2 V at 10 mA; 1.2 V at 1 mA for the optocoupler's), its dark current when hot
(10 uA).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from circuit import PARTS

_MARKS: Final = {"R": 1.0, "k": 1e3, "M": 1e6, "n": 1e-9, "u": 1e-6}
_LEFT_OF_100U: Final = 0.55
_MODULE_UF: Final = 44.0  # C35 and C36, schematic T-A7670X-V1.4, page 3
_MODELS: Final = """
.model led d (is=1e-18 n=2.1 rs=3)
.model infrared d (is=1e-14 n=1.9 rs=2)
.model quick d (is=2.5n n=1.75 rs=0.6)
.model mos nmos (level=1 vto=1.0 kp=8 rd=0.02)
"""


def number(value: str) -> float:
    """Return "1k5" as 1500, "100n" as 1e-7. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d+)([RkMnu]?)(\d*)", value)
    if found is None:
        raise ValueError(f"{value!r} is no value of a part")
    return float(f"{found[1]}.{found[3] or 0}") * _MARKS[found[2] or "R"]


def values() -> dict[str, float]:
    """Return the resistors and capacitors by name, ohms and farads."""
    return {part.ref: number(part.value) for part in PARTS if re.fullmatch(r"[RC]\d+", part.ref)}


@dataclass(frozen=True)
class Case:
    """A circuit with one figure that has to lie within limits. wrong: values with which it does not."""

    name: str
    unit: str
    low: float
    high: float
    wrong: Mapping[str, float]
    circuit: str  # with {R1}, {C5}; the figure is measured as `figure`


CASES: Final = (
    Case(
        *("current through the button's contact", "A", 0.010, 0.020, {"R2": 10e3}),
        "V1 v 0 3.3\nR1 v a {R1}\nVm a b 0\nR2 b 0 {R2}\n.tran 1u 1m\n.meas tran figure avg i(Vm)",
    ),
    Case(
        *("pin of the pressed button (HIGH from 2.475 V)", "V", 2.6, 3.3, {"R1": 220.0}),
        "V1 v 0 3.3\nR1 v b {R1}\nR2 b 0 {R2}\nR3 b p {R3}\nC5 p 0 {C5}\nRi p 0 30k\n.tran 10u 20m\n"
        ".meas tran figure find v(p) at=20m",
    ),
    Case(
        *("time until a press is seen", "s", 0, 1e-3, {"C5": 10e-6}),
        "V1 v 0 pulse(0 3.3 1m 1u 1u 1 2)\nR1 v b {R1}\nR2 b 0 {R2}\nR3 b p {R3}\nC5 p 0 {C5}\nRi p 0 30k\n"
        ".tran 2u 40m\n.meas tran figure trig v(v) val=1 rise=1 targ v(p) val=2.475 rise=1",
    ),
    Case(
        *("1 MHz of 10 V at the open button's wire, at the pin (LOW to 0.825 V)", "V", 0, 0.4, {"C5": 100e-12}),
        "V1 n 0 sin(0 10 1meg)\nRs n b 150\nR2 b 0 {R2}\nR3 b p {R3}\nC5 p 0 {C5}\n.tran 20n 200u\n"
        ".meas tran figure max v(p) from=100u to=200u",
    ),
    Case(
        *("current of a GPIO with both lights", "A", 0.006, 0.020, {"R9": 22.0}),
        "V1 v 0 3.3\nRg v a 20\nVm a g 0\nR9 g x {R9}\nD1 x 0 led\nR11 g y {R11}\nD2 y 0 led\n.tran 10u 1m\n"
        ".meas tran figure avg i(Vm)",
    ),
    Case(
        *("drain when the motor is switched off, with its diode", "V", 3.3, 6, {"diode": 0.0}),
        "V1 v 0 3.3\nL1 v m 1m ic=0\nRl m d 30\n{diode}\nM1 d g 0 0 mos\nVg h 0 pulse(0 3.3 1m 1u 1u 3m 1)\n"
        "R13 h g {R13}\nR14 g 0 {R14}\nRx d 0 1meg\n.tran 1u 8m\n.meas tran figure max v(d)",
    ),
    Case(
        *("optocoupler's LED, dry contact, cell at 3.0 V", "A", 0.0005, 0.005, {"R7": 47e3}),
        "V1 c 0 3.0\nR6 c f {R6}\nVm f p 0\nR7 p a {R7}\nD1 a 0 infrared\n.tran 10u 1m\n.meas tran figure avg i(Vm)",
    ),
    Case(
        *("optocoupler's LED, 15 V from outside", "A", 0.0005, 0.02, {"R7": 220.0}),
        "V1 p 0 15\nVm p q 0\nR7 q a {R7}\nD1 a 0 infrared\n.tran 10u 1m\n.meas tran figure avg i(Vm)",
    ),
    Case(
        *("pin of the open input, 10 uA of dark current (LOW to 0.825 V)", "V", 0, 0.7, {"R8": 470e3}),
        "I1 0 p 10u\nR8 p 0 {R8}\nC7 p 0 {C7}\n.tran 1m 1\n.meas tran figure find v(p) at=1",
    ),
    Case(
        *("3.3 V after a burst in which the module's supply is gone (the chip resets at 2.43 V)", "V", 2.9, 3.3),
        {"C1": 1e-12, "C2": 1e-12, "C3": 1e-12, "C4": 1e-12},
        "V1 i 0 pulse(3.3 0 1m 1u 1u 577u 1)\nD1 i o quick_ideal\n.model quick_ideal d (n=0.01 rs=0.05)\n"
        "C1 o 0 {C1}\nC2 o 0 {C2}\nC3 o 0 {C3}\nC4 o 0 {C4}\nCm o 0 {module}\nI1 o 0 0.1\n.tran 2u 3m\n"
        ".meas tran figure min v(o) from=0.9m to=2m",
    ),
)


def figure(case: Case, changed: Mapping[str, float]) -> float:
    """Run the case with some values changed. Raises RuntimeError if ngspice has no figure."""
    parts = {**values(), **changed}
    for ref in ("C1", "C2", "C3", "C4"):
        parts[ref] *= _LEFT_OF_100U
    words = {name: f"{value:g}" for name, value in parts.items()} | {"module": f"{_MODULE_UF * _LEFT_OF_100U}u"}
    words["diode"] = "Rnone d v 10meg" if changed.get("diode") == 0.0 else "D1 d v quick"
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "case.cir"
        path.write_text(f"* {case.name}\n{_MODELS}{case.circuit.format_map(words)}\n.end\n", encoding="utf-8")
        said = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"^figure\s*=\s*(\S+)", said.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{case.name}: ngspice gives no figure\n{said.stdout[-800:]}{said.stderr[-800:]}")
    return float(found[1])


def main() -> list[str]:
    """Return a line for each case. Raises SystemExit for one out of its limits, or a wrong part that stays within."""
    lines = []
    for case in CASES:
        got, other = figure(case, {}), figure(case, case.wrong)
        if not case.low <= got <= case.high:
            raise SystemExit(f"{case.name}: {got:g} {case.unit} is not within {case.low:g} to {case.high:g}")
        if case.low <= other <= case.high:
            raise SystemExit(f"control not found: {case.name} with {dict(case.wrong)}: {other:g} {case.unit}")
        wrong = ", ".join(f"{name} {value:g}" for name, value in case.wrong.items())
        limits = f"{case.low:g} to {case.high:g}"
        lines.append(f"{case.name}: {got:.4g} {case.unit} ({limits}; with {wrong}: {other:.4g}, found)")
    return lines


if __name__ == "__main__":
    print("\n".join(main()))
