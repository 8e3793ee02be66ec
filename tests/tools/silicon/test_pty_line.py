"""The line between a simulated part and whoever opens it."""

from __future__ import annotations

from siaga_tools.silicon.pty_line import PtyLine


def test_whoever_opens_it_next_hears_nothing_of_what_was_before() -> None:
    line = PtyLine()
    try:
        with open(line.path, "r+b", buffering=0) as first:
            first.write(b"ahead 1\n")
            line.write(b"run\n")
        line.drop()
        with open(line.path, "r+b", buffering=0) as second:
            assert line.read(0) == b""
            line.write(b"clock 0\n")
            assert second.read(100) == b"clock 0\n"
    finally:
        line.close()
