"""`siaga gateway ...`: one file for each kind of person who types it."""
