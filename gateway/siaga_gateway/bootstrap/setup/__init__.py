"""Puts an installation onto a machine: which files, with whose rights, and what is left to type."""
