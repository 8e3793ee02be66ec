"""Accounts: all of them for an administrator, and everybody's own."""
