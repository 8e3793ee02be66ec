"""Reports for those who lead: figures of many calls."""
