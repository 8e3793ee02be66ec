"""Converts the voltage of one Li-ion cell to its charge. The curve is flat in the middle: a figure between 20 and 80 %
is accurate to 10 either way at best."""

# (millivolts under the load of a receiving radio, percent), full cell first.
_CURVE = (
    (4150, 100),
    (4050, 90),
    (3970, 80),
    (3900, 70),
    (3850, 60),
    (3800, 50),
    (3770, 40),
    (3740, 30),
    (3700, 20),
    (3620, 10),
    (3500, 5),
    (3300, 0),
)
# Below this there is no cell, only a floating divider.
_NO_CELL_MV = 2500


def typical(readings: "list[int]") -> int:
    """Return the interquartile mean: the chip's ADC is occasionally off by volts, in single readings."""
    ordered = sorted(readings)
    quarter = len(ordered) // 4
    middle = ordered[quarter : len(ordered) - quarter]
    return sum(middle) // len(middle)


def percent_above(percent_: int, millivolts: int) -> int:
    """Return the charge in percent at so many millivolts more."""
    upper_mv, upper = _CURVE[0]
    for lower_mv, lower in _CURVE:
        if percent_ >= lower:
            at_mv = lower_mv + (upper_mv - lower_mv) * (percent_ - lower) // max(1, upper - lower)
            return percent(at_mv + millivolts) or 0
        upper_mv, upper = lower_mv, lower
    return 100


def percent(millivolts: int) -> "int | None":
    """Return 0 to 100, or None if no cell is connected."""
    if millivolts < _NO_CELL_MV:
        return None
    above_mv, above = _CURVE[0]
    if millivolts >= above_mv:
        return above
    for below_mv, below in _CURVE:
        if millivolts >= below_mv:
            return below + (above - below) * (millivolts - below_mv) // max(1, above_mv - below_mv)
        above_mv, above = below_mv, below
    return 0
