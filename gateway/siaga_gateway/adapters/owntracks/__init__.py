"""Positions of responders' phones, from the OwnTracks apps."""
