"""The demo: one press, end to end, on the real parts. How it is put together stands in tools/README.md."""
