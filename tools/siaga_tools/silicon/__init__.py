"""Simulated silicon: the modules on a button's serial lines, speaking the real byte protocols over ptys."""
