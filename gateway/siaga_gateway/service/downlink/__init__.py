"""Signed messages to the buttons, acknowledgements and commands, and the routes they take."""
