"""Accounts at the console, their roles and sessions."""
