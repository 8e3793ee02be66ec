"""The button itself: its life, what it keeps on flash, what it watches. Knows a board only by app/board.py."""
