"""Who is on duty, and the handover of a shift: gathered, handed over, read and taken, searched and printed."""
