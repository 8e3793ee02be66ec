"""The Siaga gateway: from a signed frame to an incident that dispatch acts on."""
