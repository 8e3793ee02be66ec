"""Checks the installation's keys and certificates."""
