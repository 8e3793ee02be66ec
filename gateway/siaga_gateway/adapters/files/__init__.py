"""Small files beside the store: keys, and the list of erased owners."""
