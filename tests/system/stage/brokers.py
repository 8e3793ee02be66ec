"""Steps: the brokers that it knows, and their certificates."""

from __future__ import annotations

from stage.scene import Scene
from stage.steps import step
from system.installation import SERVER
from system.relay import Relay


class Brokers(Scene):
    """Each of its brokers has an address of its own, which can go away; behind all of them is the one gateway."""

    @step("it knows <n> brokers")
    def know(self, count: str) -> None:
        """The installer names so many in its settings, by TLS, before it is switched on for the first time."""
        self._relays = [self.enter(Relay(self.house.tls_port)) for _ in range(int(count))]
        # The simulated network has no name server.
        host = "127.0.0.1" if "wifi" in self.scenario.ways else SERVER
        hosts = [f"{host}:{relay.port}" for relay in self._relays]
        tls = {"mqtt_tls": True, "mqtt_ca": self.house.authority, "mqtt_server_name": SERVER}
        self._settings = {**self._settings, **tls, "mqtt_hosts": hosts}
        self.button.offer(self._settings)

    @step("the first broker is gone")
    def lose(self) -> None:
        """Whoever was connected is cut off, and who calls is turned away."""
        self.act()
        self._relays[0].lead(0)

    @step("the brokers' certificates are renewed")
    def renew(self) -> None:
        """They hold from tomorrow on; every connection ends."""
        self.act()
        for relay in self._relays:
            relay.lead(self.house.renewed_port)
