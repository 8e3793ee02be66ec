-- An exercise that becomes a call in earnest gets new codes: a text may be on its way for as long as it likes, and the old
-- code says that it was written to the exercise.

ALTER TABLE text_code ADD COLUMN former TEXT; -- the code in the exercise; while no other is drawn, code is empty
