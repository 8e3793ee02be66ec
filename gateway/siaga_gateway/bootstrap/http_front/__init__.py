"""The front: a separate process for everything that strangers reach over HTTP."""
