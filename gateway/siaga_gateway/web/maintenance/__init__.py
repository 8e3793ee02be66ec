"""The installers' page: maintenance cases and every button's state."""
