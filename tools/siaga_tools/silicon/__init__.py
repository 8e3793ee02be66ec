"""Simulated silicon: what hangs on a button's serial lines, speaking the real byte protocols over ptys."""
