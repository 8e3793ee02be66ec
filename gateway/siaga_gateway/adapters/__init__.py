"""The outside world: brokers, the store, HTTP. Each adapter implements a port of the service."""
