"""Destinations of incident notices: HTTP endpoints and folders of other systems."""
