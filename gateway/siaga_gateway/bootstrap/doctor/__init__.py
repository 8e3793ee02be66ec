"""Checks of a whole installation, on demand: each line says what is wrong and how to mend it. Nothing is sent."""
