"""Rescues a damaged SQLite store: copies every row that is still readable into a new one."""
