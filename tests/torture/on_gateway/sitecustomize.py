"""Python imports this in the tortured gateway, which runs under libfaketime 0.9.10: that breaks every `time.sleep` (it
takes the absolute monotonic deadline of clock_nanosleep for one of the wall clock). A select that nothing ends sleeps
as well."""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
