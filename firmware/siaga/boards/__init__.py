"""One file a board: its pins and peripherals, nothing else. The only importers of machine, network and esp32."""
