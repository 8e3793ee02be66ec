"""The Siaga button: what runs on the ESP32, and unchanged under MicroPython's unix port."""
