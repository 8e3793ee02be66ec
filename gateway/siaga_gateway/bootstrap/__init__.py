"""The composition root: reads the settings, makes the adapters, starts and stops everything in order."""
