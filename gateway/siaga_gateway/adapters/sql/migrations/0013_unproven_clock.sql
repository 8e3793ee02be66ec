-- How old the press was by a clock that nobody has checked: it waited, or the clock is slow.

ALTER TABLE incident ADD COLUMN claimed_s INTEGER;
