"""The outside world: brokers, the store, HTTP. Each implements a port of `service.ports`."""
