"""Delivers incident notices to the outputs."""
