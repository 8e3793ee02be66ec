-- What is left of an entry's frame that was taken away, because it was a check-in's and so says where somebody was: the
-- chain's hash covers a frame by its SHA-256 alone. They go later, while the gateway works (service/journal/frame_removal.py).
ALTER TABLE journal ADD COLUMN frame_sha256 BLOB;
INSERT INTO meta (name, value) VALUES ('frames.after', '0');
