"""The ways to people: what brings a message to a phone."""
