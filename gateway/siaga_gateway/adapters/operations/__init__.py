"""Metrics and health, for whoever runs the gateway."""
