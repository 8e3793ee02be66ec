"""Voltage of one Li-ion cell -> how full it is. A cell's curve is flat in its middle: a figure between 20 and 80 % is
worth no more than 10 either way."""

# (millivolts under the load of a radio that listens, percent), full cell first.
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
# Less is no cell at all, but a divider that hangs in the air.
_NO_CELL_MV = 2500


def typical(readings: "list[int]") -> int:
    """The mean of the middle half: the chip's converter is off by volts now and then, once in some readings."""
    ordered = sorted(readings)
    quarter = len(ordered) // 4
    middle = ordered[quarter : len(ordered) - quarter]
    return sum(middle) // len(middle)


def percent_above(percent_: int, millivolts: int) -> int:
    """How full it is when it has so many millivolts more."""
    upper_mv, upper = _CURVE[0]
    for lower_mv, lower in _CURVE:
        if percent_ >= lower:
            at_mv = lower_mv + (upper_mv - lower_mv) * (percent_ - lower) // max(1, upper - lower)
            return percent(at_mv + millivolts) or 0
        upper_mv, upper = lower_mv, lower
    return 100


def percent(millivolts: int) -> "int | None":
    """0 to 100, or None where no cell is connected."""
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
