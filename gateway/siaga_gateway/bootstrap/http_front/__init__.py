"""The fronts: separate processes for everything that strangers reach over HTTP."""
