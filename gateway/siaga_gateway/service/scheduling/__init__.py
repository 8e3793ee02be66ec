"""Recurring work: periodic jobs, leases between workers, health."""
