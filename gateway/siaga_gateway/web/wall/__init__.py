"""A display on the wall of the room: open calls without anything personal, for who holds its token."""
