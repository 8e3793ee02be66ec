"""The page on which officers and patrols answer a call, on a port of its own."""
