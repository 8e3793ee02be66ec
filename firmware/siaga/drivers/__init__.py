"""Drivers: what moves bytes and shows signals. Sockets, pins and clocks are passed in; only core is imported."""
