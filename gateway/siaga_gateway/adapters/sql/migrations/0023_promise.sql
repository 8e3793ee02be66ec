-- When somebody promised to arrive, and what the holder was told once that time had passed (domain/promise.py).

ALTER TABLE incident ADD COLUMN promised_ms INTEGER;
ALTER TABLE incident ADD COLUMN late_ms INTEGER;
ALTER TABLE incident ADD COLUMN late_minutes INTEGER;
