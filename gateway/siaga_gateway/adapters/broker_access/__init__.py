"""The logins of the broker, in the form that the broker reads."""
