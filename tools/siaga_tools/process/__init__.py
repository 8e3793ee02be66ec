"""Processes that the tools start, how they end, and their standard input."""
