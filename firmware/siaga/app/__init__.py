"""The button itself: lifecycle, flash records and supervision. It knows a board only through app/board.py."""
