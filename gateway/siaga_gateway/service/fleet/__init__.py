"""The buttons in the field: supervision, maintenance, and their logins at the broker."""
