"""Owners and their buttons: enrolment, keys, retention, and subject access."""
