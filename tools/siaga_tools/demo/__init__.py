"""The demo: one press, end to end, on the real parts. tools/README.md describes its structure."""
