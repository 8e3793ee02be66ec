"""MQTT: the buttons' own broker, and a LoRaWAN network server's."""
