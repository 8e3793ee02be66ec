"""Pure translations: an incident into the bytes another system expects."""
