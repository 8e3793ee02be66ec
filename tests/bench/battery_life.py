"""Battery life as the power model gives it: calculated from figures with sources, not measured."""

from __future__ import annotations

import json

from siaga_tools.power.figures import CASES, book
from siaga_tools.power.model import Usage, life


def main() -> None:
    read = book()
    for board, about in read.boards.items():
        for profile in about.profiles:
            for lora in (False, True) if profile == "deep" else (False,):
                answer = life(read, board, profile, Usage(lora=lora))
                in_hours = answer.hindrance is None
                name = f"{board} {profile}" + (" with RAK3172" if lora else "")
                for case in reversed(CASES):
                    value = answer.hours(case) if in_hours else answer.days(case)
                    unit = "h" if in_hours else "days"
                    print(json.dumps({"name": f"{name}, {case}", "value": round(value, 1), "unit": unit}))


if __name__ == "__main__":
    main()
