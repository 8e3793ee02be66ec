"""Who is called for a press: stations, where each is responsible, and the way from a place to them."""
