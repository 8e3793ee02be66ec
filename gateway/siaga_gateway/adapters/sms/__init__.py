"""Text messages in and out: a modem daemon's spool folders, an aggregator's webhook and API."""
