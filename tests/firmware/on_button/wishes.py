"""What commands and updates ask of the button, for tests that have none."""

_ACTIONS = (
    "is_calm press_waits is_up is_heard test_press check_in fix keep_receipt result_of restart tell reject",
    "why_no_update",
)


class Actions:
    """Functions in the order of _ACTIONS."""

    def __init__(self, *functions):
        for name, function in zip(" ".join(_ACTIONS).split(), functions):  # noqa: B905
            setattr(self, name, function)


class Board:
    def __init__(self, name, battery, external_power):
        self.name, self.battery, self.external_power = name, battery, external_power


class Wishes:
    def __init__(self, is_calm, battery, on_mains, tell, chance, low_battery, board, keys):
        self.is_calm, self.tell, self.chance, self.low_battery, self.keys = is_calm, tell, chance, low_battery, keys
        self.board = Board(board, battery, on_mains)
