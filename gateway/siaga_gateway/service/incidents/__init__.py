"""What operators do with an incident."""
