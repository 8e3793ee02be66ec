"""Pure translations between domain values and other systems' bytes."""
