"""The operators' page: the incident queue, their details, the feed."""
