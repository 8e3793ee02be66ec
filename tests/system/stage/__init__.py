"""Plays one scenario: a whole simulated button in an installation, its hand, its surroundings, its people.

Expectations look at what came after the last act. Every wait ends with the event that it waits for; its deadline is
only for what never comes. Time runs at PACE while something is under way, at FAST while time passes, and in a moment
while the button sleeps.
"""

from stage.play import STEPS, Stage, find_step

__all__ = ["STEPS", "Stage", "find_step"]
