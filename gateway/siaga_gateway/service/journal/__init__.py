"""The journal and its audit chain: kinds of entries, notification of new ones, and the log."""
