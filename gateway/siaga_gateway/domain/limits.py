"""Limits of what a person may type or ask for: one number each, for every form, command and rule that checks it.

For an operator's name see operator_name.py; for an ETA the wire sets the limit (frame.py).
"""

from __future__ import annotations

from typing import Final

# Characters.
LONGEST_UNIT: Final = 60  # a unit's name
LONGEST_SITE: Final = 60  # the site's name
LONGEST_NOTE: Final = 2_000  # one note, to an incident or a maintenance case
LONGEST_ACTOR: Final = 80  # an operator, or a name given to a command
LONGEST_LABEL: Final = 200  # a button's label, and each field of an owner
LONGEST_SEARCH: Final = 100
LONGEST_ARGUMENT: Final = 1_000  # of a command to a button, as it is typed; how many bytes fit is said by its rule
LONGEST_PASSWORD: Final = 1_000
SHORTEST_PASSWORD: Final = 8

# Photographs of responders.
LARGEST_UPLOAD: Final = 8 << 20  # bytes, as it comes
LARGEST_LIST: Final = 8 << 20  # bytes of a list that a registrar brings as a file
LARGEST_PHOTOGRAPH: Final = 300_000  # bytes, as it is kept
MOST_PHOTOGRAPHS: Final = 10  # of one person and incident

SHORTEST_CHECKIN_S: Final = 10
LONGEST_CHECKIN_S: Final = 604_800  # the button's own setting allows no more
MOST_WORKERS: Final = 64
DELIVERY_DEADLINE_S: Final = 15  # of one delivery to a receiver, unless its output sets another
LONGEST_DELIVERY_S: Final = 60.0  # the longest of these
# A receiver may ask us to wait, but not for an hour while somebody waits for help; with an alert not for minutes.
LONGEST_RETRY_AFTER_S: Final = 300.0
LONGEST_ALERT_RETRY_AFTER_S: Final = 60.0
