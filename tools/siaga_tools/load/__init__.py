"""Load test: thousands of virtual devices that press, retry and count: what a gateway bears, and whether it loses
anything."""
