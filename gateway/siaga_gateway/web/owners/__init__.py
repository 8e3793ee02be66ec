"""Owners' records, cases of pranks and accidents, and the letters that follow."""
