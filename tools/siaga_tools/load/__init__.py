"""Thousands of virtual devices that press, insist and count: what a gateway bears, and whether it loses anything."""
